"""What is answered, asked in memory."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from syncd.errors import ConfigurationError
from syncd.web.app import MOST_BODY
from syncd.web.settings import HttpSettings
from tests.fakes.apps import AskedApp, basic, bearer, web_file
from tests.fakes.boards import HOSTILE, board_of, in_sync, waiting


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz"])
def test_a_probe_says_yes_while_everything_is_so(path: str) -> None:
    """A probe is 200 and one word; asked for it, it lists what it looked at."""
    app = AskedApp()

    assert (app.get(path).status_code, app.get(path).text) == (200, "ok\n")
    assert app.get(f"{path}?verbose").text == "[+] configuration\n[+] store\nok\n"


@pytest.mark.parametrize(
    ("path", "says"), [("/livez", "not alive"), ("/readyz", "not ready"), ("/startupz", "not started")]
)
def test_a_probe_says_no_and_names_what_is_missing(path: str, says: str) -> None:
    """A probe is 503 while something is not so, and tells this machine what."""
    app = AskedApp()
    app.checks["store"] = False

    answer = app.get(path)

    assert (answer.status_code, answer.text) == (503, f"[+] configuration\n[-] store\n{says}\n")


def test_a_stranger_learns_no_details_from_a_probe() -> None:
    """From another machine and without a password, yes or no is all there is."""
    app = AskedApp(client="10.1.2.3")
    app.checks["store"] = False

    assert app.get("/readyz?verbose").text == "not ready\n"


def test_who_is_known_learns_the_details_from_anywhere(tmp_path: Path) -> None:
    """With authentication the details are for whoever is known, and the yes or no is still for everybody."""
    app = AskedApp(client="10.1.2.3", web_config=web_file(tmp_path))

    assert app.get("/livez").status_code == 200
    assert app.get("/readyz?verbose").text == "ok\n"
    assert app.get("/readyz?verbose", basic(password="wrong")).text == "ok\n"
    assert app.get("/readyz?verbose", basic()).text == "[+] configuration\n[+] store\nok\n"
    assert app.get("/readyz?verbose", bearer()).text == "[+] configuration\n[+] store\nok\n"


def test_with_authentication_this_machine_is_a_stranger_too(tmp_path: Path) -> None:
    """A proxy on this machine speaks for the whole world."""
    assert AskedApp(web_config=web_file(tmp_path)).get("/readyz?verbose").text == "ok\n"


def test_metrics_come_as_prometheus_reads_them() -> None:
    """Without a wish, the text format that promtool reads."""
    answer = AskedApp().get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "syncd_cycles_total 1.0" in answer.text


def test_metrics_come_as_openmetrics_on_request() -> None:
    """A scraper that accepts OpenMetrics gets it, in a form that its parser reads."""
    answer = AskedApp().get("/metrics", {"accept": "application/openmetrics-text; version=1.0.0"})

    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    families = text_string_to_metric_families(answer.text)  # type: ignore[no-untyped-call]  # the library's parser
    assert [family.name for family in families] == ["syncd_cycles"]


@pytest.mark.parametrize("path", ["/", "/metrics", "/livez", "/organizations/planetexpress", "/nowhere"])
def test_every_answer_is_made_safe(path: str) -> None:
    """No answer is kept, framed, guessed at, or allowed to load anything from elsewhere."""
    headers = AskedApp().get(path).headers

    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(("actions", "allowed"), [(False, "'none'"), (True, "'self'")])
def test_a_form_goes_nowhere_unless_there_is_one(actions: bool, allowed: str) -> None:
    """Only with actions may the page send its form, and to itself alone."""
    app = AskedApp(actions=actions)

    assert f"form-action {allowed};" in app.get().headers["content-security-policy"]
    assert ("<form" in app.get().text) is actions


def test_an_unknown_path_is_not_there() -> None:
    """What nobody wrote is 404."""
    assert AskedApp().get("/favicon.ico").status_code == 404
    assert AskedApp().get("/icon/..%2f..%2fsettings.svg").status_code == 404
    assert AskedApp().get("/organizations/nobody").status_code == 404


@pytest.mark.parametrize("name", HOSTILE)
def test_every_organization_has_a_page_whatever_it_is_called(name: str) -> None:
    """The link on the overview leads to the page of that organization."""
    app = AskedApp(board_of(waiting(name), *(in_sync(f"tenant-{index}") for index in range(4))))
    path = f"/organizations/{quote(name, safe='')}"

    assert f'href="{path}"' in app.get().text
    assert app.get(path).status_code == 200


def test_nothing_can_be_asked_unless_it_is_allowed() -> None:
    """`POST /-/sync` is 404 without `http.actions`, and says how to switch it on."""
    app = AskedApp()

    answer = app.post()

    assert answer.status_code == 404
    assert "set http.actions to true" in answer.text
    assert app.asked == []


@pytest.mark.parametrize(
    ("path", "form", "asked"),
    [
        ("/-/sync", {}, None),
        ("/-/sync?organization=lab", {}, "lab"),
        ("/-/sync", {"organization": "lab"}, "lab"),
        ("/-/sync?organization=lab", {"organization": "lab"}, "lab"),
    ],
)
def test_a_cycle_can_be_asked_for(path: str, form: dict[str, str], asked: str | None) -> None:
    """With `http.actions` it is 202 with the names, for one organization or for all."""
    app = AskedApp(board_of(in_sync("corp"), in_sync("lab")), actions=True)

    answer = app.post(path, data=form)

    assert (answer.status_code, answer.text) == (202, "corp\nlab\n" if asked is None else "lab\n")
    assert app.asked == [asked]


def test_a_browser_gets_a_page_when_it_asked() -> None:
    """Whoever pressed the button reads a page with the way back."""
    app = AskedApp(actions=True)

    answer = app.post(headers={"accept": "text/html,*/*;q=0.8"}, data={"organization": "planetexpress"})

    assert (answer.status_code, answer.headers["content-type"]) == (202, "text/html; charset=utf-8")
    assert "planetexpress" in answer.text
    assert '<a href="/">' in answer.text


def test_an_organization_that_is_not_there_is_said() -> None:
    """A name that nobody has is 404, with the nearest one that somebody has."""
    answer = AskedApp(actions=True).post("/-/sync?organization=planetexprss")

    assert answer.status_code == 404
    assert "did you mean planetexpress?" in answer.text


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"x" * (MOST_BODY + 1), "application/x-www-form-urlencoded", 413),
        (b'{"organization": "lab"}', "application/json", 415),
        (b"organization=a&organization=b", "application/x-www-form-urlencoded", 400),
        (b"organisation=lab", "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=1"] * 100), "application/x-www-form-urlencoded", 400),
    ],
)
def test_a_form_that_is_none_is_refused(data: bytes, kind: str, status: int) -> None:
    """What is too large, no form, or about something else starts no cycle."""
    app = AskedApp(actions=True)

    assert app.post(headers={"content-type": kind}, data=data).status_code == status
    assert app.asked == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 202),
        ({"sec-fetch-site": "same-origin"}, 202),
        ({"sec-fetch-site": "none"}, 202),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://127.0.0.1:9780"}, 202),
        ({"origin": "http://127.0.0.1:9781"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "http://evil.example"}, 403),
    ],
)
def test_a_page_of_another_site_can_ask_for_nothing(headers: dict[str, str], status: int) -> None:
    """What a browser sends for somebody else's page is refused; what the page itself or a program sends isn't."""
    app = AskedApp(actions=True)

    assert app.post(headers=headers).status_code == status
    assert len(app.asked) == (status == 202)


def test_asking_needs_the_password(tmp_path: Path) -> None:
    """With authentication, nobody unknown starts a cycle."""
    app = AskedApp(actions=True, web_config=web_file(tmp_path))

    assert app.post().status_code == 401
    assert app.post(headers=bearer()).status_code == 202


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_nothing_else_than_reading_is_possible(method: str) -> None:
    """Any method that might change something is refused, everywhere else."""
    answer = AskedApp(actions=True).ask(method, "/metrics")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_asking_is_no_reading() -> None:
    """A link or a picture can't start a cycle: only POST does."""
    app = AskedApp(actions=True)
    answer = app.get("/-/sync")

    assert (answer.status_code, answer.headers["allow"], app.asked) == (405, "POST", [])


