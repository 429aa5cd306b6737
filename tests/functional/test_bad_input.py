"""What an administrator can get wrong, or the world around him: what is said, how it ends, and that nothing is lost."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncd.emulator import Switches
from syncd.emulator.faults import ErrorAnswer, Fault, Throttle
from tests.functional.places import GROUPS, ORGANIZATION, PEOPLE, Site, planetexpress

EXPIRED = ErrorAnswer(code="ExpiredTokenException", message="The token is expired.")
DENIED = ErrorAnswer(code="AccessDeniedException", message="Not authorized.")
BROKEN = ErrorAnswer(code="InternalServerError", status=500)

Edit = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Callable[[], None]]]:
    """Planet Express, in sync; and what puts everything back."""
    with planetexpress(tmp_path_factory.mktemp("synced")) as site:
        assert site.syncd("sync").code == 0
        yield site, site.keep()


@pytest.fixture
def ours(synced: tuple[Site, Callable[[], None]]) -> Iterator[Site]:
    site, put_back = synced
    put_back()
    yield site
    put_back()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Site]:
    """Planet Express before the first sync."""
    with planetexpress(tmp_path) as site:
        yield site


def replaced(old: str, new: str, coding: str = "utf-8") -> Edit:
    def edit(content: bytes) -> bytes:
        assert old.encode() in content
        return content.replace(old.encode(), new.encode(coding), 1)

    return edit


def lines(count: int) -> Edit:
    """Keep so many lines."""
    return lambda content: b"".join(content.splitlines(keepends=True)[:count])


# --- files -----------------------------------------------------------------------------------------------------

FILES: dict[str, tuple[str, Edit, str, str]] = {
    "a missing column": (
        PEOPLE,
        replaced(",mail,", ",email,"),
        "people.csv:1: the header has no column 'mail'",
        "did you mean 'email'?",
    ),
    "a missing column of groups": (
        GROUPS,
        replaced("member", "members"),
        "groups.csv:1: the header has no column 'member'",
        "did you mean 'members'?",
    ),
    "a column twice": (
        PEOPLE,
        replaced("description", "mail"),
        "people.csv:1:60: column 10 is called 'mail', as column 6 is",
        "a name of its own",
    ),
    "NUL": (PEOPLE, replaced("Amy Wong", "Amy\0Wong"), "people.csv:2:8: a NUL byte at byte offset", "write it anew"),
    "an open quote": (
        PEOPLE,
        lambda content: content[:-2] + b"\n",
        "people.csv:8:107: a quote is opened here and never closed: all rows after it are lost",
        "close it, or double it",
    ),
    "another encoding": (
        PEOPLE,
        replaced("Rodriguez", "Rodríguez", "cp1252"),
        "people.csv:3:27: byte 0xED at byte offset 220 is not UTF-8",
        "save it as UTF-8",
    ),
    "UTF-16": (PEOPLE, lambda content: content.decode().encode("utf-16"), "people.csv:1:1: it is UTF-16", "UTF-8"),
    "no end of the last line": (
        PEOPLE,
        lambda content: content.rstrip(b"\n"),
        "people.csv:8:162: the last line has no line end: the file may be cut off",
        "`final_newline: optional`",
    ),
    "another delimiter": (
        PEOPLE,
        lambda content: content.replace(b";", b"|").replace(b",", b";"),
        "people.csv:1:4: the header is separated by ';', but the configured delimiter is ','",
        "in the source, or export with ','",
    ),
    "nothing": (PEOPLE, lambda content: b"", "people.csv:1:1: it is empty: not even a header", "an export that failed"),
    "half of it": (
        PEOPLE,
        lambda content: content[: len(content) // 2],
        "people.csv:5:93: the last line has no line end",
        "write it anew",
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_wrong_stops_everything(case: str, ours: Site) -> None:
    """The error says file, line and column, why, and what to do; exit code 65; nothing is sent or remembered."""
    name, edit, what, remedy = FILES[case]
    held, remembered = ours.held(), ours.remembered()
    ours.write(name, edit((ours.folder / name).read_bytes()))

    ended = ours.syncd("sync")

    assert ended.code == 65
    assert "the CSV source is incomplete or malformed: nothing was changed" in ended.err
    assert f"planetexpress_{what}" in ended.err
    assert remedy in ended.err
    assert (ours.held(), ours.remembered()) == (held, remembered)


def test_all_problems_of_all_files_are_told_at_once(ours: Site) -> None:
    """Who mends the first must not find the second on the next day."""
    for name, edit in ((PEOPLE, FILES["NUL"][1]), (GROUPS, FILES["a missing column of groups"][1])):
        ours.write(name, edit((ours.folder / name).read_bytes()))

    ended = ours.syncd("plan")

    assert ended.code == 65
    assert "a NUL byte" in ended.err
    assert "no column 'member'" in ended.err


def a_directory(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_loop(path: Path) -> None:
    path.symlink_to(path)


def a_broken_disk(path: Path) -> None:
    path.symlink_to("/proc/self/mem")


def nothing(_path: Path) -> None: ...


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (nothing, "there is no file"),
        (a_directory, "is a directory"),
        (a_pipe, "is not a regular file"),
        (a_loop, "Too many levels of symbolic links"),
        (a_broken_disk, "Input/output error"),
    ],
)
def test_a_file_that_can_not_be_read_ends_with_69(make: Callable[[Path], None], what: str, ours: Site) -> None:
    """The path is named, and why it can't be read; nothing waits forever."""
    held, remembered = ours.held(), ours.remembered()
    path = ours.folder / PEOPLE
    path.unlink()
    make(path)

    ended = ours.syncd("sync")

    assert ended.code == 69
    assert str(path) in ended.err
    assert what in ended.err
    assert (ours.held(), ours.remembered()) == (held, remembered)


