"""`syncd doctor`, as administrators run it: everything is looked at, nothing is changed, no secret is shown."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.emulator.faults import ErrorAnswer, Fault
from syncd.store.migrations import MIGRATIONS
from syncd.workmail.examination import READS
from tests.fakes.slapd import free_port
from tests.fakes.sts import ARN, FakeSts
from tests.functional.places import CANARY, Ended, Site, planetexpress

Checks = Mapping[tuple[str, str], Mapping[str, Any]]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Planet Express; the HTTP address is free."""
    with planetexpress(tmp_path) as found:
        found.change("store:", f"http: {{listen: 127.0.0.1:{free_port()}}}\nstore:")
        yield found


@pytest.fixture
def aws(site: Site) -> Iterator[Site]:
    """The same, but WorkMail is met as AWS is: no endpoint in the file, credentials, and an STS."""
    site.change(f"endpoint_url: {site.server.endpoint_url}", "connect_timeout: 60s")
    site.environment["AWS_ENDPOINT_URL_WORKMAIL"] = site.server.endpoint_url
    with FakeSts() as sts:
        site.environment["AWS_ENDPOINT_URL_STS"] = sts.url
        yield site


def doctor(site: Site, *arguments: str) -> tuple[Ended, Checks]:
    """Run it, and return its checks by area and topic; of several, the worst."""
    ended = site.syncd("doctor", "--format", "json", *arguments)
    document = json.loads(ended.out)
    checks: dict[tuple[str, str], Mapping[str, Any]] = {}
    for check in sorted(document["checks"], key=lambda each: ("OK", "WARN", "FAIL").index(each["health"])):
        checks[check["area"], check["topic"]] = check
        assert check["remedy"] or check["health"] == "OK", check
    return ended, checks


def test_a_healthy_place(site: Site) -> None:
    """Every area is looked at; exit code 0; neither WorkMail nor the folder is another afterwards."""
    held, files = site.held(), sorted(path.name for path in site.folder.iterdir())
    ended, checks = doctor(site)

    assert ended.code == 0, ended.out
    assert {area for area, _ in checks} == {"configuration", "surroundings", "store", "http", "source", "workmail"}
    assert checks["workmail", "identity"]["found"] == f"the emulator at {site.server.endpoint_url}, no identity"
    assert (
        checks["store", "file"]["found"] == f"no store yet at {site.folder}/syncd.db: the first plan or sync makes it"
    )
    assert site.held() == held
    assert site.sent() == 0
    left = sorted(path.name for path in site.folder.iterdir() if path.name not in (".stdout", ".stderr"))
    assert left == [name for name in files if name not in (".stdout", ".stderr")]


def test_what_doctor_reads_is_what_a_cycle_reads(site: Site) -> None:
    """Each read that a cycle really makes is tried, and none that it doesn't make."""
    site.change("        display_name:", "        quota: '{{ 1024 }}'\n        display_name:")
    for _ in range(2):
        assert site.syncd("sync").code == 0
    counted = site.server.log.counters()
    used = {name for name in counted if name.startswith(("Describe", "Get", "List"))}

    assert used == {"DescribeOrganization", *READS}


def test_as_aws_meets_it(aws: Site) -> None:
    """Provider, identity, organization, rights and clock, over the real boto3; no secret in it."""
    ended, checks = doctor(aws, "--area", "workmail")

    assert ended.code == 0, ended.out
    assert checks["workmail", "credentials"]["found"] == "from the environment (AWS_ACCESS_KEY_ID), a long-lived key"
    assert checks["workmail", "identity"]["found"] == f"{ARN} (account 123456789012)"
    assert checks["workmail", "rights"]["found"].startswith("all 11 kinds of read are allowed")
    assert checks["workmail", "clock"]["health"] == "OK"
    assert checks["workmail", "endpoint"]["health"] == "WARN"


