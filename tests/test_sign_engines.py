"""signSGD's ODEs, label noise, the family of effects and their integrator, against independent references."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from derivations.numeric.effects import diffusion
from derivations.numeric.equivalent import equivalent
from derivations.numeric.equivalent_modes import equivalent_family
from derivations.numeric.family import Family
from derivations.numeric.fit import exponent
from derivations.numeric.label_noise import label_noise
from derivations.numeric.mean_field import mean_field_curve
from derivations.numeric.mode_model import ModeDynamics, mode_model
from derivations.numeric.montecarlo import simulate
from derivations.numeric.regression import BadProblem, power_law
from derivations.numeric.sign_ode import SignBasis, linearised_curve, stationary_risk
from derivations.optimizers.lookup import optimizer_named
from derivations.schedules import schedule


def test_family_equals_a_general_ode_solver_with_and_without_schedule() -> None:
    p = power_law(0.6, 0.6, 64, seed=1)
    modes, N, rate = SignBasis(p).modes, 2000.0, 3e-3
    for text in ("constant", "power:1", "wsd:0.1:0.3:2"):
        plan = schedule(text)

        def field(n: float, q: np.ndarray, plan=plan) -> np.ndarray:  # type: ignore[no-untyped-def]
            g = rate * plan.factor(n / N)
            m = 2 / np.pi / np.sqrt(modes.floor + q.sum())
            return -2 * g * m * modes.rates * q + g * g * modes.rates * modes.noise

        steps = np.geomspace(5, N, 12)
        options = {"rtol": 1e-9, "atol": 1e-13, "max_step": 20.0}
        exact = modes.floor + solve_ivp(field, (0, N), modes.shares, t_eval=steps, **options).y.sum(axis=0)
        found = linearised_curve(SignBasis(p), rate, steps, schedule=plan)
        assert found == pytest.approx(exact, rel=5e-4), text


@pytest.mark.parametrize(
    "noise, rate, N", [("rademacher:8", 0.3, 2e4), ("rademacher:6", 0.01, 2e4), ("rademacher:4", 0.3, 10)]
)
def test_odes_where_signs_see_hardly_anything_but_noise(noise: str, rate: float, N: float) -> None:
    """m(L) changes by many orders of magnitude while the risk doubles: intrinsic time all but stands still."""
    p, law = power_law(1.0, 1.0, 32), label_noise(noise)
    basis = SignBasis(p)
    modes = basis.modes

    def field(n: float, q: np.ndarray) -> np.ndarray:
        m = float(law.slope(max(modes.floor + q.sum(), 1e-9)))
        return -2 * rate * m * modes.rates * q + rate**2 * modes.rates * modes.noise

    steps = np.array([1.0, N])
    options = {"method": "LSODA", "rtol": 1e-9, "atol": 1e-12}
    exact = modes.floor + solve_ivp(field, (0, N), modes.shares, t_eval=steps, **options).y.sum(axis=0)
    assert linearised_curve(basis, rate, steps, law) == pytest.approx(exact, rel=1e-4)
    assert mean_field_curve(basis, rate, steps, law) == pytest.approx(exact, rel=3e-3)


@pytest.mark.parametrize("text", ["wsd", "cosine", "power:3000"])
@pytest.mark.parametrize("noise", ["gaussian:0.5", "rademacher:0.5"])
def test_long_schedules_take_few_steps(text: str, noise: str) -> None:
    basis, law, N = SignBasis(power_law(0.6, 0.6, 32)), label_noise(noise), np.array([1e16])
    found = linearised_curve(basis, 0.1, N, law, schedule(text))
    assert mean_field_curve(basis, 0.1, N, law, schedule(text)) == pytest.approx(found, rel=1e-2)


@pytest.mark.parametrize("text", ["power:0.1", "power:50", "wsd:0:0.001:1", "wsd:0.3:0.7:3"])
def test_schedules_with_sharp_ends_are_resolved(text: str) -> None:
    p = power_law(1.0, 1.0, 16)
    modes, N, rate, plan = SignBasis(p).modes, 2000, 3e-3, schedule(text)
    q, parts = modes.shares.copy(), 40
    for k in range(parts * N):  # a fine exponential Euler step
        g = rate * plan.factor((k + 0.5) / (parts * N))
        decay = np.exp(-2 * g * 2 / np.pi / np.sqrt(modes.floor + q.sum()) * modes.rates / parts)
        q = q * decay + g * g * modes.rates * modes.noise / parts
    found = linearised_curve(SignBasis(p), rate, np.array([float(N)]), schedule=plan)
    assert found[0] == pytest.approx(modes.floor + q.sum(), rel=1e-3)


@pytest.mark.parametrize("noise", ["none", "gaussian:0.3", "rademacher:0.3", "cauchy:0.1", "student:0.2:3"])
@pytest.mark.parametrize("batch", [1, 4])
def test_stationary_risk_closes_both_odes(noise: str, batch: int) -> None:
    p = power_law(0.7, 0.7, 24, seed=5)
    basis, law, rate = SignBasis(p), label_noise(noise), 2e-3
    level = stationary_risk(p, rate, law, batch)
    late = np.array([1e9])
    assert linearised_curve(basis, rate, late, law, batch=batch)[0] == pytest.approx(level, rel=1e-10)
    if batch == 1 or noise != "student:0.2:3":  # that one takes a minute
        assert mean_field_curve(basis, rate, late, law, batch=batch)[0] == pytest.approx(level, rel=1e-10)


@pytest.mark.parametrize("batch, text", [(1, "constant"), (3, "constant"), (1, "power:1"), (2, "wsd:0.1:0.3:2")])
def test_mean_field_equals_a_general_ode_solver(batch: int, text: str) -> None:
    """The same closure, not its exponential integrator: mean path with the full T, linear fluctuations."""
    p = power_law(0.8, 0.6, 24, seed=1)
    basis, rate, N, plan = SignBasis(p), 3e-3, 2000.0, schedule(text)
    modes, sigma, K = basis.modes, basis.sigma, p.covariance
    M, law = len(sigma), label_noise("gaussian:0.1")

    def risk(state: np.ndarray) -> float:
        e, q = state[:M], state[M:]
        return p.floor + float(e @ K @ e) + float(q.sum())

    def field(n: float, state: np.ndarray) -> np.ndarray:
        e, q, L, gamma = state[:M], state[M:], risk(state), rate * plan.factor(n / N)
        mean = law.mean_sign(K @ e / (sigma * np.sqrt(L)), L, batch)
        decay = 2 * gamma * float(law.slope(L, batch)) * modes.rates
        return np.concatenate([-gamma * mean, -decay * q + gamma**2 * modes.rates * modes.noise])

    steps = np.geomspace(5, N, 12)
    start = np.concatenate([-p.optimum, np.zeros(M)])
    states = solve_ivp(field, (0, N), start, t_eval=steps, rtol=1e-9, atol=1e-12, max_step=20.0).y.T
    found = mean_field_curve(basis, rate, steps, law, plan, batch)
    assert found == pytest.approx([risk(s) for s in states], rel=2e-3)


@pytest.mark.parametrize(
    "noise, batch, text",
    [
        ("none", 1, "constant"),
        ("rademacher:0.5", 1, "constant"),
        ("cauchy:0.2", 1, "wsd:0.1:0.3:1"),
        ("none", 4, "power:1"),
        ("rademacher:0.3", 4, "constant"),
    ],
)
def test_mean_field_follows_sampled_signsgd_in_the_transient(noise: str, batch: int, text: str) -> None:
    p, plan = power_law(0.8, 0.6, 128, seed=1), schedule(text)
    steps = np.unique(np.round(np.geomspace(1, 1500, 10)))
    sampled = simulate(p, "signsgd", 3e-3, steps, runs=192, seed=2, noise=noise, schedule=plan, batch=batch)
    predicted = mean_field_curve(SignBasis(p), 3e-3, steps, label_noise(noise), plan, batch)
    gap = np.abs(predicted - sampled.mean[0])
    assert np.all(gap < 0.06 * sampled.mean[0] + 4 * sampled.stderr[0])


NOISES = ["none", "gaussian:0.7", "rademacher:1", "uniform:1", "cauchy:0.5", "student:0.5:3", "mixture:0.3:10:0.1"]


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_mean_sign_is_what_samples_show(noise: str, batch: int) -> None:
    law, draws, L = label_noise(noise), 40_000, 0.3
    rng = np.random.default_rng([batch, NOISES.index(noise)])
    rho = np.array([0.05, 0.6, -0.97])
    predicted = law.mean_sign(rho, L, batch)
    for r, T in zip(rho, predicted, strict=True):
        g = rng.standard_normal((draws, batch))
        x = r * g + np.sqrt(1 - r * r) * rng.standard_normal((draws, batch))
        signs = np.sign(np.sum((np.sqrt(L) * g + law.sample(rng, (draws, batch))) * x, axis=1))
        assert abs(signs.mean() - T) < 4.5 / np.sqrt(draws)
    small = np.array([1e-4])
    assert law.mean_sign(small, L, batch)[0] / small[0] == pytest.approx(float(law.slope(L, batch)) * L**0.5, rel=1e-5)


def test_noise_compression_is_an_effect_of_its_own() -> None:
    """Neutral without label noise and with Gaussian noise; Rademacher noise stops the drift at small risk."""
    p = power_law(0.7, 0.6, 48, seed=2)
    steps = np.array([10.0, 1000.0])

    def risk(name: str, noise: str) -> np.ndarray:
        return diffusion(optimizer_named(name), p, label_noise(noise)).family.curve(0.02, steps)

    for noise in ("none", "gaussian:0.5"):
        assert risk("effects/compression", noise) == pytest.approx(risk("effects/none", noise), rel=1e-9)
        assert risk("signsgd", noise) == pytest.approx(risk("effects/rate+preconditioning+reshaping", noise), rel=1e-9)
    assert risk("effects/compression", "rademacher:1")[1] > 1.5 * risk("effects/none", "rademacher:1")[1]
    with pytest.raises(BadProblem, match="finite variance"):
        risk("effects/rate", "cauchy:1")


@pytest.mark.parametrize("alpha, beta, M", [(0.35, 0.7, 600), (1.0, 0.8, 2.0**30), (0.7, 0.4, 2.0**12)])
def test_the_equivalent_as_a_list_of_modes_has_its_curves(alpha: float, beta: float, M: float) -> None:
    model, steps = equivalent(alpha, beta, M), np.geomspace(1, 1e7, 15)
    found = equivalent_family(optimizer_named("sgd"), model).curve(2e-3, steps)
    assert found == pytest.approx(model.sgd_curve(2e-3, steps, continuous=True), rel=1e-2)


def test_the_equivalent_of_signsgd_is_as_near_to_sketches_as_that_of_sgd() -> None:
    """A few sketches of M = 192 scatter about it by a tenth, and by the same for both."""
    steps, model = np.geomspace(10, 1e6, 7), equivalent(0.35, 0.7, 192)
    problems = [power_law(0.35, 0.7, 192, seed=k) for k in range(3)]
    ratios = []
    for name in ("sgd", "signsgd"):
        optimizer = optimizer_named(name)
        mean = np.mean([diffusion(optimizer, p).family.curve(2e-3, steps) for p in problems], axis=0)
        ratios.append(mean / equivalent_family(optimizer, model).curve(2e-3, steps))
    assert ratios[1] == pytest.approx(ratios[0], rel=0.06)
    assert np.all(np.abs(ratios[1] - 1) < 0.2)


def test_many_triples_at_once_are_the_same_as_one_by_one() -> None:
    model = ModeDynamics(optimizer_named("signsgd"), Fraction(2, 5), Fraction(7, 10), h=0.1)
    sizes, rates, steps = np.array([64.0, 4096.0]), np.array([1e-3, 3e-5]), np.array([300.0, 2e5])
    together = model.each(sizes, rates, steps)
    for k in range(2):
        modes, clock, _ = mode_model(model.optimizer, model.alpha, model.beta, float(sizes[k]))
        alone = Family(modes, clock).curve(float(rates[k]), steps[k : k + 1])
        assert together[k] == pytest.approx(alone[0], rel=2e-3)


@pytest.mark.parametrize("decay, correction", [(0.5, 0.2), (0.8, 0.5), (0.3, 0.1)])
def test_error_bars_cover_corrections_to_scaling(decay: float, correction: float) -> None:
    x = np.logspace(2, 14, 49)
    fit = exponent(x, x**-decay * (1 + 3 * x**-correction))
    assert abs(fit.value + decay) <= 1.5 * fit.error
