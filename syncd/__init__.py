"""Keeps an Amazon WorkMail organization equal to a directory."""


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: what that imports would be a quarter of a short command."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - only when asked for

        return version("syncd")
    raise AttributeError(name)
