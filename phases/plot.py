"""Drawing a finished diagram: exact walls, phases coloured and labelled, corners, and a heat map of the slope.

Floats enter here only. Between two critical alphas the walls are ordered functions of alpha, so every phase is drawn
as bands between them; nothing is rasterised except the heat map. Files are byte-identical from run to run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derivations.algebra import Poly, Rational, terms
from derivations.lawfile import write_law
from phases.latex import formula_latex
from phases.phase_diagram import Phase, PhaseDiagram
from phases.planar import Cylinder
from phases.program import Infinite

FloatArray = NDArray[np.float64]
FORMATS = ("pdf", "svg", "png")


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the plane that is drawn."""

    alpha: tuple[float, float]
    beta: tuple[float, float]


def default_window(diagram: PhaseDiagram) -> Window:
    """A window that shows all corners (the sample points, if there are none) with room around them."""
    points = [(float(c.alpha), float(c.beta)) for c in diagram.corners]
    points = points or [(float(p.sample[0]), float(p.sample[1])) for p in diagram.phases]
    near = [p for p in points if max(map(abs, p)) <= 6] or [(0.5, 0.5)]
    alphas, betas = zip(*near, strict=True)
    return Window((min(0.0, *alphas), max(0.75, *alphas) + 0.5), (min(0.0, *betas) - 0.25, max(1.0, *betas) + 0.5))


def evaluate_poly(p: Poly, alpha: FloatArray, beta: FloatArray) -> FloatArray:
    """Values of a polynomial on arrays."""
    total = np.zeros(np.broadcast(alpha, beta).shape)
    for i, j, c in terms(p)[2]:
        total = total + float(c) * alpha**i * beta**j
    return total


