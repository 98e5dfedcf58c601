"""A small exact linear programme: maximise one coordinate over a polyhedron, with multipliers and the whole face.

The programmes here have three or four variables and about ten rows. The dual is solved by the tableau simplex with
Bland's rule in integer-preserving arithmetic (Edmonds), so no fraction is ever reduced and no cycle can occur.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import lcm

from derivations.errors import PhaselawsError


class Unbounded(PhaselawsError, ArithmeticError):
    """The objective grows without bound."""


class Unpinned(Unbounded):
    """Along some line no row changes: there are optimal points, but no vertex among them that could be named."""


class Infeasible(PhaselawsError, ArithmeticError):
    """The constraints contradict each other."""


@dataclass(frozen=True, slots=True)
class Inequality:
    """``coefficients . v <= bound`` (``equality``: exactly equal), in integers."""

    coefficients: tuple[int, ...]
    bound: int
    equality: bool = False

    @staticmethod
    def of(coefficients: Sequence[Fraction], bound: Fraction, equality: bool = False) -> Inequality:
        """Clear denominators (by a positive factor)."""
        scale = lcm(bound.denominator, *(c.denominator for c in coefficients))
        return Inequality(tuple(int(c * scale) for c in coefficients), int(bound * scale), equality)

    def slack(self, v: Sequence[Fraction]) -> Fraction:
        """bound - coefficients . v"""
        return self.bound - _dot(self.coefficients, v)

    def allows(self, slack: Fraction) -> bool:
        """Whether a slack is allowed: not negative, zero for an equality."""
        return slack == 0 if self.equality else slack >= 0


def _dot(u: Sequence[int], v: Sequence[Fraction]) -> Fraction:
    return sum((c * x for c, x in zip(u, v, strict=True)), Fraction(0))


@dataclass(frozen=True, slots=True)
class Vertex:
    """A vertex: its coordinates and a set of independent rows that determine it."""

    values: tuple[Fraction, ...]
    basis: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ray:
    """A recession direction of the face: the solution of ``tight`` rows made homogeneous, with one unit coordinate."""

    direction: tuple[Fraction, ...]
    tight: tuple[int, ...]
    axis: int


@dataclass(frozen=True, slots=True)
class Optimum:
    """The optimal face: its vertices and recession directions, and multipliers of an optimal basis.

    ``support`` are independent rows that span the face: all rows with a nonzero multiplier, and equalities. They are
    tight on the whole face; as many as unknowns leave one point.
    """

    value: Fraction
    vertices: tuple[Vertex, ...]
    rays: tuple[Ray, ...]
    basis: tuple[int, ...]
    multipliers: tuple[Fraction, ...]
    support: tuple[int, ...]


def solve_square(
    rows: Sequence[Sequence[Fraction | int]], rhs: Sequence[Fraction | int]
) -> tuple[Fraction, ...] | None:
    """The solution of a small square system, or None if it is singular."""
    n = len(rows)
    a = [[*map(Fraction, row), Fraction(b)] for row, b in zip(rows, rhs, strict=True)]
    for k in range(n):
        pivot = next((i for i in range(k, n) if a[i][k]), None)
        if pivot is None:
            return None
        a[k], a[pivot] = a[pivot], a[k]
        head = a[k][k]
        a[k] = [x / head for x in a[k]]
        for i in range(n):
            if i != k and a[i][k]:
                f = a[i][k]
                a[i] = [x - f * y for x, y in zip(a[i], a[k], strict=True)]
    return tuple(row[n] for row in a)


def _pivot(table: list[list[int]], det: int, row: int, column: int) -> int:
    """One integer-preserving pivot; returns the new common denominator."""
    head = table[row]
    p = head[column]
    for i, line in enumerate(table):
        if i == row:
            continue
        f = line[column]
        table[i] = [(x * p - f * y) // det for x, y in zip(line, head, strict=True)]
    if p < 0:
        for line in table:
            line[:] = [-x for x in line]
        p = -p
    return p


def _optimise(table: list[list[int]], det: int, basis: list[int], columns: int) -> int:
    """Run Bland's rule on the last row of ``table`` (reduced costs, minimisation). Returns the denominator."""
    n = len(basis)
    while True:
        costs = table[-1]
        entering = next((j for j in range(columns) if costs[j] < 0), None)
        if entering is None:
            return det
        best: int | None = None
        for i in range(n):
            a = table[i][entering]
            if a <= 0:
                continue
            if best is None:
                best = i
                continue
            left, right = table[i][-1] * table[best][entering], table[best][-1] * a
            if left < right or (left == right and basis[i] < basis[best]):
                best = i
        if best is None:
            raise Infeasible("the constraints contradict each other")
        det = _pivot(table, det, best, entering)
        basis[best] = entering


