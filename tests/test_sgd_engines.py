"""SGD by contour and by its deterministic equivalent, against independent references."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy.signal import fftconvolve

from derivations.numeric.clocks import PowerClock
from derivations.numeric.equivalent import INFINITE, equivalent
from derivations.numeric.family import Family, Modes
from derivations.numeric.mode_sums import mode_nodes
from derivations.numeric.regression import power_law
from derivations.numeric.volterra import Unstable, largest_stable_rate, recurrence, risk_curve, stepwise

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


@pytest.mark.parametrize("batch", [16, 256, 10**6])
@pytest.mark.parametrize("top", [0.9, 1.0, 1.1])
def test_modes_learned_in_one_step_of_a_large_batch(batch: int, top: float) -> None:
    p = power_law(1.0, 1.0, 16)
    values = p.eigen[0]
    rate, steps = top / values.max(), np.array([1.0, 2.0, 5.0, 30.0])
    found = risk_curve(recurrence(values, p.shares, rate, p.floor, batch=batch), steps)
    assert found == pytest.approx(stepwise(values, p.shares, rate, p.floor, steps, batch=batch), rel=1e-11)


def test_small_rates_bring_the_continuous_limit_of_sgd_to_its_recurrence() -> None:
    p = power_law(1.0, 0.8, 32, seed=2)
    values = p.eigen[0]
    modes = Modes(values, p.shares, values, p.floor)
    steps, rate = np.geomspace(10, 1e6, 8), 1e-4

    exact = risk_curve(recurrence(values, p.shares, rate, p.floor), steps)
    assert Family(modes, PowerClock(0.0)).curve(rate, steps) == pytest.approx(exact, rel=1e-3)
