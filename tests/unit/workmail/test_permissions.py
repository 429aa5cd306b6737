"""The table of operations, held against the code, the service's model and the grammar of IAM policies."""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from syncd.model.page import Right
from syncd.workmail.permissions import (
    MAXIMUM_SIZE,
    NEVER,
    PERMISSIONS,
    PLACEHOLDERS,
    operations,
    organization_arn,
    policy,
)
from syncd.workmail.policy_mode import PolicyMode

ROOT = Path(__file__).resolve().parents[3]
MODES = list(PolicyMode)
ARN = organization_arn(region="eu-west-1", account="123456789012", organization_id=f"m-{'0a' * 16}")
#: Rooms that name operations without sending them to AWS: the emulator answers them.
NOT_SENDING = {"emulator"}
READS = ("Describe", "Get", "List")

#: `grammar.html` of the IAM reference, as far as an identity-based policy without conditions goes.
_ACTION = re.compile(r"workmail:[A-Z][A-Za-z]+")
_RESOURCE = re.compile(r"\*|arn:aws:workmail:[a-z]{2}-[a-z]+-[0-9]:[0-9]{12}:organization/m-[0-9a-f]{32}")
_SID = re.compile(r"[A-Za-z0-9]+")


@pytest.fixture(scope="module")
def known() -> frozenset[str]:
    """Every operation of the service's own model."""
    return frozenset(botocore.session.get_session().get_service_model("workmail").operation_names)


def named_in_code(known: frozenset[str]) -> Iterator[str]:
    """The operations that stand as a text of their own anywhere in the code that sends."""
    for path in (ROOT / "syncd").rglob("*.py"):
        if path.name == "permissions.py" or path.relative_to(ROOT / "syncd").parts[0] in NOT_SENDING:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in known:
                yield node.value


def faults_of(document: Mapping[str, Any]) -> list[str]:
    """What IAM would refuse, or what would mean more than it says."""
    found = [] if set(document) == {"Version", "Statement"} else [f"keys {sorted(document)}"]
    found += [] if document.get("Version") == "2012-10-17" else ["Version"]
    sids = [statement.get("Sid") for statement in document["Statement"]]
    found += [] if len(set(sids)) == len(sids) else ["a Sid twice"]
    for statement in document["Statement"]:
        if set(statement) != {"Sid", "Effect", "Action", "Resource"}:
            found.append(f"keys {sorted(statement)}")
            continue
        found += [] if _SID.fullmatch(statement["Sid"]) else [f"Sid {statement['Sid']}"]
        found += [] if statement["Effect"] in ("Allow", "Deny") else [f"Effect {statement['Effect']}"]
        found += [f"Action {name}" for name in statement["Action"] if not _ACTION.fullmatch(name)]
        found += [f"Resource {arn}" for arn in statement["Resource"] if not _RESOURCE.fullmatch(arn)]
        if not statement["Action"] or not statement["Resource"]:
            found.append("an empty list")
        if statement["Effect"] == "Allow" and "*" in statement["Resource"]:
            found.append("allows it everywhere")
    return found


def test_the_table_is_what_the_code_says(known: frozenset[str]) -> None:
    """Facets and readings name the operations of the table, and one more: no resource is bound to be asked for yet."""
    assert set(named_in_code(known)) == {*PERMISSIONS, "DescribeResource"}


def test_every_operation_of_the_service_is_decided(known: frozenset[str]) -> None:
    """It is used, or a plain read, or explicitly denied: one that a new SDK brings is reported here."""
    undecided = {name for name in known - set(PERMISSIONS) - set(NEVER) if not name.startswith(READS)}

    assert undecided == set()
    assert set(PERMISSIONS) | set(NEVER) <= known
    assert set(PERMISSIONS) & set(NEVER) == set()


def test_a_read_is_called_a_read() -> None:
    """What the table calls a read changes nothing, by its name; everything else is no read."""
    assert {name for name, purpose in PERMISSIONS.items() if purpose is Right.READ} == {
        name for name in PERMISSIONS if name.startswith(READS)
    }


