"""Two laws side by side: where one slope is steeper, by how much, exactly.

The plane is decomposed by the walls of both diagrams and by the zero sets of the differences of their slopes; on every
open cell one of them is steeper, or they are equal.
"""

from __future__ import annotations

from dataclasses import dataclass

from derivations.algebra import Point, Rational, factor, sort_key
from derivations.budget import spend
from phases.phase_diagram import Phase, PhaseDiagram
from phases.planar import decompose
from phases.regions import Region, describe_region
from phases.walk import inside

FIRST, EQUAL, SECOND = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Zone:
    """A region where a given phase of the first law meets one of the second, with one winner.

    ``winner`` is +1 (first slope larger), 0 (equal) or -1; ``margin`` is the difference first - second.
    """

    first: Phase
    second: Phase
    winner: int
    margin: Rational
    region: Region
    sample: Point


@dataclass(frozen=True, slots=True)
class Comparison:
    """All zones of the common domain; ``only_first`` and ``only_second`` are samples where just one law speaks."""

    first: PhaseDiagram
    second: PhaseDiagram
    zones: tuple[Zone, ...]
    only_first: tuple[Point, ...]
    only_second: tuple[Point, ...]


def compare(first: PhaseDiagram, second: PhaseDiagram) -> Comparison:
    """Where which law has the steeper slope.

    >>> from phases.phase_diagram import diagram
    >>> found = compare(diagram("kim2026/signsgd"), diagram("derived/signsgd"))
    >>> {(z.first.name, z.winner) for z in found.zones if z.winner}
    {('Ac', -1)}
    """
    polys = {*first.decomposition.polys, *second.decomposition.polys}
    for p in first.phases:
        for q in second.phases:
            spend()
            difference = p.formulas.slope - q.formulas.slope
            for part in (difference.num, difference.den):
                polys.update(f for f, _ in factor(part)[1])
    decomposition = decompose(sorted(polys, key=sort_key))
    groups: dict[tuple[str, str, int], list[int]] = {}
    only_first, only_second = [], []
    cells = list(decomposition.cells())
    for k, cell in enumerate(cells):
        point = cell.point
        mine, other = inside(first.law, point), inside(second.law, point)
        if mine and other:
            p = next(x for x in first.phases if x.region.contains(point))
            q = next(x for x in second.phases if x.region.contains(point))
            difference = p.formulas.slope - q.formulas.slope
            groups.setdefault((p.name, q.name, difference.sign(point) if difference else 0), []).append(k)
        elif mine:
            only_first.append(point)
        elif other:
            only_second.append(point)
    signs = list(decomposition.cell_signs())
    zones = []
    for (name, rival, winner), members in groups.items():
        p, q = first.phase(name), second.phase(rival)
        points = [cells[k].point for k in members]
        sample = min(points, key=lambda v: (v[0].denominator * v[1].denominator, abs(v[0]) + abs(v[1]), v))
        margin = p.formulas.slope - q.formulas.slope
        zones.append(Zone(p, q, winner, margin, describe_region(decomposition.polys, signs, members), sample))
    order = {p.name: k for k, p in enumerate(first.phases)}
    zones.sort(key=lambda z: (order[z.first.name], z.sample))
    return Comparison(first, second, tuple(zones), tuple(only_first), tuple(only_second))