def evaluate_ratio(r: Rational, alpha: FloatArray, beta: FloatArray) -> FloatArray:
    """Values of a rational function on arrays; infinities and nan where the denominator vanishes."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return evaluate_poly(r.num, alpha, beta) / evaluate_poly(r.den, alpha, beta)


def phase_index(diagram: PhaseDiagram, alpha: FloatArray, beta: FloatArray) -> NDArray[np.int64]:
    """Index of the phase at each point, -1 outside the domain (or exactly on a wall)."""
    out = np.full(np.broadcast(alpha, beta).shape, -1, dtype=np.int64)
    positive: dict[Poly, NDArray[np.bool_]] = {}
    for k, phase in enumerate(diagram.phases):
        for part in phase.region.parts:
            mask = np.ones(out.shape, dtype=bool)
            for p, s in part:
                if p not in positive:
                    positive[p] = evaluate_poly(p, alpha, beta) > 0
                mask &= positive[p] if s > 0 else ~positive[p]
            out[mask] = k
    return out


def slope_grid(diagram: PhaseDiagram, alpha: FloatArray, beta: FloatArray) -> FloatArray:
    """The slope on arrays of points, in floating point, for heat maps; nan outside the domain.

    >>> from phases.phase_diagram import diagram
    >>> float(slope_grid(diagram("kim2026/signsgd"), np.array([0.4]), np.array([0.7]))[0].round(6))
    0.461538
    """
    alpha, beta = np.broadcast_arrays(np.asarray(alpha, dtype=float), np.asarray(beta, dtype=float))
    index = phase_index(diagram, alpha, beta)
    out = np.full(index.shape, np.nan)
    for k, phase in enumerate(diagram.phases):
        mask = index == k
        if mask.any():
            out[mask] = evaluate_ratio(phase.formulas.slope, alpha[mask], beta[mask])
    return out


_LIGHT = ("#EE8866", "#EEDD88", "#77AADD", "#99DDFF", "#BBCC33", "#44BB99", "#FFAABB", "#DDDDDD", "#AAAA00")


def palette(n: int) -> list[tuple[float, float, float]]:
    """n colours: Paul Tol's light scheme (safe for colour-blind readers, dark text readable on all, also in grey).

    From ten on the scheme is repeated in paler shades; such figures number their regions.
    """
    from matplotlib.colors import to_rgb

    out = []
    for k in range(n):
        mix = 1 - 0.6 ** (k // len(_LIGHT))
        r, g, b = to_rgb(_LIGHT[k % len(_LIGHT)])
        out.append((r + (1 - r) * mix, g + (1 - g) * mix, b + (1 - b) * mix))
    return out


def _real_roots(p: Poly, alpha: float) -> list[float]:
    """Real roots in beta at one alpha, ascending."""
    degree = terms(p)[1]
    coefficients = [0.0] * (degree + 1)
    for i, j, c in terms(p)[2]:
        coefficients[degree - j] += float(c) * alpha**i
    roots = np.roots(coefficients)
    scale = max(1.0, float(np.abs(roots).max(initial=0.0)))
    return sorted(float(r.real) for r in roots if abs(r.imag) < 1e-7 * scale)


def _section_curves(diagram: PhaseDiagram, cylinder: Cylinder, alphas: FloatArray) -> list[FloatArray]:
    """The walls over a cylinder as functions on a grid, lowest first."""
    polys = diagram.decomposition.polys
    seen: dict[int, int] = {}
    rank = []
    for owner, _ in cylinder.sections:
        rank.append((owner, seen.get(owner, 0)))
        seen[owner] = seen.get(owner, 0) + 1
    table: dict[int, list[list[float]]] = {k: [_real_roots(polys[k], a) for a in alphas] for k in seen}
    out = []
    for owner, place in rank:
        column = [roots[place] if place < len(roots) else np.nan for roots in table[owner]]
        out.append(np.array(column))
    return out


def _cylinder_ranges(diagram: PhaseDiagram, window: Window) -> Iterator[tuple[Cylinder, int, float, float]]:
    start = 0
    for cylinder in diagram.decomposition.cylinders:
        left = -np.inf if cylinder.left is None else float(cylinder.left)
        right = np.inf if cylinder.right is None else float(cylinder.right)
        lo, hi = max(left, window.alpha[0]), min(right, window.alpha[1])
        if lo < hi:
            yield cylinder, start, lo, hi
        start += len(cylinder.cells)


def draw_phases(axes: Any, diagram: PhaseDiagram, window: Window, colours: Sequence[Any] | None) -> None:
    """Fill the phases and draw the walls between different phases and along the domain's edge."""
    wall_style = {"color": "black", "linewidth": 1.1, "solid_capstyle": "round"}
    previous: tuple[list[int | None], FloatArray] | None = None
    for cylinder, start, lo, hi in _cylinder_ranges(diagram, window):
        inset = 1e-9 * max(1.0, hi - lo)
        alphas = np.linspace(lo + inset, hi - inset, 81)
        curves = _section_curves(diagram, cylinder, alphas)
        owners = list(diagram.cell_phases[start : start + len(cylinder.cells)])
        bounds = [np.full_like(alphas, window.beta[0] - 1), *curves, np.full_like(alphas, window.beta[1] + 1)]
        k = 0
        while k < len(owners):
            last = k
            while last + 1 < len(owners) and owners[last + 1] == owners[k]:
                last += 1
            owner = owners[k]
            if owner is not None and colours is not None:
                axes.fill_between(alphas, bounds[k], bounds[last + 1], color=colours[owner], linewidth=0.4, zorder=1)
            if last + 1 < len(owners):
                axes.plot(alphas, bounds[last + 1], zorder=3, **wall_style)
            k = last + 1
        heights = np.linspace(*window.beta, 2001)
        here = _column(owners, [c[0] for c in curves], heights)
        if previous is not None:
            _draw_vertical(axes, lo, heights, previous[1], here, wall_style)
        previous = (owners, _column(owners, [c[-1] for c in curves], heights))


def _column(owners: Sequence[int | None], cuts: Sequence[float], heights: FloatArray) -> FloatArray:
    index = np.searchsorted(np.array(cuts), heights) if cuts else np.zeros(len(heights), dtype=int)
    values = np.array([-1 if o is None else o for o in owners], dtype=float)
    return np.asarray(values[index], dtype=float)


def _draw_vertical(
    axes: Any, alpha: float, heights: FloatArray, left: FloatArray, right: FloatArray, style: dict[str, Any]
) -> None:
    differ = np.where(left != right, heights, np.nan)
    if np.isfinite(differ).any():
        axes.plot(np.full_like(heights, alpha), differ, zorder=3, **style)


