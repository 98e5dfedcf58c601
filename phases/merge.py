"""Merging the pieces of a survey into phases, before they have names.

Everything is a matter of the signs that occur in the decomposition: cells with equal signs satisfy the same pieces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from derivations.algebra import Point, Rational
from derivations.exponents import holds, plain_ratio
from derivations.grammar import Node
from derivations.law import Claim, RiskLaw
from phases.adjacency import Contact
from phases.piece import Formula, Formulas
from phases.planar import Decomposition, Signs, decompose
from phases.regions import Region, describe_region
from phases.walk import Chart, Survey, relation_polys, relations_hold


def components(
    charts: Sequence[Chart], charts_of: Mapping[Signs, tuple[int, ...]], touching: Sequence[Contact]
) -> dict[Signs, Signs]:
    """Signs in the domain with equal formulas that touch or lie in one chart, each with a representative."""
    parent = {signs: signs for signs, used in charts_of.items() if used}

    def find(k: Signs) -> Signs:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    for contact in touching:
        a, b = charts_of[contact.first], charts_of[contact.second]
        if a and b and charts[a[0]].piece.formulas == charts[b[0]].piece.formulas:
            parent[find(contact.first)] = find(contact.second)
    home: dict[int, Signs] = {}
    for k in parent:
        for chart in charts_of[k]:
            parent[find(k)] = find(home.setdefault(chart, k))
    return {k: find(k) for k in parent}


def merge_claimed(
    found: Survey, component: dict[Signs, Signs], charts_of: Mapping[Signs, tuple[int, ...]]
) -> dict[Signs, Signs]:
    """Components with equal formulas that one claim names are one phase, also where they do not touch.

    So a claim's name means the same in the diagram and at a point, where other components are not known.
    """
    alike: dict[Formulas, list[Signs]] = {}
    for root in dict.fromkeys(component.values()):
        alike.setdefault(found.charts[charts_of[root][0]].piece.formulas, []).append(root)
    merged = {root: root for root in component.values()}
    for formulas, roots in alike.items():
        if len(roots) > 1:
            named: dict[int, Signs] = {}
            for root in roots:
                own = [signs for signs, r in component.items() if r == root]
                k = claim_of(found.law, formulas, found.decomposition, frozenset(own))
                if k is not None:
                    merged[root] = named.setdefault(k, root)
    return {signs: merged[root] for signs, root in component.items()}


@dataclass(frozen=True, slots=True)
class Draft:
    """A phase before it has a name and neighbours; ``claim`` is the place of the claim that names it."""

    formulas: Formulas
    active: tuple[str, ...]
    binding: tuple[str, ...]
    region: Region
    sample: Point
    charts: tuple[Chart, ...]
    claim: int | None


def draft_of(
    found: Survey, members: Sequence[Signs], charts_of: Mapping[Signs, tuple[int, ...]], sample: Point
) -> Draft:
    """The phase of the cells with the given signs."""
    used = sorted({k for m in members for k in charts_of[m]})
    charts = tuple(found.charts[k] for k in used)
    active = [set(c.piece.active) for c in charts]
    binding = [set(c.piece.binding) for c in charts]
    classes = list(charts_of)
    own = frozenset(members)
    return Draft(
        formulas=charts[0].piece.formulas,
        active=tuple(t.name for t in found.law.terms if all(t.name in a for a in active)),
        binding=tuple(c.name for c in found.law.constraints if all(c.name in b for b in binding)),
        region=describe_region(found.decomposition.polys, classes, [k for k, s in enumerate(classes) if s in own]),
        sample=sample,
        charts=charts,
        claim=claim_of(found.law, charts[0].piece.formulas, found.decomposition, own),
    )


def simplest_samples(decomposition: Decomposition, component: Mapping[Signs, Signs]) -> dict[Signs, Point]:
    """For every component, the simplest sample point among all its cells.

    Columns are looked at by the denominator of their alpha; once it exceeds a component's best product of
    denominators, no other column can do better.
    """

    def weight(p: Point) -> tuple[object, ...]:
        return p[0].denominator * p[1].denominator, abs(p[0]) + abs(p[1]), p

    best: dict[Signs, Point] = {}
    open_ended = set(component.values())
    for k in decomposition.columns_by_simplicity:
        column = decomposition.columns[k]
        least = column.alpha.denominator
        open_ended = {
            c for c in open_ended if c not in best or best[c][0].denominator * best[c][1].denominator >= least
        }
        if not open_ended:
            break
        for j, signs in enumerate(column.signs()):
            c = component.get(signs)
            if c in open_ended:
                point = decomposition.sample(k, j)
                best[c] = min(best.get(c, point), point, key=weight)
    return best


def claim_matches(claim: Claim, formulas: Formulas) -> bool:
    """Whether all formulas that a claim gives are the phase's, exactly, as rational functions."""
    mine: dict[str, Formula | None] = {
        "slope": formulas.slope,
        "model_exponent": formulas.model[0] if formulas.model[0] == formulas.model[1] else None,
        "rate_exponent": formulas.rate[0] if formulas.rate and formulas.rate[0] == formulas.rate[1] else None,
    }
    return all(claimed_formula(node) == mine[key] for key, node in claim.formulas().items())


def claimed_formula(node: Node) -> Rational:
    """A claimed formula as a rational function in lowest terms."""
    return plain_ratio(node)


def claim_of(law: RiskLaw, formulas: Formulas, decomposition: Decomposition, members: frozenset[Signs]) -> int | None:
    """The first named claim with these formulas that holds somewhere in the cells with the given signs."""
    for k, claim in enumerate(law.claims):
        if claim.name and claim_matches(claim, formulas) and _holds_in(claim, decomposition, members):
            return k
    return None


def _holds_in(claim: Claim, decomposition: Decomposition, members: frozenset[Signs]) -> bool:
    """Whether a claim's conditions hold in an open part of some cell: a sample shows it, or all cells are looked at."""
    for k, column in enumerate(decomposition.columns):
        for j, signs in enumerate(column.signs()):
            if signs in members and all(holds(r, decomposition.sample(k, j)) for r in claim.where):
                return True
    polys = decomposition.polys
    finer = decompose([*polys, *(p for p in relation_polys(claim.where) if p not in polys)])
    coarse = (1 << len(polys)) - 1
    return any(
        signs & coarse in members and relations_hold(claim.where, finer.sample(*place))
        for signs, place in finer.classes.items()
    )


def order_of(draft: Draft) -> tuple[object, ...]:
    """Claimed phases first, in the order of the claims; then by sample."""
    return (draft.claim is None, draft.claim or 0, draft.sample)
