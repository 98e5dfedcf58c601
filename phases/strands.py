"""How the order of plane curves changes along the alpha axis.

Between two critical alphas the real roots in beta are ordered continuous functions, the strands of the curves. Over a
critical alpha only curves change their order that meet there (a common root of their resultant), and only a curve
with a vertical tangent, a singular point or a pole there gains or loses strands. A simple root of one resultant lies
under exactly one common point, where the two curves cross transversally, away from all others: two adjacent strands
change places. Elsewhere runs of strands of curves that meet are sorted anew, and the strands of curves with an event
of their own are put in among the others.

Source: the multiplicity of a root of the resultant is the sum of the intersection multiplicities above it where no
leading coefficient vanishes (Fulton, Algebraic Curves, 3.3 and 1.6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache

from derivations.algebra import Poly, discriminant, resultant, terms
from derivations.budget import spend
from derivations.errors import NotDecided
from phases.roots import (
    Root,
    Univariate,
    between_roots,
    compare,
    convolve,
    factor_powers,
    in_beta,
    real_roots,
    slice_alpha,
    sort_roots,
    subtract,
)

Signs = int
"""Signs of all polynomials of a decomposition: bit k is set where polynomial k is positive."""


class TooComplex(NotDecided):
    """The decomposition would pass its bounds; the question is left undecided."""


MAX_PROJECTION_DEGREE = 400


@lru_cache(maxsize=100_000)
def _pair_resultant(p: Poly, q: Poly) -> Univariate:
    a, b = in_beta(p), in_beta(q)
    if len(a) == 2 and len(b) == 2:
        return subtract(convolve(a[1], b[0]), convolve(b[1], a[0]))
    if len(a) < len(b):
        p, q = q, p
    return in_beta(resultant(p, q))[0]


@lru_cache(maxsize=100_000)
def _own_projection(p: Poly) -> tuple[Univariate, ...]:
    """Leading coefficient and discriminant; a vertical line is its own projection."""
    coefficients = in_beta(p)
    if len(coefficients) == 1:
        return (coefficients[0],)
    if len(coefficients) == 2:
        return (coefficients[1],)
    return coefficients[-1], in_beta(discriminant(p))[0]


@dataclass(slots=True)
class Event:
    """What happens over the roots of one irreducible polynomial in alpha.

    ``lines`` are the vertical lines there and ``anew`` the curves with a root of their own discriminant or leading
    coefficient. Among the others, ``crossings`` are pairs that cross once, transversally, away from all others, and
    ``meeting`` are the rest of those that have a common point, real or not.
    """

    lines: list[int] = field(default_factory=list)
    anew: set[int] = field(default_factory=set)
    pairs: list[tuple[int, int, int]] = field(default_factory=list)
    crossings: list[tuple[int, int]] = field(default_factory=list)
    meeting: set[int] = field(default_factory=set)

    def settle(self) -> None:
        """Sort the pairs with common points, given with the multiplicity of the root, into crossings and others."""
        pairs = [pair for pair in self.pairs if not self.anew.intersection(pair[:2])]
        met = [k for a, b, _ in pairs for k in (a, b)]
        for a, b, power in pairs:
            if power == 1 and met.count(a) == 1 == met.count(b):
                self.crossings.append((a, b))
            else:
                self.meeting.update((a, b))


def events_over_alpha(polys: Sequence[Poly]) -> dict[Univariate, Event]:
    """The irreducible polynomials whose roots are the critical alphas, and what happens there."""
    curves = [k for k, p in enumerate(polys) if terms(p)[1] > 0]
    size = 0
    out: dict[Univariate, Event] = {}

    def event(f: Univariate) -> Event:
        return out.setdefault(f, Event())

    def weigh(p: Univariate) -> None:
        nonlocal size
        size += len(p)
        if size > MAX_PROJECTION_DEGREE * 50 or len(p) > MAX_PROJECTION_DEGREE:
            raise TooComplex("the projection passes its degree bound")

    for k, p in enumerate(polys):
        for own in _own_projection(p):
            weigh(own)
            for f, _ in factor_powers(own):
                if terms(p)[1]:
                    event(f).anew.add(k)
                else:
                    event(f).lines.append(k)
    for i, a in enumerate(curves):
        for b in curves[i + 1 :]:
            spend()
            common = _pair_resultant(polys[a], polys[b])
            weigh(common)
            for f, power in factor_powers(common):
                event(f).pairs.append((a, b, power))
    for e in out.values():
        e.settle()
    return out


class Slice:
    """The curves at the sample alpha of one cylinder; roots are found when asked for."""

    def __init__(self, polys: Sequence[Poly], left: Root | None, right: Root | None) -> None:
        self.polys, self.left, self.right = polys, left, right
        self.known: dict[int, list[Root]] = {}

    @cached_property
    def alpha(self) -> Fraction:
        return between_roots(self.left, self.right)

    def roots(self, k: int) -> list[Root]:
        if k not in self.known:
            self.known[k] = real_roots(slice_alpha(self.polys[k], self.alpha))
        return self.known[k]

    def sign_below(self, k: int) -> int:
        """Sign of a polynomial below all its roots."""
        restricted = slice_alpha(self.polys[k], self.alpha)
        return 1 if (restricted[-1] > 0) == (len(restricted) % 2 == 1) else -1


def carry(line: Slice, before: Sequence[int], lowest: Signs, event: Event) -> tuple[list[int], Signs]:
    """Strands and lowest signs of the cylinder to the right of an event."""
    strands = [k for k in before if k not in event.anew]
    for i in event.lines:
        lowest ^= 1 << i
    meeting = set(event.meeting)
    for a, b in event.crossings:
        places = [j for j in range(len(strands) - 1) if {strands[j], strands[j + 1]} == {a, b}]
        if len(places) == 1:
            (j,) = places
            strands[j], strands[j + 1] = strands[j + 1], strands[j]
        else:
            meeting.update((a, b))
    if meeting:
        _sort_runs(line, strands, meeting)
    if event.anew:
        strands, lowest = put_in(line, strands, lowest, event.anew)
    return strands, lowest


def _sort_runs(line: Slice, strands: list[int], meeting: set[int]) -> None:
    """Sort every run of strands of the meeting curves in place; a run of one curve alone has nothing to sort."""
    start = 0
    while start < len(strands):
        stop = start
        while stop < len(strands) and strands[stop] in meeting:
            stop += 1
        if len(set(strands[start:stop])) > 1:
            owner: dict[int, int] = {}
            found: list[Root] = []
            for k in set(strands[start:stop]):
                below = strands[:start].count(k)
                own = line.roots(k)[below : below + strands[start:stop].count(k)]
                owner.update((id(root), k) for root in own)
                found += own
            strands[start:stop] = [owner[id(root)] for root in sort_roots(found)]
        start = max(stop, start + 1)


def put_in(line: Slice, rest: Sequence[int], lowest: Signs, anew: set[int]) -> tuple[list[int], Signs]:
    """The strands with those of the curves ``anew`` put in among the others."""
    fresh: list[Root] = []
    owner: dict[int, int] = {}
    for k in anew:
        lowest = lowest | (1 << k) if line.sign_below(k) > 0 else lowest & ~(1 << k)
        owner.update((id(root), k) for root in line.roots(k))
        fresh += line.roots(k)
    rank = [rest[:j].count(k) for j, k in enumerate(rest)]
    out: list[int] = []
    start = 0
    for root in sort_roots(fresh):
        low, high = start, len(rest)
        while low < high:
            middle = (low + high) // 2
            if compare(line.roots(rest[middle])[rank[middle]], root) < 0:
                low = middle + 1
            else:
                high = middle
        out += rest[start:low]
        out.append(owner[id(root)])
        start = low
    return [*out, *rest[start:]], lowest
