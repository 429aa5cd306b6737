"""Metrics, health and the status page over HTTP.

a request --> server (deadlines, TLS) --> door (who may come in) --> app (what is answered) --> page
                                            web, passwords                                      words, chart
"""

from syncd.telemetry.http.app import Application, Checks, Probes, make_app
from syncd.telemetry.http.server import HttpServer

__all__ = ["Application", "Checks", "HttpServer", "Probes", "make_app"]
