"""Exponents: piecewise rational functions of alpha and beta, exactly.

An exponent is a syntax tree over alpha, beta, rational numbers, ``+ - * / ^`` and ``min``/``max``. At a point it has
an exact value; around a generic point it is one rational function, and the comparisons made to find out which one
are recorded. The record is the chamber: as long as each recorded polynomial keeps its sign, the same rational
function holds.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

from derivations.algebra import ALPHA, BETA, ONE, Point, Poly, Rational, total_degree
from derivations.grammar import Binary, ExpressionError, Extremum, Name, Negative, Node, Number, Relation

MAX_POWER = 12
MAX_DEGREE = 24

PARAMETERS = ("alpha", "beta")
Record: TypeAlias = Callable[[Poly, str], None]
"""Called with a polynomial whose sign at the sample point was used, and what it decided."""


class OnWall(Exception):
    """A comparison at the sample point met equality of two different functions: take another sample point."""


_CONSTANTS = {"alpha": Rational(ALPHA, ONE), "beta": Rational(BETA, ONE)}


def is_piecewise(node: Node) -> bool:
    """Whether min or max occurs."""
    match node:
        case Extremum():
            return True
        case Binary(_, left, right):
            return is_piecewise(left) or is_piecewise(right)
        case Negative(operand):
            return is_piecewise(operand)
        case _:
            return False


def constant(node: Node) -> Fraction:
    """The value of a constant expression, with powers bounded.

    Raises
    ------
    ExpressionError : alpha or beta occurs, or a bound is passed.
    """
    ratio = plain_ratio(node)
    if not ratio.is_constant:
        raise ExpressionError("expected a constant")
    return ratio.at((Fraction(1), Fraction(1)))


def integer_power(node: Node) -> int:
    """The value of a constant whole power within bounds.

    Raises
    ------
    ExpressionError : it is something else.
    """
    try:
        power = constant(node)
    except ExpressionError as error:
        if str(error) == "expected a constant":
            raise ExpressionError("expected a constant power of alpha and beta") from None
        raise
    if power.denominator != 1 or abs(power) > MAX_POWER:
        raise ExpressionError(f"expected a whole power between -{MAX_POWER} and {MAX_POWER}")
    return int(power)


def plain_ratio(node: Node) -> Rational:
    """An exponent as one rational function.

    Raises
    ------
    ExpressionError : it has a min or max, a divisor that is identically zero, or passes a bound.
    """
    if is_piecewise(node):
        raise ExpressionError("expected a formula without min and max")
    return _resolve_plain(node)


def value(node: Node, point: Point) -> Fraction:
    """Exact value at a rational point.

    Raises
    ------
    ZeroDivisionError : a denominator vanishes there.
    ExpressionError : another name than alpha and beta, or a power that is not a whole number.
    """
    match node:
        case Number(number):
            return number
        case Name(id):
            if id not in PARAMETERS:
                raise ExpressionError(f"expected alpha or beta, found {id}")
            return point[PARAMETERS.index(id)]
        case Negative(operand):
            return -value(operand, point)
        case Extremum(function, args):
            values = [value(a, point) for a in args]
            return min(values) if function == "min" else max(values)
        case Binary(op, left, right):
            a = value(left, point)
            if op == "^":
                return a ** integer_power(right)
            b = value(right, point)
            return a + b if op == "+" else a - b if op == "-" else a * b if op == "*" else a / b


@lru_cache(maxsize=10_000)
def _resolve_plain(node: Node) -> Rational:
    return _combine(node, _resolve_plain)


def _combine(node: Node, recurse: Callable[[Node], Rational]) -> Rational:
    match node:
        case Number(number):
            return Rational.constant(number)
        case Name(id):
            if id not in _CONSTANTS:
                raise ExpressionError(f"expected alpha or beta, found {id}")
            return _CONSTANTS[id]
        case Negative(operand):
            return -recurse(operand)
        case Binary("^", left, right):
            base, power = recurse(left), integer_power(right)
            if abs(power) * max(total_degree(base.num), total_degree(base.den)) > MAX_DEGREE:
                raise ExpressionError(f"expected a degree of at most {MAX_DEGREE}")
            if power < 0 and not base:
                raise ExpressionError("expected a divisor other than zero")
            ratio = base**power
            _check_size(ratio)
            return ratio
        case Binary(op, left, right):
            a, b = recurse(left), recurse(right)
            if op == "/" and not b:
                raise ExpressionError("expected a divisor other than zero")
            ratio = a + b if op == "+" else a - b if op == "-" else a * b if op == "*" else a / b
            _check_size(ratio)
            return ratio
        case _:
            raise AssertionError(node)


def _check_size(ratio: Rational) -> None:
    if max(total_degree(ratio.num), total_degree(ratio.den)) > MAX_DEGREE:
        raise ExpressionError(f"expected a degree of at most {MAX_DEGREE} in alpha and beta")
    for p in (ratio.num, ratio.den):
        if any(abs(int(c)) > 10**400 for c in p.values()):
            raise ExpressionError("expected numbers of at most 400 digits")


def resolve(node: Node, point: Point, record: Record) -> Rational:
    """The rational function that the exponent is around ``point``; comparisons go to ``record``.

    Raises
    ------
    OnWall : two different arguments of a min or max are equal at the point.
    ExpressionError : a divisor that is identically zero, or a bound is passed.
    """
    if not is_piecewise(node):
        return _resolve_plain(node)
    if isinstance(node, Extremum):
        resolved = [resolve(a, point, record) for a in node.args]
        best = resolved[0]
        for other in resolved[1:]:
            difference = other - best
            if not difference:
                continue
            side = difference.sign(point)
            if side == 0:
                raise OnWall
            if (side < 0) == (node.function == "min"):
                best = other
        for other in resolved:
            difference = other - best
            if difference:
                record(difference.num, node.function)
                record(difference.den, node.function)
        return best
    return _combine(node, lambda child: resolve(child, point, record))


def holds(relation: Relation, point: Point) -> bool:
    """Whether a relation in alpha and beta holds at a rational point, exactly."""
    difference = value(relation.left, point) - value(relation.right, point)
    return {
        "<": difference < 0,
        "<=": difference <= 0,
        ">": difference > 0,
        ">=": difference >= 0,
        "=": difference == 0,
    }[relation.op]


def plus(a: Node, b: Node) -> Node:
    """a + b, folding constants."""
    if isinstance(a, Number) and isinstance(b, Number):
        return Number(a.value + b.value)
    if a == Number(Fraction(0)):
        return b
    if b == Number(Fraction(0)):
        return a
    return Binary("+", a, b)


def times(a: Node, b: Node) -> Node:
    """a * b, folding constants."""
    if isinstance(a, Number) and isinstance(b, Number):
        return Number(a.value * b.value)
    for one, other in ((a, b), (b, a)):
        if one == Number(Fraction(1)):
            return other
        if one == Number(Fraction(0)):
            return one
        if one == Number(Fraction(-1)):
            return negative(other)
    return Binary("*", a, b)


def negative(a: Node) -> Node:
    """-a, folding constants."""
    if isinstance(a, Number):
        return Number(-a.value)
    return a.operand if isinstance(a, Negative) else Negative(a)
