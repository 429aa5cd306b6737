"""`syncd iam-policy`: what syncd's role in AWS must be allowed, and no more. Asks nobody."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.documents import dump
from syncd.cli.options import ConfigOption, OrganizationOption
from syncd.cli.selection import begin
from syncd.errors import ConfigurationError, UsageError
from syncd.workmail.policy_mode import PolicyMode

_ACCOUNT = re.compile(r"[0-9]{12}")


def iam_policy(
    *,
    mode: Annotated[
        PolicyMode,
        typer.Option(
            "--mode", help="read-only: plan, mode observe; write: create, upsert; delete: full; export: a full read."
        ),
    ],
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="ID", help="The AWS account, 12 digits.", show_default=False),
    ] = None,
    organization: OrganizationOption = None,
    config: ConfigOption = None,
) -> int:
    """Print the IAM policy that syncd's role needs, as JSON; ask nobody."""
    from syncd.workmail.permissions import PLACEHOLDERS, policy

    if account is not None and not _ACCOUNT.fullmatch(account):
        raise UsageError(
            f"--account {account} is no AWS account: it has 12 digits",
            hint="ask for it with: aws sts get-caller-identity --query Account --output text",
        )
    arns = _organizations(config, organization, account or PLACEHOLDERS["account"])
    text = dump(policy(mode, arns))
    _tell_placeholders(arns)
    _tell_size(text)
    typer.echo(text, nl=False)
    return 0


def _organizations(config: Path | None, names: Sequence[str] | None, account: str) -> list[str]:
    """Return the ARNs of the chosen organizations; one of placeholders where there is no configuration."""
    from syncd.workmail.permissions import PLACEHOLDERS, organization_arn

    if not _is_configured(config):
        if names:
            raise UsageError(
                "there is no configuration that could say which organization that is",
                hint="name it with --config FILE or SYNCD_CONFIG",
            )
        return [organization_arn(**{**PLACEHOLDERS, "account": account})]
    return [
        organization_arn(region=each.workmail.region, account=account, organization_id=each.workmail.organization_id)
        for each in begin(config, names).organizations
    ]


def _is_configured(config: Path | None) -> bool:
    from syncd.settings import find_file

    try:
        find_file(config)
    except ConfigurationError:
        return False
    return True


def _tell_placeholders(arns: Sequence[str]) -> None:
    """Say what must still be written into the policy: IAM refuses it as it is."""
    from syncd.workmail.permissions import PLACEHOLDERS

    words = [word for word in PLACEHOLDERS.values() if re.search(rf"[:/]{word}\b", arns[0])]
    if words:
        typer.echo(f"Placeholders to replace: {', '.join(words)} (see --account and --config).", err=True)


def _tell_size(text: str) -> None:
    from syncd.workmail.permissions import MAXIMUM_SIZE

    size = len("".join(text.split()))
    if size > MAXIMUM_SIZE:
        typer.echo(
            f"This policy has {size:,} characters, a managed policy may have {MAXIMUM_SIZE:,}: make one for some "
            "organizations at a time (--organization NAME), each for a role of its own.",
            err=True,
        )
