"""Frozen values that travel through a cycle; no I/O, no service."""
