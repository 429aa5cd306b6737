"""The daemon: cycles on a schedule, for years, with everything that watches it.

schedule (settings, windows) --> trigger --> daemon --> a cycle for each organization
signals, changed files, POST /-/sync --> requests --^     |
                              progress --> watchdog, probes, status line <--+
"""
