"""Which operations of WorkMail does syncd use, what for, and which must its role never have?

| mode      | allows                 | enough for                                                        |
|-----------|------------------------|-------------------------------------------------------------------|
| read-only | READ                   | `plan`, and every cycle in mode `observe`                         |
| write     | READ, WRITE            | mode `create` and `upsert`                                        |
| delete    | READ, WRITE, DELETE    | mode `full`                                                       |
| export    | READ                   | a complete read of the directory; mailboxes are not exported here |

An IAM action is the operation's name after `workmail:` (`workmail.md` H). There is no ARN of a user or a group: a
policy can say which organization, and no less. Hence the explicit Deny: whatever else is attached to the role, what
ends an organization or opens a mailbox stays impossible.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.model.page import Right
from syncd.workmail.pages import PAGES
from syncd.workmail.policy_mode import PolicyMode

#: What every cycle reads, whatever is managed, and what `doctor` asks with it: as in `Page.reads`.
OF_EVERY_CYCLE: Mapping[str, Mapping[str, Any]] = {
    "DescribeOrganization": {},
    "ListMailDomains": {"MaxResults": 100},
    "GetMailDomain": {"DomainName": "domain"},
    "ListUsers": {"MaxResults": 1},
    "ListGroups": {"MaxResults": 1},
    "ListResources": {"MaxResults": 1},
    # Bound entities that no list shows are asked for by id; no resource is bound as long as no source states one.
    "DescribeUser": {"UserId": "user"},
    "DescribeGroup": {"GroupId": "group"},
}
#: Every operation that syncd sends. A test holds this against the calls of recorded runs: nothing more, nothing less.
PERMISSIONS: Mapping[str, Right] = {**dict.fromkeys(OF_EVERY_CYCLE, Right.READ), **PAGES.calls()}

#: What syncd never sends and its role must never do: every other operation of WorkMail that isn't a plain read.
_REFUSED: Sequence[str] = (
    # Ends what can't be brought back. A deregistered mailbox can, for 30 days; a deleted user can't.
    "DeleteOrganization",
    "DeleteUser",
    "DeleteGroup",
    "DeleteResource",
    # Opens somebody's mailbox.
    "ResetPassword",
    "PutMailboxPermissions",
    "DeleteMailboxPermissions",
    "AssumeImpersonationRole",
    "CreateImpersonationRole",
    "UpdateImpersonationRole",
    "DeleteImpersonationRole",
    "StartMailboxExportJob",
    "CancelMailboxExportJob",
    "DeletePersonalAccessToken",
    # Changes how the whole organization signs in, and from where.
    "CreateIdentityCenterApplication",
    "DeleteIdentityCenterApplication",
    "PutIdentityProviderConfiguration",
    "DeleteIdentityProviderConfiguration",
    "PutAccessControlRule",
    "DeleteAccessControlRule",
    "CreateMobileDeviceAccessRule",
    "UpdateMobileDeviceAccessRule",
    "DeleteMobileDeviceAccessRule",
    "PutMobileDeviceAccessOverride",
    "DeleteMobileDeviceAccessOverride",
    # Changes where mail goes, what is kept of it and who watches it.
    "RegisterMailDomain",
    "DeregisterMailDomain",
    "UpdateDefaultMailDomain",
    "PutRetentionPolicy",
    "DeleteRetentionPolicy",
    "PutEmailMonitoringConfiguration",
    "DeleteEmailMonitoringConfiguration",
    "PutInboundDmarcSettings",
    # Sends the credentials of an Exchange server.
    "CreateAvailabilityConfiguration",
    "UpdateAvailabilityConfiguration",
    "DeleteAvailabilityConfiguration",
    "TestAvailabilityConfiguration",
    # A tag may be what another policy's condition rests on.
    "TagResource",
    "UntagResource",
    # Used once a page says so.
    "CreateOrganization",
    "CreateResource",
    "UpdateResource",
    "AssociateDelegateToResource",
    "DisassociateDelegateFromResource",
    "UpdateMailboxQuota",
)

#: A call that some page makes is allowed where its right is.
NEVER: Sequence[str] = tuple(name for name in _REFUSED if name not in PERMISSIONS)

#: What stands in a policy before anybody has said which organization.
PLACEHOLDERS = {"region": "REGION", "account": "ACCOUNT", "organization_id": "ORGANIZATION"}
#: The most characters, white space apart, of a managed policy (IAM quotas).
MAXIMUM_SIZE = 6144

_ALLOWED: Mapping[PolicyMode, Sequence[Right]] = {
    PolicyMode.READ_ONLY: (Right.READ,),
    PolicyMode.WRITE: (Right.READ, Right.WRITE),
    PolicyMode.DELETE: (Right.READ, Right.WRITE, Right.DELETE),
    # syncd exports no mailbox, so that no StartMailboxExportJob and no iam:PassRole is needed.
    PolicyMode.EXPORT: (Right.READ,),
}
_SIDS: Mapping[Right, str] = {
    Right.READ: "SyncdReads",
    Right.WRITE: "SyncdWrites",
    Right.DELETE: "SyncdRemoves",
}


def operations(mode: PolicyMode) -> frozenset[str]:
    """Return the operations that a policy of *mode* allows."""
    return frozenset(name for name, purpose in PERMISSIONS.items() if purpose in _ALLOWED[mode])


def organization_arn(*, region: str, account: str, organization_id: str) -> str:
    """Return the only kind of resource that WorkMail knows."""
    return f"arn:aws:workmail:{region}:{account}:organization/{organization_id}"


def policy(mode: PolicyMode, organizations: Sequence[str]) -> dict[str, Any]:
    """Return the IAM policy of *mode* for the ARNs *organizations*: one Allow for each purpose, and one Deny."""
    resources = list(dict.fromkeys(organizations))
    statements = [
        _statement(_SIDS[purpose], "Allow", [n for n, p in PERMISSIONS.items() if p is purpose], resources)
        for purpose in _ALLOWED[mode]
    ]
    return {"Version": "2012-10-17", "Statement": [*statements, _statement("SyncdNever", "Deny", NEVER, ["*"])]}


def _statement(sid: str, effect: str, names: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    actions = sorted(f"workmail:{name}" for name in names)
    return {"Sid": sid, "Effect": effect, "Action": actions, "Resource": list(resources)}
