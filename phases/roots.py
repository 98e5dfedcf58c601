"""Real roots of integer polynomials in one variable, exactly.

A root is a rational number, or an isolating interval of a squarefree polynomial that is halved on demand. Comparing
two different roots refines both until the intervals part; nothing is ever rounded. Linear and quadratic polynomials,
by far the most frequent here, are isolated directly; higher degrees go to sympy's continued-fraction isolation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cmp_to_key, lru_cache
from math import gcd, isqrt, lcm
from typing import TypeAlias

from sympy.polys.domains import ZZ
from sympy.polys.factortools import dup_factor_list
from sympy.polys.rootisolation import dup_isolate_real_roots_sqf

from derivations import algebra
from derivations.algebra import Poly, terms
from phases.rationals import between, simplest

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
        while True:
            low, high = self._low / self._den, self._high / self._den
            if low == high:
                return low
            self.refine()

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


_Bounds = tuple[int, int, int, int]
"""Lower and upper bound over one positive denominator, and the sign at the lower bound (0 for a rational root)."""


def _isolate_quadratic(p: Univariate) -> tuple[_Bounds, ...]:
    c, b, a = p if p[2] > 0 else (-p[0], -p[1], -p[2])
    disc = b * b - 4 * a * c
    if disc < 0:
        return ()
    root = isqrt(disc)
    if root * root == disc:
        return tuple((-b + r, -b + r, 2 * a, 0) for r in dict.fromkeys((-root, root)))
    shift = 24
    low = isqrt(disc << (2 * shift))
    middle, den = -b << shift, 2 * a << shift
    side = 1 if p[2] > 0 else -1
    return (middle - low - 1, middle - low, den, side), (middle + low, middle + low + 1, den, -side)


def _isolate_cubic(p: Univariate) -> tuple[_Bounds, ...] | None:
    """Isolating intervals of an irreducible cubic, or None where its critical points do not tell its roots apart.

    The discriminant's sign gives the number of real roots; one is isolated by any bound, three by points near the
    critical ones where the signs alternate.
    """
    d, c, b, a = p
    bound = 1 << (2 + max(abs(x) for x in p[:3]) // abs(a)).bit_length()
    side = 1 if a > 0 else -1
    if 18 * a * b * c * d - 4 * b**3 * d + b * b * c * c - 4 * a * c**3 - 27 * a * a * d * d < 0:
        return ((-bound, bound, 1, -side),)
    root = isqrt((b * b - 3 * a * c) << 48)
    den = (3 * abs(a)) << 24
    left, right = ((-b * side << 24) + s * root for s in (-1, 1))
    if not (_sign_at(p, left, den) == side and _sign_at(p, right, den) == -side):
        return None
    return (-bound * den, left, den, -side), (left, right, den, side), (right, bound * den, den, -side)


@lru_cache(maxsize=50_000)
def _isolate(p: Univariate) -> tuple[_Bounds, ...]:
    if len(p) == 2:
        return ((-p[0], -p[0], p[1], 0) if p[1] > 0 else (p[0], p[0], -p[1], 0),)
    if len(p) == 3:
        return _isolate_quadratic(p)
    if len(p) == 4:
        bounds = _isolate_cubic(p)
        if bounds is not None:
            return bounds
    dense = [ZZ(c) for c in reversed(p)]
    out = []
    for k, (low, high) in enumerate(dup_isolate_real_roots_sqf(dense, ZZ)):
        ends = (Fraction(int(x.numerator), int(x.denominator)) for x in (low, high))
        root = Root(p, next(ends), next(ends), k)
        out.append((root._low, root._high, root._den, root._left))
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
    out = []
    for index, bounds in enumerate(_isolate(p)):
        root = Root.__new__(Root)
        root.poly, root.index = p, index
        root._low, root._high, root._den, root._left = bounds
        out.append(root)
    return out


def irreducible_factors(p: Univariate) -> tuple[Univariate, ...]:
    """The distinct irreducible factors over Q, primitive."""
    return tuple(f for f, _ in factor_powers(p))


@lru_cache(maxsize=50_000)
def factor_powers(p: Univariate) -> tuple[tuple[Univariate, int], ...]:
    """The distinct irreducible factors over Q, primitive, with their multiplicities."""
    p = primitive(trim(p))
    if len(p) < 2:
        return ()
    if len(p) == 2:
        return ((p, 1),)
    if algebra.flint is not None:
        found = algebra.flint.fmpz_poly(list(p)).factor()[1]
        return tuple((primitive(tuple(int(c) for c in f)), int(k)) for f, k in found)
    _, factors = dup_factor_list([ZZ(c) for c in reversed(p)], ZZ)
    return tuple((primitive(tuple(int(c) for c in reversed(f))), int(k)) for f, k in factors if len(f) > 1)


def sign_at_root(p: Univariate, root: Root) -> int:
    """Sign of a polynomial at a root of an irreducible polynomial, exactly."""
    if not p or root.poly in irreducible_factors(p):
        return 0
    while not root.rational:
        low, high = _bounds(p, root)
        if low > 0 or high < 0:
            return 1 if low > 0 else -1
        root.refine()
    return _sign_at(p, root._low, root._den)


def _bounds(p: Univariate, root: Root) -> tuple[int, int]:
    """Bounds of p on the root's interval, times a power of its denominator, by Horner's rule with intervals."""
    low = high = 0
    scale = 1
    for c in reversed(p):
        ends = (low * root._low, low * root._high, high * root._low, high * root._high)
        low, high = min(ends) + c * scale, max(ends) + c * scale
        scale *= root._den
    return low, high


def sort_roots(roots: list[Root]) -> list[Root]:
    """In increasing order."""
    return sorted(roots, key=cmp_to_key(compare))


def merge_roots(polys: Iterable[Univariate]) -> list[Root]:
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


def between_roots(left: Root | None, right: Root | None) -> Fraction:
    """The simplest rational strictly between two consecutive roots (None: unbounded).

    It depends on the two numbers alone, not on how far their intervals have been refined: the simplest rational
    between the outer bounds is taken as soon as it lies between the inner ones.
    """
    while True:
        if left is None or right is None:
            root = left or right
            if root is None or root.rational or _one_unit(root):
                return between(None if left is None else left.lo, None if right is None else right.hi)
            root.refine()
            continue
        if left._high * right._den <= right._low * left._den:
            n, d = simplest(left._low, left._den, right._high, right._den)
            above = n * left._den - left._high * d
            below = right._low * d - n * right._den
            if (above > 0 or (above == 0 and not left.rational)) and (below > 0 or (below == 0 and not right.rational)):
                return Fraction(n, d)
        left.refine()
        right.refine()


def _one_unit(root: Root) -> bool:
    """Whether no integer lies inside the root's open interval."""
    return root._low // root._den + 1 >= -(-root._high // root._den)
