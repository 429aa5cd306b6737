"""Answers as Amazon WorkMail would: an imitation to try syncd on, and to test it against.

`Emulator` is the service as a plain object. It knows neither boto3 nor HTTP; those who want to reach it by
HTTP find the server beside it.
"""

from syncd.emulator.entities import MAILBOX_GRACE_S
from syncd.emulator.fault import ServiceFault
from syncd.emulator.organization import DirectoryKind
from syncd.emulator.service import Emulator
from syncd.emulator.switches import Switches

__all__ = ["MAILBOX_GRACE_S", "DirectoryKind", "Emulator", "ServiceFault", "Switches"]