@pytest.mark.parametrize("mode", MODES)
def test_a_policy_keeps_to_the_grammar(mode: PolicyMode) -> None:
    """IAM accepts it: version, unique ids, known keys, whole action names, ARNs of organizations, within the size."""
    document = policy(mode, [ARN])

    assert faults_of(document) == []
    assert len(json.dumps(document, separators=(",", ":"))) < MAXIMUM_SIZE


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"Effect": "allow"}, "Effect allow"),
        ({"Action": ["workmail:*"]}, "Action workmail:*"),
        ({"Action": ["ses:SendEmail"]}, "Action ses:SendEmail"),
        ({"Action": []}, "an empty list"),
        ({"Resource": ["*"]}, "allows it everywhere"),
        ({"Resource": ["arn:aws:workmail:eu-west-1:123456789012:organization/*"]}, "Resource arn:"),
        ({"Sid": "Syncd-Reads"}, "Sid Syncd-Reads"),
        ({"Sid": "SyncdNever"}, "a Sid twice"),
        ({"Condition": {}}, "keys ["),
    ],
)
def test_the_grammar_finds_what_is_wrong(change: Mapping[str, Any], fault: str) -> None:
    """Each rule of the check refuses a policy that breaks it."""
    document = policy(PolicyMode.READ_ONLY, [ARN])
    document["Statement"][0] |= change

    assert any(found.startswith(fault) for found in faults_of(document))


def test_a_larger_mode_only_adds() -> None:
    """Read-only is within write, write within delete; an export is a complete read."""
    read, write, delete, export = (operations(mode) for mode in MODES)

    assert read < write < delete
    assert export == read


@pytest.mark.parametrize("mode", MODES)
def test_what_must_never_happen_is_denied_in_every_mode(mode: PolicyMode) -> None:
    """Nothing else that is attached to the role can end an organization or open a mailbox."""
    deny = policy(mode, [ARN])["Statement"][-1]

    assert deny["Effect"] == "Deny"
    assert deny["Resource"] == ["*"]
    assert {f"workmail:{name}" for name in NEVER} == set(deny["Action"])
    assert {
        "workmail:DeleteOrganization",
        "workmail:DeleteUser",
        "workmail:ResetPassword",
        "workmail:PutMailboxPermissions",
        "workmail:AssumeImpersonationRole",
    } <= set(deny["Action"])


@pytest.mark.parametrize("mode", MODES)
def test_the_files_in_deploy_are_what_the_command_prints(mode: PolicyMode) -> None:
    """deploy/iam holds each policy with placeholders; `syncd iam-policy --mode MODE >FILE` writes it anew."""
    held = json.loads((ROOT / "deploy" / "iam" / f"{mode.value}.json").read_text(encoding="utf-8"))

    assert held == policy(mode, [organization_arn(**PLACEHOLDERS)])


def test_the_readme_counts_right() -> None:
    """Its table says how many operations each purpose has, and its trust policies can be read."""
    text = (ROOT / "deploy" / "iam" / "README.md").read_text(encoding="utf-8")
    of = Counter(PERMISSIONS.values())
    trusts = [json.loads(block.split("```")[0]) for block in text.split("```json\n")[1:]]

    assert f"| {of[Right.READ]} reads |" in text
    assert f"the reads and {of[Right.WRITE]} operations that add or change |" in text
    assert f"all of that and {of[Right.DELETE]} that remove" in text
    assert len(trusts) == 4
    assert {trust["Version"] for trust in trusts} == {"2012-10-17"}


def test_a_dozen_organizations_fit() -> None:
    """The largest policy of twelve organizations is within what IAM takes, as the README says."""
    arns = [ARN[:-2] + f"{number:02x}" for number in range(12)]

    assert len(json.dumps(policy(PolicyMode.DELETE, arns), separators=(",", ":"))) < MAXIMUM_SIZE


def test_deploy_holds_no_other_policy() -> None:
    """A file of a mode that is gone would be taken for one that is tested."""
    assert {path.stem for path in (ROOT / "deploy" / "iam").glob("*.json")} == {mode.value for mode in MODES}
