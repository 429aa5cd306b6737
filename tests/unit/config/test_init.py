"""What `syncd init` writes."""

from importlib.resources import files
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[3] / "config" / "examples" / "syncd.example.yaml"


def test_init_writes_the_example_that_the_documents_show() -> None:
    """The example inside the package and the one under config/ are the same text."""
    assert files("syncd.cli").joinpath("example.yaml").read_text(encoding="utf-8") == EXAMPLE.read_text(
        encoding="utf-8"
    )