def optimal_basis(rows: Sequence[Inequality]) -> tuple[tuple[int, ...], tuple[Fraction, ...]]:
    """Rows of an optimal basis for maximising the last coordinate, and their multipliers.

    Raises
    ------
    Unbounded, Infeasible
    """
    n = len(rows[0].coefficients)
    owners = list(range(len(rows)))
    lines = [(r.coefficients, r.bound) for r in rows]
    for k, r in enumerate(rows):
        if r.equality:
            lines.append((tuple(-c for c in r.coefficients), -r.bound))
            owners.append(k)
    m = len(lines)
    table = []
    for k in range(n):
        target = 1 if k == n - 1 else 0
        line = [c[k] for c, _ in lines] + [int(i == k) for i in range(n)] + [target]
        table.append(line)
    basis = [m + k for k in range(n)]
    cost = [-sum(table[i][j] for i in range(n)) for j in range(m)] + [0] * n + [-1]
    table.append(cost)
    det = _optimise(table, 1, basis, m)
    if table[-1][-1] != 0:
        raise Unbounded("the objective grows without bound")
    for i in range(n):
        if basis[i] >= m:
            column = next((j for j in range(m) if table[i][j]), None)
            if column is None:
                continue  # no row holds this variable: its equation is 0 = 0, the artificial stays at zero
            det = _pivot(table, det, i, column)
            basis[i] = column
    bounds = [b for _, b in lines] + [0] * n
    cost = [0] * (m + n + 1)
    for j in range(m + n + 1):
        direct = bounds[j] * det if j < m else 0
        cost[j] = direct - sum(bounds[basis[i]] * table[i][j] for i in range(n))
    table[-1] = cost
    det = _optimise(table, det, basis, m)
    found: dict[int, Fraction] = {}
    for i in range(n):
        if basis[i] >= m:
            continue
        owner = owners[basis[i]]
        y = Fraction(table[i][-1], det)
        found[owner] = found.get(owner, Fraction(0)) + (y if basis[i] == owner else -y)
    order = tuple(sorted(found))
    return order, tuple(found[k] for k in order)


def maximum(rows: Sequence[Inequality]) -> Fraction:
    """The largest value of the last coordinate, also where other coordinates are free.

    Raises
    ------
    Unbounded, Infeasible
    """
    basis, multipliers = optimal_basis(rows)
    return sum((y * rows[k].bound for k, y in zip(basis, multipliers, strict=True)), Fraction(0))


def maximise(rows: Sequence[Inequality]) -> Optimum:
    """Maximise the last coordinate; return the whole optimal face.

    Raises
    ------
    Unbounded, Infeasible

    >>> o = maximise([Inequality((1, 1), 2), Inequality((-1, 0), 0), Inequality((-1, 2), 1)])
    >>> o.value, o.vertices[0].values
    (Fraction(1, 1), (Fraction(1, 1), Fraction(1, 1)))
    """
    n = len(rows[0].coefficients)
    basis, multipliers = optimal_basis(rows)
    if len(basis) < n:
        raise Unpinned("expected constraints on all scales: along some line no row changes, so no optimum can be named")
    values = solve_square([rows[k].coefficients for k in basis], [rows[k].bound for k in basis])
    assert values is not None
    found = dict(zip(basis, multipliers, strict=True))
    weighty = [k for k, y in found.items() if y]
    support = independent(rows, [*weighty, *(k for k, row in enumerate(rows) if row.equality)])
    if len(support) == n:
        own = tuple(found.get(k, Fraction(0)) for k in support)
        return Optimum(values[-1], (Vertex(values, support),), (), support, own, support)
    vertices, rays = _face(rows, support, n)
    return Optimum(values[-1], vertices or (Vertex(values, basis),), rays, basis, multipliers, support)


