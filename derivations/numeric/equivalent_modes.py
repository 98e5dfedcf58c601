"""The deterministic equivalent as a short list of modes: what an integrator needs, for M up to 2^100.

Risk dynamics see the spectrum only through the completely monotone functions sum_i q_i exp(-Lambda_i t) and
sum_i Lambda_i exp(-Lambda_i t), which a contour integral of the equivalent's resolvent gives at any t. Non-negative
least squares finds rates on a geometric grid, about eight a decade, that reproduce both to 1e-3 or better.

For signSGD, diag K is replaced by its mean tr K/M: exact as M grows for alpha < 1/2, where the diagonal concentrates;
above, the first few features differ from one another at any M and constants (not exponents) are off.

Source: equivalent of arXiv:2405.15074; modes by non-negative least squares, new.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from derivations.numeric.contour import contour
from derivations.numeric.effects import clock_of, noise_scale
from derivations.numeric.equivalent import Equivalent
from derivations.numeric.family import Family, Modes, overshooting
from derivations.numeric.label_noise import NONE, LabelNoise
from derivations.numeric.regression import Array, NoConvergence
from derivations.optimizers import Optimizer

RATIO = 1.35
"""Between neighbouring rates of the grid."""
TOLERATED = 0.1
"""Misfit, relative to the function, above which the modes are refused."""


def spectrum(model: Equivalent, ratio: float = RATIO) -> tuple[Array, Array, Array]:
    """Rates Lambda_k, their shares of the initial risk, and of the trace, arrays of shape (modes,).

    Raises
    ------
    NoConvergence : no non-negative weights reproduce the functions.

    >>> from derivations.numeric.equivalent import equivalent
    >>> model = equivalent(1.0, 1.0, 2.0**40)
    >>> rates, shares, masses = spectrum(model)
    >>> len(rates) < 200, bool(abs((shares.sum() + model.floor) / model.start - 1) < 0.005)
    (True, True)
    """
    edge = model.smallest_eigenvalue
    slowest = max(edge, 1e-3 * model.kappa, 1e-3 * model.M ** (-2 * model.alpha))
    fastest = 2 * (1.0 + model.trace / model.M)
    count = int(2.5 * np.log(fastest / slowest) / np.log(ratio)) + 10
    gap = slowest == edge  # otherwise even slower modes are seen as the slowest of the grid
    times = np.geomspace(0.05 / fastest, (5 if gap else 0.2) / slowest, count)
    path = contour(slowest, 1e-12, True, fastest, gap)
    rates = np.exp(np.arange(np.log(slowest) - 0.2, np.log(fastest) + 0.2, np.log(ratio)))
    decay = np.exp(-times[:, None] * rates)
    weights = []
    for transform, total in zip(model.resolvent(path.nu), (model.start - model.floor, model.trace), strict=True):
        curve = path.curve(transform, times, total)
        if not (curve > 0).all():
            raise NoConvergence("expected a spectrum with positive weights, its transform changes sign")
        scale = np.exp(np.interp(-np.log(rates), np.log(times), np.log(curve)))
        found, _ = nnls(decay * scale / curve[:, None], np.ones(len(times)), maxiter=30 * len(rates))
        misfit = float(np.abs((decay * scale) @ found / curve - 1).max())
        if misfit > TOLERATED:
            raise NoConvergence(f"expected modes that reproduce the spectrum to {TOLERATED}, reached {misfit:.2g}")
        weights.append(found * scale)
    shares, masses = weights
    used = (shares > 0) | (masses > 0)
    return rates[used], shares[used], masses[used]


def equivalent_family(
    optimizer: Optimizer, model: Equivalent, noise: LabelNoise = NONE, batch: int = 1, overshoot: bool = False
) -> Family:
    """Any subset of the four effects on the equivalent; `effects.diffusion` with the diagonal at its mean.

    A step's noise on a mode is Lambda for SGD's covariance K, and (2/pi)(K + (pi/2 - 1) d I) for d K_sigma: the arcsine
    of correlations is linear but for the diagonal. With ``overshoot`` steps longer than the fastest mode's time are no
    use (`family.overshooting`).
    """
    clock = clock_of(optimizer, noise, batch)
    rates, shares, masses = spectrum(model)
    d = model.trace / model.M
    spread = (2 / np.pi) * (rates / d + (np.pi / 2 - 1)) if len(optimizer.noise) == 2 else rates
    spread = spread * noise_scale(optimizer)
    scale = np.sqrt(d) if optimizer.clock != "0" else 1.0
    count = masses / rates  # masses are Lambda times the number of modes; noise counts modes
    modes = Modes(rates / scale, shares, count * spread * scale, model.floor)
    return Family(overshooting(modes, clock, count) if overshoot else modes, clock)
