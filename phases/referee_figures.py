"""Figures of the referee's report: reads finished measurements."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from derivations.numeric.store import Json

Results = Sequence[tuple["Json", "Json"]]
_BLUE, _RED, _GREEN = "#1b6ca8", "#c8553d", "#588157"
_ENGINES = {"mode": _BLUE, "ode": _RED, "montecarlo": _GREEN}


def _panels(count: int, width: float = 3.4, height: float = 3.0, columns: int = 4) -> tuple[Any, list[Any]]:
    from matplotlib.figure import Figure

    across = min(count, columns)
    down = -(-count // across)
    figure = Figure(figsize=(width * across, height * down), layout="constrained")
    panels = list(np.ravel(figure.subplots(down, across, squeeze=False)))
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    for axes in panels[count:]:
        axes.set_visible(False)
    return figure, panels


def draw_envelopes(results: Results, path: Path) -> None:
    """Local slopes of the best risk against f: dynamics, and the slopes the laws predict."""
    from phases.check_figure import local_exponents

    points = list(dict.fromkeys((t["alpha"], t["beta"]) for t, _ in results))
    figure, panels = _panels(len(points), 4.0)
    for axes, point in zip(panels, points, strict=False):
        here = [(t, r) for t, r in results if (t["alpha"], t["beta"]) == point]
        predicted: dict[str, str] = {}
        drawn = set()
        for task, result in here:
            if task["law"].split("/")[1].startswith("signsgd"):
                predicted[task["law"]] = result["rows"][0]["predicted"]
            name = task["engine"], task["law"].split("/")[1]
            if name in drawn or not task["law"].endswith("signsgd"):
                continue
            drawn.add(name)
            for k, e in enumerate(result["envelopes"]):
                at, local = local_exponents(np.array(e["compute"]), 1 / np.array(e["risk"]))
                label = f"signSGD, {task['engine']}" if not k else None
                axes.semilogx(at, local, "o-", ms=3, lw=1, color=_ENGINES[task["engine"]], label=label)
        for k, (law, text) in enumerate(predicted.items()):
            axes.axhline(_value(text), color="black", lw=1, ls=("-", "--")[k % 2], label=f"{law}: {text}")
        middle = float(np.mean([_value(x) for x in predicted.values()]))
        axes.set_ylim(middle - 0.09, middle + 0.06)
        axes.set_title(f"alpha = {point[0]}, beta = {point[1]}", fontsize=10)
        axes.set_xlabel("compute f")
        axes.set_ylabel("local slope of the best risk")
        axes.legend(fontsize=7, frameon=False, loc="lower right")
    figure.savefig(path, dpi=130)


def _value(text: str) -> float:
    return float(Fraction(text))


def draw_noise(results: Results, path: Path) -> None:
    """Pure noise of signSGD against N/M, scaled by the printed power of M."""
    figure, (axes,) = _panels(1, 5.4, 3.8)
    colours = ("#9ecae1", "#6baed6", "#3182bd", "#08519c")
    for (task, r), colour in zip(results, colours, strict=False):
        M, alpha = task["M"], task["alpha"]
        x, scale = np.array(r["steps"]) / M, M ** (2 - 2 * alpha)
        axes.loglog(x, np.array(r["linearised"]) / scale, lw=1.2, color=colour, label=f"M = {M}")
        axes.loglog(x, np.array(r["risk"]) / scale, "o", ms=3, color=colour)
    axes.axvline(1, color="grey", lw=0.7, ls=":")
    axes.set_xlabel("N / M")
    axes.set_ylabel(r"noise / ($\gamma^2 M^{2 - 2\alpha}$)")
    axes.set_title("signSGD's noise, alpha = 0.4: sampled (dots), linearised ODE (lines)", fontsize=9)
    axes.text(0.02, 0.95, "the printed term is flat here", transform=axes.transAxes, fontsize=8, va="top")
    axes.legend(fontsize=8, frameon=False, loc="lower right")
    figure.savefig(path, dpi=130)


def draw_transients(results: Results, path: Path) -> None:
    """Sampled signSGD, mean-field and linearised ODE, a panel a point and label noise."""
    figure, panels = _panels(len(results))
    for axes, (task, r) in zip(panels, results, strict=False):
        steps, mean, bar = (np.array(r[k]) for k in ("steps", "sampled", "stderr"))
        axes.fill_between(steps, mean - 3 * bar, mean + 3 * bar, color="black", alpha=0.15, lw=0)
        axes.loglog(steps, mean, "o", ms=3, color="black", label="sampled")
        axes.loglog(steps, r["mean_field"], lw=1.3, color=_BLUE, label="mean field")
        axes.loglog(steps, r["linearised"], "--", lw=1.1, color=_RED, label="linearised")
        axes.set_title(f"({task['alpha']}, {task['beta']}), noise {task['noise']}", fontsize=9)
    panels[0].legend(fontsize=8, frameon=False)
    figure.supxlabel("steps N", fontsize=10)
    figure.supylabel("risk L", fontsize=10)
    figure.savefig(path, dpi=110)


def draw_sgd(results: Results, path: Path) -> None:
    """Sampled SGD and its recurrence."""
    figure, panels = _panels(len(results))
    for axes, (task, r) in zip(panels, results, strict=False):
        steps, mean, bar = (np.array(r[k]) for k in ("steps", "sampled", "stderr"))
        axes.fill_between(steps, mean - 3 * bar, mean + 3 * bar, color="black", alpha=0.15, lw=0)
        axes.loglog(steps, mean, "o", ms=3, color="black", label="sampled")
        axes.loglog(steps, r["exact"], lw=1.3, color=_BLUE, label="recurrence")
        axes.set_title(f"({task['alpha']}, {task['beta']})", fontsize=9)
    panels[0].legend(fontsize=8, frameon=False)
    figure.supxlabel("steps N", fontsize=10)
    figure.supylabel("risk L", fontsize=10)
    figure.savefig(path, dpi=110)
