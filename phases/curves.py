"""Drawing risk curves: reads finished curves, solves nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from phases.output import CannotWrite, staged_file

if TYPE_CHECKING:
    from derivations.numeric.request import RiskCurve

FORMATS = (".png", ".svg", ".pdf")


def check_target(path: Path) -> None:
    """Raise CannotWrite if a figure cannot go to this path."""
    if path.suffix not in FORMATS:
        raise CannotWrite(f"--plot: expected a file name ending in {', '.join(FORMATS)}, got {path.name!r}")
    if not path.parent.is_dir():
        raise CannotWrite(f"--plot: expected an existing folder, {path.parent} is none")


def draw_curve(found: RiskCurve, title: str, path: Path) -> None:
    """Draw the risk against steps on logarithmic axes, with the error band and terms it has.

    Raises
    ------
    CannotWrite : the name's ending is none of .png, .svg, .pdf, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    check_target(path)
    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    axes = figure.subplots()
    for name, values in found.terms.items():
        axes.loglog(found.steps, values, lw=1, ls="--", label=name)
    axes.loglog(found.steps, found.risk, lw=1.8, color="black", label=f"{found.engine}: {found.model}")
    if found.stderr is not None:
        low, high = found.risk - 2 * found.stderr, found.risk + 2 * found.stderr
        axes.fill_between(
            found.steps, low.clip(found.risk * 0.05), high, color="black", alpha=0.2, lw=0, label="2 s.e."
        )
    bottom = found.risk[found.risk > 0].min()
    axes.set_ylim(bottom * 0.3, found.risk.max() * 2)
    axes.set_xlabel("steps N")
    axes.set_ylabel("risk L")
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    with staged_file(path) as scratch:
        figure.savefig(scratch, format=path.suffix[1:], dpi=160)
