"""The phase diagram of every registered law: phases with their formulas, and the heat map of the slope."""

from __future__ import annotations

from pathlib import Path

from derivations.registry import names
from phases.atlas import stem_of
from phases.phase_diagram import diagram
from phases.plot import save


def build(folder: Path) -> list[Path]:
    """Write the figures; returns their paths."""
    return [path for name in names() if "/effects/" not in name for path in save(diagram(name), folder / stem_of(name))]
