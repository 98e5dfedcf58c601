"""An independent check of a certificate file.

It shares with the solver only the law format (`derivations`): rows are built again from the law's text, identities
and factorisations are done with sympy's `Poly` and `cancel`, the completeness of sample points is confirmed by Sturm
counts of sympy's, and shift certificates are expanded afresh. Nothing of `phases.program`, `phases.planar`,
`phases.walk` or `phases.proof.decide` is imported.

What is confirmed: see `phases.proof.prove`. The first thing that fails is reported as `Refuted` with the piece's
sample or the cell's point.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy
from sympy import Poly, cancel

from derivations.budget import known, spend
from derivations.exponents import PARAMETERS, holds
from derivations.grammar import Binary, Extremum, Name, Negative, Node, Number, Relation, parse_relations
from derivations.law import Constraint, Monomial, RiskLaw, Term
from derivations.lawfile import parse_law
from phases.proof.evidence import check_evidence, complete_samples
from phases.proof.reading import (
    FORMAT,
    LIMITS,
    A,
    B,
    BadCertificate,
    Failure,
    Point,
    normal_form,
    read_formula,
    read_literal,
    read_point,
    read_poly,
    to_expr,
    value_at,
)
from phases.proof.verdict import Proved, Refuted, Verdict


class _Signs:
    """The sign claims of one piece: what they let us conclude about a rational function."""

    def __init__(self, literals: Sequence[Any], sample: Point) -> None:
        self.sample = sample
        self.known = {normal_form(p) for p in literals}

    def require(self, expression: Any, what: str) -> None:
        """The expression keeps the sign that it has at the sample, which is positive (or it is zero)."""
        fraction = cancel(sympy.together(expression))
        if fraction == 0:
            return
        if value_at(fraction, self.sample) <= 0:
            raise Failure(f"{what} is not positive at the sample")
        self.fixed(fraction, what)

    def fixed(self, expression: Any, what: str) -> None:
        """All irreducible factors are among the claims."""
        num, den = sympy.fraction(cancel(sympy.together(expression)))
        for part in (num, den):
            for f, _ in Poly(part, A, B, domain="QQ").factor_list()[1]:
                if normal_form(f) not in self.known:
                    raise Failure(f"no claim fixes the sign of a factor of {what}")


def _resolve(node: Node, point: Point, signs: _Signs, what: str) -> Any:
    """A piecewise exponent near the sample, each comparison required to be fixed by the claims."""
    match node:
        case Extremum(function, args):
            resolved = [_resolve(a, point, signs, what) for a in args]
            values = [value_at(r, point) for r in resolved]
            target = min(values) if function == "min" else max(values)
            best = resolved[values.index(target)]
            for other in resolved:
                if cancel(sympy.together(other - best)) != 0:
                    signs.fixed(other - best, f"{function} in {what}")
            return best
        case Number(_) | Name(_):
            return to_expr(node)
        case Negative(operand):
            return -_resolve(operand, point, signs, what)
        case Binary(op, left, right):
            a, b = _resolve(left, point, signs, what), _resolve(right, point, signs, what)
            return a + b if op == "+" else a - b if op == "-" else a * b if op == "*" else a / b if op == "/" else a**b
    raise BadCertificate("unknown expression")


def _present(relations: Sequence[Relation], point: Point, signs: _Signs, what: str) -> bool:
    for relation in relations:
        left = _resolve(relation.left, point, signs, what)
        right = _resolve(relation.right, point, signs, what)
        difference = cancel(sympy.together(left - right))
        if difference != 0:
            signs.fixed(difference, f"existence of {what}")
    return all(holds(r, point) for r in relations)


def _variables(law: RiskLaw) -> tuple[str, ...]:
    return ("x", *(("g",) if law.has_rate else ()), *law.auxiliary, "eta")


def _row(
    law: RiskLaw, monomial: Monomial, is_term: bool, point: Point, signs: _Signs, name: str
) -> tuple[list[Any], Any]:
    row = {v: sympy.Integer(0) for v in _variables(law)}
    bound = sympy.Integer(0)
    for base, node in monomial.exponents:
        power = cancel(sympy.together(_resolve(node, point, signs, name)))
        if sympy.fraction(power)[1] != 1:
            signs.fixed(1 / sympy.fraction(power)[1], f"denominator in {name}")
        if base == "M":
            row["x"] += power
        elif base == "N":
            row["x"] -= power
            bound -= power
        elif base == "gamma":
            row["g"] -= power
        elif base == "L":
            row["eta"] -= power
        else:
            row[base] += power
    if is_term:
        row["eta"] += 1
    return [row[v] for v in _variables(law)], bound


def _rows(law: RiskLaw, point: Point, signs: _Signs) -> dict[str, tuple[list[Any], Any, str, bool]]:
    out: dict[str, tuple[list[Any], Any, str, bool]] = {}
    entries: tuple[Term | Constraint, ...] = (*law.terms, *law.constraints)
    for entry in entries:
        if _present(entry.where, point, signs, entry.name):
            kind = "constraint" if isinstance(entry, Constraint) else "term"
            coefficients, bound = _row(law, entry.monomial, kind == "term", point, signs, entry.name)
            equality = isinstance(entry, Constraint) and entry.equality
            out[entry.name] = (coefficients, bound, kind, equality)
    free = law.has_rate and all(cancel(row[0][1]) == 0 for row in out.values())
    n = len(_variables(law))
    out["M >= 1"] = ([sympy.Integer(-1)] + [sympy.Integer(0)] * (n - 1), sympy.Integer(0), "bound", False)
    out["N >= 1"] = ([sympy.Integer(1)] + [sympy.Integer(0)] * (n - 1), sympy.Integer(1), "bound", False)
    if free:
        pinned = [sympy.Integer(int(k == 1)) for k in range(n)]
        out["gamma free"] = (pinned, sympy.Integer(0), "bound", True)
    return out


def _check_piece(law: RiskLaw, piece: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Confirm one piece; returns the terms that must bind (they have a multiplier) and that can (they are tight)."""
    sample = read_point(piece["sample"])
    walls = [read_literal(w) for w in piece["walls"]]
    claims = [read_literal(c["sign"]) for c in piece["claims"]]
    for wall in walls:
        if value_at(wall, sample) <= 0:
            raise Failure("a wall's inequality fails at the sample")
    for literal, claim in zip(claims, piece["claims"], strict=True):
        spend()
        if value_at(literal, sample) <= 0:
            raise Failure("a claimed sign fails at the sample")
        check_evidence(walls, literal, claim["by"])
    signs = _Signs(claims, sample)
    rows = _rows(law, sample, signs)
    names = list(rows)
    multipliers = {k: read_formula(v) for k, v in piece["multipliers"].items()}
    total: list[Any] = [sympy.Integer(0)] * len(_variables(law))
    bound: Any = sympy.Integer(0)
    for name, y in multipliers.items():
        coefficients, b, _, equality = rows[name]
        if not equality:
            signs.require(y, f"the multiplier of {name}")
        total = [t + y * c for t, c in zip(total, coefficients, strict=True)]
        bound += y * b
    target = [0] * (len(total) - 1) + [1]
    if any(cancel(sympy.together(t - c)) != 0 for t, c in zip(total, target, strict=True)):
        raise Failure("the multipliers do not combine to the objective")
    slope = read_formula(piece["slope"])
    if cancel(sympy.together(bound - slope)) != 0:
        raise Failure("the multipliers do not give the slope")
    if not piece["vertices"]:
        raise Failure("no optimal vertex is given")
    tight = set(names)
    for vertex in piece["vertices"]:
        values = [read_formula(v) for v in vertex["values"]]
        if cancel(sympy.together(values[-1] - slope)) != 0:
            raise Failure("a vertex does not attain the slope")
        for name in names:
            coefficients, b, _, equality = rows[name]
            slack = cancel(sympy.together(b - sum(c * v for c, v in zip(coefficients, values, strict=True))))
            if equality and slack != 0:
                raise Failure(f"a vertex violates {name}")
            if slack != 0:
                tight.discard(name)
            signs.require(slack, f"the slack of {name}")
    support = [k for k, y in multipliers.items() if rows[k][3] or cancel(sympy.together(y)) != 0]
    _check_exponents(law, piece, len(support) == len(total), "gamma free" in rows)
    return tuple({k for k in chosen if rows[k][2] == "term"} for chosen in (support, tight))  # type: ignore[return-value]


