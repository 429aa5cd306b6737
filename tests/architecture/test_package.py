"""What is built of this checkout has everything that a running syncd reads from its own files."""

import os
import zipfile
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder


def test_the_wheel_has_every_file_of_the_package(root: Path, files: dict[str, Path], tmp_path: Path) -> None:
    """Templates, style sheets, scripts, the example and the demo's directory are installed with the modules."""
    wheel = next(WheelBuilder(os.fspath(root)).build(directory=os.fspath(tmp_path), versions=["standard"]))
    with zipfile.ZipFile(wheel) as built:
        within = set(built.namelist())

    demo = {name.replace("config/demo", "syncd/_demo", 1) for name in files if name.startswith("config/demo/")}
    wanted = {name for name in files if name.startswith("syncd/")} | demo | {"syncd/_example.yaml"}
    assert demo
    assert {Path(name).suffix for name in wanted} >= {".html", ".css", ".js", ".yaml", ".typed"}
    assert wanted - within == set()
