"""What of a derived law is left out, because the rest implies it: exact, chamber by chamber.

The thresholds of a derivation's sums cut the plane into chambers; in each, every row is a monomial in gamma, M and tau
with plain exponents. One row covers another if it is at least as large for all 1 <= tau <= M^(2 alpha), which two
linear inequalities in the exponents decide (both ends of tau), and those are decided on the whole chamber.

A row that is covered on one open side of a threshold exists on the other side with the threshold itself: there it is
covered too, by continuity, but so may be, from the other side, the row that covers it. Where two rows take turns (the
noise of learned and of waiting modes at alpha = 1/4) both exist on the threshold and are equal there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

from derivations import leading
from derivations.algebra import ALPHA, Poly, Rational, factor, format_poly, total_degree
from derivations.exponents import PARAMETERS, OnWall, is_piecewise, plain_ratio, resolve
from derivations.features import DOMAIN
from derivations.grammar import Binary, Extremum, Negative, Node, Number, Relation, parse_relations, to_text
from derivations.polygons import Line, half_planes, interior_point, is_nonnegative_on, line_of, triangulate

_ZERO = Number(Fraction(0))
EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Dominance:
    """A term or row that another one covers where a threshold form has the given sign."""

    term: str
    by: str
    condition: str


@dataclass(frozen=True, slots=True)
class Chamber:
    """A part of the plane in which every sum keeps its dominant end: signs of the threshold forms."""

    conditions: tuple[str, ...]
    lines: tuple[Line, ...]
    sample: tuple[Fraction, Fraction]


@dataclass(frozen=True, slots=True)
class Draft:
    """A candidate row: exponents of gamma, M, tau in a monomial that ``bounds`` the risk L, or one, from below."""

    name: str
    role: str
    exponents: dict[str, Node]
    constants: leading.Constants = ()
    where: tuple[str, ...] = ()
    bounds: str = "L"

    @property
    def form(self) -> str:
        return monomial_text(self.exponents)


def monomial_text(exponents: dict[str, Node]) -> str:
    """A monomial in the grammar of law files."""
    parts = []
    for base in ("gamma", "M", "N", "tau", "L"):
        node = exponents.get(base, _ZERO)
        if node != _ZERO:
            text = to_text(node)
            parts.append(base if text == "1" else f"{base}^({text})")
    return "*".join(parts) or "1"


def relations_of(texts: Iterable[str]) -> tuple[Relation, ...]:
    """Conditions on alpha and beta."""
    return tuple(r for t in texts for r in parse_relations(t, PARAMETERS))


def kinks(node: Node) -> frozenset[Poly]:
    """The lines on which a min or max changes from one of its plain arguments to another."""
    match node:
        case Extremum(_, args):
            plain = [plain_ratio(a) for a in args if not is_piecewise(a)]
            differences = [(one - other).num for k, one in enumerate(plain) for other in plain[:k]]
            lines = {f for p in differences for f, _ in factor(p)[1] if total_degree(f) == 1}
            return frozenset(lines).union(*map(kinks, args))
        case Binary(_, left, right):
            return kinks(left) | kinks(right)
        case Negative(operand):
            return kinks(operand)
        case _:
            return frozenset()


def chambers(thresholds: Sequence[Poly]) -> Iterator[Chamber]:
    """The sign patterns of linear forms that occur in the domain, each with a point inside."""
    base = half_planes(relations_of(DOMAIN))
    for signs in product((1, -1), repeat=len(thresholds)):
        texts = tuple(f"{format_poly(p if s > 0 else -p)} > 0" for p, s in zip(thresholds, signs, strict=True))
        lines = (*base, *half_planes(relations_of(texts)))
        sample = interior_point(lines)
        if sample is not None:
            yield Chamber(texts, lines, sample)


def _keeps_sign(p: Poly, chamber: Chamber) -> bool:
    """Whether a factor of a comparison has one sign in the whole chamber."""
    line = line_of(p, 1)
    if line is not None and (line in chamber.lines or tuple(-c for c in line) in chamber.lines):
        return True
    return any(all(is_nonnegative_on(p, s, t) for t in triangulate(chamber.lines)) for s in (1, -1))


def _size(draft: Draft, chamber: Chamber) -> tuple[Rational, Rational] | None:
    """Exponents of M of a draft at tau = 1 and at tau = M^(2 alpha); None if they are not plain in the chamber."""
    compared: list[Poly] = []
    values = {}
    for base in ("M", "tau"):
        try:
            values[base] = resolve(draft.exponents.get(base, _ZERO), chamber.sample, lambda p, why: compared.append(p))
        except OnWall:
            return None
    if not all(_keeps_sign(f, chamber) for p in compared for f, _ in factor(p)[1]):
        return None
    return values["M"], values["M"] + values["tau"] * Rational.of(2 * ALPHA)


def covers(big: Draft, small: Draft, chamber: Chamber) -> bool:
    """Whether one draft is at least the other for all 1 <= tau <= M^(2 alpha), throughout a chamber."""
    if big.bounds != small.bounds or big.exponents.get("gamma", _ZERO) != small.exponents.get("gamma", _ZERO):
        return False
    upper, lower = _size(big, chamber), _size(small, chamber)
    if upper is None or lower is None:
        return False
    for b, s in zip(upper, lower, strict=True):
        difference = b - s
        if not difference:
            continue
        quotient = difference.num * difference.den
        if not all(is_nonnegative_on(quotient, 1, t) for t in triangulate(chamber.lines)):
            return False
    return True


def prune(
    drafts: Sequence[Draft], rows: Sequence[Draft], found: Sequence[Chamber], thresholds: Sequence[Poly]
) -> tuple[list[Draft], list[Draft], list[Dominance]]:
    """Drop terms that others cover, and rows that terms or earlier rows cover: everywhere, or on one side of a
    threshold (then the term or row says where it exists).
    """
    covered: list[dict[int, str]] = [{} for _ in (*drafts, *rows)]
    everything = [*drafts, *rows]
    for i, chamber in enumerate(found):
        alive = list(range(len(drafts)))
        for k in reversed(range(1, len(drafts))):  # the floor, first, stays: it is what remains at tau > M^(2 alpha)
            rival = next((r for r in alive if r != k and covers(drafts[r], drafts[k], chamber)), None)
            if rival is not None:
                alive.remove(k)
                covered[k][i] = drafts[rival].name
        for k in range(len(drafts), len(everything)):
            rival = next((r for r in alive if covers(everything[r], everything[k], chamber)), None)
            if rival is None:
                alive.append(k)
            else:
                covered[k][i] = everything[rival].name
    kept: list[list[Draft]] = [[], []]
    notes = []
    for k, draft in enumerate(everything):
        where, why = _existence(draft.name, covered[k], found, thresholds)
        notes += why
        if where is not None:
            kept[k >= len(drafts)].append(replace(draft, where=where))
    return kept[0], kept[1], notes


def _existence(
    name: str, covered: dict[int, str], found: Sequence[Chamber], thresholds: Sequence[Poly]
) -> tuple[tuple[str, ...] | None, list[Dominance]]:
    """Where something exists that is covered in some chambers (None: nowhere), and what covers it elsewhere."""
    inside = list(range(len(found)))
    if all(i in covered for i in inside):
        return None, [Dominance(name, ", ".join(sorted(set(covered.values()))), EVERYWHERE)]
    where, notes = [], []
    for p in thresholds:
        for s in (1, -1):
            text = f"{format_poly(p if s > 0 else -p)} > 0"
            side = [i for i in inside if text in found[i].conditions]
            if side and len(side) < len(inside) and all(i in covered for i in side):
                notes.append(Dominance(name, ", ".join(sorted({covered[i] for i in side})), text))
                where.append(f"{format_poly(-p if s > 0 else p)} >= 0")
                inside = [i for i in inside if i not in side]
    return tuple(where), notes
