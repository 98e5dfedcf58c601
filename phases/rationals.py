"""The simplest rational in an open interval, in integers alone."""

from __future__ import annotations

from fractions import Fraction


def between(lo: Fraction | None, hi: Fraction | None) -> Fraction:
    """The simplest rational strictly between two bounds, by the Stern-Brocot tree.

    With one bound only (None: unbounded), the nearest integer beyond it.

    >>> between(Fraction(1, 3), Fraction(1, 2))
    Fraction(2, 5)
    """
    if lo is None and hi is None:
        return Fraction(0)
    if lo is None:
        assert hi is not None
        return Fraction(-(-hi.numerator // hi.denominator) - 1)
    if hi is None:
        return Fraction(lo.numerator // lo.denominator + 1)
    return Fraction(*simplest(lo.numerator, lo.denominator, hi.numerator, hi.denominator))


def simplest(an: int, ad: int, bn: int, bd: int) -> tuple[int, int]:
    """Numerator and denominator of the simplest rational in the open interval (an/ad, bn/bd)."""
    if an < 0:
        if bn > 0:
            return 0, 1
        n, d = simplest(-bn, bd, -an, ad)
        return -n, d
    floor = an // ad
    if (floor + 1) * bd < bn:
        return floor + 1, 1
    a, b = an - floor * ad, bn - floor * bd
    if a == 0:
        d = bd // b + 1
        return floor * d + 1, d
    d, n = simplest(bd, b, ad, a)
    return floor * d + n, d
