import base64
import hashlib
import html
import re
from dataclasses import replace
from typing import Any

import pytest
from markdown_it import MarkdownIt
from rich.cells import cell_len

from syncd.model.action import Action
from syncd.model.entry import Rejection
from syncd.model.names import Key, user_key
from syncd.model.operation import Generated, Merged, Operation, Ref
from syncd.model.plan import Finding, Note, Plan
from syncd.rendering.figures import plan_figures, report_figures
from syncd.rendering.html import render_html
from syncd.rendering.markdown import render_markdown
from syncd.rendering.safe import safe
from syncd.rendering.text import render_report, render_text
from tests.builders import operation, plan
from tests.golden.example_plans import PLANS, leaver, report


def text_of(*operations: Operation, limit: int | None = 40, **others: Any) -> str:  # noqa: ANN401 - the fields of Plan
    return render_text(plan(*operations, **others), colour=False, limit=limit)


def last_line(text: str) -> str:
    return text.rstrip("\n").rpartition("\n")[2]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("ada", "ada"),
        ("Zoë 王", "Zoë 王"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b0m", r"\x9b0m"),
        ("a\nb\tc\0", r"a\x0ab\x09c\x00"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("ad\u200bmin", r"ad\u200bmin"),
        ("a\u2028b", r"a\u2028b"),
        ("\U000e0041", r"\U000e0041"),
        ("\udc80", r"\udc80"),
    ],
    ids=ascii,
)
def test_what_can_not_be_seen_is_written_out(said: str, shown: str) -> None:
    """Controls, bidi overrides and zero-width characters can neither move nor hide anything."""
    assert safe(said) == shown


@pytest.mark.parametrize("name", PLANS)
def test_every_destructive_operation_has_its_reason(name: str) -> None:
    """Whatever destroys something is shown with why."""
    shown = " ".join(render_text(PLANS[name], colour=False, limit=None).split())
    destructive = [one for one in (*PLANS[name].operations, *PLANS[name].outside) if one.destructive]

    assert [one.summary for one in destructive if one.reason.rpartition(" is leaving: ")[2] not in shown] == []


def test_each_destructive_line_has_its_own_reason_where_they_differ() -> None:
    """Two people leave a group for two reasons: each stands beside its reason."""
    text = text_of(
        operation("member.remove", "group:crew", reason="left the team", before={"member": "fry"}),
        operation("member.remove", "group:crew", reason="not in groups.csv", before={"member": "amy"}),
        operation("member.remove", "group:crew", reason="left the team", before={"member": "kif"}),
    )

    assert "- 2 members  fry, kif, because left the team\n" in text
    assert "- member     amy, because not in groups.csv\n" in text


def test_people_come_before_groups() -> None:
    """Within a section people are shown first, whatever the order of sending."""
    text = text_of(
        operation("profile.update", "group:crew", after={"hidden": "true"}),
        operation("profile.update", "user:fry", after={"city": "New New York"}),
    )

    assert text.index("fry (user:fry)") < text.index("crew (group:crew)")


@pytest.mark.parametrize("limit", [2, 40, None])
def test_a_long_list_says_how_much_it_leaves_out(limit: int | None) -> None:
    """Sections and lists of names are shortened by number, and everything is shown when asked for."""
    people = [operation("profile.update", f"user:p{n}", after={"city": "x"}) for n in range(50)]
    joins = [operation("member.add", "group:all", after={"member": f"m{n}"}) for n in range(5050)]
    text = text_of(*people, *joins, limit=limit)

    shown = 50 if limit is None else limit
    assert text.count("(user:p") == shown
    assert len(re.findall(r"\bm\d+\b", text)) == (5050 if limit is None else limit)
    assert (f"... and {50 - shown} more (--full shows all)" in text) is (limit is not None)
    assert (f"... and {5050 - shown:,} more" in " ".join(text.split())) is (limit is not None)


def test_no_secret_and_no_placeholder_is_shown() -> None:
    """A password is neither shown nor named by its placeholder; a reference is shown by name."""
    text = text_of(
        operation(
            "other.set",
            after={
                "password": "hunter2",
                "code": Generated("code"),
                "boss": Ref(user_key("leela")),
                "rest": Merged("X"),
            },
        )
    )

    assert "hunter2" not in text
    assert [line.split("  ")[-1] for line in text.splitlines() if line.startswith("      + ")] == [
        "leela",
        "(generated when sent)",
        "(hidden)",
        "(kept as it is)",
    ]


