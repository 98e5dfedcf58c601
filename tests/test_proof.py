from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derivations.algebra import ALPHA, BETA, RING, factor
from derivations.lawfile import parse_law
from derivations.registry import load
from phases.audit import audit
from phases.phase_diagram import diagram
from phases.planar import satisfies
from phases.proof.decide import decide_by_cells, implies
from phases.proof.prove import prove
from phases.proof.verdict import Proved, Refuted, Undecided
from phases.regions import Region
from tests.strategies import REGISTERED, points

small = st.dictionaries(st.tuples(st.integers(0, 2), st.integers(0, 2)), st.integers(-4, 4), min_size=2, max_size=4)
curves = small.map(RING.from_dict).filter(lambda p: not p.is_ground).map(lambda p: factor(p)[1][0][0])
literals = st.tuples(curves, st.sampled_from([1, -1]))


@given(st.lists(literals, max_size=3, unique_by=lambda ps: ps[0]), literals, st.lists(points, max_size=8))
@settings(max_examples=150)
def test_decisions_hold_at_random_points_and_witnesses_are_true(
    hypotheses: list, conclusion: Any, probes: list
) -> None:  # type: ignore[type-arg]
    verdict = implies(hypotheses, conclusion)
    negated = (conclusion[0], -conclusion[1])
    if isinstance(verdict, Refuted):
        assert satisfies(verdict.witness, [*hypotheses, negated])
    else:
        assert isinstance(verdict, Proved)
        assert not any(satisfies(p, [*hypotheses, negated]) for p in probes)
        assert type(decide_by_cells(hypotheses, conclusion)) is Proved


@given(st.lists(literals, max_size=2, unique_by=lambda ps: ps[0]), literals)
@settings(max_examples=40)
def test_z3_agrees(hypotheses: list, conclusion: Any) -> None:  # type: ignore[type-arg]
    pytest.importorskip("z3")
    from phases.proof.second_opinion import ask

    answer = ask(hypotheses, conclusion, seconds=2)
    if answer is not None:
        assert isinstance(implies(hypotheses, conclusion), Proved) == answer


@pytest.mark.parametrize("name", REGISTERED)
def test_printed_tables_are_proved_row_by_row(name: str) -> None:
    reports = audit(diagram(name))
    assert len(reports) >= 4
    assert all(isinstance(r.verdict, Proved) for r in reports)
    assert all(r.phases == (r.claim.name,) for r in reports)


def test_a_wrong_claim_is_refuted_with_a_point_to_substitute() -> None:
    text = load("kim2026/signsgd").text.replace('rate_exponent = "1"', 'rate_exponent = "2*alpha"')
    found = diagram(parse_law(text))
    (wrong,) = [r for r in audit(found) if not isinstance(r.verdict, Proved)]
    assert wrong.claim.name == "Ac" and isinstance(wrong.verdict, Refuted)
    assert found.at(*wrong.verdict.witness).rate_exponent == 1 != 2 * wrong.verdict.witness[0]


def test_a_claim_outside_the_domain_is_undecided() -> None:
    text = load("kim2026/signsgd").text.replace(
        'where = ["alpha > 1/2", "beta < 1/2", "alpha + beta > 1/2"]', 'where = ["alpha < -1"]'
    )
    assert isinstance(audit(diagram(parse_law(text)))[0].verdict, Undecided)


def test_wrong_diagrams_are_refuted() -> None:
    found = diagram("kim2026/signsgd")
    first, second, *rest = found.phases
    swapped = (replace(first, formulas=second.formulas), second, *rest)
    assert isinstance(prove(replace(found, phases=swapped)), Refuted)
    chart = first.charts[0]
    bigger = replace(chart, walls=chart.walls[:-1])
    assert isinstance(prove(replace(found, phases=(replace(first, charts=(bigger,)), second, *rest))), Refuted)
    larger = replace(first, region=Region(tuple(part[:-1] for part in first.region.parts)))
    assert isinstance(prove(replace(found, phases=(larger, second, *rest))), Refuted)
    unbound = replace(first, active=first.active[:-1])
    assert isinstance(prove(replace(found, phases=(unbound, second, *rest))), Refuted)


def test_a_verdict_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="no truth value"):
        bool(Proved(None))


def test_one_implication_by_hand() -> None:
    inside = ((ALPHA, 1), (2 * ALPHA + 2 * BETA - 1, 1), (1 - 2 * ALPHA, 1))
    assert isinstance(implies(inside, (BETA, 1)), Proved)
    verdict = implies(inside, (BETA - ALPHA, 1))
    assert isinstance(verdict, Refuted)