def test_a_file_that_changes_while_it_is_read_is_not_believed(ours: Site) -> None:
    """An export that is still being written ends the cycle with 65, and says how exports should be written."""
    path, stop = ours.folder / PEOPLE, threading.Event()
    whole = path.read_bytes()
    ours.write(PEOPLE, whole + b"".join(b"x%d%b" % (n, whole.splitlines(keepends=True)[1]) for n in range(20_000)))

    def writing() -> None:
        while not stop.wait(0.001):
            os.utime(path)

    writer = threading.Thread(target=writing)
    writer.start()
    ended = ours.syncd("sync")
    stop.set()
    writer.join()

    assert ended.code == 65
    assert "it was written to while it was read" in ended.err
    assert "renamed when complete" in ended.err


# --- rows ------------------------------------------------------------------------------------------------------

ROWS: dict[str, tuple[Edit, str, int, str, str]] = {
    "a cell too many": (
        replaced("zoidberg,John", "zoidberg,,John"),
        "people.csv:8",
        1,
        "the row has 12 cells, the header has 11",
        "put quotes around a cell",
    ),
    "the same key twice": (
        lambda content: content + content.splitlines(keepends=True)[3],
        "people.csv:9",
        2,
        "fry",
        "",
    ),
    "no key": (replaced("\nfry,", "\n,"), "people.csv:4", 1, "it has no key: 'uid' is empty", "give it its key"),
    "a control character": (
        replaced("Philip J. Fry,Fry", "Philip\x01J. Fry,Fry"),
        "people.csv:4",
        1,
        "control character U+0001",
        "correct the value",
    ),
    "a value that is too long": (
        replaced("Delivery boy", "x" * 5_000),
        "people.csv:4",
        1,
        "has 5000 characters, 4096 are allowed",
        "correct the value",
    ),
    "a value that WorkMail refuses": (
        replaced("Delivery boy", "x" * 300),
        "people.csv:4",
        1,
        "profile.job_title",
        "",
    ),
    "an address that is none": (
        replaced("fry@planetexpress.com", "fry"),
        "people.csv:4",
        1,
        "primary_email",
        "",
    ),
    "an address twice": (
        replaced("fry@planetexpress.com", "leela@planetexpress.com"),
        "people.csv:4",
        1,
        "leela@planetexpress.com",
        "",
    ),
    "a domain that isn't there": (
        replaced("fry@planetexpress.com", "fry@momcorp.com"),
        "people.csv:4",
        1,
        "the domain 'momcorp.com' is not a mail domain in the organization",
        "use one of: ",
    ),
    "several values for one": (
        replaced("Philip,Fry", "Philip,Fry;Frye"),
        "people.csv:4",
        1,
        "profile.last_name",
        "",
    ),
}


