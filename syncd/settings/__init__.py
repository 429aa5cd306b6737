"""The configuration file: what it may say, and how it is read."""

from syncd.settings.loading import Loaded, find_file, load
from syncd.settings.root import OrganizationSettings, Settings

__all__ = ["Loaded", "OrganizationSettings", "Settings", "find_file", "load"]
