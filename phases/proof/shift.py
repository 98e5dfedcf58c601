"""Shift certificates: positivity on a polygon, shown by coefficients alone (see `derivations.polygons`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from derivations.algebra import Poly
from derivations.polygons import Line, Simplex, is_nonnegative_on, triangulate


@dataclass(frozen=True, slots=True)
class ShiftCertificate:
    """Triangles that cover the polygon of the linear hypotheses."""

    simplices: tuple[Simplex, ...]


def shift(lines: Sequence[Line], p: Poly, sign: int) -> ShiftCertificate | None:
    """A certificate that ``sign * p >= 0`` on the polygon, or None if this method does not give one."""
    simplices = triangulate(tuple(lines))
    if simplices and all(is_nonnegative_on(p, sign, s) for s in simplices):
        return ShiftCertificate(simplices)
    return None
