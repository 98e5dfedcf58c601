"""Exact polynomials and rational functions in alpha and beta.

Everything exact in this project lives in one ring, Z[alpha, beta], and its fraction field. Elements are sympy's
sparse `PolyElement`; factorisation, gcd and resultants go to FLINT when python-flint is installed (measured 30-100
times faster on the small polynomials that occur here) and to sympy otherwise, with the same results (the environment
variable PHASES_NO_FLINT forces the latter). This is the one module that knows which of the two is at work.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

from sympy.polys.domains import ZZ
from sympy.polys.rings import PolyElement, PolyRing

flint: Any = None
if not os.environ.get("PHASES_NO_FLINT"):
    with contextlib.suppress(ImportError):
        flint = importlib.import_module("flint")

RING = PolyRing("alpha,beta", ZZ)
ALPHA, BETA = RING.gens
ZERO, ONE = RING.zero, RING.one

Poly: TypeAlias = PolyElement
Point: TypeAlias = tuple[Fraction, Fraction]

_FLINT: Any = flint.fmpz_mpoly_ctx.get(("alpha", "beta"), "lex") if flint is not None else None


def backend() -> str:
    """Name of the library that factors: ``flint`` or ``sympy``."""
    return "flint" if flint is not None else "sympy"


def _to_flint(p: Poly) -> Any:
    return _FLINT.from_dict({m: int(c) for m, c in p.items()})


def _from_flint(p: Any) -> Poly:
    return RING.from_dict({(int(i), int(j)): ZZ(int(c)) for (i, j), c in p.to_dict().items()})


def integer(value: int) -> Poly:
    """The constant polynomial ``value``."""
    return RING.ground_new(ZZ(value))


def canonical(p: Poly) -> tuple[int, Poly]:
    """Content with sign, and the primitive part with positive leading coefficient.

    >>> canonical(2 - 4*ALPHA)
    (-2, 2*alpha - 1)
    """
    content, primitive = p.primitive()
    if primitive.LC < 0:
        return -int(content), -primitive
    return int(content), primitive


@lru_cache(maxsize=100_000)
def factor(p: Poly) -> tuple[int, tuple[tuple[Poly, int], ...]]:
    """Irreducible factorisation over Z: the unit content, and canonical factors with multiplicities.

    >>> factor(2*ALPHA*BETA - BETA)
    (1, ((beta, 1), (2*alpha - 1, 1)))
    """
    if not p:
        return 0, ()
    content, primitive = canonical(p)
    if primitive == ONE:
        return content, ()
    if (len(primitive) == 1 and primitive.LM in ((1, 0), (0, 1))) or _total_degree(primitive) == 1:
        return content, ((primitive, 1),)
    if flint is not None:
        raw = [(_from_flint(f), int(k)) for f, k in _to_flint(primitive).factor()[1]]
    else:
        raw = [(f, int(k)) for f, k in primitive.factor_list()[1]]
    signed: list[tuple[Poly, int]] = []
    for f, k in raw:
        sign, g = canonical(f)
        if sign < 0 and k % 2:
            content = -content
        signed.append((g, k))
    signed.sort(key=lambda fk: sort_key(fk[0]))
    return content, tuple(signed)


def _total_degree(p: Poly) -> int:
    return max((i + j for i, j in p), default=0)


def total_degree(p: Poly) -> int:
    """Total degree of ``p`` (0 for constants)."""
    return _total_degree(p)


@lru_cache(maxsize=100_000)
def sort_key(p: Poly) -> tuple[Any, ...]:
    """A total order on polynomials: by degree, then by terms. It fixes the order of all printed output."""
    return (_total_degree(p), len(p), tuple(sorted(((j, i), int(c)) for (i, j), c in p.items())))


@lru_cache(maxsize=100_000)
def terms(p: Poly) -> tuple[int, int, tuple[tuple[int, int, int], ...]]:
    """Degree in alpha, degree in beta and the terms ``(i, j, coefficient)`` as plain integers."""
    rows = tuple((i, j, int(c)) for (i, j), c in p.items())
    return max((r[0] for r in rows), default=0), max((r[1] for r in rows), default=0), rows


def scaled_value(p: Poly, point: Point) -> tuple[int, int]:
    """Numerator and (positive) denominator of p at a rational point, not reduced."""
    di, dj, rows = terms(p)
    (an, ad), (bn, bd) = (point[0].numerator, point[0].denominator), (point[1].numerator, point[1].denominator)
    total = 0
    for i, j, c in rows:
        total += c * an**i * ad ** (di - i) * bn**j * bd ** (dj - j)
    return total, ad**di * bd**dj


def value(p: Poly, point: Point) -> Fraction:
    """Exact value of ``p`` at a rational point."""
    return Fraction(*scaled_value(p, point))


def sign(p: Poly, point: Point) -> int:
    """Sign (-1, 0, 1) of ``p`` at a rational point."""
    n = scaled_value(p, point)[0]
    return (n > 0) - (n < 0)


@lru_cache(maxsize=100_000)
def _cancel(num: Poly, den: Poly) -> tuple[Poly, Poly]:
    if not num:
        return ZERO, ONE
    if flint is not None:
        fn, fd = _to_flint(num), _to_flint(den)
        g = fn.gcd(fd)
        num, den = _from_flint(fn // g), _from_flint(fd // g)
    else:
        num, den = num.cancel(den)
    return (-num, -den) if den.LC < 0 else (num, den)


@dataclass(frozen=True, slots=True)
class Rational:
    """A rational function of alpha and beta in lowest terms, denominator with positive leading coefficient."""

    num: Poly
    den: Poly

    @staticmethod
    def of(num: Poly, den: Poly = ONE) -> Rational:
        """num/den in lowest terms.

        Raises
        ------
        ZeroDivisionError : den is the zero polynomial.
        """
        if not den:
            raise ZeroDivisionError("division by zero")
        return Rational(*_cancel(num, den))

    @staticmethod
    def constant(value: Fraction | int) -> Rational:
        """A constant."""
        value = Fraction(value)
        return Rational(integer(value.numerator), integer(value.denominator))

    def __add__(self, other: Rational) -> Rational:
        return Rational.of(self.num * other.den + other.num * self.den, self.den * other.den)

    def __sub__(self, other: Rational) -> Rational:
        return Rational.of(self.num * other.den - other.num * self.den, self.den * other.den)

    def __mul__(self, other: Rational) -> Rational:
        return Rational.of(self.num * other.num, self.den * other.den)

    def __truediv__(self, other: Rational) -> Rational:
        return Rational.of(self.num * other.den, self.den * other.num)

    def __neg__(self) -> Rational:
        return Rational(-self.num, self.den)

    def __pow__(self, n: int) -> Rational:
        if n < 0:
            return Rational.of(self.den**-n, self.num**-n)
        return Rational(self.num**n, self.den**n)

    def __bool__(self) -> bool:
        return bool(self.num)

    @property
    def is_constant(self) -> bool:
        return bool(self.num.is_ground and self.den.is_ground)

    def at(self, point: Point) -> Fraction:
        """Exact value at a rational point.

        Raises
        ------
        ZeroDivisionError : the denominator vanishes there.
        """
        n, nd = scaled_value(self.num, point)
        d, dd = scaled_value(self.den, point)
        return Fraction(n * dd, nd * d)

    def sign(self, point: Point) -> int:
        """Sign at a point where the denominator does not vanish."""
        return sign(self.num, point) * sign(self.den, point)

    def __str__(self) -> str:
        return format_ratio(self)


def format_poly(p: Poly) -> str:
    """Text in the grammar of law files, positive leading terms first where there is one.

    >>> format_poly(1 - 2*ALPHA*BETA)
    '1 - 2*alpha*beta'
    """
    if not p:
        return "0"
    items = sorted(((m, int(c)) for m, c in p.items()), key=lambda mc: (mc[1] < 0, -sum(mc[0]), -mc[0][0]))
    out = ""
    for (i, j), c in items:
        names = [s for s in (_power("alpha", i), _power("beta", j)) if s]
        magnitude = [str(abs(c))] if abs(c) != 1 or not names else []
        text = "*".join(magnitude + names)
        if not out:
            out = text if c > 0 else "-" + text
        else:
            out += (" + " if c > 0 else " - ") + text
    return out


def _power(name: str, n: int) -> str:
    return "" if n == 0 else name if n == 1 else f"{name}^{n}"


def factored(p: Poly, near: Point | None = None) -> tuple[int, list[tuple[Poly, int]]]:
    """Content and factors; sums are turned to be positive at ``near``, or not all-negative without a point."""
    content, factors = factor(p)
    out = []
    for f, k in factors:
        negative = sign(f, near) < 0 if near is not None else not any(c > 0 for c in f.values())
        if negative and len(f) > 1:
            f = -f
            if k % 2:
                content = -content
        out.append((f, k))
    return content, out


def format_product(p: Poly, near: Point | None = None) -> str:
    """``p`` as a product of irreducible factors."""
    content, factors = factored(p, near)
    if not factors:
        return str(content)
    if len(factors) == 1 and factors[0][1] == 1 and content == 1:
        return format_poly(factors[0][0])
    return _product_text(content, factors)


def _product_text(content: int, factors: Iterable[tuple[Poly, int]]) -> str:
    parts = []
    for f, k in factors:
        text = format_poly(f)
        if len(f) > 1:
            text = f"({text})"
        parts.append(text if k == 1 else f"{text}^{k}")
    body = "*".join(parts)
    if content == 1:
        return body
    if content == -1:
        return "-" + body
    return f"{content}*{body}"


def oriented(r: Rational, near: Point | None) -> tuple[Poly, Poly]:
    """Numerator and denominator with the denominator positive at ``near``."""
    if near is not None and sign(r.den, near) < 0:
        return -r.num, -r.den
    return r.num, r.den


def format_ratio(r: Rational, near: Point | None = None) -> str:
    """Text of a rational function, numerator and denominator factored; parses back with the law grammar.

    With a point, factors are written so that they are positive there.

    >>> format_ratio(Rational.of(2*ALPHA + 2*BETA - 1, 2*ALPHA + 1))
    '(2*alpha + 2*beta - 1)/(2*alpha + 1)'
    """
    num, den = oriented(r, near)
    if not num:
        return "0"
    top = format_product(num, near)
    if den == ONE:
        return top
    bottom = format_product(den, near)
    if _has_sum(top):
        top = f"({top})"
    if not (den.is_ground or bottom.isalnum()):
        bottom = f"({bottom})"
    return f"{top}/{bottom}"


def _has_sum(text: str) -> bool:
    depth = 0
    for k, ch in enumerate(text):
        depth += (ch == "(") - (ch == ")")
        if depth == 0 and k and text[k] in "+-" and text[k - 1] == " ":
            return True
    return False


@lru_cache(maxsize=100_000)
def resultant(p: Poly, q: Poly) -> Poly:
    """Resultant with respect to beta: a polynomial in alpha alone."""
    if flint is not None:
        return _from_flint(_to_flint(p).resultant(_to_flint(q), "beta"))
    flipped = _SWAPPED.from_dict({(j, i): c for (i, j), c in p.items()})
    other = _SWAPPED.from_dict({(j, i): c for (i, j), c in q.items()})
    res = flipped.resultant(other)
    return RING.from_dict({(m[0], 0): c for m, c in res.items()}) if res else ZERO


@lru_cache(maxsize=100_000)
def discriminant(p: Poly) -> Poly:
    """Discriminant with respect to beta, up to sign and powers of the leading coefficient."""
    derivative = p.diff(BETA)
    return resultant(p, derivative)


_SWAPPED = PolyRing("beta,alpha", ZZ)
