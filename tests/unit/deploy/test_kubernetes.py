"""The manifests of deploy/kubernetes as they lie there; tests/slow/test_kubernetes.py looks at what is made of them."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncd import __version__
from syncd.model.policy import Mode
from syncd.settings import load
from syncd.web.settings import split_listen
from syncd.wiring import run_examples
from tests.fakes.manifests import FOLDER, HOUSE_RULES, documents, house_violations, one, pods, read
from tests.fakes.pod_security import violations

ROOT = FOLDER.parents[1]
ALERTS = ROOT / "deploy" / "monitoring" / "alerts"
RULE = FOLDER / "components" / "prometheusrule" / "prometheusrule.yaml"
CONTAINERFILE = ROOT / "deploy" / "container" / "Containerfile"
SECRETS = "/run/secrets/syncd"
CONFIGURATIONS = ["base/syncd.yaml", "example/syncd.yaml"]
PORT = 9780
HASH = "syncd-config-0123456789"


def daemon() -> list[Any]:
    """The base and the patch of the SQLite overlay, put together as kustomize would."""
    deployment, patch = read("base/deployment.yaml")[0], read("overlays/sqlite/state.yaml")[0]
    spec, patched = deployment["spec"]["template"]["spec"], patch["spec"]["template"]["spec"]
    deployment["spec"]["strategy"] = patch["spec"]["strategy"]
    spec["volumes"] += patched["volumes"]
    spec["containers"][0]["volumeMounts"] += patched["containers"][0]["volumeMounts"]
    return [deployment, *read("base/service.yaml"), *shared("sqlite")]


def job() -> list[Any]:
    """What the CronJob overlay is made of."""
    return [*read("overlays/cronjob/cronjob.yaml"), *shared("cronjob")]


def shared(overlay: str) -> list[Any]:
    config = {"kind": "ConfigMap", "metadata": {"name": HASH}}
    return [*read("base/serviceaccount.yaml"), *read(f"overlays/{overlay}/volume.yaml"), config]


def hashed(manifests: list[Any]) -> list[Any]:
    """The same, with the name of the configuration as kustomize makes it."""
    for _, pod in pods(manifests):
        [config] = [volume["configMap"] for volume in pod.spec["volumes"] if "configMap" in volume]
        config["name"] = HASH
    return manifests


BOTH = pytest.mark.parametrize("make", [daemon, job])


@BOTH
def test_the_pods_are_restricted(make: Callable[[], list[Any]]) -> None:
    """Daemon and job keep to the restricted standard and to our own rules, before kustomize has touched them."""
    manifests = hashed(make())

    assert [found for each in manifests for found in violations(each)] == []
    assert house_violations(manifests) == []


def test_daemon_and_job_are_the_same_pod() -> None:
    """But for command, probes, port and restarts, the job's pod is the daemon's: one is not looser than the other."""
    [(_, running)] = pods(daemon())
    [(_, once)] = pods(job())
    expected, given = copy.deepcopy(dict(running.spec)), copy.deepcopy(dict(once.spec))
    [container] = expected["containers"]
    for name in ("ports", "startupProbe", "livenessProbe", "readinessProbe"):
        del container[name]
    container["args"] = ["sync"]

    assert given.pop("restartPolicy") == "Never"
    assert given == expected


def test_the_probes_ask_the_three_paths() -> None:
    """Each probe has its own path on the port that syncd listens on; a start may take 5 minutes."""
    [container] = read("base/deployment.yaml")[0]["spec"]["template"]["spec"]["containers"]

    asked = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    startup = container["startupProbe"]
    assert container["ports"] == [{"name": "http", "containerPort": PORT, "protocol": "TCP"}]
    assert asked == {
        "startup": {"path": "/startupz", "port": "http"},
        "liveness": {"path": "/livez", "port": "http"},
        "readiness": {"path": "/readyz", "port": "http"},
    }
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 300


def test_the_service_is_the_job_that_the_alerts_know() -> None:
    """Prometheus calls the job after the Service: `syncd`, on the port of the pod."""
    service = one(read("base/service.yaml"), "Service")

    assert service["spec"]["ports"] == [{"name": "http", "port": PORT, "protocol": "TCP", "targetPort": "http"}]


def test_a_job_is_never_repeated_by_kubernetes() -> None:
    """The CronJob has each limit that keeps jobs from piling up, and gives up where a person is needed."""
    spec = one(read("overlays/cronjob/cronjob.yaml"), "CronJob")["spec"]
    made = spec["jobTemplate"]["spec"]

    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["timeZone"] == "Etc/UTC"
    assert spec["startingDeadlineSeconds"] == 300
    assert made["backoffLimit"] == 0
    assert made["activeDeadlineSeconds"] == 12 * 3600
    assert made["ttlSecondsAfterFinished"] == 24 * 3600
    [gives_up, drained] = made["podFailurePolicy"]["rules"]
    assert gives_up == {
        "action": "FailJob",
        "onExitCodes": {"containerName": "syncd", "operator": "In", "values": [3, 64, 78]},
    }
    assert drained["action"] == "Ignore"


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_configuration_is_right(name: str, tmp_path: Path) -> None:
    """What lies in the ConfigMap passes `syncd check`, changes nothing yet, and listens where the probes ask."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert SECRETS in text
    (tmp_path / "ldap-password").write_text("a secret\n", encoding="utf-8")
    (tmp_path / "syncd.yaml").write_text(text.replace(SECRETS, str(tmp_path)), encoding="utf-8")

    loaded = load(tmp_path / "syncd.yaml", {})

    [organization] = loaded.settings.organizations
    assert list(run_examples(loaded, organization)) == []
    assert organization.mode is Mode.OBSERVE
    assert split_listen(loaded.settings.http.listen) == ("0.0.0.0", PORT)  # noqa: S104 - the pod's network is its own
    assert loaded.settings.store == "sqlite:////var/lib/syncd/syncd.db"
    assert loaded.secrets == ("a secret",)
    assert not re.search(r"(personal_data|actions): true", text)


