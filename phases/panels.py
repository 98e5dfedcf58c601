"""Several diagrams side by side, to see which wall moves: equal slope formulas have equal colours in all panels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from derivations.algebra import Rational
from phases.latex import formula_latex
from phases.phase_diagram import Phase, PhaseDiagram
from phases.plot import FORMATS, Window, draw_phases, label_spots, palette, style, swatch, write


def save_panels(
    diagrams: Sequence[PhaseDiagram], titles: Sequence[str], heading: str, stem: Path, window: Window
) -> list[Path]:
    """Several diagrams side by side, equal slope formulas in equal colours, formulas below; written in all formats."""
    names = ", ".join(d.law.name for d in diagrams)
    with style(heading):
        return write(draw_panels(diagrams, titles, heading, window), stem, FORMATS, heading, names)


def draw_panels(diagrams: Sequence[PhaseDiagram], titles: Sequence[str], heading: str, window: Window) -> Any:
    """The figure of `save_panels`: regions are numbered by their slope formula."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    samples: dict[Rational, Phase] = {}
    for found in diagrams:
        for phase in found.phases:
            samples.setdefault(phase.formulas.slope, phase)
    formulas = list(samples)
    colours = palette(len(formulas))
    columns = min(4, len(diagrams))
    rows, lines = -(-len(diagrams) // columns), -(-len(formulas) // 3)
    height = 2.75 * rows + 0.42 * lines + 0.5
    figure = Figure(figsize=(2.9 * columns, height), dpi=150)
    FigureCanvasAgg(figure)
    bottom = (0.42 * lines + 0.1) / height
    grid = figure.add_gridspec(
        rows,
        columns,
        left=0.05,
        right=0.99,
        top=1 - 0.62 / height,
        bottom=bottom + 0.4 / height,
        wspace=0.18,
        hspace=0.28,
    )
    for k, (found, title) in enumerate(zip(diagrams, titles, strict=True)):
        axes = figure.add_subplot(grid[k // columns, k % columns])
        axes.set_xlim(*window.alpha)
        axes.set_ylim(*window.beta)
        axes.tick_params(labelsize=7)
        axes.set_title(title, fontsize=9)
        numbers = [formulas.index(p.formulas.slope) for p in found.phases]
        draw_phases(axes, found, window, [colours[n] for n in numbers])
        for i, spot in label_spots(found, window).items():
            axes.text(*spot, str(numbers[i] + 1), fontsize=9, ha="center", va="center", zorder=7)
    figure.text(0.05, 1 - 0.24 / height, heading, fontsize=11)
    legend = figure.add_axes((0.03, 0.0, 0.96, bottom))
    legend.axis("off")
    for n, formula in enumerate(formulas):
        x, y = (n // lines) / 3, 1 - (n % lines + 0.5) / lines
        swatch(legend, x, y, 0.5 / lines, colours[n])
        text = f"{n + 1}:  $\\eta^*={formula_latex(formula, samples[formula].sample)}$"
        legend.text(x + 0.025, y, text, fontsize=8.5, va="center")
    return figure
