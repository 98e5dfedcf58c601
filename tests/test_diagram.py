"""The diagram against an independent optimum, at random points, on walls, for registered and for random laws."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import phases
from derivations.algebra import value
from derivations.lawfile import LawFileError, parse_law
from phases.phase_diagram import NotANumber, OutsideDomain, PhaseDiagram, diagram
from phases.planar import TooComplex, satisfies
from phases.program import Infinite, UndefinedExponent, optimum_at
from phases.proof.certificate import certificate_json
from phases.proof.check import check
from phases.proof.prove import prove
from phases.proof.verdict import Proved
from phases.report import region_texts, root_text
from phases.roots import Root
from phases.sensitivity import price
from phases.simplex import Unbounded
from phases.walk import EmptyDomain, NoFiniteSlope
from tests.oracle import best
from tests.strategies import REGISTERED, law_texts, points

Point = tuple[Fraction, Fraction]


@cache
def solved(name: str) -> PhaseDiagram:
    return diagram(name)


def assert_matches_oracle(found: PhaseDiagram, point: Point) -> None:
    located = found.at(*point)
    slope, corners = best(found.law, point)
    assert located.slope == slope
    xs = [v[0] for v in corners]
    assert located.optimum.model == (min(xs), max(xs))
    if found.law.has_rate and located.optimum.rate is not None:
        es = [v[1] / v[0] for v in corners if v[0]]
        low, high = located.optimum.rate
        assert isinstance(low, Infinite) or low == min(es)
        assert isinstance(high, Infinite) or high == max(es)
    terms = {t.name for t in found.law.terms}
    weights = [y for name, y in located.optimum.multipliers.items() if name in terms]
    assert sum(weights) == 1 and min(weights) >= 0


@pytest.mark.parametrize("name", REGISTERED)
@given(point=points)
@settings(max_examples=150)
def test_registered_diagrams_equal_an_independent_optimum(name: str, point: Point) -> None:
    found = solved(name)
    if found.law.violated(point) is not None:
        with pytest.raises(OutsideDomain, match="outside the domain"):
            found.at(*point)
        return
    assert_matches_oracle(found, point)


@pytest.mark.parametrize("name", REGISTERED)
@given(point=points)
@settings(max_examples=100)
def test_every_point_lies_in_one_region_or_on_a_wall(name: str, point: Point) -> None:
    found = solved(name)
    assume(found.law.violated(point) is None)
    inside = [p.name for p in found.phases if p.region.contains(point)]
    touching = [p.name for p in found.phases_at(point)]
    assert len(inside) <= 1
    if inside:
        assert touching == inside
    else:
        assert touching
        assert any(value(w.poly, point) == 0 for w in found.walls)


@pytest.mark.parametrize("name", REGISTERED)
def test_the_slope_is_continuous_across_every_wall(name: str) -> None:
    walls = [w for w in solved(name).walls if len(w.sides) == 2]
    assert walls and all(w.continuous for w in walls)


@pytest.mark.slow
@given(text=law_texts(max_terms=5), where=st.lists(points, min_size=4, max_size=4))
@settings(max_examples=60)
def test_random_laws_are_solved_proved_and_equal_the_oracle(text: str, where: list[Point]) -> None:
    try:
        law = parse_law(text)
        found = diagram(law)
    except (LawFileError, NoFiniteSlope, TooComplex):
        return
    verdict = prove(found)
    assert isinstance(verdict, Proved), verdict
    for point in where:
        if law.violated(point) is not None:
            continue
        assert_matches_oracle(found, point)
        inside = [p for p in found.phases if p.region.contains(point)]
        assert len(inside) <= 1
    for phase in found.phases:
        assert phase.region.contains(phase.sample)
        assert_matches_oracle(found, phase.sample)
        for part in phase.region.parts:
            for k in range(len(part)):
                rest = part[:k] + part[k + 1 :]
                cells = found.decomposition.cells()
                assert any(satisfies(c.point, rest) and not phase.region.contains(c.point) for c in cells)


def test_published_signsgd_by_hand() -> None:
    located = phases.diagram("kim2026/signsgd").at("2/5", "7/10")
    assert located.phase == "Ac"
    assert (located.slope, located.model_exponent, located.rate_exponent) == (Fraction(6, 13), Fraction(15, 26), 1)
    assert located.active == ("A", "D_al", "N")


def test_sgd_has_the_seven_published_phases_and_the_irrational_wall() -> None:
    found = solved("paquette2024/sgd")
    assert [p.name for p in found.phases] == ["Ia", "Ib", "Ic", "II", "III", "IVa", "IVb"]
    corners = {(root_text(c.alpha), root_text(c.beta)): set(c.phases) for c in found.corners}
    assert corners[("1 - sqrt(2)/2", "1/2")] == {"Ib", "IVa", "IVb"}
    assert corners[("1/2", "1/2")] == {"Ia", "Ib", "II", "III", "IVa"}
    assert set(found.phase("IVb").neighbours) == {"Ib", "Ic", "IVa"}


def test_walls_are_labelled_by_what_changes_sign() -> None:
    found = solved("paquette2024/sgd")
    reasons = {(str(w.poly), w.sides): w.reasons for w in found.walls}
    assert "existence of K_pp" in reasons[("4*alpha - 1", ("Ic", "IVb"))]
    assert any(r.startswith(("slack", "multiplier")) for r in reasons[("2*alpha**2 - 4*alpha + 1", ("IVa", "IVb"))])
    assert reasons[("2*alpha + 2*beta - 1", ("Ia",))] == ("domain",)


def test_on_walls_and_corners_all_phases_are_named() -> None:
    found = solved("paquette2024/sgd")
    assert found.at("1/4", "2").phase == ["Ic", "IVb"]
    assert found.at("1/4", "1/3").phase == "Ib", "the wall alpha = 1/4 is false below beta = 1/2"
    assert found.at("1/2", "1/2").phase == ["Ia", "Ib", "II", "III", "IVa"]


def law(*terms: str, constraints: tuple[str, ...] = (), domain: str = "alpha > 0, beta > 0") -> str:
    conditions = ", ".join(f'"{c.strip()}"' for c in domain.split(","))
    text = f'[law]\nname = "t"\n[domain]\nwhere = [{conditions}]\n'
    for k, term in enumerate(terms):
        form, _, where = term.partition(" if ")
        text += f'[[term]]\nname = "T{k}"\nform = "{form}"\n' + (f'where = ["{where}"]\n' if where else "")
    for k, constraint in enumerate(constraints):
        text += f'[[constraint]]\nname = "C{k}"\nform = "{constraint}"\n'
    return text


def test_a_law_without_a_rate() -> None:
    found = diagram(parse_law(law("M^(-alpha)", "N^(-beta)")))
    (phase,) = found.phases
    located = found.at(1, 3)
    assert (located.slope, located.model_exponent, located.rate_exponent) == (Fraction(3, 4), Fraction(3, 4), None)
    assert phase.active == ("T0", "T1") and isinstance(prove(found), Proved)


def test_a_whole_face_of_optima_is_returned() -> None:
    found = diagram(
        parse_law(law("M^(-alpha)", "N^(-beta)", "gamma*M^(-1)", constraints=("gamma <= 1", "gamma >= M^(-9)")))
    )
    located = found.at("1/2", "1/2")
    assert located.slope == Fraction(1, 4)
    assert located.rate_exponent == [Fraction(0), Fraction(9)]
    assert found.at(3, 3).rate_exponent == [Fraction(2), Fraction(9)]


def test_an_unbounded_face_says_so() -> None:
    located = diagram(parse_law(law("M^(-alpha)", "N^(-beta)", "gamma"))).at(1, 1)
    assert [str(e) for e in located.rate_exponent] == ["1", "oo"]  # type: ignore[union-attr]


def test_a_rate_that_matters_in_half_of_the_plane_only() -> None:
    found = diagram(parse_law(law("M^(-alpha)", "N^(-beta)", "gamma*M^(-1) if alpha > 1")))
    assert [str(e) for e in found.at("1/2", 1).rate_exponent] == ["-oo", "oo"]  # type: ignore[union-attr]
    assert [str(e) for e in found.at(3, 1).rate_exponent] == ["2", "oo"]  # type: ignore[union-attr]
    assert isinstance(check(certificate_json(prove(found).certificate)), Proved)  # type: ignore[union-attr]


def test_false_walls_are_merged() -> None:
    found = diagram(parse_law(law("M^(-min(alpha, 1))", "M^(-alpha)", "N^(-beta)*M^(-max(beta, 1) + max(1, beta))")))
    assert len(found.phases) == 2
    assert {frozenset(region_texts(p.region)) for p in found.phases} == {
        frozenset(("alpha > 0", "beta > 0", "1 - alpha > 0")),
        frozenset(("beta > 0", "alpha - 1 > 0")),
    }


def test_a_thin_region_is_found() -> None:
    text = law(
        "M^(-alpha)",
        "N^(-beta)",
        "M^(-2*alpha)*N^(-2*beta) if 1000*alpha > 999",
        "M^(0)*N^(-beta/2) if 100000*alpha < 100001",
    )
    names = {p.name for p in diagram(parse_law(text)).phases}
    assert len(names) >= 2
    exact = diagram(
        parse_law(law("M^(-alpha)", "N^(-beta/2) if 1000000*alpha > 999999", "N^(-1) if 1000000*alpha < 1000001"))
    )
    assert exact.at("1000000/1000000", "3").slope == optimum_at(exact.law, (Fraction(1), Fraction(3))).slope


def test_unbounded_contradicting_and_empty_laws_are_refused() -> None:
    with pytest.raises(NoFiniteSlope, match="no finite slope around"):
        diagram(parse_law(law("gamma*M^(-1)")))
    with pytest.raises(NoFiniteSlope, match="contradict each other"):
        diagram(parse_law(law("M^(-1)", "N^(-1)", constraints=("gamma = 1", "gamma*N <= M^(-1)"))))
    with pytest.raises(EmptyDomain):
        diagram(parse_law(law("M^(-1)", domain="alpha > 1, alpha < 0")))


def test_the_point_of_an_unbounded_slope_is_a_witness() -> None:
    half = parse_law(law("M^(-1)*gamma if alpha < 1", "N^(-beta)*gamma", "M^(-1) if alpha < 1"))
    with pytest.raises(NoFiniteSlope) as caught:
        diagram(half)
    found = re.search(r"alpha = (\S+), beta = (\S+):", str(caught.value))
    assert found is not None
    with pytest.raises(Unbounded):
        optimum_at(half, (Fraction(found[1]), Fraction(found[2])))


def test_points_must_be_exact_and_exponents_defined() -> None:
    found = solved("kim2026/signsgd")
    with pytest.raises(NotANumber, match="expected an exact number"):
        found.at(0.4, 0.7)
    pole = diagram(parse_law(law("M^(-alpha)", "N^(-1/(alpha - 1)^2)")))
    with pytest.raises(UndefinedExponent, match="'T1' is not defined"):
        pole.at(1, 1)


def test_a_slack_that_vanishes_at_one_point_binds_there() -> None:
    found = diagram(parse_law(law("M^(-1)", "N^(-1)", "M^(-1/2 - (alpha - 1)^2 - (beta - 1)^2)*N^(-1/2)")))
    assert found.at(1, 1).active == ("T0", "T1", "T2")
    assert found.at(1, 2).active == ("T0", "T1")


def test_multipliers_are_those_of_the_stated_rows() -> None:
    found = diagram(parse_law(law("(gamma*N)^(-alpha)", constraints=("gamma <= M^(-1/3)",))))
    located = found.at(2, 1)
    assert located.slope == 2 and located.optimum.multipliers["C0"] == 2
    assert isinstance(check(certificate_json(prove(found).certificate)), Proved)  # type: ignore[union-attr]


def test_the_price_exists_where_the_size_is_free() -> None:
    found = diagram(parse_law(law("(M*N)^(-alpha)", "(M*N)^(-beta)", "gamma")))
    cost = price(found.law, (Fraction(1, 4), Fraction(3, 2)))
    assert cost is not None and cost.f_larger == 0 == cost.f_smaller, "any rate from f^(-1/4) down is optimal"


def test_an_isolated_point_of_the_domain_is_refused() -> None:
    found = diagram(parse_law(law("M^(-alpha)", "N^(-1)", domain="(alpha - 1)^2*beta >= 0, alpha > 0")))
    with pytest.raises(OutsideDomain, match="isolated point"):
        found.at(1, -1)


@pytest.mark.parametrize("name", ["kim2026/signsgd", "paquette2024/sgd-tuned"])
@given(point=points)
@settings(max_examples=40)
def test_the_price_of_a_wrong_rate_is_the_derivative_of_the_best_slope(name: str, point: Point) -> None:
    found = solved(name)
    assume(found.law.violated(point) is None)
    located = found.at(*point)
    e = located.rate_exponent
    assume(isinstance(e, Fraction) and located.model_exponent != 0)
    cost = price(found.law, point)
    assert cost is not None
    for step, loss in ((-1, cost.m_larger), (1, cost.m_smaller)):
        losses = []
        for size in (Fraction(1, 10**7), Fraction(1, 10**8)):
            losses.append((located.slope - optimum_at(found.law, point, e + step * size).slope) / size)
        if loss is None:
            assert losses[1] > 10**4, "a forbidden rate allows only models of bounded size"
        else:
            assert abs(losses[1] - loss) <= abs(losses[0] - loss) + Fraction(1, 10**5)
            assert abs(losses[1] - loss) < Fraction(1, 10**3)


@pytest.mark.parametrize("name", REGISTERED)
def test_surroundings_of_corners_hold_exactly_the_named_phases(name: str) -> None:
    found = solved(name)
    for corner in found.corners:
        around = {p.name for p in found.phases_around(corner.alpha, corner.beta)}
        assert around == set(corner.phases)
    assert all(isinstance(c.alpha, Root) for c in found.corners)