def test_the_pod_mounts_what_the_configuration_names() -> None:
    """The configuration, the secret's file and the store lie in folders that are mounted."""
    [(_, pod)] = pods(daemon())
    [(_, container)] = pod.containers()
    folders = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}

    assert folders == {"/etc/syncd": "config", SECRETS: "secrets", "/tmp": "tmp", "/var/lib/syncd": "state"}
    assert {"name": "SYNCD_CONFIG", "value": "/etc/syncd/syncd.yaml"} in container["env"]


@pytest.mark.parametrize("name", ["base", "overlays/cronjob", "example"])
def test_the_image_is_of_this_version(name: str) -> None:
    """The tag that kustomize sets is the version of the program beside it."""
    [image] = read(f"{name}/kustomization.yaml")[0]["images"]

    assert image["name"] == "syncd"
    assert image["newTag"] == __version__


def test_the_image_takes_the_arguments() -> None:
    """The pod gives arguments only: as soon as there is a Containerfile, its entry point must be `syncd`."""
    if CONTAINERFILE.exists():
        lines = CONTAINERFILE.read_text(encoding="utf-8").splitlines()
        [entry] = [line.removeprefix("ENTRYPOINT ") for line in lines if line.startswith("ENTRYPOINT ")]
        assert Path(json.loads(entry)[-1]).name == "syncd"


def rule_of(alerts: list[Path]) -> str:
    """The PrometheusRule with the groups of *alerts*, word by word."""
    lines = [
        "# Generated from deploy/monitoring/alerts: change it there, then",
        "#   .venv/bin/pytest tests/unit/deploy --update-golden",
        "apiVersion: monitoring.coreos.com/v1",
        "kind: PrometheusRule",
        "metadata:",
        "  name: syncd",
        "  labels:",
        "    app.kubernetes.io/name: syncd",
        "spec:",
        "  groups:",
    ]
    for path in alerts:
        groups = path.read_text(encoding="utf-8").split("\ngroups:\n")[1]
        lines += [f"  {line}".rstrip() for line in groups.splitlines()]
    return "\n".join([*lines, ""])


def test_the_rules_are_those_of_monitoring(request: pytest.FixtureRequest) -> None:
    """The component's PrometheusRule says what deploy/monitoring/alerts says: kustomize reads nothing outside."""
    alerts = sorted(ALERTS.glob("*.yaml"))
    if alerts and request.config.getoption("--update-golden"):
        RULE.write_text(rule_of(alerts), encoding="utf-8")

    held = RULE.read_text(encoding="utf-8")

    [rule] = documents(held)
    names = {each.get("alert") for group in rule["spec"]["groups"] for each in group["rules"]}
    assert "SyncdDown" in names
    if alerts:
        groups = [group for path in alerts for group in documents(path.read_text("utf-8"))[0]["groups"]]
        assert rule["spec"]["groups"] == groups
        assert held == rule_of(alerts)


