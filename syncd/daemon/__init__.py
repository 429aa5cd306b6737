"""The daemon: cycles on a schedule, for years, with everything that watches it.

schedule (settings, cron, windows) --> trigger --> daemon --> a cycle for each organization
signals, changed files, POST /-/sync --> flags --^   |
                                                     +--> progress --> watchdog, probes, status line
"""

from syncd.daemon.daemon import STOP_WITHIN, Daemon, Job, stopping_on_signals

__all__ = ["STOP_WITHIN", "Daemon", "Job", "stopping_on_signals"]
