"""The referee's engines against independent references."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.signal import fftconvolve

from derivations.numeric.clocks import PowerClock
from derivations.numeric.curve import curve
from derivations.numeric.effects import diffusion
from derivations.numeric.equivalent import INFINITE, equivalent
from derivations.numeric.equivalent_modes import equivalent_family
from derivations.numeric.family import Family, Modes
from derivations.numeric.fit import exponent
from derivations.numeric.label_noise import label_noise
from derivations.numeric.mean_field import mean_field_curve
from derivations.numeric.mode_model import ModeDynamics, mode_model
from derivations.numeric.mode_sums import mode_nodes
from derivations.numeric.montecarlo import Normals, simulate
from derivations.numeric.regression import BadProblem, NotACovariance, Regression, power_law, regression
from derivations.numeric.request import Request, optimizer_named
from derivations.numeric.sde import sample_sde
from derivations.numeric.sign_ode import SignBasis, linearised_curve, stationary_risk
from derivations.numeric.volterra import Unstable, largest_stable_rate, recurrence, risk_curve, stepwise
from derivations.schedules import schedule
from phases.cli import main

PLANE = [(1.0, 1.0), (0.7, 0.4), (0.4, 0.7), (1.5, 0.2)]


@pytest.mark.parametrize("alpha, beta", PLANE)
@pytest.mark.parametrize("fraction", [0.1, 0.9, 0.999])
def test_contour_equals_the_recurrence_step_by_step(alpha: float, beta: float, fraction: float) -> None:
    p = power_law(alpha, beta, 48, seed=3)
    values = p.eigen[0]
    rate = fraction * largest_stable_rate(values)
    steps = np.unique(np.round(np.geomspace(1, 4000, 15)))
    modes = recurrence(values, p.shares, rate, p.floor)
    assert risk_curve(modes, steps) == pytest.approx(stepwise(values, p.shares, rate, p.floor, steps), rel=1e-9)


def test_contour_equals_an_fft_volterra_solution_and_the_secular_eigenvalues() -> None:
    p = power_law(0.8, 0.6, 32, seed=4)
    values, rate, N = p.eigen[0], 0.2, 512
    modes = recurrence(values, p.shares, rate, p.floor)
    n = np.arange(N + 1)
    powers = (1 - modes.decay[:, None]) ** n
    forcing = p.floor + modes.shares @ powers
    kernel = np.concatenate([[0.0], (modes.injection @ powers)[:-1]])
    risk = forcing.copy()
    for _ in range(200):  # Picard iteration of L = F + K * L with fast convolutions
        risk = forcing + fftconvolve(kernel, risk)[: N + 1]
    assert risk_curve(modes, n.astype(float)) == pytest.approx(risk, rel=1e-9)
    # the dense eigen-solution of the diagonal-plus-rank-one matrix
    matrix = np.diag(1 - modes.decay) + modes.injection[:, None]
    eigenvalues, vectors = np.linalg.eig(matrix)
    late = 1e5
    fixed = np.linalg.solve(np.eye(len(values)) - matrix, modes.injection * p.floor)
    q = (vectors * eigenvalues**late) @ np.linalg.solve(vectors, modes.shares - fixed) + fixed
    assert risk_curve(modes, [late])[0] == pytest.approx(p.floor + float(q.real.sum()), rel=1e-9)
    assert risk_curve(modes, [1e14])[0] == pytest.approx(modes.stationary, rel=1e-10)


def exact_powers(values: np.ndarray, shares: np.ndarray, rate: float, floor: float, batch: int, at: list[int]) -> list:  # type: ignore[type-arg]
    """The recurrence as powers of one matrix, in sixty digits."""
    with mpmath.workdps(60):
        n = len(values)
        matrix = mpmath.zeros(n + 1)
        for i in range(n):
            x = mpmath.mpf(float(values[i])) * rate
            for j in range(n + 1):
                matrix[i, j] = x * x / batch * (floor if j == n else 1)
            matrix[i, i] += 1 - 2 * x + (1 + mpmath.mpf(1) / batch) * x * x
        matrix[n, n] = 1
        start = mpmath.matrix([*map(float, shares), 1.0])
        powers = [matrix]
        while 2 ** len(powers) <= max(at):
            powers.append(powers[-1] ** 2)
        out = []
        for t in at:
            state = start
            for k, power in enumerate(powers):
                if t >> k & 1:
                    state = power * state
            out.append(float(floor + mpmath.fsum(state[:n])))
        return out


@pytest.mark.parametrize(
    "alpha, beta, fraction, floor, batch, within",
    [
        (1.0, 1.0, 0.3, 1e-3, 1, 1e-12),
        (0.3, 0.7, 0.9, 0.1, 1, 1e-12),
        (2.0, 1.0, 0.3, 1e-9, 1, 1e-11),  # the risk falls by nine decades: the error is relative to it
        (1.0, 1.0, 1e-7, 1e-3, 1, 1e-12),  # hardly a step
        (1.0, 1.0, 0.4, 1e-3, 10**6, 1e-12),  # gradient descent but for one part in a million
        (1.0, 1.0, 1 - 1e-6, 1e-3, 1, 1e-9),  # 1 - norm loses six digits
    ],
)
def test_contour_in_sixty_digits_to_the_end_of_time(
    alpha: float, beta: float, fraction: float, floor: float, batch: int, within: float
) -> None:
    j = np.arange(1.0, 8)
    values = j ** (-2 * alpha)
    shares = values * j ** (-2 * beta)
    rate = fraction * (1.0 if batch > 1 else largest_stable_rate(values))
    at = [1, 2, 10, 1000, 10**5, 10**8, 10**12]
    exact = exact_powers(values, shares, rate, floor, batch, at)
    found = risk_curve(recurrence(values, shares, rate, floor, batch=batch), np.array(at, dtype=float))
    assert found == pytest.approx(exact, rel=within)


def test_an_unstable_rate_is_reported_and_the_limit_is_sharp() -> None:
    p = power_law(1.0, 1.0, 16, seed=1)
    limit = largest_stable_rate(p.eigen[0])
    assert recurrence(p.eigen[0], p.shares, limit * (1 - 1e-9), p.floor).kernel_norm < 1
    with pytest.raises(Unstable, match="stability limit"):
        recurrence(p.eigen[0], p.shares, limit * (1 + 1e-9), p.floor)


@pytest.mark.parametrize("alpha, beta, batch", [(1.0, 1.0, 1), (0.4, 0.7, 1), (1.0, 1.0, 8)])
def test_deterministic_equivalent_is_the_mean_over_sketches(alpha: float, beta: float, batch: int) -> None:
    """Up to a bias of order 1/M and the scatter of the mean."""
    M, draws = 96, 24
    model = equivalent(alpha, beta, M)
    rate = 0.3 * min(model.largest_stable_rate(batch), 1.0)
    steps = np.geomspace(1, 1e6, 8)
    curves = []
    for seed in range(draws):
        p = power_law(alpha, beta, M, seed=seed)
        curves.append(risk_curve(recurrence(p.eigen[0], p.shares, rate, p.floor, batch=batch), steps))
    mean, scatter = np.mean(curves, axis=0), np.std(curves, axis=0) / np.sqrt(draws - 1)
    assert np.all(np.abs(model.sgd_curve(rate, steps, batch=batch) - mean) < 5 * scatter + 4 / M * mean)


def test_deterministic_equivalent_of_features_that_span_the_space() -> None:
    """v = M: no floor, and the spectrum reaches zero; the mean over sketches again."""
    M, steps = 32, np.geomspace(1, 1e4, 6)
    model = equivalent(1.0, 1.0, M, M)
    problems = [power_law(1.0, 1.0, M, M, seed=seed) for seed in range(40)]
    curves = [risk_curve(recurrence(p.eigen[0], p.shares, 0.2, p.floor), steps) for p in problems]
    mean, scatter = np.mean(curves, axis=0), np.std(curves, axis=0) / np.sqrt(len(curves) - 1)
    assert model.floor == 0 and np.all(np.abs(model.sgd_curve(0.2, steps) - mean) < 5 * scatter + 4 / M * mean)


def test_modes_too_slow_for_the_contour_are_a_constant() -> None:
    """At (1, -0.45) a third of the risk sits beyond 2^20; a longer horizon makes the contour see more of it."""
    model, steps = equivalent(1.0, -0.45, 2.0**60), np.geomspace(1, 1e6, 7)
    far = model.sgd_curve(0.2, np.append(steps, 1e30))[:-1]
    assert model.sgd_curve(0.2, steps) == pytest.approx(far, rel=1e-10) and far[-1] > 0.3 * model.start


@pytest.mark.parametrize("alpha, M, v", [(1.0, 50, 200), (0.3, 64, 64), (2.0, 7, 9)])
def test_m_solves_its_equation_and_gives_the_floor(alpha: float, M: int, v: int) -> None:
    lam = np.arange(1.0, v + 1) ** (-2 * alpha)
    model = equivalent(alpha, 0.6, M, v)
    z = np.geomspace(1e-9, 1e3, 40) * np.exp(0.6j)
    m = model.m(z)
    assert m * (1 + np.sum(lam / (lam * m[:, None] - z[:, None]), axis=1) / M) == pytest.approx(np.ones(40), rel=1e-9)
    signal = lam * np.arange(1.0, v + 1) ** -1.2
    # the part of the target that no linear predictor reaches: sum lambda b^2 kappa/(kappa + lambda)
    kappa = model.kappa
    assert np.sum(lam / (lam + kappa)) == pytest.approx(M, rel=1e-12)
    assert model.floor == pytest.approx(np.sum(signal * kappa / (kappa + lam)), rel=1e-12, abs=1e-15)


def test_deterministic_equivalent_at_astronomical_size() -> None:
    steps = np.geomspace(1, 1e8, 12)
    large, larger = (equivalent(1.0, 1.0, 2.0**k, INFINITE).sgd_curve(0.3, steps) for k in (50, 60))
    assert large == pytest.approx(larger, rel=1e-4)
    finer = equivalent(1.0, 1.0, 2.0**50, INFINITE).sgd_curve(0.3, steps, error=1e-15)
    assert large == pytest.approx(finer, rel=1e-5)


@pytest.mark.parametrize("M", [1, 7, 33, 100, 4567])
@pytest.mark.parametrize("a", [0.3, 1.0, 2.5])
def test_gauss_sums_are_sums(M: int, a: float) -> None:
    j, w = mode_nodes(float(M))
    assert w @ j**-a == pytest.approx(np.sum(np.arange(1, M + 1.0) ** -a), rel=1e-13)


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


@pytest.mark.parametrize("batch", [16, 256, 10**6])
@pytest.mark.parametrize("top", [0.9, 1.0, 1.1])
def test_modes_learned_in_one_step_of_a_large_batch(batch: int, top: float) -> None:
    p = power_law(1.0, 1.0, 16)
    values = p.eigen[0]
    rate, steps = top / values.max(), np.array([1.0, 2.0, 5.0, 30.0])
    found = risk_curve(recurrence(values, p.shares, rate, p.floor, batch=batch), steps)
    assert found == pytest.approx(stepwise(values, p.shares, rate, p.floor, steps, batch=batch), rel=1e-11)


def test_standard_errors_of_several_sketches_are_of_independent_samples() -> None:
    """Beside the exact curve of the same sketches, their scatter over seeds is what the standard error says."""
    deviations = []
    for seed in range(24):
        request = Request("sgd", Fraction(1), Fraction(1), 16, 0.1, 20, points=4, sketches=8, seed=seed)
        sampled, exact = (curve(replace(request, engine=engine)) for engine in ("montecarlo", "volterra"))
        assert sampled.stderr is not None
        deviations.append((sampled.risk - exact.risk) / sampled.stderr)
    spread = np.std(deviations, axis=0)
    assert np.all((spread > 0.6) & (spread < 1.5))


def test_features_that_are_singular_to_rounding_are_sampled_too() -> None:
    p = power_law(12.0, 1.0, 24)
    assert p.factor @ p.factor.T == pytest.approx(p.covariance, abs=1e-12)
    assert np.isfinite(simulate(p, "signsgd", 1e-3, [10], runs=4).mean).all()


def test_small_rates_bring_the_continuous_limit_of_sgd_to_its_recurrence() -> None:
    p = power_law(1.0, 0.8, 32, seed=2)
    values = p.eigen[0]
    modes = Modes(values, p.shares, values, p.floor)
    steps, rate = np.geomspace(10, 1e6, 8), 1e-4

    exact = risk_curve(recurrence(values, p.shares, rate, p.floor), steps)
    assert Family(modes, PowerClock(0.0)).curve(rate, steps) == pytest.approx(exact, rel=1e-3)


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


def test_sampled_sgd_is_the_exact_recurrence() -> None:
    p = power_law(0.6, 0.6, 32, seed=1)
    rate = 0.2 * largest_stable_rate(p.eigen[0])
    steps = np.array([1.0, 10.0, 100.0, 400.0])
    for batch in (1, 3):
        modes = recurrence(p.eigen[0], p.shares, rate, p.floor, batch=batch, label_noise=0.04)
        sampled = simulate(p, "sgd", rate, steps, runs=1024, seed=1, noise="gaussian:0.2", batch=batch)
        assert np.all(np.abs(sampled.mean[0] - risk_curve(modes, steps)) < 5 * sampled.stderr[0])


@pytest.mark.parametrize("noise", ["none", "rademacher:0.3"])
@pytest.mark.parametrize(
    "name", ["signsgd", "sgd", "normalised-sgd", "effects/compression", "effects/preconditioning", "effects/reshaping"]
)
def test_sampled_paths_of_the_sde_scatter_about_its_risk_ode(name: str, noise: str) -> None:
    """Up to the O(1/M) by which the mean of a nonlinear clock is not the clock of the mean."""
    model = diffusion(optimizer_named(name), power_law(0.7, 0.6, 64, seed=1), label_noise(noise))
    steps = np.unique(np.round(np.geomspace(1, 2000, 7)))
    sampled = sample_sde(model, 0.01, steps, runs=192)
    exact = model.family.curve(0.01, steps)
    assert np.all(np.abs(sampled.mean[0] - exact) < 4 * sampled.stderr[0] + 0.06 * exact)


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


def test_samples_depend_on_the_seed_alone() -> None:
    from concurrent.futures import ThreadPoolExecutor

    p = power_law(1.0, 1.0, 16, seed=1)
    alone = simulate(p, "signsgd", [0.01, 0.02], [1, 20, 50], runs=200, seed=7)
    with ThreadPoolExecutor(3) as pool:
        together = simulate(p, "signsgd", [0.01, 0.02], [1, 20, 50], runs=200, seed=7, executor=pool)
    assert np.array_equal(alone.mean, together.mean)
    assert not np.array_equal(alone.mean, simulate(p, "signsgd", [0.01, 0.02], [1, 20, 50], runs=200, seed=8).mean)
    z = Normals(np.random.default_rng(1), (200_001,)).draw().astype(float)
    assert abs(z.mean()) < 0.01 and abs(z.var() - 1) < 0.02 and abs((z**4).mean() - 3) < 0.15


@pytest.mark.parametrize("decay, correction", [(0.5, 0.2), (0.8, 0.5), (0.3, 0.1)])
def test_error_bars_cover_corrections_to_scaling(decay: float, correction: float) -> None:
    x = np.logspace(2, 14, 49)
    fit = exponent(x, x**-decay * (1 + 3 * x**-correction))
    assert abs(fit.value + decay) <= 1.5 * fit.error


def test_bad_problems_are_refused_with_one_sentence() -> None:
    with pytest.raises(NotACovariance, match="square"):
        regression(np.ones((2, 3)), np.ones(2))
    with pytest.raises(NotACovariance, match="NaN"):
        regression(np.array([[1.0, np.nan], [np.nan, 1.0]]), np.ones(2))
    with pytest.raises(NotACovariance, match="semi-definite"):
        regression(np.array([[1.0, 2.0], [2.0, 1.0]]), np.ones(2))
    with pytest.raises(NotACovariance, match="symmetric"):
        regression(np.array([[1.0, 0.2], [0.1, 1.0]]), np.ones(2))
    with pytest.raises(BadProblem, match="M <= v"):
        power_law(1.0, 1.0, 10, 5)
    with pytest.raises(BadProblem, match="learning rate > 0"):
        stationary_risk(Regression(np.eye(2), np.ones(2), 0.0), -1.0)


@pytest.mark.parametrize("engine", ["volterra", "equivalent", "ode", "montecarlo", "law"])
def test_every_engine_of_sgd_draws_the_same_curve(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["curve", "sgd", "--alpha", "1", "--beta", "1", "--model-size", "64", "--rate", "0.05", "--steps", "1e4"]
    assert main([*args, "--engine", engine, "--json", "--points", "8", "--sketches", "2"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["engine"] == engine and len(data["steps"]) == len(data["risk"])
    assert ("stderr" in data) == (engine == "montecarlo")
    exact = curve(Request("sgd", Fraction(1), Fraction(1), 64, 0.05, 1e4, points=8, sketches=2)).risk
    # the law is an asymptote with constants for v = inf; two sketches of M = 64 scatter about the equivalent
    within = {"law": 3.0, "equivalent": 2.0, "montecarlo": 1.5}.get(engine, 1.1)
    assert np.all(np.abs(np.log(np.array(data["risk"]) / exact)) < np.log(within))


@pytest.mark.parametrize(
    "extra, words",
    [
        (["--rate", "0"], "learning rate > 0"),
        (["--rate", "9"], "stability limit"),
        (["--ambient", "8"], "M <= v"),
        (["--ambient", "inf"], "whole ambient dimension"),
        (["--ambient", "nan", "--engine", "equivalent"], "whole ambient dimension"),
        (["--ambient", "99.5", "--engine", "equivalent"], "whole ambient dimension"),
        (["--steps", "1.5"], "whole number of steps"),
        (["--steps", "1e101"], "whole number of steps"),
        (["--rate", "1e-160"], "between 1e-100 and 1e100"),
        (["--rate=-2^0.5"], "expected a number"),
        (["--points", "1e11"], "2 to 100,000 points"),
        (["--sketches", "2^200"], "1 to 10,000 sketches"),
        (["--batch", "0"], "batch size >= 1"),
        (["--batch", "1e8", "--engine", "montecarlo", "--rate", "1e-3", "--steps", "1"], "model size times batch size"),
        (["--time-limit", "nan"], "time limit > 0"),
        (["--noise", "gaussian:1e200"], "between 1e-50 and 1e50"),
        (["--noise", "student:1:1e14"], "degrees of freedom"),
        (["--rate", "1e10", "--engine", "montecarlo"], "grows without bound"),
        (["--alpha", "3", "--model-size", "2^100", "--engine", "equivalent"], "double precision"),
        (["--steps", "1e9", "--engine", "montecarlo"], "would take about"),
        (["--engine", "magic"], "expected an engine"),
        (["--engine", "meanfield"], "expected signsgd with engine meanfield"),
        (["--noise", "cauchy:1"], "finite variance"),
        (["--schedule", "never"], "expected a schedule"),
        (["--model-size", "x"], "expected a number"),
        (["--alpha", "0.1", "--beta", "0.1"], "alpha + beta > 1/2"),
    ],
)
def test_bad_curves_exit_2(extra: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["curve", "sgd", "--alpha", "1", "--beta", "1", "--model-size", "32", "--rate", "0.1", "--steps", "100"]
    assert main([*args, *extra]) == 2
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1


def test_the_equivalent_draws_every_optimizer_and_says_how() -> None:
    big = curve(Request("signsgd", Fraction(2, 5), Fraction(7, 10), 2.0**40, 1e-8, 1e9, engine="equivalent", points=6))
    assert "diagonal" in big.model and np.isfinite(big.risk).all()
    with pytest.raises(Unstable):
        curve(Request("sgd", Fraction(1), Fraction(1), 64, 9.0, 100, engine="equivalent"))