@pytest.mark.parametrize("kind", ["overlays", "components"])
def test_the_readme_names_each_of_them(kind: str) -> None:
    """Every overlay and component is in the README's tables, and none that isn't there."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")

    named = set(re.findall(rf"^\| `{kind}/([a-z-]+)` \|", text, re.MULTILINE))
    assert named == {path.name for path in (FOLDER / kind).iterdir()}


# --- our own rules can refuse -----------------------------------------------------------------------------------

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers.0"
ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "syncd"}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "syncd-secrets"}}
BUDGET = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "syncd"}}
TOKEN = {"name": "tmp", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
FROM_SECRET = {"secretKeyRef": {"name": "a", "key": "b"}}
BREAKS = [
    ("", "", ROLE, "no_api_access"),
    ("", "", SECRET, "no_api_access"),
    ("", "", BUDGET, "no_api_access"),
    ("ServiceAccount", "automountServiceAccountToken", True, "no_api_access"),
    ("Deployment", f"{POD}.automountServiceAccountToken", True, "no_api_access"),
    ("Deployment", f"{POD}.volumes.2", TOKEN, "no_api_access"),
    ("Deployment", f"{POD}.securityContext.runAsUser", 1000, "one_identity"),
    ("Deployment", f"{POD}.securityContext.fsGroup", 1000, "one_identity"),
    ("Deployment", f"{CONTAINER}.securityContext.readOnlyRootFilesystem", False, "one_identity"),
    ("Deployment", f"{CONTAINER}.securityContext.runAsUser", 65532, "one_identity"),
    ("Deployment", f"{POD}.terminationGracePeriodSeconds", 30, "ends_in_time"),
    ("Deployment", "spec.replicas", 2, "never_two"),
    ("Deployment", "spec.strategy.type", "RollingUpdate", "never_two"),
    ("PersistentVolumeClaim", "spec.accessModes", ["ReadWriteMany"], "never_two"),
    ("Deployment", f"{CONTAINER}.resources.limits", {}, "has_limits"),
    ("Deployment", f"{CONTAINER}.env.0", {"name": "A", "valueFrom": FROM_SECRET}, "secrets_are_files"),
    ("Deployment", f"{CONTAINER}.volumeMounts.0.subPath", "syncd.yaml", "secrets_are_files"),
    ("Deployment", f"{CONTAINER}.volumeMounts.0.name", "tmp", "names_meet"),
    ("Deployment", f"{POD}.serviceAccountName", "default", "names_meet"),
    ("Deployment", f"{POD}.volumes.0.configMap.name", "syncd-config", "names_meet"),
    ("Deployment", f"{POD}.volumes.3.persistentVolumeClaim.claimName", "other", "names_meet"),
    ("Service", "spec.selector", {"app": "other"}, "names_meet"),
    ("Service", "spec.ports.0.targetPort", "metrics", "names_meet"),
]


@pytest.mark.parametrize(("kind", "path", "value", "rule"), BREAKS)
def test_our_own_rules_refuse(kind: str, path: str, value: object, rule: str) -> None:
    """Each deviation is found by the rule that is about it, and by no other."""
    manifests = hashed(daemon())
    if not kind:
        manifests.append(value)
    else:
        [here] = [each for each in manifests if each["kind"] == kind]
        *folders, last = (int(part) if part.isdigit() else part for part in path.split("."))
        for part in folders:
            here = here[part]
        here[last] = value

    assert {found.split(":")[0] for found in house_violations(manifests)} == {rule}


@pytest.mark.parametrize(("path", "value"), [("concurrencyPolicy", "Allow"), ("jobTemplate.spec.parallelism", 2)])
def test_two_jobs_at_a_time_are_refused(path: str, value: object) -> None:
    """A CronJob that could run two pods at once would let two work on one store."""
    manifests = hashed(job())
    here = one(manifests, "CronJob")["spec"]
    *folders, last = path.split(".")
    for part in folders:
        here = here[part]
    here[last] = value

    assert [found.split(":")[0] for found in house_violations(manifests)] == ["never_two"]


def test_each_of_our_rules_has_something_to_refuse() -> None:
    """No rule is without a case."""
    assert {rule for *_, rule in BREAKS} == {rule.__name__ for rule in HOUSE_RULES}
