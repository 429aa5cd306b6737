"""Options that several commands share, written once."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How a result is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


class ShortFormat(StrEnum):
    """How a short result is written."""

    TEXT = "text"
    JSON = "json"


class Colour(StrEnum):
    """When text is coloured."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The configuration [default: SYNCD_CONFIG, ./syncd.yaml, /etc/syncd/syncd.yaml].",
        show_default=False,
    ),
]
OrganizationOption = Annotated[
    list[str] | None,
    typer.Option(
        "--organization",
        "-o",
        metavar="NAME",
        help="Only this organization of the configuration; may be repeated [default: all].",
        show_default=False,
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How the result is written.")]
ShortFormatOption = Annotated[ShortFormat, typer.Option("--format", "-f", help="How the result is written.")]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write the result to FILE.", show_default=False),
]
ColourOption = Annotated[Colour, typer.Option("--color", help="When text is coloured; NO_COLOR is heeded.")]
FullOption = Annotated[bool, typer.Option("--full", help="Shorten no list.")]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="KEY",
        help="Only this entity (user:4711, group:sales); everyone else is frozen. May be repeated.",
        show_default=False,
    ),
]
RefreshOption = Annotated[bool, typer.Option("--refresh", help="Read every detail anew.")]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="End with 4 when there are rejections, notes or pending removals.")
]
MetricsFileOption = Annotated[
    Path | None,
    typer.Option(
        "--metrics-file",
        metavar="FILE",
        help="Write metrics to FILE, for the textfile collector of node_exporter (it reads *.prom).",
        show_default=False,
    ),
]
WhoOption = Annotated[
    str | None,
    typer.Option("--by", metavar="NAME", help="Who says so [default: your login name].", show_default=False),
]
DigestArgument = Annotated[
    str, typer.Argument(metavar="DIGEST", help="The plan's digest; its first 8 digits are enough.")
]
WhyOption = Annotated[
    str,
    typer.Option("--why", metavar="TEXT", help="The reason, for whoever reads it later.", show_default=False),
]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="user:4711, group:sales, or only 4711.")]

#: Who decides looks ahead that far at most.
_LONGEST = timedelta(days=365)


def parse_span(text: str) -> timedelta:
    """Return the span that *text* says: `90s`, `15m`, `4h`, `7d`.

    Raises:
        typer.BadParameter: it is none, or no sensible one.
    """
    from syncd.model.durations import parse_duration

    try:
        span = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if not timedelta(0) < span <= _LONGEST:
        raise typer.BadParameter(f"it holds for more than nothing and at most {_LONGEST.days}d, got {text!r}")
    return span


ForOption = Annotated[
    timedelta | None,
    typer.Option("--for", metavar="SPAN", parser=parse_span, help="How long: 15m, 4h, 7d [default: until you end it]."),
]
