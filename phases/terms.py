"""Printed terms against derived ones, term by term.

A derived term is a monomial in gamma, M and intrinsic time tau. Where it is the largest, L equals it and the clock
gives tau = gamma c N L^(-kappa); eliminating tau leaves the monomial in gamma, M and N that a paper would print. Two
terms are the same in a chamber if these exponents are the same rational functions of alpha and beta there.
"""

from __future__ import annotations

from dataclasses import dataclass

from derivations.algebra import ONE, ZERO, Point, Poly, Rational
from derivations.derive import Derivation
from derivations.exponents import PARAMETERS, OnWall, holds, resolve
from derivations.grammar import parse
from derivations.law import BASES, RiskLaw, Term
from derivations.optimizers import Optimizer
from derivations.polygons import half_planes, interior_point
from derivations.pruning import Chamber

Exponents = dict[str, Rational]


@dataclass(frozen=True, slots=True)
class TermMatch:
    """A printed term in one chamber: the derived terms that equal it there (none: it is not derived there)."""

    printed: str
    derived: tuple[str, ...]
    chamber: Chamber


def _ignore(p: Poly, why: str) -> None:
    """A record that keeps nothing."""


def _exponents(term: Term, point: Point) -> Exponents | None:
    """Exponents of a term around a point; None where the term is absent."""
    if not all(holds(r, point) for r in term.where):
        return None
    return {base: resolve(node, point, _ignore) for base, node in term.monomial.exponents}


def alone(term: Term, optimizer: Optimizer, point: Point) -> Exponents | None:
    """A derived term with tau eliminated by the clock, where this term alone makes up the risk.

    None where the term is absent, or where its risk falls so fast that the clock does not determine tau.
    """
    exponents = _exponents(term, point)
    if exponents is None:
        return None
    zero, one = Rational(ZERO, ONE), Rational(ONE, ONE)
    tau = exponents.pop("tau", zero)
    clock = resolve(parse(optimizer.clock, PARAMETERS), point, _ignore)
    share = one + tau * Rational.constant(optimizer.kappa)
    if not share or share.sign(point) < 0:
        return None
    per_step = {"gamma": tau, "M": tau * clock, "N": tau}
    return {b: (exponents.get(b, zero) + per_step[b]) / share for b in BASES}


def match_terms(printed: RiskLaw, derived: RiskLaw, derivation: Derivation) -> tuple[TermMatch, ...]:
    """Every printed term in every chamber where it exists, with the derived terms that equal it."""
    zero = Rational(ZERO, ONE)
    out = []
    for chamber in derivation.chambers:
        point = interior_point((*chamber.lines, *half_planes(printed.domain)))
        if point is None:
            continue
        try:
            mine = {t.name: alone(t, derivation.optimizer, point) for t in derived.terms}
            for term in printed.terms:
                exponents = _exponents(term, point)
                if exponents is not None:
                    target = {b: exponents.get(b, zero) for b in BASES}
                    equal = tuple(name for name, e in mine.items() if e == target)
                    out.append(TermMatch(term.name, equal, chamber))
        except OnWall:
            continue
    return tuple(out)
