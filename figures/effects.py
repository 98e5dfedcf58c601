"""Which of signSGD's effects moves which wall: the diagrams of the eight subsets of effects, side by side.

Regions with the same slope formula have the same colour in every panel, so a colour that moves is a wall that moves.
"""

from __future__ import annotations

from pathlib import Path

from derivations.optimizers import subsets
from phases.panels import save_panels
from phases.phase_diagram import diagram
from phases.plot import Window


def build(folder: Path) -> list[Path]:
    """Write the figure; returns its paths."""
    found = [diagram(f"derived/{o.name}") for o in subsets()]
    titles = [o.title.removeprefix("SGD with ") for o in subsets()]
    window = Window((0.0, 1.25), (-0.25, 2.0))
    return save_panels(found, titles, "Effects of the sign: compute-optimal slope", folder / "effects", window)
