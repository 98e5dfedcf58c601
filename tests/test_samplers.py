"""Samplers and problems: what is drawn is what the exact engines say."""

from __future__ import annotations

import numpy as np
import pytest

from derivations.numeric.effects import diffusion
from derivations.numeric.label_noise import label_noise
from derivations.numeric.montecarlo import Normals, simulate
from derivations.numeric.regression import BadProblem, NotACovariance, Regression, power_law, regression
from derivations.numeric.sde import sample_sde
from derivations.numeric.sign_ode import stationary_risk
from derivations.numeric.volterra import largest_stable_rate, recurrence, risk_curve
from derivations.optimizers.lookup import optimizer_named


def test_features_that_are_singular_to_rounding_are_sampled_too() -> None:
    p = power_law(12.0, 1.0, 24)
    assert p.factor @ p.factor.T == pytest.approx(p.covariance, abs=1e-12)
    assert np.isfinite(simulate(p, "signsgd", 1e-3, [10], runs=4).mean).all()


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
