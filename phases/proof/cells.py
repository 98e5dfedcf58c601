"""The kernel's plane: a point in every open cell of a decomposition, once it is confirmed that none is missing.

The projection (leading coefficients, discriminants and pairwise resultants with respect to beta) has real roots only
between the sample alphas, one between any two; above each alpha the curves have roots only between the sample betas,
one between any two. Roots are counted by Sturm's theorem and found by changes of sign, so each cell of the open
cylindrical decomposition has its sample. Factors are multiplied out again; that they are irreducible is not relied on.

Of the project this module imports polynomials and the types of `phases.proof.statements`, and nothing else.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import TypeAlias

from derivations import algebra
from derivations.algebra import RING, Point, Poly, canonical, integer
from phases.proof import statements as s

Univariate: TypeAlias = tuple[int, ...]
"""Integer coefficients, highest first."""


class Failure(Exception):
    """A check that fails: the statement, and the point of the plane where it does, if there is one."""

    def __init__(self, statement: str, witness: Point | None = None) -> None:
        super().__init__(statement)
        self.statement, self.witness = statement, witness


@lru_cache(maxsize=50_000)
def factors_of(p: Poly) -> tuple[int, tuple[tuple[Poly, int], ...]]:
    """Content and factors with multiplicities, multiplied out again."""
    content, factors = algebra.factor(p)
    product = integer(content)
    for f, k in factors:
        product = product * f**k
    if product != p:
        raise Failure("a factorisation does not multiply out")
    return content, factors


def _primitive(p: Iterable[int]) -> Univariate:
    rest = tuple(itertools.dropwhile(lambda c: c == 0, p))
    divisor = gcd(*rest)
    return tuple(c // divisor for c in rest)


def _at(p: Univariate, x: Fraction) -> int:
    total, scale = 0, 1
    for c in p:
        total, scale = total * x.numerator + c * scale, scale * x.denominator
    return total


def _count_roots(p: Univariate) -> int:
    """The number of distinct real roots: changes of sign along Sturm's sequence, towards either end."""
    if len(p) <= 3:
        discriminant = p[1] * p[1] - 4 * p[0] * p[2] if len(p) == 3 else 1
        return len(p) - 1 if discriminant > 0 else int(discriminant == 0)
    chain = [p, _primitive(c * (len(p) - 1 - k) for k, c in enumerate(p[:-1]))]
    while len(chain[-1]) > 1:
        rest, divisor = list(chain[-2]), chain[-1]
        while len(rest) >= len(divisor):
            head = rest[0] if divisor[0] > 0 else -rest[0]
            pairs = itertools.zip_longest(rest, divisor, fillvalue=0)
            rest = [abs(divisor[0]) * c - head * d for c, d in pairs][1:]
        remainder = _primitive(-c for c in rest)
        if not remainder:
            break
        chain.append(remainder)
    high = [q[0] > 0 for q in chain]
    low = [(q[0] > 0) == (len(q) % 2 == 1) for q in chain]
    return sum(a != b for a, b in itertools.pairwise(low)) - sum(a != b for a, b in itertools.pairwise(high))


def _changes(p: Univariate, samples: Sequence[Fraction]) -> list[int]:
    """The gaps between samples (0: below the first) in which p has one root; it has no others."""
    count = _count_roots(p)
    if count == 0:
        return []
    if len(p) == 2:
        root = Fraction(-p[1], p[0])
        place = bisect.bisect_left(samples, root)
        if place < len(samples) and samples[place] == root:
            raise Failure("a sample lies on a curve")
        return [place]
    if len(p) == 3 and count == 2:  # either side of the apex the sign changes once
        apex = bisect.bisect_left(samples, Fraction(-p[1], 2 * p[0]))
        return [_first(p, samples, 0, apex, p[0] < 0), _first(p, samples, apex, len(samples), p[0] > 0)]
    values = [_at(p, x) for x in samples]
    signs = [(p[0] > 0) == (len(p) % 2 == 1), *(v > 0 for v in values), p[0] > 0]
    places = [k for k, (a, b) in enumerate(itertools.pairwise(signs)) if a != b]
    if not all(values) or len(places) != count:
        raise Failure("a sample lies on a curve, or two roots lie between two samples")
    return places


