"""SGD's risk, exactly, at any step: the diagonal-plus-rank-one recurrence solved by one contour integral.

With q_j = lambda_j rho_j, batch B and Gaussian features, one step of SGD is, in expectation and exactly,

    q+ = (1 - delta) q + k (L + nu^2),  L = floor + sum_j q_j,
    delta_j = 2 gamma lambda_j - (1 + 1/B) gamma^2 lambda_j^2,  k_j = gamma^2 lambda_j^2 / B,

the discrete Volterra equation L = F + K * L. Eliminating q gives the transform of L as a ratio of two sums over modes;
`derivations.numeric.contour` inverts it for all steps at once, O(M) a node. The continuous limit (``continuous=True``)
replaces the recurrence by q' = -2 gamma lambda q + k L in time t = steps.

Note that the integral-form Volterra equation printed in the literature differs from this recurrence at small t (by up
to 24 %): here the recurrence itself is solved.

Source: arXiv:2405.15074 (recurrence, kernel norm); contour solution re-derived.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from derivations.numeric.contour import Array, Contour, contour, earliest_of
from derivations.numeric.regression import BadProblem, check_batch, check_rate, check_steps
from derivations.schedules import CONSTANT, Schedule


class Unstable(BadProblem):
    """The learning rate is beyond the stability limit: the risk grows without bound."""


@dataclass(frozen=True, eq=False)
class Recurrence:
    """decay delta_j, injection k_j and initial shares q_j of the modes; ``floor`` of L, label noise variance."""

    decay: Array
    injection: Array
    shares: Array
    floor: float
    label_noise: float

    @property
    def kernel_norm(self) -> float:
        """sum_j k_j/delta_j: below one the risk settles, above it explodes."""
        return float(np.sum(self.injection / self.decay))

    @property
    def stationary(self) -> float:
        """The risk L at which the recurrence settles."""
        return (self.floor + self.label_noise) / (1 - self.kernel_norm) - self.label_noise


def recurrence(
    eigenvalues: Array,
    shares: Array,
    rate: float,
    floor: float = 0.0,
    *,
    batch: int = 1,
    label_noise: float = 0.0,
    continuous: bool = False,
) -> Recurrence:
    """The recurrence of SGD on modes with the given eigenvalues and initial shares q_j = lambda_j rho_j(0).

    Raises
    ------
    BadProblem : a rate that is not positive, a batch < 1.
    Unstable : the kernel norm is one or more; the message gives the largest stable rate.
    """
    check_rate(rate)
    check_batch(batch)
    keep = eigenvalues > 0
    lam = eigenvalues[keep]
    if kernel_norm(lam, rate, batch, continuous) >= 1:
        limit = largest_stable_rate(lam, batch, continuous)
        raise Unstable(
            f"expected a rate below the stability limit {limit:.6g}, got {rate:g}: the risk grows without bound"
        )
    square = 0.0 if continuous else (1 + 1 / batch) * (rate * lam) ** 2
    return Recurrence(2 * rate * lam - square, (rate * lam) ** 2 / batch, shares[keep], floor, label_noise)


def kernel_norm(eigenvalues: Array, rate: float, batch: int = 1, continuous: bool = False) -> float:
    """sum_j k_j/delta_j = (gamma/2B) sum_j lambda_j/(1 - (1 + 1/B) gamma lambda_j/2), infinite past its pole."""
    pole = 0.0 * eigenvalues if continuous else (1 + 1 / batch) * rate * eigenvalues / 2
    if (pole >= 1).any():
        return np.inf
    return float(rate / (2 * batch) * np.sum(eigenvalues / (1 - pole)))


def largest_stable_rate(eigenvalues: Array, batch: int = 1, continuous: bool = False) -> float:
    """The rate at which the kernel norm is one, by bisection to rounding."""
    low, high = 0.0, 2 * batch / float(np.sum(eigenvalues))
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if kernel_norm(eigenvalues, middle, batch, continuous) < 1 else (low, middle)
    return low


def risk_curve(modes: Recurrence, steps: Array, error: float = 1e-15, continuous: bool = False) -> Array:
    """The risk L after the given numbers of steps, to about the given error relative to it, but not below rounding.

    Relative to the start where no floor is left to settle at, and to the level it settles at close to the edge of
    stability, where 1 - norm has few digits.

    >>> modes = recurrence(np.array([1.0, 0.25]), np.array([1.0, 0.5]), 0.1, floor=0.01)
    >>> [round(float(x), 9) for x in risk_curve(modes, [0, 1, 1e9])]
    [1.51, 1.32166875, 0.010733945]
    """
    times = check_steps(np.asarray(steps))
    norm = modes.kernel_norm
    slowest = float(modes.decay.min()) * (1 - norm)
    path = contour(slowest, error, continuous, float(modes.decay.max()), earliest=earliest_of(times))
    settled = (modes.floor + modes.label_noise) / (1 - norm)
    transform = _transform(modes, settled, path)
    start = modes.floor + float(modes.shares.sum())
    out = settled - modes.label_noise + path.curve(transform, times, start + modes.label_noise - settled)
    return np.where(times == 0, start, np.maximum(out, modes.floor))


def stepwise(
    eigenvalues: Array,
    shares: Array,
    rate: float,
    floor: float,
    steps: Array,
    schedule: Schedule = CONSTANT,
    batch: int = 1,
    label_noise: float = 0.0,
) -> Array:
    """The recurrence one step at a time, O(M N): any schedule, and the reference for `risk_curve`.

    >>> [round(float(x), 9) for x in stepwise(np.array([1.0, 0.25]), np.array([1.0, 0.5]), 0.1, 0.01, [0, 1])]
    [1.51, 1.32166875]
    """
    check_rate(rate)
    times = np.round(check_steps(np.asarray(steps))).astype(np.int64)
    last = int(times.max())
    q = shares.copy()
    risks = {0: floor + float(q.sum())}
    wanted = set(times.tolist())
    for n in range(last):
        gl = rate * schedule.factor(n / last) * eigenvalues
        L = floor + float(q.sum())
        q = (1 - 2 * gl + (1 + 1 / batch) * gl * gl) * q + (gl * gl / batch) * (L + label_noise)
        if n + 1 in wanted:
            risks[n + 1] = floor + float(q.sum())
    out = np.array([risks[int(n)] for n in times])
    if not np.isfinite(out).all():
        raise Unstable(f"expected a rate at which the risk stays finite, at {rate:g} it grows without bound")
    return out


def _transform(modes: Recurrence, settled: float, path: Contour) -> np.ndarray:
    """[sum (q - P_ss k/delta)/(delta - nu)] / [1 - sum k/(delta - nu)], in blocks that stay in the cache.

    The denominator as (1 - norm) - nu sum (k/delta)/(delta - nu): near the edge of stability 1 - norm is small.
    """
    share = modes.injection / modes.decay
    weights = np.stack([modes.shares - settled * share, share], axis=1)
    sums = np.empty((len(path.nu), 2), dtype=complex)
    block = max(1, 16_384 // len(modes.decay))
    buffers = np.empty((2, block, len(modes.decay)))
    for k in range(0, len(path.nu), block):
        nu = path.nu[k : k + block, None]
        gap, inverse = buffers[:, : len(nu)]  # in place: at this size memory is the cost
        np.subtract(modes.decay, nu.real, out=gap)
        np.multiply(gap, gap, out=inverse)
        inverse += nu.imag**2
        np.reciprocal(inverse, out=inverse)
        sums.imag[k : k + block] = nu.imag * (inverse @ weights)
        gap *= inverse
        sums.real[k : k + block] = gap @ weights
    return sums[:, 0] / (1 - modes.kernel_norm - path.nu * sums[:, 1])