def test_a_value_whose_ends_can_not_be_seen_is_quoted() -> None:
    """A trailing space is no invisible change."""
    text = text_of(operation("profile.update", before={"city": "Rome"}, after={"city": "Rome "}))

    assert '~ city  Rome -> "Rome "\n' in text


def test_the_way_out_is_a_command_to_type() -> None:
    """What is withheld is shown apart, with the guard's words and the command that frees it."""
    gone = operation("deregister", bundle="removal:user:fry", before={"primary": "fry@x.example"})
    finding = Finding(
        guard="removals",
        counted=9,
        population=40,
        tripped=True,
        label="",
        budget="9 of 2",
        text="9 of 40; the limit is 2",
    )
    refused = plan(gone, withheld={gone.id: "guard removals: 9 of 40; the limit is 2"}, findings=(finding,))
    text = render_text(refused, colour=False)

    assert "Leaving" not in text
    assert "! guard removals: 9 of 40; the limit is 2\n" in text
    assert text.count("9 of 40") == 1
    assert f"    syncd approve {refused.digest[:8]}\n" in text
    assert last_line(text) == (f"Plan: 0 to add, 0 to change, 0 to remove; 1 withheld. Digest {refused.digest[:8]}")


def test_a_tripped_guard_that_withholds_nothing_is_still_shown() -> None:
    """A source guard that found nothing to hold back says that it tripped, and how the source is believed."""
    finding = Finding(
        guard="empty_source", counted=0, population=40, tripped=True, label="", budget="0", text="no users at all"
    )
    text = text_of(findings=(finding,))

    assert "! guard empty_source: no users at all\n" in text
    assert re.search(r"syncd approve [0-9a-f]{8}\n +lets the next cycle believe it", text)


def test_what_needs_something_withheld_stands_on_the_same_card() -> None:
    """An adoption and what follows it are one decision, under the reason of the adoption."""
    adopted = operation("adopt", summary="adopt fry", proposal=True, after={"key": "user:fry"})
    follows = operation("profile.update", after={"city": "x"}, needs=frozenset({adopted.id}))
    withheld = {follows.id: "needs an operation that is withheld", adopted.id: "needs approval: same name"}
    text = text_of(follows, adopted, withheld=withheld)

    assert text.count("! fry (user:fry)") == 1
    assert "needs an operation" not in text


@pytest.mark.parametrize(
    ("populations", "others", "verdict"),
    [
        ({}, {}, "No changes: the organization equals the directory."),
        (
            {"users_in_directory": 41, "groups_in_directory": 12},
            {},
            "No changes: the organization equals the directory (41 people, 12 groups).",
        ),
        (
            {"users_in_directory": 1, "groups_in_directory": 1},
            {"deferred": {"alias.add": 2}},
            "No changes to make (1 person, 1 group); 2 deferred. Digest ",
        ),
    ],
    ids=["unknown", "counted", "deferred"],
)
def test_an_empty_plan_says_so(populations: dict[str, int], others: dict[str, Any], verdict: str) -> None:
    """Nothing to do is one sentence, which promises no more than is true."""
    assert last_line(text_of(populations=populations, **others)).startswith(verdict)


def test_an_address_move_is_shown_by_its_outcome() -> None:
    """Of a swap over a parking address the reader sees who ends up with what."""
    text = render_text(PLANS["swap"], colour=False)

    assert "~ fry: address    fry@planetexpress.example -> leela@planetexpress.example\n" in text
    assert "~ leela: address  leela@planetexpress.example -> fry@planetexpress.example\n" in text
    assert text.count("syncd-parked-1001@planetexpress.example") == 1


def test_a_released_address_that_nobody_takes_is_shown() -> None:
    """Only what another party of the move gets is left out of what somebody gives up."""

    def step(kind: str, who: str, **change: dict[str, object]) -> Operation:
        return operation(kind, who, bundle="move", **change)  # type: ignore[arg-type]  # a row

    text = text_of(
        step("primary.change", "user:fry", before={"primary": "a@x"}, after={"primary": "b@x"}),
        step("alias.remove", "user:fry", before={"alias": "a@x"}),
        step("alias.remove", "user:fry", before={"alias": "c@x"}),
        step("alias.add", "user:amy", after={"alias": "c@x"}),
    )

    assert "~ fry: address  a@x -> b@x\n" in text
    assert "- fry: alias    a@x\n" in text
    assert "+ amy: alias    c@x\n" in text
    assert "fry: alias    c@x" not in text


