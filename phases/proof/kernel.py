"""The proof kernel: it is handed a programme and evidence, and returns what follows, or raises `Failure`.

What it returns is the only thing that may be printed as proved: for every phase a region, the optimal value there, the
range of each quantity over all optimal points, and the rows that bind at all of them; the regions are disjoint and
together they are the domain. Nothing is said on curves within a region that the theorem names: there pieces meet, and a
row may come and go; or a sign that is shown by cells, and is no linear form, may have an isolated zero.

Evidence is only checked. A sign follows from walls by an identity with non-negative coefficients (`Products`), or by a
sample in every open cell (`Cells`), whose completeness is confirmed by Sturm's theorem on the projection. Optimality is
linear programming duality. Of the project this module imports polynomials (`derivations.algebra`), the types of
`phases.proof.statements` and its own plane, `phases.proof.cells`, where factors are multiplied out again; nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import lcm

from derivations.algebra import ONE, ZERO, Poly, Rational, canonical, integer
from phases.proof import statements as s
from phases.proof.cells import Failure, bits, factors_of, signed_cells

MAX_DEGREE = 120  # of products of hypotheses


class Signs:
    """Polynomials known to be positive on a region, and what follows for piecewise rational functions."""

    def __init__(self) -> None:
        self.known: dict[Poly, int] = {}

    def add(self, p: Poly) -> None:
        content, primitive = canonical(p)
        self.known[primitive] = 1 if content > 0 else -1

    def of_poly(self, p: Poly, what: str) -> int:
        content, factors = factors_of(p)
        total = (content > 0) - (content < 0)
        for f, k in factors:
            if f not in self.known:
                raise Failure(f"no claim fixes the sign of a factor of {what}")
            total *= self.known[f] ** k
        return total

    def of(self, r: Rational, what: str) -> int:
        """The sign throughout the region; 0 for the function that is zero everywhere."""
        return self.of_poly(r.num, what) * self.of_poly(r.den, what)

    def resolve(self, e: s.Expression, what: str) -> Rational:
        """The rational function that a piecewise one is throughout the region."""
        if isinstance(e, Rational):
            self.of_poly(e.den, what)
            return e
        values = [self.resolve(a, what) for a in e.arguments]
        if e.operator in ("min", "max"):
            return self.extremum(values, 1 if e.operator == "min" else -1, what)
        total = values[0]
        for other in values[1:]:
            if e.operator == "/" and not self.of(other, what):
                raise Failure(f"{what} divides by zero")
            total = total + other if e.operator == "+" else total * other if e.operator == "*" else total / other
        return total

    def extremum(self, values: Sequence[Rational], side: int, what: str) -> Rational:
        for best in values:
            try:
                if all(side * self.of(other - best, what) >= 0 for other in values):
                    return best
            except Failure:
                continue
        raise Failure(f"no claim fixes a minimum or maximum in {what}")

    def holds(self, condition: s.Positive, what: str) -> bool:
        side = self.of(self.resolve(condition.expression, what), what)
        return side > 0 or (side == 0 and not condition.strict)


def _follows(hypotheses: Sequence[tuple[Poly, bool]], claim: Poly, evidence: s.Products) -> bool:
    """Whether the claim is positive (true) or only not negative (false); each hypothesis says if it is strict."""
    if isinstance(evidence, s.Split):
        cases = ((evidence.form, False, evidence.positive), (-evidence.form, True, evidence.negative))
        return all(_follows((*hypotheses, (form, strict)), claim, part) for form, strict, part in cases)
    scale = lcm(*(c.denominator for c, _ in evidence.summands))
    total, strict = -claim * scale, False
    for c, powers in evidence.summands:
        if c <= 0 or len(powers) != len(hypotheses) or any(k < 0 for k in powers):
            raise Failure("a summand is no product of hypotheses with a positive coefficient")
        if sum(k * max(map(sum, h)) for (h, _), k in zip(hypotheses, powers, strict=True) if k) > MAX_DEGREE:
            raise Failure(f"a product of hypotheses has a degree above {MAX_DEGREE}")
        product = integer(int(c * scale))
        for (h, _), k in zip(hypotheses, powers, strict=True):
            product = product * h**k if k else product
        total = total + product
        strict = strict or all(is_strict for (_, is_strict), k in zip(hypotheses, powers, strict=True) if k)
    if total:
        raise Failure("the products of hypotheses do not add up to the claim")
    return strict


_NONE, _ONE = Rational(ZERO, ONE), Rational(ONE, ONE)


def _dot(u: Iterable[Rational], v: Iterable[Rational]) -> Rational:
    return sum((a * b for a, b in zip(u, v, strict=True) if a and b), _NONE)


def _determinant(m: Sequence[s.Vector], tick: Callable[[], None]) -> Rational:
    """By elimination, sparse rows first."""
    rows, total = [list(row) for row in m], _ONE
    for k in range(len(rows)):
        tick()
        pivot = min((i for i in range(k, len(rows)) if rows[i][k]), key=lambda i: sum(map(bool, rows[i])), default=None)
        if pivot is None:
            return _NONE
        if pivot != k:
            rows[k], rows[pivot], total = rows[pivot], rows[k], -total
        total = total * rows[k][k]
        for row in (r for r in rows[k + 1 :] if r[k]):
            factor = row[k] / rows[k][k]
            row[k:] = [a - factor * b if b else a for a, b in zip(row[k:], rows[k][k:], strict=True)]
    return total


class _Face:
    """The optimal points where all walls of a piece are positive: what its evidence shows of them."""

    def __init__(self, programme: s.Programme, piece: s.Piece, tick: Callable[[], None]) -> None:
        self.programme, self.piece, self.signs, self.tick = programme, piece, Signs(), tick
        for wall in piece.walls:
            self.signs.add(wall)
        for claim, evidence in piece.signs:
            tick()
            if evidence is not None and not _follows([(w, True) for w in piece.walls], claim, evidence):
                raise Failure("the products of hypotheses do not show that the claim is positive")
        self.check_cells([claim for claim, evidence in piece.signs if evidence is None])
        for claim, _ in piece.signs:
            self.signs.add(claim)
        self.rows: dict[str, tuple[s.Vector, Rational, bool]] = {}
        for row in programme.rows:
            if all(self.signs.holds(c, f"the existence of {row.name}") for c in row.where):
                coefficients = tuple(self.signs.resolve(c, row.name) for c in row.coefficients)
                self.rows[row.name] = coefficients, self.signs.resolve(row.bound, row.name), row.equality
        width = len(programme.unknowns)
        self.units = [tuple(_ONE if i == k else _NONE for i in range(width)) for k in range(width)]
        self.support = {name for name, row in self.rows.items() if row[2]}
        self.value = self.at_most(self.units[-1], piece.multipliers)
        self.support |= {name for name, y in piece.multipliers.items() if y}
        if not piece.vertices:
            raise Failure("no optimal point is given")
        self.slacks = [self.check_vertex(v) for v in piece.vertices]

    def check_cells(self, claims: Sequence[Poly]) -> None:
        """These claims are positive in every cell in which all walls are."""
        if claims and self.piece.cells is None:
            raise Failure("a claim without evidence")
        if not claims or self.piece.cells is None:
            return
        mask, inside = bits(self.piece.cells, self.piece.walls, "a wall")
        wanted = [bits(self.piece.cells, [claim], "a claim") for claim in claims]
        for point, positive in signed_cells(self.piece.cells, self.tick):
            if positive & mask == inside and any(positive & bit != side for bit, side in wanted):
                raise Failure("a claimed sign fails in a cell", point)

    def at_most(self, objective: s.Vector, multipliers: s.Multipliers) -> Rational:
        """What the objective cannot exceed; rows that bind at all optimal points may have any multiplier."""
        total, bound = [_NONE] * len(objective), _NONE
        for name, y in multipliers.items():
            if name not in self.rows:
                raise Failure(f"no row {name} is present")
            coefficients, b, _ = self.rows[name]
            self.signs.of_poly(y.den, f"the multiplier of {name}")
            if name not in self.support and self.signs.of(y, f"the multiplier of {name}") < 0:
                raise Failure(f"the multiplier of {name} is negative")
            total = [t + y * c if c else t for t, c in zip(total, coefficients, strict=True)]
            bound = bound + y * b
        if tuple(total) != objective:
            raise Failure("multipliers do not combine to their objective")
        return bound

    def check_vertex(self, vertex: s.Vector) -> dict[str, Rational]:
        """The slacks of all rows at a point that is feasible and attains the value throughout the piece."""
        if len(vertex) != len(self.units) or vertex[-1] != self.value:
            raise Failure("an optimal point does not attain the value")
        for v in vertex:
            self.signs.of_poly(v.den, "an optimal point")
        slacks = {name: bound - _dot(row, vertex) for name, (row, bound, _) in self.rows.items()}
        for name, slack in slacks.items():
            if self.signs.of(slack, f"the slack of {name}") < 0 or (self.rows[name][2] and slack):
                raise Failure(f"an optimal point violates {name}")
        return slacks

    def is_unique(self) -> bool:
        """Whether rows that bind at all optimal points leave only one."""
        if not self.piece.unique:
            return False
        if len(self.piece.unique) != len(self.units) or not self.support.issuperset(self.piece.unique):
            raise Failure("a unique optimum needs as many binding rows as unknowns")
        if not self.signs.of(
            _determinant([self.rows[name][0] for name in self.piece.unique], self.tick), "the determinant"
        ):
            raise Failure("the binding rows do not determine one point")
        return True

    def optimum(self) -> s.Optimum:
        unique, binding = self.is_unique(), set(self.support)
        for name in self.rows.keys() - self.support:
            if any(slacks[name] for slacks in self.slacks):
                continue
            coefficients, bound, _ = self.rows[name]
            if not unique and self.at_most(tuple(-c for c in coefficients), self.piece.tight.get(name, {})) != -bound:
                raise Failure(f"it is not shown whether {name} binds at every optimal point")
            binding.add(name)
        ranges = [(q.name, self.at_vertex(q, 0) if unique else self.range(q)) for q in self.programme.quantities]
        return s.Optimum(self.value, tuple(ranges), frozenset(binding))

    def at_vertex(self, q: s.Quantity, vertex: int) -> s.Range | None:
        v = self.piece.vertices[vertex]
        value = v[q.numerator]
        if q.denominator is not None:
            side = self.signs.of(v[q.denominator], f"the denominator of {q.name}")
            if side < 0:
                raise Failure(f"the denominator of {q.name} is negative")
            if side == 0:
                return None
            value = value / v[q.denominator]
            self.signs.of_poly(value.den, f"the denominator of {q.name}")
        return value, value

    def range(self, q: s.Quantity) -> s.Range | None:
        if q.name not in self.piece.ends:
            raise Failure(f"the range of {q.name} is not shown")
        low, high = (self.end(q, *pair) for pair in zip((-1, 1), self.piece.ends[q.name], strict=True))
        return None if low is None or high is None else (low, high)

    def end(self, q: s.Quantity, side: int, end: s.End) -> Rational | s.Infinity | None:
        if isinstance(end, s.Nowhere):
            if q.denominator is None or self.at_most(self.units[q.denominator], end.multipliers):
                raise Failure(f"it is not shown that {q.name} is undefined")
            return None
        here, vertex = self.at_vertex(q, end.vertex), self.piece.vertices[end.vertex]
        if here is None:
            raise Failure(f"{q.name} is undefined at the end of its range")
        if isinstance(end, s.AtVertex):
            objective, most = list(self.units[q.numerator]), vertex[q.numerator]
            if q.denominator is not None:
                objective[q.numerator], objective[q.denominator] = vertex[q.denominator], -vertex[q.numerator]
                most = _NONE
            turned = tuple(c if side > 0 else -c for c in objective)
            if self.at_most(turned, end.multipliers) != (most if side > 0 else -most):
                raise Failure(f"the end of the range of {q.name} is not attained")
            return here[0]
        away = end.ray if isinstance(end, s.AlongRay) else self.piece.vertices[end.other]
        if len(away) != len(self.units):
            raise Failure("a ray has another dimension")
        if isinstance(end, s.AlongRay):
            for v in away:
                self.signs.of_poly(v.den, "a ray")
            for name, (coefficients, _, equality) in self.rows.items():
                growth = self.signs.of(_dot(coefficients, away), f"the growth of {name} along a ray")
                if growth > 0 or (equality and growth) or away[-1]:
                    raise Failure(f"a ray violates {name} or is not optimal")
        stays = q.denominator is not None and away[q.denominator]
        if stays or self.signs.of(away[q.numerator], f"the direction of {q.name}") != side:
            raise Failure(f"{q.name} does not grow for ever")
        return side


def establish(
    programme: s.Programme,
    pieces: Sequence[s.Piece],
    regions: Mapping[str, Sequence[Sequence[Poly]]],
    cover: s.Cells,
    fills: Mapping[str, s.Cells],
    tick: Callable[[], None] = lambda: None,
) -> s.Theorem:
    """The theorem about the whole diagram: the optimum in each of the named regions.

    ``cover`` cuts the plane by all edges of regions and of the domain. ``fills`` does the same for the edges of one
    region and the walls of its pieces; a region with a piece all of whose walls are among its edges needs none.
    ``tick`` is called now and then and may raise.

    Raises
    ------
    Failure : the evidence does not show it; the statement says what is missing, with a witness where there is one.
    """
    for names in ([r.name for r in programme.rows], [q.name for q in programme.quantities]):
        if len(set(names)) < len(names):
            raise Failure("two rows or two quantities have the same name")
    if not {p.phase for p in pieces} | fills.keys() <= regions.keys() or not all(regions.values()):
        raise Failure("evidence for a phase that is not stated, or a phase without a region")
    _check_cover(programme.domain, regions, cover, tick)
    phases = []
    for name, region in regions.items():
        own = [p for p in pieces if p.phase == name]
        _check_filled(name, region, own, fills.get(name), tick)
        parts = []
        for piece in own:
            parts.append(_Face(programme, piece, tick).optimum())
        if any((o.value, o.ranges) != (parts[0].value, parts[0].ranges) for o in parts):
            raise Failure(f"the pieces of {name} have different formulas")
        stated = tuple(frozenset(p.primitive()[1] for p in part) for part in region)
        binding = frozenset.intersection(*(o.binding for o in parts))
        edges = frozenset.intersection(*(frozenset(canonical(p)[1] for p in part) for part in region))
        off = frozenset(canonical(w)[1] for piece in own for w in piece.walls) - edges
        off |= {canonical(p)[1] for piece in own for p, by in piece.signs if by is None and max(map(sum, p)) > 1}
        phases.append((name, stated, s.Optimum(parts[0].value, parts[0].ranges, binding, off)))
    return s.Theorem(programme, tuple(phases))


def _check_cover(
    domain: Sequence[s.Positive],
    regions: Mapping[str, Sequence[Sequence[Poly]]],
    cover: s.Cells,
    tick: Callable[[], None],
) -> None:
    """Every cell of the domain lies in one region, every other cell in none."""
    edges = [_condition(cover, condition) for condition in domain]
    whole = False
    areas = {name: [bits(cover, part, "an edge of a region") for part in parts] for name, parts in regions.items()}
    for point, positive in signed_cells(cover, tick):
        here = [name for name, parts in areas.items() if any(positive & mask == side for mask, side in parts)]
        if not all(((positive & mask).bit_count() + odd) % 2 for mask, odd in edges):
            if here:
                raise Failure(f"the region of {here[0]} leaves the domain", point)
            continue
        whole = True
        if len(here) != 1:
            raise Failure("the regions do not single out one phase", point)
    if not whole:
        raise Failure("the domain has no interior")


def _check_filled(
    name: str,
    region: Sequence[Sequence[Poly]],
    pieces: Sequence[s.Piece],
    cells: s.Cells | None,
    tick: Callable[[], None],
) -> None:
    """Every cell of a region lies in one of its pieces."""
    if not pieces:
        raise Failure(f"the phase {name} has no piece")
    if cells is None:
        walls = [{p.primitive()[1] for p in piece.walls} for piece in pieces]
        for part in region:
            if not any(w <= {p.primitive()[1] for p in part} for w in walls):
                raise Failure(f"it is not shown that the pieces of {name} fill its region")
        return
    parts = [bits(cells, part, "an edge of a region") for part in region]
    charts = [bits(cells, piece.walls, "a wall") for piece in pieces]
    for point, positive in signed_cells(cells, tick):
        inside = any(positive & mask == side for mask, side in parts)
        if inside and not any(positive & mask == side for mask, side in charts):
            raise Failure(f"no piece of {name} covers the point", point)


def _condition(cover: s.Cells, condition: s.Positive) -> tuple[int, int]:
    """Bits and a number that add up to something odd where a condition on a rational function holds."""
    r = condition.expression
    if not isinstance(r, Rational):
        raise Failure("the domain has piecewise conditions")
    if not r:
        return 0, int(not condition.strict)
    mask, odd = 0, 1
    for content, factors in (factors_of(r.num), factors_of(r.den)):
        odd += content < 0
        for f, k in factors:
            if k % 2:
                bit, side = bits(cover, [f], "an edge of the domain")
                mask, odd = mask ^ bit, odd + 1 + (side == 0)
    return mask, odd