@pytest.mark.parametrize("case", ROWS)
def test_a_row_that_is_wrong_is_left_out_and_nobody_else(case: str, ours: Site) -> None:
    """It is rejected with its line, the reason and the remedy; whoever it is about stays exactly as they are."""
    edit, where, count, what, remedy = ROWS[case]
    held = ours.held()
    ours.write(PEOPLE, edit((ours.folder / PEOPLE).read_bytes()))

    ended = ours.syncd("sync", "--strict")
    said = " ".join(ended.out.split())

    assert ended.code == 4
    assert re.search(rf"! planetexpress_{where}\b", said)
    assert what in said
    assert remedy in said
    assert f"{count} rejected" in ended.out
    assert ours.held() == held
    assert ours.remembered("marks") == {"marks": []}


def test_a_header_without_people_removes_nobody(ours: Site) -> None:
    """An empty directory is refused with exit code 3 and is no success; it leaves no evidence behind."""
    held, remembered = ours.held(), ours.remembered()
    ours.write(PEOPLE, lines(1)((ours.folder / PEOPLE).read_bytes()))

    ended = ours.syncd("sync")
    said = " ".join(ended.out.split())

    assert ended.code == 3
    assert "in sync" not in ended.out
    assert "the source has no users at all, while 7 are owned" in said
    assert "syncd approve " in said
    assert ours.json("history")["cycles"][0]["summary"] == "withheld"
    assert (ours.held(), ours.remembered()) == (held, remembered)


def test_half_a_file_that_ends_well_removes_nobody_at_once(ours: Site) -> None:
    """Cut off between two lines it can't be told from a small company: the guard trips, nobody is removed or marked."""
    held = ours.held()
    ours.write(PEOPLE, lines(4)((ours.folder / PEOPLE).read_bytes()))

    ended = ours.syncd("sync")

    assert ended.code == 3
    assert "the source has lost 4 of 7 users" in ended.out
    assert "? Zoidberg (user:zoidberg): missing since " in ended.out
    assert ours.held() == held


# --- configuration and mapping ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        (
            "{{ mail | first }}",
            "{{ mail | first }",
            78,
            "planetexpress.yaml:14:24: organizations[0].mapping.users.prim",
        ),
        ("{{ mail | first }}", "{{ mail | frist }}", 78, "frist"),
        ("mode: full", "mode: ful", 78, "did you mean full?"),
        ("aliases: mail", "alliases: mail", 78, "unknown key; did you mean aliases?"),
        ("key: uid", "key: uidd", 65, "no column 'uidd', which the mapping uses; did you mean 'uid'?"),
        ("{{ mail | first }}", "{{ mial }}", 65, "no column 'mial', which the mapping uses; did you mean 'mail'?"),
        (ORGANIZATION, "m-" + "0" * 32, 78, "look at workmail.organization_id, workmail.region and the account"),
        (ORGANIZATION, "m-0", 78, "workmail.organization_id"),
        ("store: sqlite:///syncd.db", "store: sqlite:////proc/syncd.db", 69, "/proc"),
    ],
)
def test_a_configuration_that_is_wrong_changes_nothing(old: str, new: str, code: int, said: str, ours: Site) -> None:
    """The exit code tells configuration from source; the text says where and what to write instead."""
    held, remembered = ours.held(), ours.remembered()
    ours.change(old, new)

    ended = ours.syncd("sync")

    assert ended.code == code, ended.err
    assert said in ended.err
    assert (ours.held(), ours.remembered()) == (held, remembered)


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("{{ uid }}planetexpress.com", "has a character or form that is not allowed"),
        ("{{ uid }}@planetexpres.com", "the domain 'planetexpres.com' is not a mail domain in the organization"),
        ("{{ title | default('') }}@planetexpress.com", "primary_email"),
    ],
)
def test_a_mapping_that_rejects_everyone_is_refused(template: str, what: str, ours: Site) -> None:
    """One mistake in a template is one refusal with exit code 3, not seven people that nobody asks about."""
    held, remembered = ours.held(), ours.remembered("bindings", "marks")
    ours.change("{{ mail | first }}", template)
    ours.change("Ph.D.", "", PEOPLE)
    ours.change("Professor,Office", ",Office", PEOPLE)

    ended = ours.syncd("sync")
    said = " ".join(ended.out.split())

    assert ended.code == 3
    assert "guard rejections: 7 of 9 records can't be used" in said
    assert what in said
    assert ours.held() == held
    assert ours.remembered("bindings", "marks") == remembered


