"""What is found at a point alone, against the whole diagram."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings

import phases.point
from derivations.lawfile import parse_law
from derivations.registry import load
from phases.merge import claim_matches
from phases.phase_diagram import OutsideDomain, diagram
from phases.point import InsidePiece, locate
from phases.report import located_json
from tests.benchmarks.random_laws import random_law
from tests.strategies import REGISTERED, points
from tests.test_diagram import solved


@pytest.mark.parametrize("name", REGISTERED)
@given(point=points)
@settings(max_examples=60)
def test_a_point_alone_is_told_as_by_the_diagram(name: str, point: tuple[Fraction, Fraction]) -> None:
    law = load(name)
    try:
        here = locate(law, *point)
    except OutsideDomain as refused:
        with pytest.raises(OutsideDomain) as caught:
            solved(name).at(*point)
        assert str(refused) == str(caught.value)
        return
    assert located_json(law, here, None) == located_json(law, solved(name).at(*point), None)


def no_diagram(*_: Any) -> None:
    raise AssertionError("the diagram was solved")


def test_inside_a_claimed_phase_no_diagram_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phases.point, "diagram", no_diagram)
    found = locate("kim2026/signsgd", "2/5", "7/10")
    assert (found.phase, found.slope) == ("Ac", Fraction(6, 13))


def test_a_law_without_claims_is_solved_only_for_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    law = parse_law(random_law(5))
    whole = diagram(law)
    for phase in whole.phases:
        found = locate(law, *phase.sample)
        assert isinstance(found, InsidePiece) and found.phase == phase.name
    monkeypatch.setattr(phases.point, "diagram", no_diagram)
    for phase in whole.phases:
        found = locate(law, *phase.sample)
        at = whole.at(*phase.sample)
        assert (found.slope, found.model_exponent, found.rate_exponent) == (
            at.slope,
            at.model_exponent,
            at.rate_exponent,
        )
        assert found.active == at.active and [f for f, _ in found.formulas] == [phase.formulas]


CLAIMED = """
[law]
name = "claimed"
[domain]
where = ["alpha > 0", "beta > 0"]
[[term]]
name = "size"
form = "M^(-alpha)"
[[term]]
name = "steps"
form = "N^(-alpha)"
[[term]]
name = "band"
form = "M^(-alpha/2)"
where = ["alpha > 1", "alpha < 2"]
[[claim]]
name = "outside"
where = ["{where}"]
slope = "alpha/2"
model_exponent = "1/2"
"""


def test_two_parts_that_one_claim_names_are_one_phase() -> None:
    law = parse_law(CLAIMED.format(where="alpha > 0"))
    found = diagram(law)
    assert [p.name for p in found.phases] == ["outside", "P1"]
    for alpha in ("1/2", "5/2"):
        assert found.at(alpha, 1).phase == "outside" == locate(law, alpha, 1).phase
    assert found.at("3/2", 1).phase == "P1" == locate(law, "3/2", 1).phase


def test_a_claim_on_a_sliver_that_no_sample_meets_still_names_its_phase() -> None:
    law = parse_law(CLAIMED.format(where='1000*alpha > 2999*beta", "1000*alpha < 3000*beta", "beta > 7'))
    found = diagram(law)
    names = {found.at(alpha, 1).phase for alpha in ("1/2", "5/2")}
    assert names == {"outside", "P1"} or names == {"outside", "P2"}
    assert found.at(23, Fraction(23000, 2999) - Fraction(1, 10**6)).phase == "outside"


def test_a_claim_that_leaves_a_formula_open_settles_no_name() -> None:
    text = CLAIMED.format(where="alpha > 0").replace('model_exponent = "1/2"\n', "")
    law = parse_law(text)
    assert claim_matches(law.claims[0], diagram(law).phases[0].formulas)
    assert phases.point.claimed_name(law, diagram(law).phases[0].formulas, (Fraction(1, 2), Fraction(1))) is None