def label_spots(diagram: PhaseDiagram, window: Window) -> dict[int, tuple[float, float]]:
    """For each phase, the visible point farthest from its boundary (in units of the window)."""
    from scipy.ndimage import distance_transform_edt

    n = 240
    a = np.linspace(*window.alpha, n)
    b = np.linspace(*window.beta, n)
    index = phase_index(diagram, a[None, :], b[:, None])
    spots = {}
    for k in range(len(diagram.phases)):
        mask = np.pad(index == k, 1)
        if mask.any():
            distance = distance_transform_edt(mask)[1:-1, 1:-1]
            rows, columns = np.nonzero(distance >= 0.98 * distance.max())
            middle = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
            spots[k] = (float(a[columns[middle]]), float(b[rows[middle]]))
    return spots


def _label(axes: Any, diagram: PhaseDiagram, window: Window) -> None:
    """Name and slope formula inside each region, as large as it fits, upright or turned; else the name alone."""
    renderer = axes.figure.canvas.get_renderer()
    for k, spot in label_spots(diagram, window).items():
        phase = diagram.phases[k]
        name = _words(phase.name)
        full = f"{name}\n$\\eta^*={_math(phase)}$"
        tries = [(full, size, 0) for size in (11, 10, 9, 8, 7, 6)] + [(full, size, 90) for size in (9, 8, 7)]
        tries += [(name, size, turn) for size in (9, 8, 7) for turn in (0, 90)] + [(name, 6, 90)]
        for text, size, turn in tries:
            drawn = axes.text(
                *spot, text, fontsize=size, rotation=turn, ha="center", va="center", zorder=7, linespacing=1.5
            )
            if (text, size, turn) == tries[-1] or _fits(axes, diagram, drawn.get_window_extent(renderer), k):
                break
            drawn.remove()


def _plain(text: str) -> str:
    """Text that the figure's font can show."""
    return "".join(
        ch if " " <= ch <= "~" or ch == "\n" or "\u00a0" <= ch < "\u0250" or "\u0370" <= ch < "\u0400" else "?"
        for ch in text
    )


def _words(text: str) -> str:
    """The same in a label that also has formulas."""
    return _plain(text).replace("$", r"\$")


def _math(phase: Phase) -> str:
    return formula_latex(phase.formulas.slope, phase.sample)


def _fits(axes: Any, diagram: PhaseDiagram, box: Any, k: int) -> bool:
    (a0, b0), (a1, b1) = axes.transData.inverted().transform([(box.x0, box.y0), (box.x1, box.y1)])
    a, b = np.meshgrid(np.linspace(a0, a1, 15), np.linspace(b0, b1, 9))
    return bool((phase_index(diagram, a, b) == k).all())


