"""The status page: what is known of each organization, poured into HTML on the server.

No script at all; one style sheet within the page, allowed by its hash; nothing from elsewhere. At three in the
morning it says in one look what is wrong and what to type.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import Template
from markupsafe import Markup

from syncd import __version__
from syncd.model.status import Light, OrganizationStatus, Overview, Shown
from syncd.rendering.pouring import allowed, environment, file_of
from syncd.rendering.safe import safe
from syncd.status import words
from syncd.status.chart import Chart, draw
from syncd.status.lamps import SHAPES

_ROOM = "syncd.status"
#: So many organizations are shown whole on one page; with more, each has a page of its own.
SHOWN_WHOLE = 3
#: So many that ask for a look are shown with what to type; the rest follow in the table.
SHOWN_LARGE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationCard:
    """One organization as the templates take it."""

    status: OrganizationStatus
    name: str
    url: str
    label: str
    reason: str
    how_long: str
    steps: tuple[words.Command, ...]
    more_steps: tuple[words.Command, ...]
    chart: Chart | None


def render_overview(overview: Overview, shown: Shown) -> str:
    """Return the page over all organizations, the worst first."""
    cards = [_card(one, shown) for one in overview.worst_first]
    asking = [card for card in cards if card.status.light.asks_for_a_look]
    large = asking[:SHOWN_LARGE]
    rest = cards[len(large) :]
    worst = cards[0].status.light if cards else Light.NOT_YET
    verdict = words.verdict(overview, shown.missing)
    more = {
        "cards": cards,
        "shown_whole": len(cards) <= SHOWN_WHOLE,
        "large": large,
        "rest": rest,
        "busy": [card for card in rest if card.status.light is not Light.IN_SYNC],
        "calm": [card for card in rest if card.status.light is Light.IN_SYNC],
    }
    return _render("overview.html", overview.as_of, shown, worst, verdict, **more)


def render_organization(one: OrganizationStatus, shown: Shown) -> str:
    """Return the page of one organization."""
    verdict = words.verdict(Overview(as_of=one.as_of, organizations=(one,)), shown.missing)
    return _render("organization.html", one.as_of, shown, one.light, verdict, card=_card(one, shown))


def render_asked(names: Sequence[str], shown: Shown, now: datetime) -> str:
    """Return the page that answers whoever asked for a cycle of *names* with a browser."""
    asked = [safe(name) for name in names]
    return _render("asked.html", now, shown, Light.RUNNING, "A cycle was asked for.", names=asked)


def policy(*, actions: bool) -> str:
    """Return the Content-Security-Policy of a page."""
    form = "'self'" if actions else "'none'"
    return (
        f"default-src 'none'; style-src {allowed(_style())}; img-src 'self'; base-uri 'none'; "
        f"form-action {form}; frame-ancestors 'none'"
    )


def _card(one: OrganizationStatus, shown: Shown) -> OrganizationCard:
    return OrganizationCard(
        status=one,
        name=safe(one.name),
        url=f"/organizations/{quote(one.name, safe='')}",
        label=words.label(one),
        reason=words.reason(one, personal=shown.personal_data),
        how_long=words.how_long(one),
        steps=tuple(words.next_steps(one)),
        more_steps=tuple(words.more_steps(one)),
        chart=draw(one.cycles),
    )


def _render(name: str, now: datetime, shown: Shown, light: Light, verdict: str, **more: Any) -> str:  # noqa: ANN401 - a template takes anything
    return _template(name).render(
        now=now,
        shown=shown,
        light=Light.FAILING if shown.missing else light,
        verdict=verdict,
        version=__version__,
        **more,
    )


@cache
def _style() -> str:
    return file_of(_ROOM, "status.css")


@cache
def _template(name: str) -> Template:
    found = environment(_ROOM)
    found.filters["safe_text"] = safe
    found.filters["span"] = words.span
    found.globals |= {
        "words": words,
        "style": Markup(_style()),  # noqa: S704 - our own file, without anything from elsewhere
        "shapes": {light: Markup(shape) for light, shape in SHAPES.items()},  # noqa: S704 - our own, constant
        "moment": _moment,
        "iso": _iso,
    }
    return found.get_template(name)


def _moment(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _iso(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="seconds")
