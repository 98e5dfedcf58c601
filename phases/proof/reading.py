"""Reading a certificate: exact numbers, polynomials and formulas as sympy objects; bounded, and nothing executed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy
from sympy import Poly, Symbol

from derivations.errors import PhaselawsError
from derivations.exponents import PARAMETERS
from derivations.grammar import Binary, Limits, Name, Negative, Node, Number, parse, parse_relations

FORMAT = "phaselaws-certificate/1"
LIMITS = Limits(length=200_000, tokens=1_500, digits=4_000)
MAX_POWER = 40
A, B = Symbol("alpha"), Symbol("beta")
_RATIONAL = re.compile(r"-?\d{1,4000}(/\d{1,4000})?\Z", re.ASCII)


class BadCertificate(PhaselawsError, ValueError):
    """The file is not a certificate of this format."""


class Failure(Exception):
    """A check that fails; the statement says which."""

    def __init__(self, statement: str) -> None:
        super().__init__(statement)
        self.statement = statement


Point = tuple[Fraction, Fraction]


def to_expr(node: Node) -> Any:
    """A formula without min and max as a sympy expression."""
    match node:
        case Number(number):
            return sympy.Rational(number.numerator, number.denominator)
        case Name(id):
            return A if id == "alpha" else B
        case Negative(operand):
            return -to_expr(operand)
        case Binary("^", left, Number(power)) if power.denominator == 1 and abs(power) <= MAX_POWER:
            return to_expr(left) ** int(power)
        case Binary("+" | "-" | "*" | "/" as op, left, right):
            a, b = to_expr(left), to_expr(right)
            return a + b if op == "+" else a - b if op == "-" else a * b if op == "*" else a / b
        case _:
            raise BadCertificate(f"expected formulas without min and max, and powers of at most {MAX_POWER}")


def read_formula(text: str) -> Any:
    """A rational function."""
    return to_expr(parse(text, PARAMETERS, LIMITS))


def read_poly(text: str) -> Any:
    """A polynomial."""
    return Poly(read_formula(text), A, B, domain="QQ")


def read_literal(text: str) -> Any:
    """The polynomial of ``p > 0``."""
    relation, *more = parse_relations(text, PARAMETERS, LIMITS)
    if more or relation.op != ">" or relation.right != Number(Fraction(0)):
        raise BadCertificate(f"expected 'polynomial > 0', got {text[:60]!r}")
    return Poly(to_expr(relation.left), A, B, domain="QQ")


def value_at(expression: Any, point: Point) -> Any:
    """Exact value at a rational point."""
    a, b = (sympy.Rational(x.numerator, x.denominator) for x in point)
    return Poly(expression, A, B).eval({A: a, B: b}) if isinstance(expression, Poly) else expression.subs({A: a, B: b})


def read_point(raw: Sequence[str]) -> Point:
    """A sample point."""
    return read_rational(raw[0]), read_rational(raw[1])


def read_rational(text: str) -> Fraction:
    """An exact number."""
    if not isinstance(text, str) or not _RATIONAL.match(text):
        raise BadCertificate("expected sample points as exact numbers such as 3/4")
    return Fraction(text)


def normal_form(p: Any) -> Any:
    """A canonical multiple of a polynomial."""
    return p.monic() if not p.is_zero else p
