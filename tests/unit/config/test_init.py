"""What `syncd init` writes."""

from pathlib import Path

from syncd.cli.init import example

EXAMPLE = Path(__file__).resolve().parents[3] / "config" / "examples" / "syncd.example.yaml"


def test_init_writes_the_example_that_the_documents_show() -> None:
    """There is one example: a checkout has it under config/, and a package is built with it."""
    assert example() == EXAMPLE