def test_colours_are_off_unless_asked_for() -> None:
    """Plain text has no escape sequence, coloured text ends each one that it begins."""
    assert "\x1b" not in render_text(leaver(), colour=False)
    coloured = render_text(leaver(), colour=True)
    assert coloured.count("\x1b[0m") * 2 == coloured.count("\x1b[") > 0


@pytest.mark.parametrize("width", [10, 40, 80, 200])
def test_rows_fit_the_terminal(width: int) -> None:
    """No row is wider than the terminal, or than 40 columns on a narrower one."""
    for each in PLANS.values():
        rows = render_text(each, colour=False, width=width).splitlines()
        assert max(cell_len(row) for row in rows) <= max(width, 40)


def test_a_failure_says_what_and_what_to_do() -> None:
    """A failed operation is shown with the service's code and message, and a next step."""
    shown = " ".join(render_report(report(), colour=False).split())

    assert "EmailAddressInUseException: The email address amy@planetexpress.example is already in use" in shown
    assert "what to do: somebody else holds it; the next cycle reads who, and waits for it" in shown


def test_a_report_ends_in_numbers() -> None:
    """The last line counts what was done and what wasn't."""
    verdict = render_report(report(), colour=False, width=200).splitlines()[-1]

    assert verdict == (
        "Applied: 1 added, 0 changed, 7 removed; 1 failed, 2 with unknown outcome, 2 skipped. Exit code 4"
    )


def test_a_cycle_without_plan_says_why() -> None:
    """A cycle that ended before there was a plan shows its error and that nothing was changed."""
    text = render_report(
        replace(report(), plan=None, outcomes=(), error="people.csv: no such file", exit_code=69), colour=False
    )

    assert "people.csv: no such file" in text
    assert last_line(text) == "Nothing was changed. Exit code 69"


HOSTILE = [
    "[x](http://evil.example) | <b>*_`#&",
    "<script>alert(1)</script><img src=x onerror=alert(1)>\"'",
    "``` | a | b |",
    "www.evil.example and evil.example and @everyone and #1 and GH-7 and :smile: and $x^2$",
    "</details><h1>owned</h1>",
    "![x](javascript:alert(1))",
    "`",
    "| | |",
    "n" * 255,
]


def hostile_plan(said: str) -> Plan:
    """A plan that has *said* wherever a directory can put something."""
    changed = operation("profile.update", before={"city": said}, after={"city": f"{said}!"}, reason=said)
    odd = operation("odd", "user:amy", summary=said, reason=said)
    joins = operation("member.add", "group:all", after={"member": said}, reason=said)
    return plan(
        changed,
        odd,
        joins,
        organization=said,
        withheld={odd.id: said},
        findings=(
            Finding(guard=said, counted=1, population=1, tripped=True, label="", budget=f"1 of {said}", text=said),
        ),
        rejections=(Rejection(key=Key(f"user:{said}"), origin=said, reason=said, remedy=said),),
        notes=(Note(code=said, subject=f"user:{said}", text=said),),
        names={"user:fry": said},
    )


@pytest.mark.parametrize("said", HOSTILE)
def test_markdown_takes_nothing_for_its_own(said: str) -> None:
    """A name can't make a link, a picture, a cell, a heading or HTML out of itself."""
    calm, shown = (
        render_markdown(hostile_plan(text), mode="full", asked=f"syncd plan by {text}") for text in ("x", said)
    )
    read = MarkdownIt("commonmark").enable("table").parse

    assert [token.type for token in read(shown)] == [token.type for token in read(calm)]
    inner = [child for token in read(shown) for child in token.children or ()]
    assert {child.type for child in inner} <= {"text", "code_inline", "strong_open", "strong_close", "softbreak"}
    words = "".join(child.content for child in inner if child.type == "text")
    assert not re.search(r"www|evil|@|#\d|GH-|:smile:", words)


def test_markdown_shows_what_was_said() -> None:
    """Code spans change nothing: a value with backticks and bars reads as it is."""
    shown = render_markdown(plan(operation("profile.update", after={"city": "a``b | c"})))

    assert "city: ```a``b | c```" in shown


