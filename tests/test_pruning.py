"""What a derived law leaves out changes no optimum, on thresholds neither."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from derivations.algebra import format_poly
from derivations.derive import derive
from derivations.law import RiskLaw
from derivations.optimizers import SGD, Effect, Optimizer, registered, with_effects
from phases.program import optimum_at

BENT = replace(SGD, name="bent", clock="min(alpha, 1/3)")
SLOWED = replace(
    with_effects([Effect.EFFECTIVE_RATE]), name="slowed", clock="-max(0, alpha - 2/3)", kappa=Fraction(2, 5)
)
OPTIMIZERS = {o.name: o for o in (*registered().values(), BENT, SLOWED)}


def _nothing(drafts: Any, rows: Any, found: Any, thresholds: Any) -> Any:
    return list(drafts), list(rows), []


@cache
def laws(name: str) -> tuple[RiskLaw, RiskLaw]:
    """As derived, and with every row that a derivation writes down."""
    optimizer: Optimizer = OPTIMIZERS[name]
    with patch("derivations.derive.prune", _nothing):
        whole = derive(optimizer).law
    return derive(optimizer).law, whole


@pytest.mark.parametrize("name", OPTIMIZERS)
@given(
    a=st.one_of(
        st.fractions(Fraction(1, 20), 2, max_denominator=24), st.sampled_from([Fraction(1, 4), Fraction(1, 2)])
    ),
    b=st.one_of(st.fractions(-1, 3, max_denominator=24), st.just(Fraction(1, 2))),
)
@settings(max_examples=30, deadline=None)
def test_what_is_left_out_changes_no_optimum(name: str, a: Fraction, b: Fraction) -> None:
    assume(a + b > Fraction(1, 2))
    pruned, whole = laws(name)
    one, other = optimum_at(pruned, (a, b)), optimum_at(whole, (a, b))
    assert (one.slope, one.model, one.rate) == (other.slope, other.model, other.rate)


def test_where_a_clock_bends_is_a_threshold() -> None:
    """A comparison made at one point of a chamber holds in all of it."""
    assert "3*alpha - 1" in map(format_poly, derive(BENT).thresholds)
    assert "3*alpha - 2" in map(format_poly, derive(SLOWED).thresholds)
