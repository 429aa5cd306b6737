"""Notices to a topic of Amazon SNS, through boto3: temporary credentials are found and renewed as everywhere."""

import os
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError, ProfileNotFound

from syncd.notices.composing import Notice
from syncd.notices.posting import CONNECT_S, RECEIVE_S, Undelivered
from syncd.notices.settings import SnsSettings

#: What SNS takes: characters of a subject, and bytes of a message with room for its attributes.
_SUBJECT = 100
_MESSAGE = 250_000
_LATER = frozenset({429, *range(500, 600)})
_THROTTLES = frozenset({"Throttling", "ThrottledException", "ThrottlingException", "KMSThrottling"})


class Sns:
    """Publishes to one topic; the client is made when the first notice is sent."""

    def __init__(self, settings: SnsSettings) -> None:
        self._settings = settings
        self._client: Any = None

    def send(self, notice: Notice) -> None:
        text = notice.text(personal_data=self._settings.personal_data)
        attributes = {"occasion": notice.occasion.value, "organization": notice.organization}
        try:
            self._connected().publish(
                TopicArn=self._settings.topic_arn,
                Subject=_subject(notice.title),
                Message=text.encode()[:_MESSAGE].decode(errors="ignore"),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
                },
            )
        except ClientError as error:
            raise _of_client_error(error) from None
        except (NoCredentialsError, PartialCredentialsError):
            raise Undelivered("no AWS credentials were found", again=True) from None
        except BotoCoreError as error:
            raise Undelivered(f"no answer: {type(error).__name__}", again=True) from None

    def _connected(self) -> Any:  # noqa: ANN401 - boto3 makes its clients' types when it runs
        if self._client is None:
            settings = self._settings
            config = Config(
                connect_timeout=CONNECT_S,
                read_timeout=RECEIVE_S,
                retries={"total_max_attempts": 1, "mode": "standard"},
                user_agent_extra="syncd",
            )
            to_an_emulator = (settings.endpoint_url or "").startswith("http://")
            key = "emulator" if to_an_emulator and not os.environ.get("AWS_ACCESS_KEY_ID") else None
            try:
                session = boto3.session.Session(profile_name=settings.profile, region_name=settings.region)
            except ProfileNotFound:
                raise Undelivered("its AWS profile doesn't exist: look at profile", again=False) from None
            self._client = session.client(
                "sns",
                endpoint_url=settings.endpoint_url,
                config=config,
                aws_access_key_id=key,
                aws_secret_access_key=key,
            )
        return self._client


def _subject(title: str) -> str:
    """Return *title* as a subject may be: ASCII, one line, not too long."""
    text = "".join(character if " " <= character <= "~" else "?" for character in f"[syncd] {title}")
    return text if len(text) <= _SUBJECT else text[: _SUBJECT - 3] + "..."


def _of_client_error(error: ClientError) -> Undelivered:
    code = str(error.response.get("Error", {}).get("Code", "Unknown"))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
    return Undelivered(f"SNS says {code}", again=status in _LATER or code in _THROTTLES)