def _first(p: Univariate, samples: Sequence[Fraction], low: int, high: int, positive: bool) -> int:
    """The first of the samples from low to high at which p has the given sign, where it changes at most once."""
    while low < high:
        middle = (low + high) // 2
        value = _at(p, samples[middle])
        if value == 0:
            raise Failure("a sample lies on a curve")
        if (value > 0) == positive:
            high = middle
        else:
            low = middle + 1
    return low


def _line(polys: Iterable[tuple[int, Univariate]], samples: Sequence[Fraction]) -> list[int]:
    """Which polynomials (one bit each) are positive at each sample; every interval between real roots has a sample."""
    if not samples or any(a >= b for a, b in itertools.pairwise(samples)):
        raise Failure("samples are missing or out of order")
    flips, taken, positive = [0] * (len(samples) + 1), set[int](), 0
    for bit, p in polys:
        if (p[0] > 0) == (len(p) % 2 == 1):
            positive |= bit
        for place in _changes(p, samples):
            if place in taken or place in (0, len(samples)):
                raise Failure("samples leave out a cell")
            taken.add(place)
            flips[place] |= bit
    return [positive := positive ^ flip for flip in flips[:-1]]


def _slice(p: Poly, alpha: Fraction) -> Univariate:
    """p(alpha, .), up to a positive factor."""
    da, db = p.degrees()
    out = [0] * (db + 1)
    for (i, j), c in p.items():
        out[db - j] += int(c) * alpha.numerator**i * alpha.denominator ** (da - i)
    return _primitive(out)


def signed_cells(cells: s.Cells, tick: Callable[[], None] = lambda: None) -> Iterator[tuple[Point, int]]:
    """A point in every open cell, and which of the polynomials (one bit each) are positive there."""
    if not all(cells.polys):
        raise Failure("a decomposition by the polynomial zero")
    curves = [p for p in cells.polys if p.degrees()[1]]
    projection = [RING.from_dict({(i, 0): c for (i, j), c in p.items() if j == p.degrees()[1]}) for p in cells.polys]
    projection += [algebra.discriminant(p) for p in curves if p.degrees()[1] > 1]
    for p, q in itertools.combinations(curves, 2):
        tick()
        projection.append(algebra.resultant(p, q))
    if not all(projection):
        raise Failure("two polynomials of a decomposition have a common factor")
    factors = {f for p in projection for f, _ in factors_of(p)[1]}
    lines = [tuple(int(f.get((k, 0), 0)) for k in range(f.degrees()[0], -1, -1)) for f in factors]
    _line(((0, p) for p in lines), [alpha for alpha, _ in cells.samples])
    for alpha, betas in cells.samples:
        tick()
        signs = _line(((1 << k, _slice(p, alpha)) for k, p in enumerate(cells.polys)), betas)
        yield from (((alpha, beta), positive) for beta, positive in zip(betas, signs, strict=True))


def bits(cells: s.Cells, polys: Iterable[Poly], what: str) -> tuple[int, int]:
    """The bits of some polynomials of a decomposition, and what these bits are where all of them are positive."""
    places = {canonical(p)[1]: (k, canonical(p)[0] > 0) for k, p in enumerate(cells.polys)}
    mask = positive = 0
    for p in polys:
        content, primitive = canonical(p)
        if primitive not in places:
            raise Failure(f"a decomposition leaves out {what}")
        k, side = places[primitive]
        bit = (1 << k) if side == (content > 0) else 0
        if mask >> k & 1 and (positive ^ bit) >> k & 1:
            raise Failure(f"{what} is positive and negative")
        mask, positive = mask | 1 << k, positive | bit
    return mask, positive