# --- the service -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "code", "what", "remedy"),
    [
        (Fault(error=EXPIRED), 77, "AWS refuses the credentials: ExpiredTokenException", "renew the credentials"),
        (Fault(operation="ListGroups", error=DENIED), 77, "ListGroups is not allowed", "allow workmail:ListGroups"),
        (
            Fault(operation="ListUsers", drop="before"),
            69,
            "ListUsers failed 6 times, last with NoAnswer",
            "endpoint_url",
        ),
    ],
)
def test_a_service_that_does_not_serve_changes_nothing(
    rule: Fault, code: int, what: str, remedy: str, ours: Site
) -> None:
    """Before there is a plan, every failure ends the cycle with its own exit code and remedy."""
    remembered = ours.remembered()
    ours.faults(rule)

    ended = ours.syncd("sync")

    assert ended.code == code
    assert what in ended.err
    assert remedy in ended.err
    assert "nothing was changed" in ended.err
    assert ours.sent() == 0
    assert ours.remembered() == remembered


def test_a_wrong_secret_is_told_as_that(tmp_path: Path) -> None:
    """A signature that the service refuses ends with 77."""
    with planetexpress(tmp_path, credentials={"AKIDEXAMPLE": "another secret"}) as site:
        ended = site.syncd("sync")

    assert ended.code == 77
    assert "AWS refuses the credentials: InvalidSignatureException" in ended.err
    assert "renew the credentials that boto3 finds" in ended.err


@pytest.mark.parametrize("state", ["Creating", "Failed", "Deleted"])
def test_an_organization_that_is_not_active_is_left_alone(state: str, tmp_path: Path) -> None:
    """The state is named; exit code 78; nothing is sent."""
    with planetexpress(tmp_path, seed={"state": state}) as site:
        ended = site.syncd("sync")

        assert ended.code == 78
        assert f"{ORGANIZATION} (planetexpress) is {state}, not Active" in ended.err
        assert site.sent() == 0


@pytest.mark.parametrize("directory", ["ad-connector", "interoperability"])
def test_a_directory_that_is_kept_elsewhere_is_said(directory: str, tmp_path: Path) -> None:
    """WorkMail refuses to create people in a read-only directory: what to do is told, exit code 4.

    The first refusal stops that call's name, so how many were sent before it depends on the workers.
    """
    with planetexpress(tmp_path, seed={"directory": directory}) as site:
        held = site.held()
        ended = site.syncd("sync")

        assert ended.code == 4
        assert "Failed (" in ended.out
        assert "Applied: 0 added, 0 changed, 0 removed; " in ended.out
        assert "the service can only read this directory: change it where it is kept" in " ".join(ended.out.split())
        assert site.held() == held


