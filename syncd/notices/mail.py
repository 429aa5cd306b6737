"""Notices by mail: text and HTML side by side, and the report's page beside them where names are allowed."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from jinja2 import Environment, StrictUndefined

from syncd.notices.composing import Notice
from syncd.notices.destinations import Destination, is_loopback, parse_destination, resolve
from syncd.notices.posting import CONNECT_S, RECEIVE_S, Lifeline, Undelivered, of_transport, tls_context, translated
from syncd.notices.settings import EmailSettings

#: A mail with a page gets longer than a small request.
ATTEMPT_S = 60.0
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{{ title }}</title></head>
<body style="font: 16px/1.5 system-ui, sans-serif; max-width: 40rem">
<h1 style="font-size: 1.25rem">{{ title }}</h1>
{% for line in lines %}<p style="margin: .25rem 0">{{ line }}</p>
{% endfor %}
{% if commands %}<pre style="padding: .75rem; border: 1px solid #8c959f; border-radius: 6px; white-space: pre-wrap">\
{{ commands | join("\\n") }}</pre>
{% endif %}
{% if page %}<p>The whole report is attached.</p>
{% endif %}
</body></html>
"""
#: Replies of a server that may take the same mail later.
_LATER = range(400, 500)


class Mail:
    """Sends over one connection a mail; TLS is checked, and without it nothing leaves this machine."""

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        self._page = environment.from_string(_PAGE)

    def send(self, notice: Notice) -> None:
        message = self.compose(notice)
        with translated(), Lifeline(ATTEMPT_S) as lifeline, _smtp_translated():
            server = open_server(self._settings, lifeline)
            with closing(server):
                if self._settings.username is not None and self._settings.password is not None:
                    server.login(self._settings.username, self._settings.password.get_secret_value())
                server.send_message(message, self._settings.sender, self._settings.to)

    def compose(self, notice: Notice) -> EmailMessage:
        """Return the mail; it says that a machine wrote it, so that no absence note answers."""
        settings = self._settings
        page = notice.page if settings.personal_data else None
        lines = [*notice.lines, *(notice.personal if settings.personal_data else ())]
        message = EmailMessage(policy=SMTP)
        message["From"] = settings.sender
        message["To"] = ", ".join(settings.to)
        message["Subject"] = f"[syncd] {notice.title}"
        message["Date"] = format_datetime(notice.at)
        message["Message-ID"] = f"<{notice.id}@{settings.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(notice.text(personal_data=settings.personal_data))
        html = self._page.render(title=notice.title, lines=lines, commands=notice.commands, page=page is not None)
        message.add_alternative(html, subtype="html")
        if page is not None:
            name = f"{notice.organization}-{notice.at:%Y%m%dT%H%M%SZ}.html"
            message.add_attachment(page().encode(), maintype="text", subtype="html", filename=name)
        return message


def open_server(settings: EmailSettings, lifeline: Lifeline) -> smtplib.SMTP:
    """Return a connection to the server that is encrypted, or goes to this machine.

    Raises:
        OSError, smtplib.SMTPException: no answer, or not as who it should be.
        Undelivered: it offers no STARTTLS.
    """
    destination = parse_destination(settings.server, schemes=("smtps", "smtp"))
    context = tls_context(settings.ca_file)
    if destination.scheme == "smtps":
        return _Secure(destination, lifeline, context)
    with ExitStack() as stack:
        server = _Dialed(destination, lifeline)
        stack.callback(server.close)
        server.ehlo_or_helo_if_needed()
        if server.has_extn("starttls"):
            server.starttls(context=context)
        elif not is_loopback(destination.host):
            raise Undelivered("it offers no STARTTLS, so nothing was sent: write smtps:// if it can", again=False)
        stack.pop_all()
        return server


class _Dialed(smtplib.SMTP):
    """Connects to an address that was looked at, on a lifeline."""

    def __init__(self, destination: Destination, lifeline: Lifeline) -> None:
        self._lifeline = lifeline
        self._address = resolve(destination)[0]
        # Without a name of our own, smtplib asks DNS for it, and waits.
        super().__init__(destination.host, destination.port, local_hostname=socket.gethostname(), timeout=RECEIVE_S)

    def _get_socket(self, _host: str, port: int, _timeout: float) -> socket.socket:
        sock = socket.create_connection((self._address, port), CONNECT_S)
        sock.settimeout(RECEIVE_S)
        self._lifeline.hold(sock)
        return sock


class _Secure(smtplib.SMTP_SSL, _Dialed):
    """The same, with TLS from the first byte on; smtplib checks the name that was configured."""

    def __init__(self, destination: Destination, lifeline: Lifeline, context: ssl.SSLContext) -> None:
        self._lifeline = lifeline
        self._address = resolve(destination)[0]
        smtplib.SMTP_SSL.__init__(
            self,
            destination.host,
            destination.port,
            local_hostname=socket.gethostname(),
            timeout=RECEIVE_S,
            context=context,
        )


@contextmanager
def _smtp_translated() -> Iterator[None]:
    """Turn what the server refuses into `Undelivered`; its own words may name people."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        later = all(code in _LATER for code in codes)
        raise Undelivered(f"no recipient was taken: SMTP {min(codes)}", again=later) from None
    except smtplib.SMTPResponseException as error:
        raise Undelivered(f"SMTP {error.smtp_code}", again=error.smtp_code in _LATER) from None
    except smtplib.SMTPServerDisconnected as error:
        raise of_transport(error) from None
    except smtplib.SMTPException as error:
        raise Undelivered(f"the server can't do what is needed: {type(error).__name__}", again=False) from None
