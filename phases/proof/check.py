"""An independent check of a certificate file.

It shares with the solver only the law format (`derivations`): rows are built again from the law's text, identities
and factorisations are done with sympy's `Poly` and `cancel`, the completeness of sample points is confirmed by Sturm
counts of sympy's, and shift certificates are expanded afresh. Nothing of `phases.program`, `phases.planar`,
`phases.walk` or `phases.proof.decide` is imported.

What is confirmed: see `phases.proof.prove`. The first thing that fails is reported as `Refuted` with the piece's
sample or the cell's point.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy
from sympy import Poly, Symbol, cancel

from derivations.exponents import PARAMETERS, holds
from derivations.grammar import Binary, Extremum, Limits, Name, Negative, Node, Number, Relation, parse, parse_relations
from derivations.law import Constraint, Monomial, RiskLaw, Term
from derivations.lawfile import parse_law
from phases.proof.verdict import Proved, Refuted, Verdict

FORMAT = "phaselaws-certificate/1"
LIMITS = Limits(length=200_000, tokens=1_500, digits=4_000)
MAX_POWER = 40
A, B = Symbol("alpha"), Symbol("beta")
_RATIONAL = re.compile(r"-?\d{1,4000}(/\d{1,4000})?\Z", re.ASCII)
_S = sympy.symbols("s0 s1 s2")


class BadCertificate(ValueError):
    """The file is not a certificate of this format."""


class _Failure(Exception):
    def __init__(self, statement: str) -> None:
        super().__init__(statement)
        self.statement = statement


Point = tuple[Fraction, Fraction]


def _expr(node: Node) -> Any:
    match node:
        case Number(number):
            return sympy.Rational(number.numerator, number.denominator)
        case Name(id):
            return A if id == "alpha" else B
        case Negative(operand):
            return -_expr(operand)
        case Binary("^", left, Number(power)) if power.denominator == 1 and abs(power) <= MAX_POWER:
            return _expr(left) ** int(power)
        case Binary("+" | "-" | "*" | "/" as op, left, right):
            a, b = _expr(left), _expr(right)
            return a + b if op == "+" else a - b if op == "-" else a * b if op == "*" else a / b
        case _:
            raise BadCertificate(f"expected formulas without min and max, and powers of at most {MAX_POWER}")


def _formula(text: str) -> Any:
    return _expr(parse(text, PARAMETERS, LIMITS))


def _poly(text: str) -> Any:
    return Poly(_formula(text), A, B, domain="QQ")


def _literal(text: str) -> Any:
    """The polynomial of ``p > 0``."""
    relation, *more = parse_relations(text, PARAMETERS, LIMITS)
    if more or relation.op != ">" or relation.right != Number(Fraction(0)):
        raise BadCertificate(f"expected 'polynomial > 0', got {text[:60]!r}")
    return Poly(_expr(relation.left), A, B, domain="QQ")


def _at(expression: Any, point: Point) -> Any:
    a, b = (sympy.Rational(x.numerator, x.denominator) for x in point)
    return Poly(expression, A, B).eval({A: a, B: b}) if isinstance(expression, Poly) else expression.subs({A: a, B: b})


def _point(raw: Sequence[str]) -> Point:
    return _rational(raw[0]), _rational(raw[1])


def _rational(text: str) -> Fraction:
    if not isinstance(text, str) or not _RATIONAL.match(text):
        raise BadCertificate("expected sample points as exact numbers such as 3/4")
    return Fraction(text)


class _Signs:
    """The sign claims of one piece: what they let us conclude about a rational function."""

    def __init__(self, literals: Sequence[Any], sample: Point) -> None:
        self.sample = sample
        self.known = {_normal(p) for p in literals}

    def require(self, expression: Any, what: str) -> None:
        """The expression keeps the sign that it has at the sample, which is positive (or it is zero)."""
        fraction = cancel(sympy.together(expression))
        if fraction == 0:
            return
        if _at(fraction, self.sample) <= 0:
            raise _Failure(f"{what} is not positive at the sample")
        self.fixed(fraction, what)

    def fixed(self, expression: Any, what: str) -> None:
        """All irreducible factors are among the claims."""
        num, den = sympy.fraction(cancel(sympy.together(expression)))
        for part in (num, den):
            for f, _ in Poly(part, A, B, domain="QQ").factor_list()[1]:
                if _normal(f) not in self.known:
                    raise _Failure(f"no claim fixes the sign of a factor of {what}")


def _normal(p: Any) -> Any:
    """A canonical multiple of a polynomial."""
    return p.monic() if not p.is_zero else p


def _resolve(node: Node, point: Point, signs: _Signs, what: str) -> Any:
    """A piecewise exponent near the sample, each comparison required to be fixed by the claims."""
    match node:
        case Extremum(function, args):
            resolved = [_resolve(a, point, signs, what) for a in args]
            values = [_at(sympy.sympify(r), point) for r in resolved]
            target = min(values) if function == "min" else max(values)
            best = resolved[values.index(target)]
            for other in resolved:
                if cancel(sympy.together(other - best)) != 0:
                    signs.fixed(other - best, f"{function} in {what}")
            return best
        case Number(_) | Name(_):
            return _expr(node)
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
    sample = _point(piece["sample"])
    walls = [_literal(w) for w in piece["walls"]]
    claims = [_literal(c["sign"]) for c in piece["claims"]]
    for wall in walls:
        if _at(wall, sample) <= 0:
            raise _Failure("a wall's inequality fails at the sample")
    for literal, claim in zip(claims, piece["claims"], strict=True):
        if _at(literal, sample) <= 0:
            raise _Failure("a claimed sign fails at the sample")
        _check_evidence(walls, literal, claim["by"])
    signs = _Signs(claims, sample)
    rows = _rows(law, sample, signs)
    names = list(rows)
    multipliers = {k: _formula(v) for k, v in piece["multipliers"].items()}
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
        raise _Failure("the multipliers do not combine to the objective")
    slope = _formula(piece["slope"])
    if cancel(sympy.together(bound - slope)) != 0:
        raise _Failure("the multipliers do not give the slope")
    if not piece["vertices"]:
        raise _Failure("no optimal vertex is given")
    tight = set(names)
    for vertex in piece["vertices"]:
        values = [_formula(v) for v in vertex["values"]]
        if cancel(sympy.together(values[-1] - slope)) != 0:
            raise _Failure("a vertex does not attain the slope")
        for name in names:
            coefficients, b, _, equality = rows[name]
            slack = cancel(sympy.together(b - sum(c * v for c, v in zip(coefficients, values, strict=True))))
            if equality and slack != 0:
                raise _Failure(f"a vertex violates {name}")
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
    vertices = [[_formula(v) for v in vertex["values"]] for vertex in piece["vertices"]]

    def among(text: str, candidates: Sequence[Any]) -> bool:
        formula = _formula(text)
        return any(cancel(sympy.together(formula - c)) == 0 for c in candidates)

    model, rate = piece["model_exponent"], piece["rate_exponent"]
    for text in _ends(model):
        if not among(text, [v[0] for v in vertices]):
            raise _Failure("the model exponent is not a vertex's")
    candidates = [v[1] / v[0] for v in vertices if cancel(v[0]) != 0] if law.has_rate else []
    if (rate is None) != (not candidates):
        raise _Failure("a rate exponent is stated where there is none, or missing")
    if free and rate is not None:
        if rate != ["-oo", "oo"]:
            raise _Failure("every rate is optimal where gamma does not occur")
        return
    for text in _ends(rate) if rate is not None else []:
        if text in ("oo", "-oo"):
            if unique:
                raise _Failure("a unique optimum has no unbounded rate")
        elif not among(text, candidates):
            raise _Failure("the rate exponent is not a vertex's")


def _ends(stated: Any) -> list[str]:
    ends = [stated] if isinstance(stated, str) else stated
    if not isinstance(ends, list) or len(ends) not in (1, 2) or not all(isinstance(t, str) for t in ends):
        raise BadCertificate("expected one exponent or a pair")
    return ends


def _check_evidence(walls: Sequence[Any], literal: Any, evidence: dict[str, Any]) -> None:
    if "hypothesis" in evidence:
        if _normal(literal) not in {_normal(w) for w in walls}:
            raise _Failure("a claim said to be a wall is none")
        return
    if "shift" in evidence:
        _check_shift(walls, literal, evidence["shift"])
        return
    cells = evidence["cells"]
    polys = [_poly(t) for t in cells["polys"]]
    missing = {_normal(p) for p in (*walls, literal)} - {_normal(p) for p in polys}
    if missing:
        raise _Failure("a cell decomposition leaves out a polynomial")
    for point in _complete_samples(polys, cells["samples"]):
        if all(_at(w, point) > 0 for w in walls) and _at(literal, point) <= 0:
            raise _Failure("a claimed sign fails in a cell")


def _check_shift(walls: Sequence[Any], literal: Any, simplices: Sequence[Sequence[Sequence[int]]]) -> None:
    lines = [tuple(w.coeff_monomial(m) for m in (A, B, 1)) for w in walls if w.total_degree() == 1]
    corners = _corners(lines)
    for s in simplices:
        if len(s) != 3 or any(g[2] < 0 or not any(g) for g in s):
            raise _Failure("a triangle of a shift certificate has a generator that is no point and no ray")
        if any(sum(a * b for a, b in zip(line, g, strict=True)) < 0 for line in lines for g in s):
            raise _Failure("a triangle of a shift certificate leaves the region")
    generators = [tuple(int(x) for x in g) for s in simplices for g in s]
    if not corners <= {_direction(g) for g in generators}:
        raise _Failure("a shift certificate misses a corner of its region")
    _check_fan(lines, simplices)
    degree = literal.total_degree()
    for simplex in simplices:
        x, y, w = (sum(s * g[k] for s, g in zip(_S, simplex, strict=True)) for k in range(3))
        total = sum(c * x**i * y**j * w ** (degree - i - j) for (i, j), c in literal.terms())
        coefficients = Poly(sympy.expand(total), *_S).coeffs()
        if any(c < 0 for c in coefficients) or not any(c > 0 for c in coefficients):
            raise _Failure("a shift certificate has a negative coefficient")


def _direction(g: Sequence[Any]) -> tuple[Any, ...]:
    """A canonical positive multiple of a homogeneous generator."""
    values = [sympy.Rational(v) for v in g]
    scale = values[2] if values[2] else sum(abs(v) for v in values)
    return tuple(v / scale for v in values)


def _corners(lines: Sequence[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    """Vertices and extreme rays of a polygon by brute force over pairs of lines."""
    out = set()
    infinity = (sympy.Integer(0), sympy.Integer(0), sympy.Integer(1))
    everything = [*lines, infinity]
    for i, u in enumerate(everything):
        for v in everything[i + 1 :]:
            cross = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
            for sign in (1, -1):
                point = tuple(sign * c for c in cross)
                if any(point) and all(sum(a * b for a, b in zip(line, point, strict=True)) >= 0 for line in everything):
                    out.add(_direction(point))
    return out


def _check_fan(lines: Sequence[tuple[Any, ...]], simplices: Sequence[Sequence[Sequence[int]]]) -> None:
    """The triangles share an apex, follow each other, and their outer sides lie on the region's sides or at infinity.

    A fan around a corner of a convex polygon with these properties covers it.
    """
    turns = {sympy.sign(sympy.Matrix([list(g) for g in s]).det()) for s in simplices}
    if turns not in ({1}, {-1}):
        raise _Failure("the triangles of a shift certificate are flat or turn both ways")
    apex = simplices[0][0]
    if any(list(s[0]) != list(apex) for s in simplices):
        raise _Failure("the triangles of a shift certificate have no common apex")
    for s, t in itertools.pairwise(simplices):
        if list(s[2]) != list(t[1]) and not _same_side(lines, (apex, s[2], t[1])):
            raise _Failure("the triangles of a shift certificate leave a gap")
    for s in simplices:
        if not _same_side(lines, (s[1], s[2])):
            raise _Failure("a triangle of a shift certificate does not reach the region's side")
    for g in (simplices[0][1], simplices[-1][2]):
        if not _same_side(lines, (apex, g)):
            raise _Failure("the outer triangles of a shift certificate do not reach the region's sides")


def _same_side(lines: Sequence[tuple[Any, ...]], generators: Sequence[Sequence[int]]) -> bool:
    everything = [*lines, (0, 0, 1)]
    return any(all(sum(a * b for a, b in zip(line, g, strict=True)) == 0 for g in generators) for line in everything)


def _complete_samples(polys: Sequence[Any], samples: Sequence[Any]) -> list[Point]:
    """The sample points, after confirming by Sturm counts that every open cell has one."""
    alphas = [_rational(a) for a, _ in samples]
    projections = []
    for k, p in enumerate(polys):
        q = Poly(p.as_expr(), B)
        projections.append(q.LC() if q.degree() else p.as_expr())
        if q.degree() >= 2:
            projections.append(sympy.discriminant(p.as_expr(), B))
        for r in polys[k + 1 :]:
            if q.degree() and Poly(r.as_expr(), B).degree():
                projections.append(sympy.resultant(p.as_expr(), r.as_expr(), B))
    if any(e == 0 for e in projections):
        raise _Failure("two polynomials of a decomposition have a common factor")
    factors = {f.monic() for e in projections for f, _ in Poly(e, A, domain="QQ").factor_list()[1]}
    _check_separation(factors, A, alphas)
    out: list[Point] = []
    for (_, raw), alpha in zip(samples, alphas, strict=True):
        betas = [_rational(b) for b in raw]
        a = sympy.Rational(alpha.numerator, alpha.denominator)
        slices = {f.monic() for p in polys for f, _ in Poly(p.as_expr().subs(A, a), B, domain="QQ").factor_list()[1]}
        _check_separation(slices, B, betas)
        out.extend((alpha, b) for b in betas)
    return out


def _check_separation(polys: set[Any], variable: Any, samples: Sequence[Fraction]) -> None:
    """Every open interval between consecutive real roots of the irreducible polynomials has a sample point."""
    product = Poly(1, variable, domain="QQ")
    for p in polys:
        product *= p
    points = [sympy.Rational(s.numerator, s.denominator) for s in samples]
    if not points or sorted(points) != points or any(product.eval(x) == 0 for x in points):
        raise _Failure("sample points are missing, out of order or on a curve")
    if product.degree() < 1:
        return
    ends = [-sympy.oo, *points, sympy.oo]
    counts = [sum(p.count_roots(lo, hi) for p in polys if p.degree()) for lo, hi in itertools.pairwise(ends)]
    if counts[0] or counts[-1] or any(c > 1 for c in counts):
        raise _Failure("sample points leave out a cell")


def _check_cover(law: RiskLaw, data: dict[str, Any], binding: Sequence[tuple[set[str], set[str]]]) -> Point | None:
    cover = data["cover"]
    polys = [_poly(t) for t in cover["polys"]]
    known = {_normal(p) for p in polys}
    pieces = [[_literal(w) for w in piece["walls"]] for piece in data["pieces"]]
    if any(_normal(w) not in known for walls in pieces for w in walls):
        raise _Failure("the covering decomposition leaves out a wall")
    for relation in law.domain:
        difference = cancel(sympy.together(_expr(relation.left) - _expr(relation.right)))
        for part in sympy.fraction(difference):
            for f, _ in Poly(part, A, B, domain="QQ").factor_list()[1]:
                if _normal(f) not in known:
                    raise _Failure("the covering decomposition leaves out a domain edge")
    phases = {p["name"]: p for p in data["phases"]}
    if len(phases) != len(data["phases"]):
        raise _Failure("two phases have the same name")
    regions = {name: _region(p["region"]) for name, p in phases.items()}
    points = _complete_samples(polys, cover["samples"])
    listed = {_point(c["point"]): c for c in cover["cells"]}
    seen: dict[str, tuple[set[str], set[str]]] = {}
    for point in points:
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
        held = [k for k, walls in enumerate(pieces) if all(_at(w, point) > 0 for w in walls)]
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
            raise _Failure(f"the phase {name} has no cell")
        must, can = seen[name]
        if not must <= set(phase["active"]) <= can:
            raise _Failure(f"the binding terms of {name} are not those stated")
        if not all(holds(r, _point([phase["sample"]["alpha"], phase["sample"]["beta"]])) for r in regions[name]):
            raise _Failure(f"the sample of {name} is not in its region")


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
            if "oo" in (s, t) or "-oo" in (s, t) or cancel(sympy.together(_formula(s) - _formula(t))) != 0:
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
            except _Failure as failure:
                return Refuted(_point(piece["sample"]), failure.statement)
            count += len(piece["claims"])
        try:
            hole = _check_cover(law, data, binding)
        except _Failure as failure:
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