def test_one_operation_that_is_denied_stops_no_other(fresh: Site) -> None:
    """Groups may not be created: people are, the missing right is named, and with it the next sync does the rest."""
    fresh.faults(Fault(operation="CreateGroup", error=DENIED))
    ended = fresh.syncd("sync")
    fresh.faults()
    again = fresh.syncd("sync")

    assert ended.code == 4
    assert "allow workmail:CreateGroup on this organization" in " ".join(ended.out.split())
    assert "Applied: 22 added" in ended.out
    assert again.code == 0
    assert "No changes" in fresh.syncd("plan").last


def test_credentials_that_expire_midway_stop_what_is_left(fresh: Site) -> None:
    """From then on nothing is sent; with new credentials the next sync does the rest, and nobody is there twice."""
    fresh.faults(Fault(operation="RegisterToWorkMail", nth=3, error=EXPIRED), Fault(nth=30, error=EXPIRED))
    ended = fresh.syncd("sync")
    fresh.faults()
    again = fresh.syncd("sync")

    assert ended.code == 4
    assert "renew the credentials" in ended.out
    assert "the credentials are no good any more (ExpiredTokenException)" in " ".join(ended.out.split())
    assert again.code == 0
    assert "No changes" in fresh.syncd("plan").last


def test_a_hidden_rate_is_waited_for(fresh: Site) -> None:
    """At 50 calls a second, with 8 workers that ask for more, nothing fails."""
    fresh.faults(Fault(throttle=Throttle(rate=50, burst=1)))
    ended = fresh.syncd("sync")
    throttled = sum(counts.get("ThrottlingException", 0) for counts in fresh.server.log.counters().values())

    assert ended.code == 0, ended.out
    assert 0 < throttled < 60
    assert "No changes" in fresh.syncd("plan").last


def test_a_storm_of_5xx_passes(fresh: Site) -> None:
    """One answer in six is a 500: tried again, all of it is there after at most two cycles."""
    fresh.faults(Fault(error=BROKEN, probability=0.16, seed=7))
    fresh.syncd("sync")
    fresh.faults()
    ended = fresh.syncd("sync")

    assert ended.code == 0
    assert "No changes" in fresh.syncd("plan").last


def test_answers_that_get_lost_duplicate_nobody(fresh: Site) -> None:
    """The call had its effect, its answer never came: told as unknown, found by the next cycle, no second entity."""
    fresh.change("region: eu-west-1", "region: eu-west-1\n      read_timeout: 1s")
    fresh.faults(
        Fault(operation="CreateUser", nth=2, timeout="after"),
        Fault(operation="CreateGroup", nth=1, drop="after"),
        Fault(operation="RegisterToWorkMail", nth=2, timeout="after"),
        Fault(operation="AssociateMemberToGroup", nth=1, drop="after"),
        Fault(operation="UpdateUser", nth=3, drop="after"),
        Fault(operation="CreateAlias", nth=1, timeout="after"),
    )
    ended = fresh.syncd("sync")
    fresh.faults()
    again = fresh.syncd("sync")

    assert ended.code == 4
    assert "Outcome unknown (2 operations)" in ended.out
    assert again.code == 0, again.out
    assert "Waiting for approval" not in again.out
    assert "No changes" in fresh.syncd("plan").last
    assert fresh.open_intents() == 0
    everybody = fresh.server.emulator.call("ListUsers", {"OrganizationId": ORGANIZATION})["Users"]
    assert isinstance(everybody, list)
    names = [user["Name"] for user in everybody]
    assert len(names) == len(set(names)) == 8


def test_a_service_that_shows_things_late_is_no_error(tmp_path: Path) -> None:
    """For a second each change isn't seen yet: the sync waits for it, and the next plan is empty."""
    with planetexpress(tmp_path, switches=Switches(settle=0.5)) as site:
        ended = site.syncd("sync")
        threading.Event().wait(0.6)
        after = site.syncd("plan")

    assert ended.code == 0, ended.out
    assert "No changes" in after.last
