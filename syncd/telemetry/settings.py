"""The section `log` of the configuration."""

from typing import Literal

from syncd.model.policy import Section


class LogSettings(Section):
    """How log lines look; *personal_data* shows names and addresses in them."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = "auto"
    personal_data: bool = False