def _check_exponents(law: RiskLaw, piece: dict[str, Any], unique: bool, free: bool) -> None:
    """The stated exponents are attained by the stated vertices.

    Not confirmed where the multipliers do not force a single optimum: that no other optimal point has other exponents.
    The slope, its optimality and the covering do not depend on it.
    """
    vertices = [[read_formula(v) for v in vertex["values"]] for vertex in piece["vertices"]]

    def among(text: str, candidates: Sequence[Any]) -> bool:
        formula = read_formula(text)
        return any(cancel(sympy.together(formula - c)) == 0 for c in candidates)

    model, rate = piece["model_exponent"], piece["rate_exponent"]
    for text in _ends(model):
        if not among(text, [v[0] for v in vertices]):
            raise Failure("the model exponent is not a vertex's")
    candidates = [v[1] / v[0] for v in vertices if cancel(v[0]) != 0] if law.has_rate else []
    if (rate is None) != (not candidates):
        raise Failure("a rate exponent is stated where there is none, or missing")
    if free and rate is not None:
        if rate != ["-oo", "oo"]:
            raise Failure("every rate is optimal where gamma does not occur")
        return
    for text in _ends(rate) if rate is not None else []:
        if text in ("oo", "-oo"):
            if unique:
                raise Failure("a unique optimum has no unbounded rate")
        elif not among(text, candidates):
            raise Failure("the rate exponent is not a vertex's")


def _ends(stated: Any) -> list[str]:
    ends = [stated] if isinstance(stated, str) else stated
    if not isinstance(ends, list) or len(ends) not in (1, 2) or not all(isinstance(t, str) for t in ends):
        raise BadCertificate("expected one exponent or a pair")
    return ends


