"""What doctor says of systemd, Kubernetes, the user and the interpreter."""

from pathlib import Path

from syncd.daemon.surroundings import Surroundings, examine, this_place
from syncd.model.check import Check, Health


def found(place: Surroundings, *zones: str) -> dict[str, Check]:
    checks = list(examine(place, zones))
    assert all(check.remedy for check in checks if check.health is not Health.OK)
    return {check.topic: check for check in checks}


def test_by_hand_there_is_little_to_tell() -> None:
    """Python and OpenSSL with their versions, the user, the zones, and that no unit is around."""
    checks = found(Surroundings(environment={}, uid=1000), "Europe/Berlin")

    assert set(checks) == {"python", "user", "zones", "systemd"}
    assert {check.health for check in checks.values()} == {Health.OK}
    assert checks["python"].found.startswith("Python 3.")
    assert ", OpenSSL " in checks["python"].found
    assert checks["zones"].found.startswith("Europe/Berlin, UTC, from ")
    assert checks["systemd"].found == "none around: started by hand"


def test_root_is_told_that_it_sees_too_much() -> None:
    """What root may read, syncd may not."""
    assert found(Surroundings(environment={}, uid=0))["user"].health is Health.WARN


def test_a_zone_without_data_fails() -> None:
    """A schedule in a zone that nobody knows can't be kept: a fault of the configuration."""
    check = found(Surroundings(environment={}, uid=1), "Europe/Berlin", "Mars/Olympus_Mons")["zones"]

    assert (check.health, check.exit_code) == (Health.FAIL, 78)
    assert "Mars/Olympus_Mons" in check.found


def test_a_unit_is_recognized(tmp_path: Path) -> None:
    """Readiness, watchdog and the names of the credentials are told; never what is in them."""
    (tmp_path / "ldap_password").write_text("rosebud-CANARY", encoding="utf-8")
    environment = {
        "INVOCATION_ID": "0123",
        "NOTIFY_SOCKET": "/run/systemd/notify",
        "WATCHDOG_USEC": "30000000",
        "CREDENTIALS_DIRECTORY": str(tmp_path),
    }
    checks = found(Surroundings(environment=environment, uid=61234))

    assert checks["systemd"].found == "within a unit; systemd is told when it is ready; watchdog after 30 s"
    assert checks["credentials"].found == f"ldap_password in {tmp_path}"
    assert "CANARY" not in str(checks)


def test_a_unit_without_notification_says_so() -> None:
    """A one-shot unit has neither readiness nor a watchdog."""
    told = found(Surroundings(environment={"INVOCATION_ID": "0123"}, uid=61234))["systemd"].found

    assert told == "within a unit; systemd is not told when it is ready (no NOTIFY_SOCKET); no watchdog"


def test_credentials_that_are_not_there_fail(tmp_path: Path) -> None:
    """A folder that systemd promised and nobody can read is a fault of the unit."""
    environment = {"INVOCATION_ID": "0123", "CREDENTIALS_DIRECTORY": str(tmp_path / "gone")}
    check = found(Surroundings(environment=environment, uid=1))["credentials"]

    assert (check.health, check.exit_code) == (Health.FAIL, 78)


def test_a_pod_is_recognized(tmp_path: Path) -> None:
    """A mounted token, a writable root and uid 0 are told, with the field of the pod that mends each."""
    token = tmp_path / "var/run/secrets/kubernetes.io/serviceaccount/token"
    token.parent.mkdir(parents=True)
    token.write_text("eyJhbGciOi-CANARY", encoding="utf-8")
    checks = found(Surroundings(environment={"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, uid=0, root=tmp_path))

    warned = {topic: check.remedy for topic, check in checks.items() if check.health is Health.WARN}
    assert set(warned) == {"user", "token", "root"}
    assert "automountServiceAccountToken: false" in warned["token"]
    assert "readOnlyRootFilesystem: true" in warned["root"]
    assert "systemd" not in checks
    assert "CANARY" not in str(checks)


def test_a_pod_without_token_is_fine(tmp_path: Path) -> None:
    """As the manifests of syncd make it."""
    checks = found(Surroundings(environment={"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, uid=65532, root=tmp_path))

    assert checks["token"].health is Health.OK
    assert "how many replicas there are can't be seen from here" in checks["kubernetes"].found


def test_this_place_is_that_of_the_process() -> None:
    """Without a test around it, doctor looks at its own environment and user."""
    place = this_place()

    assert "PATH" in place.environment
    assert place.root == Path("/")
