"""The command line: one file per command, one place that turns errors into exit codes."""

from syncd.cli.app import main

__all__ = ["main"]
