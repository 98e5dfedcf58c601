"""A diagram as questions in SMT-LIB 2 (QF_NRA): each the negation of a statement, each to be answered ``unsat``.

Every statement of `phases.proof.exports.coq`, rows resolved piece by piece and cleared of denominators whose sign is
fixed: signs from walls, the minima, maxima and conditions that were decided, the stated point feasible, no feasible
point better, closed regions covering the domain, open ones disjoint. z3 and cvc5 (both from PyPI) answer such files;
neither gives a proof that is checked here, so they may only agree or disagree.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from derivations.algebra import ONE, Poly, Rational, canonical, factor, terms
from phases.proof import statements as s
from phases.proof.prove import DiagramCertificate


@dataclass(frozen=True, slots=True)
class Question:
    """Assertions that cannot hold together, and what follows from that."""

    statement: str
    assertions: tuple[str, ...]


def smt(certificate: DiagramCertificate) -> str:
    """The file of all questions, each between push and pop.

    >>> from phases.phase_diagram import diagram
    >>> from phases.proof.prove import prove
    >>> text = smt(prove(diagram("kim2026/signsgd")).certificate)
    >>> text.count("(check-sat)") == text.count("; unsat:") > 40
    True
    """
    lines = ["(set-logic QF_NRA)", *header(certificate)]
    for question in questions(certificate):
        lines.append(f"; unsat: {' '.join(question.statement.split())}")
        lines.append("(push 1)")
        lines += [f"(assert {a})" for a in question.assertions]
        lines += ["(check-sat)", "(pop 1)"]
    return "\n".join([*lines, "(exit)"]) + "\n"


def header(certificate: DiagramCertificate) -> list[str]:
    """The declarations."""
    return [f"(declare-const {_name(u)} Real)" for u in ("alpha", "beta", *certificate.theorem.programme.unknowns)]


def questions(certificate: DiagramCertificate) -> Iterator[Question]:
    """All of them, piece by piece, then those about the whole plane."""
    theorem = certificate.theorem
    optima = {name: optimum for name, _, optimum in theorem.phases}
    for piece in certificate.pieces:
        yield from _Piece(theorem.programme, piece, optima[piece.phase]).questions()
    regions = [(name, region) for name, region, _ in theorem.phases]
    outside = [f"(not {_region(region, '>=')})" for _, region in regions]
    domain = [_condition(c) for c in theorem.programme.domain]
    yield Question("the closed regions cover the domain", (*domain, *outside))
    for (one, first), (two, second) in itertools.combinations(regions, 2):
        yield Question(f"{one} and {two} are disjoint", (_region(first, ">"), _region(second, ">")))


def _name(unknown: str) -> str:
    return unknown if unknown in ("alpha", "beta", "x", "g", "eta") else f"u_{unknown}"


def _number(n: int) -> str:
    return str(n) if n >= 0 else f"(- {-n})"


def as_text(p: Poly) -> str:
    """A polynomial."""
    parts = []
    for i, j, c in terms(p)[2]:
        factors = ["alpha"] * i + ["beta"] * j
        parts.append(f"(* {_number(c)} {' '.join(factors)})" if factors else _number(c))
    return parts[0] if len(parts) == 1 else f"(+ {' '.join(parts)})" if parts else "0"


def _region(region: s.Region, relation: str) -> str:
    parts = [f"(and true {' '.join(f'({relation} {as_text(p)} 0)' for p in sorted(part, key=str))})" for part in region]
    return parts[0] if len(parts) == 1 else f"(or {' '.join(parts)})"


def _condition(condition: s.Positive) -> str:
    """A condition on a rational function, by the sign of numerator times denominator."""
    assert isinstance(condition.expression, Rational)
    r = condition.expression
    text = f"({'>' if condition.strict else '>='} {as_text(r.num * r.den)} 0)"
    return text if r.den == ONE else f"(and {text} (not (= {as_text(r.den)} 0)))"


class _Piece:
    """The questions of one piece; signs are read off at a point inside it."""

    def __init__(self, programme: s.Programme, piece: s.Piece, optimum: s.Optimum) -> None:
        self.programme, self.piece, self.optimum = programme, piece, optimum
        self.walls = tuple(f"(> {as_text(w)} 0)" for w in piece.walls)
        positive = (*piece.walls, *(p for p, _ in piece.signs))
        self.known = {canonical(p)[1]: 1 if canonical(p)[0] > 0 else -1 for p in positive}

    def questions(self) -> Iterator[Question]:
        name = self.piece.phase
        for claim, _ in self.piece.signs:
            yield self.ask(f"{name}: {claim} is positive", f"(<= {as_text(claim)} 0)")
        rows: dict[str, tuple[list[Rational], Rational, bool]] = {}
        for row in self.programme.rows:
            decided: list[tuple[Rational, int]] = []
            if all(self.holds(c, decided) for c in row.where):
                coefficients = [self.resolve(c, decided) for c in row.coefficients]
                rows[row.name] = coefficients, self.resolve(row.bound, decided), row.equality
            for difference, side in dict.fromkeys(decided):
                yield self.ask(f"{name}: a comparison in {row.name}", self.negated(difference, side))
        for vertex in self.piece.vertices:
            for label, (coefficients, bound, equality) in rows.items():
                slack = bound
                for c, v in zip(coefficients, vertex, strict=True):
                    slack = slack - c * v
                negation = f"(not (= {as_text(slack.num)} 0))" if equality else self.negated(slack, 1)
                yield self.ask(f"{name}: the stated point satisfies {label}", negation)
        used = [rows[label] for label, y in self.piece.multipliers.items() if y]
        target = [Rational.constant(int(u == "eta")) for u in self.programme.unknowns]
        better = self.linear(target, self.optimum.value, ">")
        yield self.ask(f"{name}: no feasible point is better", *(self.row(r) for r in used), better)

    def ask(self, statement: str, *negation: str) -> Question:
        return Question(statement, (*self.walls, *negation))

    def sign(self, p: Poly) -> int:
        """The sign of a polynomial; KeyError if the piece's signs do not settle it."""
        content, factors = factor(p)
        side = (content > 0) - (content < 0)
        for f, k in factors:
            side *= self.known[f] ** k
        return side

    def side(self, r: Rational) -> int:
        return self.sign(r.num) * self.sign(r.den)

    def negated(self, r: Rational, side: int) -> str:
        """The negation of: r has this sign (1: not negative, 2: positive, -1, -2 likewise for -r)."""
        product = r.num * r.den * (1 if side > 0 else -1)
        return f"({'<' if abs(side) == 1 else '<='} {as_text(product)} 0)"

    def holds(self, condition: s.Positive, decided: list[tuple[Rational, int]]) -> bool:
        value = self.resolve(condition.expression, decided)
        side = self.side(value)
        if side:
            decided.append((value, side * 2))
        return side > 0 or (side == 0 and not condition.strict)

    def resolve(self, e: s.Expression, decided: list[tuple[Rational, int]]) -> Rational:
        if isinstance(e, Rational):
            return e
        values = [self.resolve(a, decided) for a in e.arguments]
        if e.operator not in ("min", "max"):
            total = values[0]
            for other in values[1:]:
                total = total + other if e.operator == "+" else total * other if e.operator == "*" else total / other
            return total
        wanted = 1 if e.operator == "min" else -1
        best = next(v for v in values if self.wins(v, values, wanted))
        decided += [(other - best, wanted) for other in values if other != best]
        return best

    def wins(self, best: Rational, values: Sequence[Rational], wanted: int) -> bool:
        try:
            return all(wanted * self.side(other - best) >= 0 for other in values)
        except KeyError:  # no sign of the piece settles a comparison with this one
            return False

    def row(self, row: tuple[list[Rational], Rational, bool]) -> str:
        coefficients, bound, equality = row
        return self.linear(coefficients, bound, "=" if equality else "<=")

    def linear(self, coefficients: Sequence[Rational], bound: Rational, relation: str) -> str:
        """``coefficients . v relation bound``, multiplied by the (positive) common denominator."""
        common = ONE
        for r in (*coefficients, bound):
            common = common * Rational.of(r.den, common).num
        common = common * self.sign(common)
        cleared = [(r * Rational.of(common)).num for r in (*coefficients, bound)]
        products = [f"(* {as_text(p)} {_name(u)})" for p, u in zip(cleared, self.programme.unknowns, strict=False) if p]
        return f"({relation} (+ 0 {' '.join(products)}) {as_text(cleared[-1])})"
