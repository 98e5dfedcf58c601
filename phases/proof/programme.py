"""A risk law as the programme that the proof kernel talks about.

With M = f^x, N = f^(1-x), gamma = f^(-g), an auxiliary scale s = f^s and risk f^(-eta), a term ``m`` is ``m <= L`` and
a constraint ``m <= 1``: inequalities linear in the unknowns, with the law's own piecewise exponents as coefficients.
Nothing is simplified or decided here; the solver has its own reading of laws (`phases.program`).
"""

from __future__ import annotations

from derivations.algebra import Rational
from derivations.exponents import integer_power, is_piecewise, plain_ratio
from derivations.grammar import Binary, Extremum, Negative, Node, Relation
from derivations.law import Constraint, RiskLaw, Term
from phases.proof.statements import Expression, Operation, Positive, Programme, Quantity, Row

_ZERO, _ONE, _MINUS = (Rational.constant(k) for k in (0, 1, -1))


def programme_of(law: RiskLaw) -> Programme:
    """The programme of a law: maximise eta over x, g (if gamma occurs), the auxiliary scales, and eta itself.

    Raises
    ------
    derivations.grammar.ExpressionError : an exponent passes its bounds.

    >>> from derivations.registry import load
    >>> [row.name for row in programme_of(load("kim2026/signsgd")).rows]
    ['A', 'D_al', 'D_dis', 'N', 'M >= 1', 'N >= 1']
    """
    unknowns = ("x", *(("g",) if law.has_rate else ()), *law.auxiliary, "eta")
    entries: tuple[Term | Constraint, ...] = (*law.terms, *law.constraints)
    rows = [_row(entry, unknowns) for entry in entries]
    rest = (_ZERO,) * (len(unknowns) - 1)
    rows += [Row("M >= 1", (_MINUS, *rest), _ZERO), Row("N >= 1", (_ONE, *rest), _ONE)]
    quantities = [Quantity("x", 0)] + ([Quantity("e", 1, 0)] if law.has_rate else [])
    return Programme(unknowns, tuple(rows), tuple(_condition(r) for r in law.domain), tuple(quantities))


def _row(entry: Term | Constraint, unknowns: tuple[str, ...]) -> Row:
    row: dict[str, Expression] = dict.fromkeys(unknowns, _ZERO)
    row["eta"] = _ONE if isinstance(entry, Term) else _ZERO
    bound: Expression = _ZERO
    for base, node in entry.monomial.exponents:
        power = expression(node)
        if base == "N":
            row["x"], bound = _sum(row["x"], _opposite(power)), _opposite(power)
        elif base in ("gamma", "L"):
            column = "g" if base == "gamma" else "eta"
            row[column] = _sum(row[column], _opposite(power))
        else:
            column = "x" if base == "M" else base
            row[column] = _sum(row[column], power)
    equality = isinstance(entry, Constraint) and entry.equality
    where = tuple(_condition(r) for r in entry.where)
    return Row(entry.name, tuple(row[u] for u in unknowns), bound, equality, where)


def _condition(relation: Relation) -> Positive:
    left, right = expression(relation.left), expression(relation.right)
    if relation.op in ("<", "<="):
        left, right = right, left
    return Positive(_sum(left, _opposite(right)), relation.op in ("<", ">"))


def expression(node: Node) -> Expression:
    """A formula of the law grammar; parts without min and max as rational functions."""
    if not is_piecewise(node):
        return plain_ratio(node)
    match node:
        case Extremum(function, args):
            return Operation(function, tuple(expression(a) for a in args))
        case Negative(operand):
            return _opposite(expression(operand))
        case Binary("+", left, right):
            return _sum(expression(left), expression(right))
        case Binary("-", left, right):
            return _sum(expression(left), _opposite(expression(right)))
        case Binary("*" | "/" as op, left, right):
            return Operation(op, (expression(left), expression(right)))
        case Binary("^", left, right):
            power = integer_power(right)
            product = Operation("*", (_ONE, *[expression(left)] * abs(power)))
            return product if power >= 0 else Operation("/", (_ONE, product))
    raise AssertionError(node)


def _sum(a: Expression, b: Expression) -> Expression:
    if isinstance(a, Rational) and isinstance(b, Rational):
        return a + b
    return b if a == _ZERO else a if b == _ZERO else Operation("+", (a, b))


def _opposite(a: Expression) -> Expression:
    return -a if isinstance(a, Rational) else Operation("*", (_MINUS, a))
