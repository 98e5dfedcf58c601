"""Corners of a diagram: the points where three phases meet, or two walls of one phase, as exact algebraic numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from derivations.algebra import Poly
from derivations.budget import spend
from phases.adjacency import surroundings
from phases.intersections import intersections
from phases.planar import Decomposition, Signs
from phases.roots import Root, compare


@dataclass(frozen=True)
class Corner:
    """A point where walls meet; coordinates are real algebraic numbers (`phases.roots.Root`)."""

    alpha: Root
    beta: Root
    phases: tuple[str, ...]
    polys: tuple[Poly, ...]


def find_corners(
    decomposition: Decomposition,
    owner: Mapping[Signs, int | None],
    pairs: Sequence[tuple[Poly, Poly]],
    names: Sequence[str],
) -> tuple[Corner, ...]:
    """All corners, sorted, among the common points of the given pairs of walls.

    ``owner`` gives the phase of all cells with the same signs (None: outside the domain).
    """
    points: list[tuple[Root, Root, list[Poly]]] = []
    for p, q in pairs:
        spend()
        for alpha, beta in intersections(p, q):
            known = next((e for e in points if compare(e[0], alpha) == 0 and compare(e[1], beta) == 0), None)
            if known is None:
                points.append((alpha, beta, [p, q]))
            else:
                known[2].extend(r for r in (p, q) if r not in known[2])
    corners = []
    for alpha, beta, polys in points:
        spend()
        around: dict[int | None, None] = {}
        switches: set[int] = set()
        near = surroundings(decomposition, alpha, beta)
        signs = {decomposition.pack(decomposition.signs_at(point)): None for point in near}
        for s in signs:
            around[owner[s]] = None
        for s in signs:
            for t in signs:
                if (s ^ t).bit_count() == 1 and owner[s] != owner[t]:
                    switches.add(s ^ t)
        if len(around) >= 3 or len(switches) >= 2:
            present = tuple(names[r] for r in sorted(r for r in around if r is not None))
            if present:
                corners.append(Corner(alpha, beta, present, tuple(polys)))
    corners.sort(key=lambda c: (float(c.alpha), float(c.beta)))
    return tuple(corners)
