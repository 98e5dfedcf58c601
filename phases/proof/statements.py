"""What the proof kernel is handed and what it returns: programmes, evidence, theorems. Data only.

A programme is what is talked about; evidence is what somebody says about it, and is never believed; a theorem is what
`phases.proof.kernel` has found to follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from derivations.algebra import Poly, Rational


@dataclass(frozen=True, slots=True)
class Operation:
    """``operator`` (one of ``+ * / min max``) on arguments."""

    operator: str
    arguments: tuple[Expression, ...]


Expression: TypeAlias = Rational | Operation
"""A piecewise rational function of alpha and beta."""


@dataclass(frozen=True, slots=True)
class Positive:
    """``expression > 0``; with ``strict`` false ``expression >= 0``."""

    expression: Expression
    strict: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """``coefficients . v <= bound`` (``equality``: exactly equal), present where all ``where`` hold."""

    name: str
    coefficients: tuple[Expression, ...]
    bound: Expression
    equality: bool = False
    where: tuple[Positive, ...] = ()


@dataclass(frozen=True, slots=True)
class Quantity:
    """An unknown, or the ratio of two where the denominator (never negative) is positive; by position."""

    name: str
    numerator: int
    denominator: int | None = None


@dataclass(frozen=True, slots=True)
class Programme:
    """Maximise the last unknown under the rows, on the domain."""

    unknowns: tuple[str, ...]
    rows: tuple[Row, ...]
    domain: tuple[Positive, ...]
    quantities: tuple[Quantity, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """``claim = sum c * product of hypotheses``: each summand a coefficient c > 0 and one power a hypothesis."""

    summands: tuple[tuple[Fraction, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Two cases: ``form >= 0`` and ``-form > 0``, each of which becomes one more hypothesis."""

    form: Poly
    positive: Products
    negative: Products


Products: TypeAlias = Leaf | Split


@dataclass(frozen=True, slots=True)
class Cells:
    """A sample of every open cell of the plane cut by ``polys``: alphas, each with betas above it."""

    polys: tuple[Poly, ...]
    samples: tuple[tuple[Fraction, tuple[Fraction, ...]], ...]


Multipliers: TypeAlias = Mapping[str, Rational]
Vector: TypeAlias = tuple[Rational, ...]


@dataclass(frozen=True, slots=True)
class AtVertex:
    """The end of a quantity's range: attained at a vertex, and by the multipliers no optimal point goes beyond."""

    vertex: int
    multipliers: Multipliers


@dataclass(frozen=True, slots=True)
class AlongRay:
    """The range has no end on this side: from the vertex the ray leads away for ever."""

    vertex: int
    ray: Vector


@dataclass(frozen=True, slots=True)
class Towards:
    """The range has no end on this side: the denominator vanishes at the other vertex, and not the numerator."""

    vertex: int
    other: int


@dataclass(frozen=True, slots=True)
class Nowhere:
    """The quantity is defined at no optimal point: by the multipliers its denominator is never positive."""

    multipliers: Multipliers


End: TypeAlias = AtVertex | AlongRay | Towards | Nowhere


@dataclass(frozen=True, slots=True)
class Piece:
    """Evidence for one piece of the plane; every polynomial in ``walls`` and ``signs`` is said to be positive."""

    phase: str
    walls: tuple[Poly, ...]
    signs: tuple[tuple[Poly, Products | None], ...]
    """What follows from the walls: by products, or (None) as ``cells`` show."""
    multipliers: Multipliers
    vertices: tuple[Vector, ...]
    unique: tuple[str, ...] = ()
    """Rows with a positive multiplier, or equalities, that leave one point; without them ``ends`` are needed."""
    ends: Mapping[str, tuple[End, End]] = field(default_factory=dict)
    tight: Mapping[str, Multipliers] = field(default_factory=dict)
    """Rows that bind at every optimal point though they have no multiplier: no slack, by these multipliers."""
    cells: Cells | None = None


Infinity: TypeAlias = int
Range: TypeAlias = tuple[Rational | Infinity, Rational | Infinity]
"""Both ends of a range; -1 and +1 stand for no end below and above."""
Region: TypeAlias = tuple[frozenset[Poly], ...]
"""A union of intersections of half-planes ``poly > 0`` bounded by irreducible curves."""


@dataclass(frozen=True, slots=True)
class Optimum:
    """What holds in a region: the optimal value, the range of each quantity (None: undefined), and the binding rows.

    Nothing is said on the curves ``off``, on which pieces of a phase meet, or a sign may have an isolated zero.
    """

    value: Rational
    ranges: tuple[tuple[str, Range | None], ...]
    binding: frozenset[str]
    off: frozenset[Poly] = frozenset()


@dataclass(frozen=True, slots=True)
class Theorem:
    """Disjoint regions that cover the domain but for finitely many curves, and the optimum in each of them."""

    programme: Programme
    phases: tuple[tuple[str, Region, Optimum], ...]
