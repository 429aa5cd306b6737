"""The quota of mailboxes, from a template of the mapping to WorkMail."""

from pathlib import Path

from tests.functional.places import planetexpress


def test_a_quota_is_planned_set_and_then_as_wanted(tmp_path: Path) -> None:
    """The plan shows before and after, the call is made, and the next plan is empty."""
    with planetexpress(tmp_path) as site:
        assert site.syncd("sync").code == 0
        site.change(
            "        display_name:",
            "        quota: \"{{ '2048' if uid == 'fry' else '51200' }}\"\n        display_name:",
        )
        planned, done, after = site.syncd("plan"), site.syncd("sync"), site.syncd("plan")

        assert "51200 MB -> 2048 MB" in planned.out
        assert (planned.code, done.code, after.code) == (0, 0, 0)
        sent = [call.params for call in site.server.log.recent() if call.operation == "UpdateMailboxQuota"]
        assert [call["MailboxQuota"] for call in sent] == [2048]
        assert " MB" not in after.out
