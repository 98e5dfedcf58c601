"""Rebuild the committed gallery: ``make figures``. One recipe a module, each with ``build(folder)``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import effects
import phase_diagrams

RECIPES = (phase_diagrams, effects)


def main() -> None:
    """Run every recipe."""
    folder = Path(__file__).parent / "gallery"
    folder.mkdir(exist_ok=True)
    for recipe in RECIPES:
        for path in recipe.build(folder):
            print(path.relative_to(Path(__file__).parent.parent))


if __name__ == "__main__":
    main()