def _check_cover(law: RiskLaw, data: dict[str, Any], binding: Sequence[tuple[set[str], set[str]]]) -> Point | None:
    cover = data["cover"]
    polys = [read_poly(t) for t in cover["polys"]]
    known = {normal_form(p) for p in polys}
    pieces = [[read_literal(w) for w in piece["walls"]] for piece in data["pieces"]]
    if any(normal_form(w) not in known for walls in pieces for w in walls):
        raise Failure("the covering decomposition leaves out a wall")
    for relation in law.domain:
        difference = cancel(sympy.together(to_expr(relation.left) - to_expr(relation.right)))
        for part in sympy.fraction(difference):
            for f, _ in Poly(part, A, B, domain="QQ").factor_list()[1]:
                if normal_form(f) not in known:
                    raise Failure("the covering decomposition leaves out a domain edge")
    phases = {p["name"]: p for p in data["phases"]}
    if len(phases) != len(data["phases"]):
        raise Failure("two phases have the same name")
    regions = {name: _region(p["region"]) for name, p in phases.items()}
    points = complete_samples(polys, cover["samples"])
    listed = {read_point(c["point"]): c for c in cover["cells"]}
    seen: dict[str, tuple[set[str], set[str]]] = {}
    for point in points:
        spend()
        cell = listed.get(point)
        if cell is None:
            return point
        stated = [name for name, region in regions.items() if all(holds(r, point) for r in region)]
        if stated != ([] if cell["phase"] is None else [cell["phase"]]):
            return point
        if not all(holds(r, point) for r in law.domain):
            if cell["phase"] is not None:
                return point
            continue
        held = [k for k, walls in enumerate(pieces) if all(value_at(w, point) > 0 for w in walls)]
        if not held or cell["phase"] not in phases:
            return point
        if not all(_same_formulas(phases[cell["phase"]], data["pieces"][k]) for k in held):
            return point
        for k in held:
            must, can = seen.get(cell["phase"], binding[k])
            seen[cell["phase"]] = must & binding[k][0], can & binding[k][1]
    _check_phases(phases, regions, seen)
    return None


def _region(texts: Sequence[str]) -> tuple[Relation, ...]:
    return tuple(r for text in texts for r in parse_relations(text, PARAMETERS, LIMITS))


def _check_phases(
    phases: dict[str, Any], regions: dict[str, tuple[Relation, ...]], seen: dict[str, tuple[set[str], set[str]]]
) -> None:
    """Every phase has a cell; its binding terms have a multiplier or are tight; its sample lies in its region."""
    for name, phase in phases.items():
        if name not in seen:
            raise Failure(f"the phase {name} has no cell")
        must, can = seen[name]
        if not must <= set(phase["active"]) <= can:
            raise Failure(f"the binding terms of {name} are not those stated")
        if not all(holds(r, read_point([phase["sample"]["alpha"], phase["sample"]["beta"]])) for r in regions[name]):
            raise Failure(f"the sample of {name} is not in its region")


def _same_formulas(phase: dict[str, Any], piece: dict[str, Any]) -> bool:
    for key in ("slope", "model_exponent", "rate_exponent"):
        mine, other = phase[key], piece[key]
        if (mine is None) != (other is None):
            return False
        if mine is None:
            continue
        left, right = ([x] if isinstance(x, str) else x for x in (mine, other))
        if len(left) != len(right):
            return False
        for s, t in zip(left, right, strict=True):
            if s == t:
                continue
            if "oo" in (s, t) or "-oo" in (s, t) or cancel(sympy.together(read_formula(s) - read_formula(t))) != 0:
                return False
    return True


def check(data: Any) -> Verdict:
    """Check a certificate.

    Returns
    -------
    Proved (certificate: the number of claims confirmed), or Refuted with the point where a check fails.

    Raises
    ------
    BadCertificate : the data is not a certificate of format 1.
    """
    try:
        if data["format"] != FORMAT:
            raise BadCertificate(f"expected a certificate of format {FORMAT}")
        law = parse_law(data["law_text"], "law in the certificate")
        if data["law"] != law.name:
            raise BadCertificate(f"expected the certificate of {law.name}, which its law text describes")
        count = 0
        binding = []
        for piece in data["pieces"]:
            try:
                binding.append(_check_piece(law, piece))
            except Failure as failure:
                return Refuted(read_point(piece["sample"]), failure.statement)
            count += len(piece["claims"])
            known("implications checked", count)
        try:
            hole = _check_cover(law, data, binding)
        except Failure as failure:
            return Refuted((Fraction(0), Fraction(0)), failure.statement)
        if hole is not None:
            return Refuted(hole, "the pieces do not cover this cell with the stated formulas")
        return Proved(count)
    except BadCertificate:
        raise
    except (
        KeyError,
        TypeError,
        IndexError,
        ValueError,
        ArithmeticError,
        AttributeError,
        RecursionError,
        sympy.PolynomialError,
    ) as error:
        raise BadCertificate(f"expected a certificate of format {FORMAT}: {type(error).__name__} in its data") from None
