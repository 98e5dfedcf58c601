"""Drawing the referee's evidence: the envelope and its local exponents beside what the law predicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from derivations.numeric.regression import Array
from phases.curves import check_target
from phases.output import staged_file

if TYPE_CHECKING:
    from phases.referee import Check

_LABELS = {
    "slope": ("compute f", "best risk L", "slope"),
    "model_exponent": ("compute f", "best size M*", "x*"),
    "rate_exponent": ("best size M*", "best rate $\\gamma$*", "e*"),
}
_SIGNS = {"slope": -1, "model_exponent": 1, "rate_exponent": -1}
"""Of the quantity in the exponent of what is drawn."""
_COLOURS = {"mode": "#1b6ca8", "ode": "#c8553d", "montecarlo": "#588157"}


def draw_checks(checks: Sequence[Check], path: Path) -> None:
    """Draw what one or more engines found: one point in full, or several by their slopes.

    Raises
    ------
    phases.output.CannotWrite : the name's ending is none of .png, .svg, .pdf, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    check_target(path)
    points: dict[object, list[Check]] = {}
    for check in checks:
        points.setdefault(check.point, []).append(check)
    figure = Figure(layout="constrained")
    if len(points) == 1:
        _draw_point(figure, checks)
    else:
        _draw_slopes(figure, list(points.values()))
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    handles = {label: h for axes in figure.axes for h, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    with staged_file(path) as scratch:
        figure.savefig(scratch, format=path.suffix[1:], dpi=160)


def _draw_point(figure: Any, checks: Sequence[Check]) -> None:
    """Above: L against f, M* against f, gamma* against M*, with a dashed line of the predicted exponent through the
    last point. Below: local exponents, the fit with its error bar, and the prediction."""
    quantities = [c.quantity for c in checks[0].comparisons]
    figure.set_size_inches(3.6 * len(quantities), 5.6)
    grid = figure.subplots(2, len(quantities), squeeze=False, height_ratios=(3, 2), sharex="col")
    for column, quantity in enumerate(quantities):
        for check in checks:
            _draw_curve(grid[0, column], check, quantity)
        _draw_exponents(grid[1, column], checks, quantity)
        x_label, y_label, name = _LABELS[quantity]
        grid[0, column].set_ylabel(y_label)
        grid[1, column].set(xlabel=x_label, ylabel=f"local {name}")
    said = ", ".join(f"{c.engine} {c.verdict}" for c in checks)
    figure.suptitle(f"{checks[0].law} at {_place(checks[0])}: {said}", fontsize=10)


def _draw_slopes(figure: Any, points: Sequence[Sequence[Check]]) -> None:
    """Local slopes, their fit and the prediction, a panel a point."""
    columns = min(4, len(points))
    rows = -(-len(points) // columns)
    figure.set_size_inches(2.9 * columns, 2.3 * rows + 0.7)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, checks in zip(grid.flat, points, strict=False):
        _draw_exponents(axes, checks, "slope")
        said = ", ".join(dict.fromkeys(c.verdict for c in checks))
        axes.set_title(f"{_place(checks[0])}: {said}", fontsize=8)
    for axes in grid.flat[len(points) :]:
        axes.set_axis_off()
    for row in grid:
        row[0].set_ylabel("local slope")
    for axes in grid[-1][: len(points) - columns * (rows - 1)]:
        axes.set_xlabel("compute f")
    figure.suptitle(f"{points[0][0].law} against the dynamics", fontsize=10)


def _place(check: Check) -> str:
    alpha, beta = check.point
    return f"{'/'.join(check.phases)} ({alpha}, {beta})"


def _predicted(check: Check, quantity: str) -> tuple[float, float]:
    low, high = next(c for c in check.comparisons if c.quantity == quantity).predicted
    return float(low), float(high)


def _series(check: Check, quantity: str) -> list[tuple[Array, Array]]:
    """x and y of each envelope, x increasing; y has the exponent `_SIGNS` times the quantity."""
    out = []
    for e in check.envelopes:
        x = e.size if quantity == "rate_exponent" else e.compute
        y = {"slope": e.risk, "model_exponent": e.size, "rate_exponent": e.rate}[quantity]
        order = np.argsort(x, kind="stable")
        out.append((x[order], y[order]))
    return out


def _draw_curve(axes: Any, check: Check, quantity: str) -> None:
    colour = _COLOURS[check.engine]
    for k, (x, y) in enumerate(_series(check, quantity)):
        axes.loglog(x, y, "o-", ms=3, lw=1, color=colour, label=f"{check.engine}: {check.model}")
        if not k:
            slope = _SIGNS[quantity] * sum(_predicted(check, quantity)) / 2
            axes.loglog(x, y[-1] * (x / x[-1]) ** slope, "--", lw=1, color="black", label="predicted exponent")


def _draw_exponents(axes: Any, checks: Sequence[Check], quantity: str) -> None:
    low, high = _predicted(checks[0], quantity)
    farthest = 0.02
    for check in checks:
        colour, fit = _COLOURS[check.engine], next(c for c in check.comparisons if c.quantity == quantity)
        for x, y in _series(check, quantity):
            at, local = local_exponents(x, y)
            local = _SIGNS[quantity] * local
            axes.semilogx(at, local, "o-", ms=3, lw=1, color=colour, label=f"{check.engine}: {check.model}")
            farthest = max([farthest, *np.abs(local - (low + high) / 2)])
        if fit.fit is not None:
            axes.errorbar(
                [x[-1]], [fit.fit.value], [fit.error or 0.0], fmt="s", ms=4, capsize=3, color=colour, mfc="white"
            )
            farthest = max(farthest, abs(fit.fit.value - (low + high) / 2) + min(fit.error or 0.0, 0.1))
    if low < high:
        axes.axhspan(low, high, color="black", alpha=0.2, lw=0)
    else:
        axes.axhline(low, color="black", ls="--", lw=1, label="predicted exponent")
    reach = 1.15 * min(float(farthest), 0.4) + (high - low) / 2
    axes.set_ylim((low + high) / 2 - reach, (low + high) / 2 + reach)


def local_exponents(x: Array, y: Array) -> tuple[Array, Array]:
    """Geometric means of x over neighbouring threes, and slopes of log y there; points closer than 10 % are skipped.

    >>> x = np.geomspace(1, 100, 5)
    >>> [round(s, 9) for s in local_exponents(x, x**0.5)[1].tolist()]
    [0.5, 0.5, 0.5]
    """
    u, v = np.log(x), np.log(y)
    wide = u[2:] - u[:-2]
    keep = wide > 0.1
    slopes = (v[2:] - v[:-2])[keep] / wide[keep]
    return np.exp(0.5 * (u[2:] + u[:-2])[keep]), slopes
