"""An AWS STS on loopback for real boto3: who am I, an error, or silence; and a clock that may be wrong."""

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

ARN = "arn:aws:sts::123456789012:assumed-role/syncd/i-0123456789abcdef0"
_ANSWER = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>{arn}</Arn><UserId>AROAEXAMPLE:i-0</UserId><Account>123456789012</Account>
</GetCallerIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"""
_ERROR = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>{code}</Code><Message>as a test wants it</Message></Error><RequestId>1</RequestId></ErrorResponse>"""


class FakeSts:
    """Answers GetCallerIdentity; with *error* by that code. Its clock is *ahead* of this machine's."""

    def __init__(self, *, error: str = "", ahead: timedelta = timedelta(0)) -> None:
        self.asked: list[str] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                fake.asked.append(body.decode())
                text = _ERROR.format(code=error) if error else _ANSWER.format(arn=ARN)
                self.send_response(403 if error else 200)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def date_time_string(self, timestamp: float | None = None) -> str:
                moment = datetime.fromtimestamp(timestamp or time.time(), UTC) + ahead
                return format_datetime(moment, usegmt=True)

            def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the name it has there

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
