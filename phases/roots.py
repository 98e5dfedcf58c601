"""Real roots of integer polynomials in one variable, exactly.

A root is a rational number, or an isolating interval of a squarefree polynomial that is halved on demand. Comparing
two different roots refines both until the intervals part; nothing is ever rounded. Linear and quadratic polynomials,
by far the most frequent here, are isolated directly; higher degrees go to sympy's continued-fraction isolation.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cmp_to_key, lru_cache
from math import gcd, isqrt, lcm
from typing import TypeAlias

from sympy.polys.domains import ZZ
from sympy.polys.factortools import dup_factor_list
from sympy.polys.rootisolation import dup_isolate_real_roots_sqf

from derivations import algebra
from derivations.algebra import Poly, terms

Univariate: TypeAlias = tuple[int, ...]
"""Integer coefficients, constant term first, last one nonzero; () is the zero polynomial."""


def trim(coefficients: Sequence[int]) -> Univariate:
    """Drop leading zeros."""
    n = len(coefficients)
    while n and coefficients[n - 1] == 0:
        n -= 1
    return tuple(coefficients[:n])


def primitive(p: Univariate) -> Univariate:
    """Divide by the content; leading coefficient positive."""
    if not p:
        return p
    g = gcd(*p)
    if p[-1] < 0:
        g = -g
    return p if g == 1 else tuple(c // g for c in p)


def sign_at(p: Univariate, x: Fraction) -> int:
    """Sign of p(x)."""
    return _sign_at(p, x.numerator, x.denominator)


def _sign_at(p: Univariate, n: int, d: int) -> int:
    total, scale = 0, 1
    for c in reversed(p):
        total = total * n + c * scale
        scale *= d
    return (total > 0) - (total < 0)


class Root:
    """One real root of a squarefree integer polynomial.

    ``lo == hi`` for a rational root; otherwise the root is the only one in the open interval (lo, hi). The bounds are
    kept as integers over one denominator, which makes comparing and halving a matter of a few multiplications.
    """

    __slots__ = ("_den", "_high", "_left", "_low", "index", "poly")

    def __init__(self, poly: Univariate, lo: Fraction, hi: Fraction, index: int) -> None:
        self.poly, self.index = poly, index
        self._den = lcm(lo.denominator, hi.denominator)
        self._low = lo.numerator * (self._den // lo.denominator)
        self._high = hi.numerator * (self._den // hi.denominator)
        self._left = 0 if lo == hi else sign_at(poly, lo)

    @property
    def lo(self) -> Fraction:
        """Lower bound."""
        return Fraction(self._low, self._den)

    @property
    def hi(self) -> Fraction:
        """Upper bound."""
        return Fraction(self._high, self._den)

    @property
    def rational(self) -> bool:
        """Whether the root is known to be a rational number."""
        return self._low == self._high

    def refine(self) -> None:
        """Halve the isolating interval."""
        if self._low == self._high:
            return
        middle = self._low + self._high
        self._low, self._high, self._den = 2 * self._low, 2 * self._high, 2 * self._den
        side = _sign_at(self.poly, middle, self._den)
        if side == 0:
            self._low = self._high = middle
        elif side == self._left:
            self._low = middle
        else:
            self._high = middle

    def refine_to(self, width: Fraction) -> None:
        """Refine until the interval is at most ``width`` wide."""
        while (self._high - self._low) * width.denominator > width.numerator * self._den:
            self.refine()

    def __float__(self) -> float:
        self.refine_to(Fraction(1, 2**60) * max(1, int(abs(self.lo))))
        return float((self.lo + self.hi) / 2)

    def __repr__(self) -> str:
        return f"Root({self.poly}, {self.lo}, {self.hi})"


def compare(a: Root, b: Root) -> int:
    """-1, 0 or 1, exactly.

    Roots that come from `real_roots` are rational, or belong to an irreducible primitive polynomial, so that equal
    numbers are recognised; the intervals of different numbers part after finitely many refinements.
    """
    if a is b or (a.index == b.index and a.poly == b.poly):
        return 0
    while True:
        left, right = a._high * b._den, b._low * a._den
        if left < right:
            return -1
        below, above = b._high * a._den, a._low * b._den
        if below < above:
            return 1
        points = (a._low == a._high) + (b._low == b._high)
        if points == 2:
            return 0
        if left == right:
            return -1
        if below == above:
            return 1
        if points == 0:
            (a if (a._high - a._low) * b._den > (b._high - b._low) * a._den else b).refine()
        else:
            (b if a._low == a._high else a).refine()


def _isolate_quadratic(p: Univariate) -> list[Root]:
    c, b, a = p
    disc = b * b - 4 * a * c
    if disc < 0:
        return []
    if disc == 0:
        x = Fraction(-b, 2 * a)
        return [Root(p, x, x, 0)]
    root = isqrt(disc)
    if root * root == disc:
        pair = sorted((Fraction(-b - root, 2 * a), Fraction(-b + root, 2 * a)))
        return [Root(p, x, x, k) for k, x in enumerate(pair)]
    shift = 24
    low = isqrt(disc << (2 * shift))
    scale = 1 << shift
    ends = []
    for s in (-1, 1):
        u, v = Fraction(-b * scale + s * low, 2 * a * scale), Fraction(-b * scale + s * (low + 1), 2 * a * scale)
        ends.append((min(u, v), max(u, v)))
    ends.sort()
    return [Root(p, u, v, k) for k, (u, v) in enumerate(ends)]


@lru_cache(maxsize=50_000)
def _isolate(p: Univariate) -> tuple[tuple[Fraction, Fraction], ...]:
    if len(p) == 2:
        x = Fraction(-p[0], p[1])
        return ((x, x),)
    if len(p) == 3:
        return tuple((r.lo, r.hi) for r in _isolate_quadratic(p))
    dense = [ZZ(c) for c in reversed(p)]
    intervals = dup_isolate_real_roots_sqf(dense, ZZ)
    out = []
    for low, high in intervals:
        u, v = Fraction(int(low.numerator), int(low.denominator)), Fraction(int(high.numerator), int(high.denominator))
        out.append((u, v))
    return tuple(out)


def real_roots(p: Univariate) -> list[Root]:
    """The real roots of a squarefree polynomial, in increasing order.

    From degree three on the polynomial is factored first, so that isolating intervals never end in a root.
    """
    if len(p) < 2:
        return []
    if len(p) <= 3:
        return _roots_of(primitive(p))
    return sort_roots([r for f in irreducible_factors(p) for r in _roots_of(f)])


def _roots_of(p: Univariate) -> list[Root]:
    return [Root(p, lo, hi, k) for k, (lo, hi) in enumerate(_isolate(p))]


@lru_cache(maxsize=50_000)
def irreducible_factors(p: Univariate) -> tuple[Univariate, ...]:
    """The distinct irreducible factors over Q, primitive."""
    p = primitive(trim(p))
    if len(p) < 2:
        return ()
    if len(p) == 2:
        return (p,)
    if algebra.flint is not None:
        return tuple(primitive(tuple(int(c) for c in f)) for f, _ in algebra.flint.fmpz_poly(list(p)).factor()[1])
    _, factors = dup_factor_list([ZZ(c) for c in reversed(p)], ZZ)
    return tuple(primitive(tuple(int(c) for c in reversed(f))) for f, _ in factors if len(f) > 1)


def sort_roots(roots: list[Root]) -> list[Root]:
    """In increasing order."""
    return sorted(roots, key=cmp_to_key(compare))


def merge_roots(polys: Sequence[Univariate]) -> list[Root]:
    """All distinct real roots of the given polynomials, in increasing order."""
    factors = sorted({f for p in polys for f in irreducible_factors(p)})
    return sort_roots([r for f in factors for r in _roots_of(f)])


@lru_cache(maxsize=100_000)
def in_beta(p: Poly) -> tuple[Univariate, ...]:
    """Coefficients of p as a polynomial in beta (constant first), each a univariate in alpha."""
    da, db, rows = terms(p)
    table = [[0] * (da + 1) for _ in range(db + 1)]
    for i, j, c in rows:
        table[j][i] = c
    return tuple(trim(r) for r in table)


def slice_alpha(p: Poly, alpha: Fraction) -> Univariate:
    """p(alpha, .) as a primitive polynomial in beta (up to a positive factor)."""
    da, db, rows = terms(p)
    n, d = alpha.numerator, alpha.denominator
    out = [0] * (db + 1)
    for i, j, c in rows:
        out[j] += c * n**i * d ** (da - i)
    return _positive_primitive(trim(out))


def slice_beta(p: Poly, beta: Fraction) -> Univariate:
    """p(., beta) as a primitive polynomial in alpha (up to a positive factor)."""
    da, db, rows = terms(p)
    n, d = beta.numerator, beta.denominator
    out = [0] * (da + 1)
    for i, j, c in rows:
        out[i] += c * n**j * d ** (db - j)
    return _positive_primitive(trim(out))


def along(p: Poly, start: tuple[Fraction, Fraction], direction: tuple[Fraction, Fraction]) -> Univariate:
    """p on the line start + t*direction as a polynomial in t (up to a positive factor)."""
    da, db, rows = terms(p)
    axes = []
    for s, d, degree in zip(start, direction, (da, db), strict=True):
        scale = s.denominator * d.denominator
        line = trim((int(s * scale), int(d * scale)))
        powers: list[Univariate] = [(1,)]
        for _ in range(degree):
            powers.append(convolve(powers[-1], line))
        axes.append((scale, powers))
    (sa, pa), (sb, pb) = axes
    out = [0] * (da + db + 1)
    for i, j, c in rows:
        factor = c * sa ** (da - i) * sb ** (db - j)
        for k, x in enumerate(convolve(pa[i], pb[j])):
            out[k] += factor * x
    return _positive_primitive(trim(out))


def _positive_primitive(p: Univariate) -> Univariate:
    if not p:
        return p
    g = gcd(*p)
    return p if g == 1 else tuple(c // g for c in p)


def convolve(p: Univariate, q: Univariate) -> Univariate:
    """The product."""
    if not p or not q:
        return ()
    out = [0] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        if a:
            for j, b in enumerate(q):
                out[i + j] += a * b
    return trim(out)


def subtract(p: Univariate, q: Univariate) -> Univariate:
    """The difference."""
    n = max(len(p), len(q))
    return trim([(p[k] if k < len(p) else 0) - (q[k] if k < len(q) else 0) for k in range(n)])


def between(lo: Fraction | None, hi: Fraction | None) -> Fraction:
    """The simplest rational strictly between two bounds (None: unbounded), by the Stern-Brocot tree."""
    if lo is None and hi is None:
        return Fraction(0)
    if lo is None:
        assert hi is not None
        return Fraction(-(-hi.numerator // hi.denominator) - 1)
    if hi is None:
        return Fraction(lo.numerator // lo.denominator + 1)
    if lo < 0 < hi:
        return Fraction(0)
    if hi <= 0:
        return -between(-hi, -lo)
    floor = lo.numerator // lo.denominator
    if floor + 1 < hi:
        return Fraction(floor + 1)
    if lo == floor:
        return floor + 1 / Fraction((1 / (hi - floor)).__floor__() + 1)
    return floor + 1 / between(1 / (hi - floor), 1 / (lo - floor))


def between_roots(left: Root | None, right: Root | None) -> Fraction:
    """A simple rational strictly between two consecutive roots."""
    if left is not None and right is not None:
        while not left.hi < right.lo:
            if left.hi == right.lo and not (left.rational and right.rational):
                break
            left.refine()
            right.refine()
        if left.hi == right.lo:
            if not left.rational and not right.rational:
                return left.hi
            while left.hi == right.lo:
                left.refine()
                right.refine()
    lo = left.hi if left is not None else None
    hi = right.lo if right is not None else None
    return between(lo, hi)
