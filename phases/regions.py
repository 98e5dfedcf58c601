"""Open regions by inequalities: irredundant, one conjunction wherever possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from derivations.algebra import Point, Poly, sort_key
from phases.planar import Literal, Signs, satisfies


@dataclass(frozen=True, slots=True)
class Region:
    """An open region: a union of conjunctions of strict polynomial inequalities, almost always just one."""

    parts: tuple[tuple[Literal, ...], ...]

    def contains(self, point: Point) -> bool:
        """Strictly inside one of the parts."""
        return any(satisfies(point, part) for part in self.parts)


def describe_region(polys: Sequence[Poly], signs: Sequence[Signs], members: Sequence[int]) -> Region:
    """Irredundant inequalities for a union of cells: one conjunction if possible, prime implicants otherwise.

    ``signs`` are those of all cells (bit k: polynomial k is positive), ``members`` the places of the region's own.
    """
    own = list(dict.fromkeys(signs[m] for m in members))
    others = list(set(signs).difference(own))
    everywhere = (1 << len(polys)) - 1
    constant = everywhere
    for s in own:
        constant &= ~(s ^ own[0])
    if all((s ^ own[0]) & constant for s in others):
        return Region((_prune(polys, own[0], constant, others),))
    parts: list[tuple[Literal, ...]] = []
    held: list[tuple[Signs, Signs]] = []
    for mine in own:
        if any((mine ^ wanted) & which == 0 for which, wanted in held):
            continue
        part = _prune(polys, mine, everywhere, others)
        parts.append(part)
        held.append((sum(1 << polys.index(p) for p, _ in part), mine))
    return Region(tuple(parts))


def _prune(polys: Sequence[Poly], wanted: Signs, candidates: Signs, others: Sequence[Signs]) -> tuple[Literal, ...]:
    """Leave out candidates, the most complicated first, as long as all others are kept out."""
    order = [k for k in sorted(range(len(polys)), key=lambda k: sort_key(polys[k])) if candidates >> k & 1]
    keep = candidates
    differences = {(s ^ wanted) & candidates for s in others}
    for k in reversed(order):
        rest = keep & ~(1 << k)
        if all(d & rest for d in differences):
            keep = rest
    return tuple((polys[k], 1 if wanted >> k & 1 else -1) for k in order if keep >> k & 1)
