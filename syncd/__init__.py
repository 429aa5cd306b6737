"""Keeps an Amazon WorkMail organization equal to a directory."""

from importlib.metadata import version

__version__ = version("syncd")