def test_no_credentials(aws: Site) -> None:
    """77, and where boto3 looks for them."""
    aws.environment.update({"AWS_EC2_METADATA_DISABLED": "true"})
    ended = aws.syncd("doctor", "--area", "workmail", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")

    assert ended.code == 77
    assert "FAIL  credentials   boto3 found none" in ended.out
    assert "WARN  rest          not looked at: identity, organization and rights" in ended.out


def test_expired_credentials(aws: Site) -> None:
    """77 from STS and from WorkMail."""
    with FakeSts(error="ExpiredToken") as sts:
        aws.environment["AWS_ENDPOINT_URL_STS"] = sts.url
        aws.faults(Fault(error=ErrorAnswer(code="ExpiredTokenException", status=400)))
        ended, checks = doctor(aws, "--area", "workmail")

    assert ended.code == 77
    assert checks["workmail", "identity"]["exit_code"] == checks["workmail", "organization"]["exit_code"] == 77


@pytest.mark.parametrize("ahead", [timedelta(minutes=6), -timedelta(minutes=6)])
def test_a_wrong_clock(aws: Site, ahead: timedelta) -> None:
    """77: AWS refuses signatures that are 5 minutes old, or of the future."""
    with FakeSts(ahead=ahead) as sts:
        aws.environment["AWS_ENDPOINT_URL_STS"] = sts.url
        ended, checks = doctor(aws, "--area", "workmail")

    assert ended.code == 77
    told = "behind" if ahead > timedelta(0) else "ahead of"
    assert told in checks["workmail", "clock"]["found"]


def test_a_missing_right(aws: Site) -> None:
    """77, the operation, and the command that prints the policy; everything else is looked at all the same."""
    aws.faults(Fault(operation="ListAliases", error=ErrorAnswer(code="AccessDeniedException", status=400)))
    ended, checks = doctor(aws)

    assert ended.code == 77
    assert checks["workmail", "rights"]["found"].startswith("ListAliases is not allowed: ")
    assert "syncd iam-policy --mode read-only" in checks["workmail", "rights"]["remedy"]
    assert checks["source", "read"]["health"] == "OK"


def test_a_wrong_organization(site: Site) -> None:
    """78: nobody has this id here."""
    site.change("m-0123456789abcdef0123456789abcdef", "m-ffffffffffffffffffffffffffffffff")
    ended, checks = doctor(site)

    assert ended.code == 78
    assert "there is no organization m-ffff" in checks["workmail", "organization"]["found"]
    assert "not looked at" in checks["workmail", "rights"]["found"]


def test_an_organization_that_hangs(site: Site) -> None:
    """It is waited for as long as one check may take, and no longer; the rest is there."""
    site.faults(Fault(timeout="before"))
    ended, checks = doctor(site, "--timeout", "3")

    assert ended.code == 69
    assert checks["workmail", "time"]["found"].startswith("no answer within 3 s after the check of identity")
    assert checks["source", "read"]["health"] == "OK"


@pytest.mark.parametrize("broken", ["organizations: [", "store: sqlite:///syncd.db\n"])
def test_a_broken_configuration(site: Site, broken: str) -> None:
    """78 with file and line; what needs no configuration is looked at, the rest is said to be left out."""
    site.write(site.config, broken)
    ended, checks = doctor(site)

    assert ended.code == 78
    assert json.loads(ended.out)["organization"] is None
    assert site.config in checks["configuration", "file"]["found"]
    assert checks["surroundings", "python"]["health"] == "OK"
    for area in ("store", "http", "source", "workmail"):
        assert checks[area, "rest"]["found"] == "not looked at: the configuration can't be used"


def test_no_configuration(site: Site) -> None:
    """78, and how to begin."""
    ended = site.syncd("doctor", SYNCD_CONFIG="gone.yaml")

    assert ended.code == 78
    assert "FAIL  file          the configuration gone.yaml can't be read" in ended.out


@pytest.mark.parametrize(("name", "code"), [("fry", 0), ("leela", 78)])
def test_the_examples_of_the_mapping(site: Site, name: str, code: int) -> None:
    """They are tried as `syncd check` does it; one that doesn't hold ends with 78."""
    entry = "{uid: fry, cn: Fry, displayName: Fry, mail: fry@planetexpress.com}"
    site.change(
        "      key: uid", f"      tests: [{{kind: user, entry: {entry}, gives: {{name: {name}}}}}]\n      key: uid"
    )
    ended, checks = doctor(site, "--area", "configuration")

    assert ended.code == code, ended.out
    assert checks["configuration", "examples"]["exit_code"] == code


def test_a_store_after_a_cycle(site: Site) -> None:
    """Schema and integrity are told, and the lock is free."""
    assert site.syncd("sync").code == 0
    ended, checks = doctor(site)

    assert ended.code == 0
    assert checks["store", "schema"]["found"] == f"version {MIGRATIONS[-1].version}"
    assert checks["store", "integrity"]["health"] == "OK"
    assert checks["store", "lock"]["found"] == "free: no cycle is running"


def test_an_address_that_somebody_holds(site: Site) -> None:
    """78: `syncd run` could not begin; a one-shot command could."""
    with FakeSts() as other:
        text = (site.folder / site.config).read_text(encoding="utf-8")
        listen = text.partition("listen: ")[2].partition("}")[0]
        site.change(listen, other.url.removeprefix("http://"))
        ended, checks = doctor(site, "--area", "http")

    assert ended.code == 78
    assert checks["http", "listen"]["health"] == "FAIL"
    assert {area for area, _ in checks} == {"http"}


def test_a_secret_is_hidden_wherever_it_turns_up(site: Site) -> None:
    """Here in the name of the very file that it stands in: the last net hides it."""
    site.write(CANARY, CANARY).chmod(0o644)
    text = (site.folder / site.config).read_text(encoding="utf-8")
    begin, end = text.index("    source:"), text.index("    mapping:")
    source = (
        "    source:\n      type: ldap\n      servers: [ldaps://127.0.0.1]\n"
        f'      bind: {{dn: cn=reader, password: {{file: "{CANARY}"}}}}\n      users: [{{base: dc=example}}]\n'
    )
    site.write(site.config, text[:begin] + source + text[end:])

    ended, checks = doctor(site, "--area", "configuration")

    assert ended.code == 0
    assert "everybody on this machine may read" in checks["configuration", "secrets"]["found"]
    assert f"{site.folder}/(hidden) (mode 0644)" in checks["configuration", "secrets"]["found"]


def test_colours_are_for_terminals(site: Site) -> None:
    """Piped, there is none; asked for, there is."""
    assert "\x1b[" not in site.syncd("doctor", "--area", "configuration").out
    assert "\x1b[32mOK" in site.syncd("doctor", "--area", "configuration", "--color", "always").out


def test_an_unknown_organization_is_a_usage_error(site: Site) -> None:
    """64, as everywhere."""
    assert site.syncd("doctor", "--organization", "nobody").code == 64


def test_it_ends_while_a_thread_hangs(site: Site) -> None:
    """The process is gone when everything was told, whoever still waits within it."""
    site.faults(Fault(timeout="before"))
    command = [sys.executable, "-m", "syncd", "doctor", "--area", "workmail", "--timeout", "1"]
    done = subprocess.run(command, cwd=site.folder, env=site.env(), capture_output=True, timeout=240, check=False)

    assert done.returncode == 69
