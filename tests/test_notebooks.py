"""Every notebook runs as it is, and is kept with the outputs of what it says now."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path) -> None:
    environment = os.environ | {"MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "derived/signsgd at (2/5, 7/10): agrees" in done.stdout
    assert "kim2026/signsgd at (2/5, 7/10): disagrees" in done.stdout


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_the_rendered_notebook_is_the_script(path: Path) -> None:
    """``make notebooks`` was run after the last change; every code cell was executed."""
    cells = json.loads(path.with_suffix(".ipynb").read_text(encoding="utf-8"))["cells"]
    code = [c for c in cells if c["cell_type"] == "code"]
    script = path.read_text(encoding="utf-8")
    assert all("".join(c["source"]).strip() in script for c in code)
    assert all(c["execution_count"] for c in code)
    assert script.count("# %%") == len(cells)