@pytest.mark.parametrize(("members", "folded"), [(5, False), (40, True)])
def test_a_long_list_unfolds_in_markdown(members: int, folded: bool) -> None:
    """More than a screenful is in a <details>, whose content is still Markdown."""
    people = [operation("profile.update", f"user:p{n}", after={"city": "x"}) for n in range(members)]
    shown = render_markdown(plan(*people))

    assert ("<details>\n<summary>" in shown) is folded
    assert shown.count("<details>") == shown.count("</details>")


@pytest.mark.parametrize("said", HOSTILE)
def test_a_page_runs_and_loads_nothing(said: str) -> None:
    """Markup in a name stays text, and the page's policy allows its own style and script and nothing else."""
    calm, page = (render_html(hostile_plan(text), asked=text) for text in ("x", said))

    tags = re.compile(r"<(/?[a-z][a-z0-9]*)")
    assert tags.findall(page) == tags.findall(calm)
    assert re.findall(r"(?:src|href)=\"(?!#)", page) == []


def test_the_policy_names_style_and_script_by_their_hashes() -> None:
    """What the page's policy allows is what the page has: whatever else gets into it, no browser runs."""
    page = render_html(leaver())
    policy = html.unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', page)[0])
    allowed = dict(re.findall(r"(style|script)-src 'sha256-([^']+)'", policy))

    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag, said in allowed.items():
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() == said


def test_the_numbers_of_a_plan_are_its_operations() -> None:
    """Each operation is counted once, under what it is about and how it ends."""
    for each in PLANS.values():
        figures = plan_figures(each)
        assert sum(figures.totals) == len(each.operations) + len(each.outside)
        named = dict(zip((column.name for column in figures.columns), figures.totals, strict=bool(figures.rows)))
        for name in ("add", "change", "remove", "withheld", "outside"):
            assert named.get(name, 0) == each.counts[name]


def test_the_numbers_of_a_report_are_its_outcomes() -> None:
    """What failed, what nobody knows the end of and what was skipped have columns of their own."""
    done = report()
    named = dict(
        zip((column.name for column in report_figures(done).columns), report_figures(done).totals, strict=True)
    )

    assert named == {"add": 1, "change": 0, "remove": 7, "failed": 1, "unknown": 2, "skipped": 2}


def test_every_operation_has_its_kind() -> None:
    """What no rule names is counted as other; registrations are counted with what they register."""
    kinds = ["register", "user.create", "group.create", "address.park", "primary.change", "rebind", "odd"]
    subjects = ["group:a" if kind == "register" else "user:a" for kind in kinds]
    figures = plan_figures(plan(*map(operation, kinds, subjects)))

    assert [(name, sum(counts)) for name, counts in figures.rows] == [
        ("Mailboxes", 2),
        ("Groups", 1),
        ("Ownership", 1),
        ("Addresses", 2),
        ("Other", 1),
    ]


def test_a_ticket_has_what_it_needs() -> None:
    """Page and Markdown name the whole digest, who asked, the mode, the budgets and what to type."""
    refused = PLANS["refused"]
    for text in (
        render_html(refused, mode="full", asked="syncd plan, cycle c1"),
        render_markdown(refused, mode="full", asked="syncd plan, cycle c1"),
    ):
        for needed in (
            refused.digest,
            "syncd plan, cycle c1",
            "mode full",
            "user removals 9 of 50",
            f"syncd approve {refused.digest[:8]}",
            f"syncd apply {refused.digest[:8]}",
        ):
            assert needed in text


def test_the_mode_is_named_where_it_is_known() -> None:
    """The header names the mode, and so does what the mode leaves out."""
    left_out = plan(outside=(operation("alias.remove", before={"alias": "a@x"}),))
    text = render_text(left_out, colour=False, mode="create")

    assert "mode create\n" in text
    assert "The mode create leaves these out" in text
    assert last_line(text).startswith("No changes to make; 1 outside the mode.")


@pytest.mark.parametrize("action", Action)
def test_an_operation_without_attributes_is_shown_by_its_summary(action: Action) -> None:
    """What has neither before nor after is told in its own words."""
    text = text_of(operation("odd", action=action, summary="do an odd thing"))

    assert re.search(r"^      [-+~] do an odd thing$", text, re.MULTILINE)
