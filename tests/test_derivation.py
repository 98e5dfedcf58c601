"""The derivation rediscovers the published laws, finds where one is incomplete, and agrees with brute force."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from derivations.algebra import ALPHA, BETA, value
from derivations.derive import derive
from derivations.exponents import value as exponent_value
from derivations.grammar import parse
from derivations.lawfile import parse_law
from derivations.log import as_tex, as_text
from derivations.optimizers import Effect, NoiseComponent, NotAnOptimizer, registered, subsets, with_effects
from derivations.registry import load, names
from derivations.sums import PowerSum
from phases.audit import against_derivation
from phases.compare import compare
from phases.phase_diagram import diagram
from phases.proof.certificate import certificate_json
from phases.proof.check import check
from phases.proof.prove import prove
from phases.proof.verdict import Proved
from tests.mode_model import Family, local_slope
from tests.strategies import points

DERIVED = [n for n in names() if n.startswith("derived/")]


@pytest.mark.parametrize("name", DERIVED)
def test_every_derived_diagram_is_proved_over_the_whole_plane(name: str) -> None:
    found = diagram(name)
    verdict = prove(found)
    assert isinstance(verdict, Proved)
    assert {str(r) for r in map(_text, found.law.domain)} == {"alpha > 0", "alpha + beta > 1/2"}
    assert found.law.provenance == "derived" and all(t.provenance == "derived" for t in found.law.terms)


def _text(relation: object) -> str:
    from derivations.lawfile import relation_text

    return relation_text(relation)  # type: ignore[arg-type]


def test_the_independent_checker_confirms_a_law_with_intrinsic_time() -> None:
    verdict = prove(diagram("derived/signsgd"))
    assert isinstance(verdict, Proved)
    assert isinstance(check(certificate_json(verdict.certificate)), Proved)


@pytest.mark.parametrize("law", ["paquette2024/sgd", "paquette2024/sgd-tuned"])
def test_every_row_of_the_sgd_table_is_rediscovered(law: str) -> None:
    found = compare(diagram(law), diagram(load(law).derived))
    assert all(zone.winner == 0 for zone in found.zones)
    assert all(zone.first.formulas.model == zone.second.formulas.model for zone in found.zones)
    assert all(zone.first.formulas.rate == zone.second.formulas.rate for zone in found.zones)
    assert not found.only_first and not found.only_second


def test_existence_of_the_distorted_term_is_found() -> None:
    (term,) = [t for t in load("derived/sgd").terms if t.name == "F_ac"]
    assert {_text(r) for r in term.where} == {"2*alpha - 1 >= 0", "2*beta - 1 >= 0"}


def test_signsgd_differs_from_print_exactly_in_one_row() -> None:
    beside = against_derivation(diagram("kim2026/signsgd"))
    assert beside is not None
    assert {z.first.name for z in beside.agreeing} == {"Aa", "Ab", "B"}
    assert {d.zone.first.name for d in beside.differences} == {"Ac"}
    for difference in beside.differences:
        assert difference.zone.winner == -1 and difference.steps
        reached, saturation = difference.learned or (Fraction(0), Fraction(0))
        assert 0 < reached < saturation, "at its own optimum the printed law's noise is not saturated"
    assert beside.comparison.only_second, "the printed law is silent for beta >= alpha + 1/2"


def test_every_printed_term_is_derived_but_the_noise_below_one_half() -> None:
    for law in ("paquette2024/sgd", "paquette2024/sgd-tuned"):
        beside = against_derivation(diagram(law))
        assert beside is not None and beside.terms and all(m.derived for m in beside.terms)
        assert {m.printed for m in beside.terms} == {"F_0", "F_pp", "F_ac", "K_pp"}
    beside = against_derivation(diagram("kim2026/signsgd"))
    assert beside is not None
    for m in beside.terms:
        noise_below = m.printed == "N" and "1 - 2*alpha > 0" in m.chamber.conditions
        assert bool(m.derived) != noise_below
    equal = {m.printed: m.derived for m in beside.terms if m.derived}
    assert equal == {"A": ("F_0",), "D_al": ("F_pp",), "D_dis": ("F_ac",), "N": ("K_learned",)}


def test_the_printed_signsgd_law_is_the_derived_one_with_saturated_noise() -> None:
    found = compare(diagram("kim2026/signsgd"), diagram("derived/signsgd-saturated"))
    assert all(zone.winner == 0 for zone in found.zones) and not found.only_first
    assert any("ASSUMED" in s.title for s in derive(registered()["signsgd-saturated"]).steps)


def test_spot_values() -> None:
    found = diagram("derived/signsgd")
    assert found.at("2/5", "7/10").slope == Fraction(12, 25)
    assert diagram("kim2026/signsgd").at("2/5", "7/10").slope == Fraction(6, 13)
    assert found.at(1, 2).slope == Fraction(4, 5)


def test_noise_before_saturation_by_hand() -> None:
    # Noise alone, tau = gamma M^a N L^(-1/2): L = gamma^2 M^2a N^(2-4a) for 1/4 < a < 1/2.
    law = load("derived/signsgd")
    (noise,) = [t for t in law.terms if t.name == "K_learned"]
    a = Fraction(2, 5)
    m, tau = (exponent_value(noise.monomial.exponent(b), (a, Fraction(7, 10))) for b in ("M", "tau"))
    # log L = -2g + m x + tau t and t - log L/2 ... = -g + a x + (1-x): eliminate t.
    share = 1 + tau / 2
    assert (m + tau * a) / share == 2 * a and tau / share == 2 - 4 * a


def test_four_effects_make_signsgd_and_compression_is_neutral() -> None:
    sign = derive(registered()["signsgd"]).law
    assert derive(with_effects(Effect)).law.terms == sign.terms
    without = with_effects(set(Effect) - {Effect.NOISE_COMPRESSION})
    assert derive(without).law.terms == sign.terms
    assert len({o.name for o in subsets()}) == 8


def test_normalised_sgd_has_the_slopes_of_signsgd() -> None:
    found = compare(diagram("derived/signsgd"), diagram("derived/normalised-sgd"))
    assert all(zone.winner == 0 for zone in found.zones)


@given(point=points)
@settings(max_examples=60)
def test_a_derived_law_is_the_same_law_from_its_file(point: tuple[Fraction, Fraction]) -> None:
    law = load("derived/signsgd")
    assume(law.violated(point) is None)
    again = parse_law(law.text)
    assert diagram(again).at(*point).slope == diagram(law).at(*point).slope


@pytest.mark.parametrize(
    "change, message",
    [
        ({"kappa": Fraction(1)}, "0 <= kappa < 1"),
        ({"kappa": Fraction(-1, 2)}, "0 <= kappa < 1"),
        ({"noise": ()}, "at least one noise component"),
        ({"noise": (NoiseComponent("0", "-1", "growing"),)}, "does not decay"),
        ({"rate": "fast"}, "'free' or 'largest'"),
        ({"label_noise": "0"}, "no label noise"),
    ],
)
def test_nonsense_optimizers_are_refused_with_one_sentence(change: dict[str, object], message: str) -> None:
    with pytest.raises(NotAnOptimizer, match=message) as caught:
        derive(replace(registered()["sgd-tuned"], **change))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def _direct(a: float, alpha: float, M: float, tau: float) -> float:
    """sum_(j<=M) j^-a exp(-2 j^(-2 alpha) tau), exactly for small j and by the trapezium rule in log j beyond."""
    low = np.arange(1, 2001, dtype=float)
    total = np.sum(low**-a * np.exp(-2 * low ** (-2 * alpha) * tau))
    u = np.linspace(np.log(2000.5), np.log(M), 40_001)
    total += np.trapezoid(np.exp((1 - a) * u - 2 * tau * np.exp(-2 * alpha * u)), u)
    return float(total)


@given(a=st.floats(0.1, 4.0), alpha=st.floats(0.2, 2.0), depth=st.floats(0.3, 0.7))
@settings(max_examples=60)
def test_sums_between_j_and_m_grow_as_their_dominant_end(a: float, alpha: float, depth: float) -> None:
    assume(abs(a - 1) > 0.35)
    logM = np.log(1e12)
    logtau = depth * 2 * alpha * logM
    assume(logtau / (2 * alpha) > np.log(1e3))
    exact = PowerSum(BETA, "J", "M").exponents()
    at = (Fraction(alpha).limit_denominator(10**6), Fraction(a).limit_denominator(10**6))
    m, t = (float(exponent_value(exact.get(k, parse("0", ())), at)) for k in ("M", "tau"))
    step = 0.5
    up = np.log(_direct(a, alpha, np.exp(logM + step), np.exp(logtau)))
    right = np.log(_direct(a, alpha, np.exp(logM), np.exp(logtau + step)))
    here = np.log(_direct(a, alpha, np.exp(logM), np.exp(logtau)))
    # Corrections: the other end, smaller by (J/M)^|a-1|, and the smooth cut-off at M, by (J/M)^(2 alpha).
    error = 10 * np.exp(-min(abs(a - 1), 2 * alpha) * (logM - logtau / (2 * alpha))) + 1e-3
    assume(error < 0.1)
    assert (up - here) / step == pytest.approx(m, abs=error)
    assert (right - here) / step == pytest.approx(t, abs=2 * error)


@given(a=st.floats(1.5, 4.0), alpha=st.floats(0.3, 2.0))
@settings(max_examples=40)
def test_leading_constants_are_gamma_factors(a: float, alpha: float) -> None:
    tau = (1e5) ** (2 * alpha)
    s = (a - 1) / (2 * alpha)
    predicted = math.gamma(s) * 2**-s / (2 * alpha) * tau**-s
    tail = (1e13) ** (1 - a) / (a - 1)
    assert _direct(a, alpha, 1e13, tau) + tail == pytest.approx(predicted, rel=2e-3)


def _family(name: str, alpha: Fraction, beta: Fraction) -> Family:
    o = registered()[name]
    at = (alpha, beta)

    def number(text: str) -> float:
        return float(exponent_value(parse(text, ("alpha", "beta")), at))

    noise = tuple((number(c.scale), number(c.decay)) for c in o.noise)
    return Family(float(alpha), float(beta), float(o.kappa), number(o.clock), noise)


CASES = [
    ("signsgd", "2/5", "7/10"),
    ("signsgd", "1", "2"),
    ("signsgd", "1", "1/4"),
    ("signsgd", "1", "1"),
    ("signsgd", "2/5", "3/10"),
    ("signsgd", "1/5", "3/5"),
    ("signsgd", "2/5", "6/5"),
    ("sgd", "1", "1/4"),
    ("sgd", "2/5", "1"),
    ("sgd-tuned", "2/5", "1"),
    ("normalised-sgd", "2/5", "7/10"),
    ("effects/preconditioning", "2/5", "7/10"),
    ("effects/rate+reshaping", "2/5", "7/10"),
]


@pytest.mark.slow
@pytest.mark.parametrize("name, alpha, beta", CASES)
def test_derived_slopes_hold_in_the_dynamics_on_log_binned_modes(name: str, alpha: str, beta: str) -> None:
    a, b = Fraction(alpha), Fraction(beta)
    located = diagram(f"derived/{name}").at(a, b)
    x, e = located.model_exponent, located.rate_exponent
    assert isinstance(x, Fraction) and isinstance(e, Fraction)
    measured = local_slope(_family(name, a, b), float(x), float(e * x), np.log(1e48), width=np.log(1e2))
    assert measured == pytest.approx(float(located.slope), abs=0.002)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["signsgd", "sgd", "sgd-tuned", "normalised-sgd"])
@given(a=st.integers(4, 60), b=st.integers(-20, 80))
@settings(max_examples=8)
def test_derived_slopes_hold_in_the_dynamics_away_from_walls(name: str, a: int, b: int) -> None:
    alpha, beta = Fraction(a, 40), Fraction(b, 40)
    found = diagram(f"derived/{name}")
    lines = (2 * alpha - 1, 4 * alpha - 1, 2 * beta - 1, beta - alpha - Fraction(1, 2), alpha - beta)
    assume(alpha + beta > Fraction(2, 3) and min(map(abs, lines)) > Fraction(1, 6))
    located = found.at(alpha, beta)
    x, e = located.model_exponent, located.rate_exponent
    assume(isinstance(x, Fraction) and isinstance(e, Fraction))
    measured = local_slope(_family(name, alpha, beta), float(x), float(e * x), np.log(1e60), width=np.log(1e2))
    # Corrections to scaling are powers of f with exponents set by the distance to the walls; f = 10^60 leaves < 1e-3.
    assert measured == pytest.approx(float(located.slope), abs=5e-3)


def test_log_and_latex_name_every_step_and_term() -> None:
    for name in ("sgd", "signsgd"):
        found = derive(registered()[name])
        text, tex = as_text(found), as_tex(found)
        for step in found.steps:
            assert step.title in text and step.title in tex and step.reason in text
        for term in found.law.terms:
            assert term.form in text
        assert tex.count("{") == tex.count("}")


def test_thresholds_are_found_not_listed() -> None:
    found = derive(registered()["signsgd"])
    assert {str(p) for p in found.thresholds} == {"2*alpha - 1", "4*alpha - 1", "2*beta - 1"}
    assert len(found.chambers) == 6
    for chamber in found.chambers:
        assert all(value(p, chamber.sample) != 0 for p in found.thresholds)
    sums = PowerSum(3 * ALPHA + BETA, "1", "J").cases()
    assert [c.end for c in sums] == ["1", "J"]