def test_head_is_answered_without_a_body() -> None:
    """HEAD gets what GET gets, without the text."""
    answer = AskedApp().ask("HEAD", "/livez")

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("exposed", [{"personal_data": True}, {"actions": True}])
def test_strangers_are_shown_nothing_personal(exposed: dict[str, Any], tmp_path: Path) -> None:
    """Beyond this machine, personal data and actions need authentication; the error says the ways out."""
    with pytest.raises(ConfigurationError) as caught:
        AskedApp(listen="0.0.0.0:9780", **exposed)

    said = str(caught.value)
    (name,) = exposed
    assert caught.value.exit_code == 78
    assert f"http.{name}" in said
    assert "http.listen is 0.0.0.0:9780" in said
    assert "three ways out: listen on 127.0.0.1:9780" in said
    assert "http.web_config" in said
    AskedApp(listen="0.0.0.0:9780", web_config=web_file(tmp_path), **exposed)
    AskedApp(listen="[::1]:9780", **exposed)
    AskedApp(listen="0.0.0.0:9780")


def test_a_reload_changes_what_is_shown() -> None:
    """New settings are checked first, and in force only when they are brought into force."""
    app = AskedApp(board_of(waiting()))
    swap = app.app.prepare(HttpSettings(personal_data=True, hosts=("syncd.corp.example",)))
    before = app.get("/", {"host": "syncd.corp.example"})
    swap()
    after = app.get("/", {"host": "syncd.corp.example"})

    assert (before.status_code, after.status_code) == (421, 200)
    assert "deregister amy" not in app_text_without(app)
    assert "deregister amy" in after.text


def app_text_without(app: AskedApp) -> str:
    """The page as it would be without personal data."""
    app.app.prepare(HttpSettings())()
    return app.get().text


def test_a_reload_can_not_move_the_address(tmp_path: Path) -> None:
    """What needs a restart is refused before anything is changed, and says so."""
    app = AskedApp()

    with pytest.raises(ConfigurationError, match="restart syncd"):
        app.app.prepare(HttpSettings(listen="127.0.0.1:9999"))
    with pytest.raises(ConfigurationError, match="can't be read"):
        app.app.prepare(HttpSettings(web_config=tmp_path / "missing.yml"))
    assert app.app.settings == HttpSettings()


def test_the_page_says_when_syncd_itself_is_not_well() -> None:
    """What a probe misses stands in the first sentence of the page."""
    app = AskedApp()
    app.checks["store"] = False

    assert "syncd itself is not well: store. planetexpress is in sync." in app.get().text
