"""Metrics, health and the status page over HTTP.

a request --> server (deadlines, TLS) --> door (who may come in) --> app (what is answered) --> who knows it
                                            web_config, passwords                                 metrics, probes, pages
"""