def independent(rows: Sequence[Inequality], candidates: Iterable[int]) -> tuple[int, ...]:
    """A maximal set of candidates whose coefficients are linearly independent, first come first kept, sorted."""
    kept: list[int] = []
    reduced: list[tuple[int, list[Fraction]]] = []
    for k in dict.fromkeys(candidates):
        row = [Fraction(c) for c in rows[k].coefficients]
        for place, other in reduced:
            if row[place]:
                row = [c - row[place] * d for c, d in zip(row, other, strict=True)]
        head = next((i for i, c in enumerate(row) if c), None)
        if head is not None:
            reduced.append((head, [c / row[head] for c in row]))
            kept.append(k)
    return tuple(sorted(kept))


def nondegenerate(rows: Sequence[Inequality], optimum: Optimum) -> Optimum:
    """The same optimum with a basis of positive multipliers, if the vertex is unique and such a basis exists."""
    n = len(rows[0].coefficients)
    if len(optimum.vertices) != 1 or optimum.rays or all(optimum.multipliers):
        return optimum
    (vertex,) = optimum.vertices
    tight = [k for k, row in enumerate(rows) if row.slack(vertex.values) == 0]
    fixed = [k for k in tight if rows[k].equality]
    free = [k for k in tight if not rows[k].equality]
    target = [Fraction(int(k == n - 1)) for k in range(n)]
    for extra in combinations(free, n - len(fixed)):
        basis = tuple(sorted((*fixed, *extra)))
        y = solve_square([[rows[k].coefficients[i] for k in basis] for i in range(n)], target)
        if y is not None and all(v > 0 or rows[k].equality for k, v in zip(basis, y, strict=True)):
            return Optimum(optimum.value, (Vertex(vertex.values, basis),), (), basis, y, basis)
    return optimum


def end_basis(
    rows: Sequence[Inequality], support: Sequence[int], vertex: Vertex, objective: Sequence[Fraction]
) -> tuple[int, ...] | None:
    """A basis at a vertex of the face which shows that the objective is largest there, among points of the face.

    The multipliers of the supporting rows are free, those of the others non-negative, positive if possible.
    """
    n = len(vertex.values)
    tight = [k for k, row in enumerate(rows) if k not in support and row.slack(vertex.values) == 0]
    found: tuple[int, ...] | None = None
    for extra in combinations(tight, n - len(support)):
        basis = (*support, *extra)
        y = solve_square([[rows[k].coefficients[i] for k in basis] for i in range(n)], objective)
        if y is None or any(v < 0 for v in y[len(support) :]):
            continue
        if all(v > 0 for v in y[len(support) :]):
            return basis
        found = found or basis
    return found


def _face(rows: Sequence[Inequality], support: Sequence[int], n: int) -> tuple[tuple[Vertex, ...], tuple[Ray, ...]]:
    others = [k for k in range(len(rows)) if k not in support]
    vertices: dict[tuple[Fraction, ...], Vertex] = {}
    for extra in combinations(others, n - len(support)):
        chosen = tuple(sorted((*support, *extra)))
        values = solve_square([rows[k].coefficients for k in chosen], [rows[k].bound for k in chosen])
        if values is None or values in vertices:
            continue
        if all(rows[k].allows(rows[k].slack(values)) for k in others):
            vertices[values] = Vertex(values, chosen)
    rays: dict[tuple[Fraction, ...], Ray] = {}
    for extra in combinations(others, n - len(support) - 1):
        tight = [rows[k].coefficients for k in (*support, *extra)]
        for axis in range(n - 1):
            unit = [int(k == axis) for k in range(n)]
            for direction in (1, -1):
                ray = solve_square([*tight, unit], [0] * len(tight) + [direction])
                if ray is None or ray in rays:
                    continue
                if all(rows[k].allows(-_dot(rows[k].coefficients, ray)) for k in others):
                    rays[ray] = Ray(ray, (*support, *extra), axis)
    return tuple(vertices[v] for v in sorted(vertices)), tuple(rays.values())
