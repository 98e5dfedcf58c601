"""No step is longer than the fastest mode's time: the row, the laws it changes, and two independent checks of them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from derivations.derive import STEP, _longest_step, derive
from derivations.log import as_text
from derivations.numeric.clocks import PowerClock
from derivations.numeric.equivalent import equivalent
from derivations.numeric.equivalent_modes import equivalent_family
from derivations.numeric.family import overshooting
from derivations.numeric.mode_model import mode_model
from derivations.optimizers import Effect, registered, with_effects
from phases.cli import main
from phases.phase_diagram import diagram
from phases.program import optimum_at
from tests.mode_model import local_slope
from tests.test_derivation import _family

BOUND = ("effects/preconditioning", "effects/rate+preconditioning")
"""Optimizers whose noise does not imply the row."""


def rows_by_hand(name: str, a: Fraction, b: Fraction) -> list[tuple[list[Fraction], Fraction]]:
    """Rows (x, g, t, eta) . v <= bound of a preconditioned optimizer, from the theory: no derivation is read.

    L >= floor, aligned and distorted bias at time f^t; noise gamma/c times sums of lambda_j^2 over modes that are
    learned or wait; the clock; 1 <= tau <= M^(2 alpha); the step gamma c L^(-kappa) <= 1; c = M^min(alpha, 1/2).
    """
    zero, one, half = Fraction(0), Fraction(1), Fraction(1, 2)
    c, kappa = min(a, half), half if "rate" in name else zero
    p, above = 2 * a + 2 * b - 1, max(zero, 1 - 4 * a)
    waiting = max(zero, 4 * a - 1) / (2 * a)
    rows = [
        ([-2 * a + max(zero, 1 - 2 * b), zero, zero, one], zero),
        ([zero, zero, -p / (2 * a), one], zero),
        ([above - c, -one, -waiting, one], zero),  # gamma/c sum_(j>J) lambda_j^2
        ([1 - c, one, one, -kappa], one),  # tau L^kappa <= gamma c N
        ([1 - c, one, zero, zero], one),  # 1 <= gamma c N
        ([zero, zero, -one, zero], zero),
        ([-2 * a, zero, one, zero], zero),
        ([c, -one, zero, kappa], zero),  # gamma c <= L^kappa
        ([-one, zero, zero, zero], zero),
        ([one, zero, zero, zero], one),
    ]
    if 2 * a > 1 and 2 * b > 1:
        rows.append(([-one, zero, -(2 * a - 1) / (2 * a), one], zero))
    if kappa:  # L^(1/2) >= gamma/c times sum_(j<=J) lambda_j, and tau sum_(j>J) lambda_j^2
        rows.append(([-c, -one, max(zero, 1 - 2 * a) / (2 * a), half], zero))
        rows.append(([above - c, -one, 1 - waiting, half], zero))
    else:  # gamma <= c / sum_j lambda_j
        rows.append(([max(zero, 1 - 2 * a) - c, -one, zero, zero], zero))
    return rows


def best_vertex(rows: list[tuple[list[Fraction], Fraction]]) -> Fraction:
    """The largest eta over all vertices, each solved by Gauss-Jordan elimination in fractions."""
    best = None
    for chosen in combinations(rows, 4):
        table = [[*row, bound] for row, bound in chosen]
        for k in range(4):
            pivot = next((i for i in range(k, 4) if table[i][k]), None)
            if pivot is None:
                break
            table[k], table[pivot] = table[pivot], table[k]
            table[k] = [x / table[k][k] for x in table[k]]
            for i in range(4):
                if i != k and table[i][k]:
                    table[i] = [x - table[i][k] * y for x, y in zip(table[i], table[k], strict=True)]
        else:
            v = [row[4] for row in table]
            if all(sum(c * x for c, x in zip(row, v, strict=True)) <= bound for row, bound in rows):
                best = v[3] if best is None else max(best, v[3])
    assert best is not None
    return best


@pytest.mark.parametrize("name", BOUND)
@given(a=st.fractions(Fraction(1, 20), 2, max_denominator=24), b=st.fractions(-1, 3, max_denominator=24))
@settings(max_examples=25, deadline=None)
def test_the_changed_laws_have_the_slopes_of_a_programme_written_by_hand(name: str, a: Fraction, b: Fraction) -> None:
    assume(a + b > Fraction(1, 2))
    assert diagram(f"derived/{name}").at(a, b).slope == best_vertex(rows_by_hand(name, a, b))


@pytest.mark.parametrize("name", BOUND)
def test_without_the_row_steps_are_as_long_as_one_likes(name: str) -> None:
    """At (1, 1) the other rows alone allow a slope of 3/2, with gamma c far above L^kappa."""
    step = ([Fraction(1, 2), Fraction(-1), Fraction(0), Fraction("rate" in name, 2)], Fraction(0))
    rows = rows_by_hand(name, Fraction(1), Fraction(1))
    others = [r for r in rows if r != step]
    assert len(others) == len(rows) - 1 and best_vertex(others) == Fraction(3, 2)
    assert diagram(f"derived/{name}").at(1, 1).slope == Fraction(3, 4)


@pytest.mark.slow
@pytest.mark.parametrize("name", BOUND)
@pytest.mark.parametrize("alpha, beta", [("1", "1"), ("1", "1/4"), ("1/8", "3/4")])
def test_the_changed_slopes_hold_on_modes_whose_steps_are_bounded(name: str, alpha: str, beta: str) -> None:
    a, b = Fraction(alpha), Fraction(beta)
    located = diagram(f"derived/{name}").at(a, b)
    x, e = located.model_exponent, located.rate_exponent
    assert isinstance(x, Fraction) and isinstance(e, Fraction)
    family = _family(name, a, b)
    assert local_slope(family, float(x), float(e * x), np.log(1e48), np.log(1e2)) == pytest.approx(
        float(located.slope), abs=0.002
    )
    # a larger rate does worse: the slope's gain without the bound was here
    with np.errstate(invalid="ignore"):
        faster = local_slope(family, float(x), float(e * x) - 0.06, np.log(1e48), np.log(1e2))
    assert not faster > float(located.slope) - 0.02


@pytest.mark.parametrize("name", sorted(registered()))
def test_the_row_is_in_the_law_or_its_proof_is_in_the_log(name: str) -> None:
    found = derive(registered()[name])
    (step,) = [s for s in found.steps if s.title == STEP]
    assert step.result in as_text(found)
    notes = [n for n in found.dominated if n.term == STEP]
    kept = [c for c in found.law.constraints if c.name == STEP]
    assert bool(kept) == (name in BOUND)
    if not kept:
        assert [n.condition for n in notes] == ["everywhere"]
        known = {t.name for t in found.law.terms} | {"stability"}
        assert set(notes[0].by.split(", ")) <= known
        assert f"longest step is covered by {notes[0].by} everywhere" in as_text(found)


@pytest.mark.parametrize("name", sorted(set(registered()) - set(BOUND)))
@given(a=st.fractions(Fraction(1, 20), 2, max_denominator=24), b=st.fractions(-1, 3, max_denominator=24))
@settings(max_examples=15, deadline=None)
def test_where_the_row_is_left_out_it_changes_no_slope(name: str, a: Fraction, b: Fraction) -> None:
    assume(a + b > Fraction(1, 2))
    optimizer = registered()[name]
    law = derive(optimizer).law
    row = _longest_step(optimizer)
    assert optimum_at(replace(law, constraints=(*law.constraints, row)), (a, b)).slope == optimum_at(law, (a, b)).slope


def test_the_largest_rate_obeys_the_bound_on_the_step_too() -> None:
    """Preconditioned SGD at its largest rate: stability for alpha < 1/4, gamma <= M^(-min(alpha, 1/2)) above."""
    optimizer = replace(with_effects([Effect.PRECONDITIONING]), name="preconditioned-largest", rate="largest")
    found = diagram(derive(optimizer).law)
    for a, e in ((Fraction(1, 5), Fraction(2, 5)), (Fraction(1, 3), Fraction(1, 3)), (Fraction(1), Fraction(1, 2))):
        assert found.at(a, 1).rate_exponent == e


@pytest.mark.parametrize("name", sorted(registered()))
def test_only_preconditioned_optimizers_without_reshaping_get_noise_from_overshooting(name: str) -> None:
    optimizer, a, b = registered()[name], Fraction(2, 3), Fraction(1)
    modes, clock, _ = mode_model(optimizer, a, b, 2.0**40)
    plain = sum(modes.rates[0] ** 0 * 2.0 ** (40 * s) for s, _ in _family(name, a, b).noise)
    assert (modes.noise[0] > 1.01 * plain) == (name in BOUND)
    again = overshooting(modes, clock, np.ones_like(modes.rates))
    assert isinstance(clock, PowerClock) and again.noise.tolist() == modes.noise.tolist()


@pytest.mark.parametrize("name", ["sgd", "signsgd", "normalised-sgd", "effects/reshaping", "effects/preconditioning"])
def test_the_equivalent_changes_for_the_same_ones_only(name: str) -> None:
    """The fastest mode is spread over several rates there; SGD's noise is exactly what an overshooting step leaves."""
    optimizer, model = registered()[name], equivalent(0.7, 0.7, 64.0)
    plain, bounded = (equivalent_family(optimizer, model, overshoot=b).modes.noise for b in (False, True))
    assert np.allclose(plain, bounded, rtol=1e-12) == (name not in BOUND)


@pytest.mark.parametrize("name", BOUND)
@pytest.mark.parametrize("engine", ["mode", "ode"])
def test_the_referee_bounds_steps_too(name: str, engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before, its optimum took steps that are longer and longer: a slope of 3/2, not 3/4."""
    compute = {"mode": "1e24", "ode": "1e20"}[engine]
    args = ["check", f"derived/{name}", "--alpha", "1", "--beta", "1", "--engine", engine, "--compute", compute]
    assert main(args) == 0
    assert "disagrees" not in capsys.readouterr().out
