"""Drawing the referee's evidence: the envelope and its local exponents beside what the law predicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from derivations.numeric.regression import Array
from phases.curves import check_target

if TYPE_CHECKING:
    from phases.referee import Check

_LABELS = {
    "slope": ("compute f", "best risk L", "slope"),
    "model_exponent": ("compute f", "best size M*", "x*"),
    "rate_exponent": ("best size M*", "best rate $\\gamma$*", "e*"),
}
_COLOURS = {"mode": "#1b6ca8", "ode": "#c8553d", "montecarlo": "#588157"}


def draw_checks(checks: Sequence[Check], path: Path) -> None:
    """Draw one point, checked by one or more engines.

    Above: L against f, M* against f, gamma* against M*, with a dashed line of the predicted exponent through the last
    point. Below: local exponents, the fit with its error bar, and the prediction.

    Raises
    ------
    phases.output.CannotWrite : the name's ending is none of .png, .svg, .pdf, or the folder does not exist.
    """
    from matplotlib.figure import Figure

    check_target(path)
    quantities = [c.quantity for c in checks[0].comparisons]
    figure = Figure(figsize=(3.6 * len(quantities), 5.4), layout="constrained")
    grid = figure.subplots(2, len(quantities), squeeze=False, height_ratios=(3, 2))
    for column, quantity in enumerate(quantities):
        for check in checks:
            _draw(grid[:, column], check, quantity)
        x_label, y_label, name = _LABELS[quantity]
        grid[0, column].set_ylabel(y_label)
        grid[1, column].set_xlabel(x_label)
        grid[1, column].set_ylabel(f"local {name}")
        grid[1, column].sharex(grid[0, column])
        for axes in grid[:, column]:
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=8)
    grid[0, 0].legend(fontsize=7, frameon=False)
    first = checks[0]
    place = f"alpha = {first.point[0]}, beta = {first.point[1]}"
    said = ", ".join(f"{c.engine}: {c.verdict}" for c in checks)
    figure.suptitle(f"{first.law} at {place}, phase {'/'.join(first.phases)}: {said}", fontsize=10)
    figure.savefig(path, dpi=160)


def _draw(panels: Any, check: Check, quantity: str) -> None:
    """One quantity of one engine into an upper and a lower panel."""
    above, below = panels
    colour = _COLOURS[check.engine]
    comparison = next(c for c in check.comparisons if c.quantity == quantity)
    low, high = (float(x) for x in comparison.predicted)
    sign = {"slope": -1, "model_exponent": 1, "rate_exponent": -1}[quantity]
    for k, envelope in enumerate(check.envelopes):
        x = envelope.size if quantity == "rate_exponent" else envelope.compute
        y = {"slope": envelope.risk, "model_exponent": envelope.size, "rate_exponent": envelope.rate}[quantity]
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
        above.loglog(x, y, "o-", ms=3, lw=1, color=colour, label=f"{check.engine}: {check.model}" if not k else None)
        if not k:
            above.loglog(x, y[-1] * (x / x[-1]) ** (sign * (low + high) / 2), "--", lw=1, color="black")
        at, local = local_exponents(x, y)
        below.semilogx(at, sign * local, "o-", ms=3, lw=1, color=colour)
    below.axhspan(low - 1e-3, high + 1e-3, color="black", lw=0, alpha=0.8)
    if comparison.fit is not None:
        fit = comparison.fit
        below.errorbar([x[-1]], [fit.value], [comparison.error], fmt="s", ms=4, capsize=3, color=colour, mfc="white")
    middle = (low + high) / 2
    below.set_ylim(middle - 0.25, middle + 0.25)


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
