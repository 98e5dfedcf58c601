"""Open regions by inequalities: irredundant, one conjunction wherever possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from derivations.algebra import Point, Poly, sort_key
from derivations.budget import spend
from phases.planar import Literal, satisfies


@dataclass(frozen=True, slots=True)
class Region:
    """An open region: a union of conjunctions of strict polynomial inequalities, almost always just one."""

    parts: tuple[tuple[Literal, ...], ...]

    def contains(self, point: Point) -> bool:
        """Strictly inside one of the parts."""
        return any(satisfies(point, part) for part in self.parts)


def describe_region(polys: Sequence[Poly], signs: Sequence[tuple[int, ...]], members: list[int]) -> Region:
    """Irredundant inequalities for a union of cells: one conjunction if possible, prime implicants otherwise."""
    own = set(members)
    others = [s for k, s in enumerate(signs) if k not in own]
    constant = [k for k in range(len(polys)) if len({signs[m][k] for m in members}) == 1]
    first = signs[members[0]]
    if not any(all(s[k] == first[k] for k in constant) for s in others):
        return Region((_prune(polys, first, constant, others),))
    parts: list[tuple[Literal, ...]] = []
    for m in members:
        mine = signs[m]
        if any(all(mine[polys.index(p)] == s for p, s in part) for part in parts):
            continue
        parts.append(_prune(polys, mine, range(len(polys)), others))
    return Region(tuple(parts))


def _prune(
    polys: Sequence[Poly], wanted: tuple[int, ...], candidates: Sequence[int] | range, others: Sequence[tuple[int, ...]]
) -> tuple[Literal, ...]:
    keep = sorted(candidates, key=lambda k: sort_key(polys[k]))
    for k in sorted(keep, key=lambda k: sort_key(polys[k]), reverse=True):
        spend()
        rest = [i for i in keep if i != k]
        if not any(all(s[i] == wanted[i] for i in rest) for s in others):
            keep = rest
    return tuple((polys[k], wanted[k]) for k in keep)
