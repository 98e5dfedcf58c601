"""Risk laws as data: what derivations hand to the solver.

A law says that the risk is, up to constants, a sum of terms, each a monomial in the learning rate gamma, the model
size M and the number of steps N with exponents rational in alpha and beta, possibly piecewise. Constraints are
monomials that may not exceed one. Both are inequalities linear in the logarithms, which is all the solver uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from derivations.algebra import Point
from derivations.exponents import PARAMETERS, holds, is_piecewise, negative, plus, times
from derivations.grammar import Binary, ExpressionError, Extremum, Name, Negative, Node, Number, Relation, names_in

if TYPE_CHECKING:
    from derivations.leading import LeadingConstant

BASES = ("gamma", "M", "N")
PROVENANCES = ("pub", "code", "derived", "re", "new", "user")
"""How a formula is known, most trusted first: stated in the paper, read from its authors' code, derived by this
system, re-derived by hand and checked numerically, new, written by a user."""


@dataclass(frozen=True, slots=True)
class Monomial:
    """A product of powers of gamma, M, N (and auxiliary scales, and L in constraints), constants dropped."""

    exponents: tuple[tuple[str, Node], ...]

    def exponent(self, base: str) -> Node:
        """The exponent of ``base``; zero if it does not occur."""
        return dict(self.exponents).get(base, Number(Fraction(0)))

    @staticmethod
    def of(exponents: Mapping[str, Node]) -> Monomial:
        """From a mapping of bases to exponents; zero exponents are dropped."""
        kept = {b: e for b, e in exponents.items() if e != Number(Fraction(0))}
        return Monomial(tuple(sorted(kept.items())))

    @staticmethod
    def from_node(node: Node, bases: Iterable[str] = BASES) -> Monomial:
        """Read a monomial off a syntax tree such as that of ``(M^min(alpha,1/2)*N*gamma)^(-2)``.

        Raises
        ------
        ExpressionError : a sum, an exponent that contains a base, alpha or beta outside an exponent, or a constant
            that is not positive.
        """
        return Monomial.of(_logarithm(node, tuple(bases)))


def _logarithm(node: Node, bases: tuple[str, ...]) -> dict[str, Node]:
    match node:
        case Name(id) if id in bases:
            return {id: Number(Fraction(1))}
        case Name(id):
            raise ExpressionError(f"expected {id} in an exponent only, as in M^(-{id})")
        case Number(number):
            if number <= 0:
                raise ExpressionError("expected a positive monomial, found a constant that is not positive")
            return {}
        case Binary("^", left, right):
            inside = names_in(right) - set(PARAMETERS)
            if inside:
                raise ExpressionError(
                    f"expected an exponent in alpha and beta, found {', '.join(sorted(inside))} in it"
                )
            return {b: times(e, right) for b, e in _logarithm(left, bases).items()}
        case Binary("*" | "/" as op, left, right):
            out = _logarithm(left, bases)
            for base, e in _logarithm(right, bases).items():
                out[base] = plus(out.get(base, Number(Fraction(0))), e if op == "*" else negative(e))
            return out
        case Binary(op, _, _) | Extremum(op, _):
            raise ExpressionError(f"expected one monomial, a product of powers, found {op!r} outside an exponent")
        case Negative(_):
            raise ExpressionError("expected a positive monomial, found a minus sign")


@dataclass(frozen=True, slots=True)
class Term:
    """One term of the risk; it is present where all ``where`` hold (strictly, as written).

    ``constants`` are the numbers in front of it where they are known, each with the part of the plane it holds in.
    """

    name: str
    role: str
    form: str
    monomial: Monomial
    where: tuple[Relation, ...] = ()
    provenance: str = "user"
    constants: tuple[LeadingConstant, ...] = ()


@dataclass(frozen=True, slots=True)
class Constraint:
    """A monomial that may not exceed one (``equality``: must equal one), such as a stability limit on gamma."""

    name: str
    form: str
    monomial: Monomial
    equality: bool = False
    where: tuple[Relation, ...] = ()
    provenance: str = "user"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a source prints about a region: slope, exponents, binding terms. Data to be checked, never used."""

    name: str
    where: tuple[Relation, ...]
    slope: Node | None = None
    model_exponent: Node | None = None
    rate_exponent: Node | None = None
    active: tuple[str, ...] | None = None
    provenance: str = "user"

    def formulas(self) -> dict[str, Node]:
        """The claimed formulas that are given, by the name of the quantity."""
        pairs = {"slope": self.slope, "model_exponent": self.model_exponent, "rate_exponent": self.rate_exponent}
        return {k: v for k, v in pairs.items() if v is not None}


@dataclass(frozen=True, slots=True)
class RiskLaw:
    """A risk law on a domain of the (alpha, beta) plane; ``derived`` names the derived law to hold it against."""

    name: str
    title: str
    source: str
    provenance: str
    domain: tuple[Relation, ...]
    terms: tuple[Term, ...]
    constraints: tuple[Constraint, ...] = ()
    claims: tuple[Claim, ...] = ()
    auxiliary: tuple[str, ...] = ()
    note: str = ""
    derived: str = ""
    text: str = ""

    @property
    def has_rate(self) -> bool:
        """Whether gamma occurs anywhere."""
        monomials = [t.monomial for t in self.terms] + [c.monomial for c in self.constraints]
        return any(base == "gamma" for m in monomials for base, _ in m.exponents)

    def violated(self, point: Point) -> Relation | None:
        """The first domain inequality that fails at the point, or None inside the domain."""
        return next((r for r in self.domain if not holds(r, point)), None)


def plain(node: Node) -> Node:
    """``node``, after checking that it has no min or max.

    Raises
    ------
    ExpressionError : it has one.
    """
    if is_piecewise(node):
        raise ExpressionError("expected a formula without min and max; split the claim instead")
    return node
