"""Notices through Apprise, to whatever service its URL names. Its URLs hold secrets, so its own words are kept out."""

import logging

from syncd.notices.composing import Notice
from syncd.notices.posting import ATTEMPT_S, Undelivered
from syncd.notices.settings import AppriseSettings


class Apprise:
    """One Apprise URL; the package is loaded when the first notice is sent."""

    def __init__(self, settings: AppriseSettings) -> None:
        self._settings = settings

    def send(self, notice: Notice) -> None:
        """Send *notice*; what Apprise returns is yes or no, so a no is tried again."""
        try:
            import apprise  # noqa: PLC0415 - an extra that need not be installed
        except ImportError:
            raise Undelivered("Apprise isn't installed: pip install '.[apprise]'", again=False) from None
        # They log the URLs that they can't use, and the paths of those that they can.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        logging.getLogger("urllib3").setLevel(max(logging.INFO, logging.getLogger("urllib3").level))
        asset = apprise.AppriseAsset(
            app_id="syncd",
            app_desc="syncd",
            async_mode=False,
            storage_mode="memory",
            service_timeout=ATTEMPT_S,
            http_redirects=False,
        )
        sender = apprise.Apprise(asset=asset)
        if not sender.add(self._settings.url.get_secret_value()):
            raise Undelivered("Apprise doesn't know this kind of URL", again=False)
        text = notice.text(personal_data=self._settings.personal_data)
        if not sender.notify(title=notice.title, body=text, body_format=apprise.NotifyFormat.TEXT):
            raise Undelivered("Apprise could not deliver it", again=True)