def draw(diagram: PhaseDiagram, window: Window | None = None) -> Any:
    """The figure: phases on the left, heat map of the slope on the right, formulas below."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    window = window or default_window(diagram)
    colours = palette(len(diagram.phases))
    rows = -(-len(diagram.phases) // 2)
    figure = Figure(figsize=(10.5, 4.9 + 0.30 * rows), dpi=150)
    bottom = (0.55 + 0.30 * rows) / (4.9 + 0.30 * rows)
    left = figure.add_axes((0.07, bottom + 0.05, 0.40, 0.93 - bottom - 0.06))
    right = figure.add_axes((0.545, bottom + 0.05, 0.395, 0.93 - bottom - 0.06))
    for axes in (left, right):
        axes.set_xlim(*window.alpha)
        axes.set_ylim(*window.beta)
        axes.set_xlabel(r"feature decay $\alpha$")
        axes.set_ylabel(r"target decay $\beta$")
    left.set_title(_plain(f"{diagram.law.title}\n{diagram.law.name}"), loc="left", fontsize=9.5, parse_math=False)
    draw_phases(left, diagram, window, colours)
    _draw_corners(left, diagram, window)
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    _label(left, diagram, window)
    a = np.linspace(*window.alpha, 361)
    b = np.linspace(*window.beta, 361)
    grid = slope_grid(diagram, a[None, :] + 1e-9, b[:, None] + 1e-9)
    mesh = right.imshow(
        grid,
        origin="lower",
        extent=(*window.alpha, *window.beta),
        aspect="auto",
        cmap=colormaps["viridis"],
        interpolation="nearest",
        zorder=1,
    )
    finite = grid[np.isfinite(grid)]
    if finite.size and finite.max() > finite.min():
        lines = right.contour(a, b, grid, levels=9, colors="white", linewidths=0.5, alpha=0.8, zorder=2)
        right.clabel(lines, fontsize=6, fmt="%.2g")
    draw_phases(right, diagram, window, None)
    right.set_title(r"compute-optimal slope $\eta^*$", loc="left", fontsize=9.5)
    bar = figure.colorbar(mesh, cax=figure.add_axes((0.95, bottom + 0.05, 0.012, 0.93 - bottom - 0.06)))
    bar.ax.tick_params(labelsize=7)
    _legend(figure, diagram, colours, bottom)
    return figure


def _draw_corners(axes: Any, diagram: PhaseDiagram, window: Window) -> None:
    inside = [(float(c.alpha), float(c.beta)) for c in diagram.corners]
    shown = [
        p for p in inside if window.alpha[0] <= p[0] <= window.alpha[1] and window.beta[0] <= p[1] <= window.beta[1]
    ]
    if shown:
        axes.scatter(*zip(*shown, strict=True), s=26, color="white", edgecolor="black", zorder=6, clip_on=False)


def _legend(figure: Any, diagram: PhaseDiagram, colours: Sequence[Any], bottom: float) -> None:
    axes = figure.add_axes((0.04, 0.01, 0.94, bottom - 0.05))
    axes.axis("off")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    rows = -(-len(diagram.phases) // 2)
    for k, phase in enumerate(diagram.phases):
        x, y = 0.5 * (k // rows), 1 - (k % rows + 0.5) / rows
        swatch(axes, x, y, 0.5 / rows, colours[k])
        f = phase.formulas
        parts = [f"$\\eta^*={_math(phase)}$", f"$x^*={_range_math(f.model, phase)}$"]
        if f.rate is not None:
            parts.append(f"$e^*={_range_math(f.rate, phase)}$")
        text = f"{_words(phase.name)}:  " + ",  ".join(parts) + f"   [{_words(', '.join(phase.active))}]"
        axes.text(x + 0.025, y, text, fontsize=7.6, va="center")


def _range_math(ends: Any, phase: Phase) -> str:
    texts = [r"\infty" if isinstance(e, Infinite) and e.sign > 0 else formula_latex(e, phase.sample) for e in ends]
    return texts[0] if texts[0] == texts[1] else f"[{texts[0]},{texts[1]}]"


def save(
    diagram: PhaseDiagram, stem: Path, formats: Sequence[str] = FORMATS, window: Window | None = None
) -> list[Path]:
    """Write the figure as ``stem.pdf``, ``.svg``, ``.png``; provenance goes into the metadata."""
    law = diagram.law
    digest = hashlib.sha256((law.text or write_law(law)).encode()).hexdigest()
    about = _plain(f"{law.name}; source {law.source}; provenance {law.provenance}; law sha256 {digest}")
    with style(law.name):
        return write(draw(diagram, window), stem, formats, _plain(f"Phase diagram of {law.name}"), about)


def style(salt: str) -> Any:
    """Settings under which files come out the same every time; ``salt`` seeds the identifiers in SVG."""
    import matplotlib

    return matplotlib.rc_context({"svg.hashsalt": salt, "mathtext.fontset": "cm"})


def write(figure: Any, stem: Path, formats: Sequence[str], title: str, about: str) -> list[Path]:
    """Write a figure in several formats with fixed metadata and no dates."""
    metadata: dict[str, dict[str, Any]] = {
        "pdf": {
            "Title": title,
            "Subject": about,
            "Creator": "phaselaws",
            "Producer": "matplotlib",
            "CreationDate": None,
        },
        "svg": {"Title": title, "Description": about, "Creator": "phaselaws", "Date": None},
        "png": {"Title": title, "Description": about, "Software": "phaselaws"},
    }
    out = []
    for kind in formats:
        path = stem.with_name(f"{stem.name}.{kind}")
        figure.savefig(path, format=kind, metadata=metadata[kind])
        out.append(path)
    return out


def swatch(axes: Any, x: float, y: float, height: float, colour: Any) -> None:
    """A coloured box in a legend."""
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y - height / 2), 0.018, height, facecolor=colour, edgecolor="black", lw=0.5))
