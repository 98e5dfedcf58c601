"""signSGD's risk by the mean-field ODE with the full arcsine: right in the transient too.

Given theta, the expected step of coordinate i is exactly -gamma T(rho_i), rho_i = (K e)_i/(sigma_i sqrt(L)),
e = theta - theta*, with T(rho) = (2/pi) arcsin(rho) without label noise (`label_noise`); the linearised ODE keeps only
its slope at zero. Here the mean path e(n) follows the full T, in the biorthogonal eigenbasis by an exponential
integrator whose nonlinear part is the remainder T - slope; fluctuations about it are linear, as in `sign_ode`.

The residual's variance includes the floor (features orthogonal to the model) like any other part of L.

Source: conditional drift of sign(residual) sign(feature) for Gaussian features (Price's theorem); re-derived.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicSpline

from derivations.numeric.label_noise import NONE, LabelNoise
from derivations.numeric.regression import Array, check_rate, check_steps
from derivations.numeric.sign_ode import SignBasis


def mean_field_curve(
    basis: SignBasis, rate: float, steps: Array, noise: LabelNoise = NONE, growth: float = 0.08
) -> Array:
    """The risk L of constant-rate signSGD, batch 1, after the given steps by the arcsine mean-field ODE.

    Parameters
    ----------
    basis : `sign_ode.SignBasis` of the problem.
    rate, steps : learning rate per step, numbers of steps.
    growth : step in intrinsic time as a fraction of it; the error is of second order.

    Raises
    ------
    derivations.numeric.regression.BadProblem : a rate that is not positive, or bad steps.
    """
    check_rate(rate)
    times = check_steps(steps)
    values, Q = basis.eigen
    root = np.sqrt(basis.sigma)
    to_correlation = (Q * values) / root[:, None]  # (K e)_i/sigma_i from y
    from_force = Q.T * root
    half = 0.5 * basis.noise
    floor = basis.problem.floor

    def remainder(y: Array, L: float, m: float) -> Array:
        correlation = to_correlation @ y / np.sqrt(L)
        bend = noise.mean_sign(correlation, L) - np.sqrt(L) * m * correlation
        return -(from_force @ bend) / m

    def slope(L: float) -> float:
        return float(noise.slope(L))

    y = basis.start.copy()
    q = np.zeros_like(y)
    L, n, tau = floor + float(values @ (y * y)), 0.0, 0.0
    m = slope(L)
    history = [(n, L)]
    h = 0.02 * min(rate * m, 1.0 / values.max())
    last = max(1.0, float(times.max()))
    while n < last:
        x = values * h
        small = -np.expm1(-x)  # 1 - e^{-x}
        phi1 = np.where(x > 1e-5, small / np.where(x > 0, x, 1.0), 1 - x / 2)
        phi2 = np.where(x > 1e-3, (1 - phi1) / np.where(x > 0, x, 1.0), 0.5 - x / 6)
        lost = small * (2 - small)  # 1 - e^{-2x}
        mean = np.where(x > 1e-5, lost / np.where(x > 0, 2 * x, 1.0), 1 - x)
        g0 = rate / m
        first = remainder(y, L, m)
        predicted = y - small * y + h * phi1 * first
        old, new = half @ lost, half @ (1 - mean)
        kept = q - lost * q
        noise_base = floor + float(kept.sum()) + g0 * (old - new)
        after = _solve(noise_base + float(values @ (predicted * predicted)), new, rate, slope, L)
        corrected = predicted + h * phi2 * (remainder(predicted, after, slope(after)) - first)
        after = _solve(noise_base + float(values @ (corrected * corrected)), new, rate, slope, after)
        m1 = slope(after)
        q = kept + half * (g0 * lost + (rate / m1 - g0) * (1 - mean))
        n += 0.5 * h * (1 / (rate * m) + 1 / (rate * m1))
        tau += h
        y, L, m = corrected, after, m1
        history.append((n, L))
        h = growth * tau
    at, risks = np.array(history).T
    out = np.full(len(times), risks[0])
    spline = CubicSpline(np.log(at[1:]), np.log(risks[1:]))
    later = times >= at[1]
    out[later] = np.exp(spline(np.log(times[later])))
    return out


def _solve(base: float, gain: float, rate: float, slope, guess: float) -> float:  # type: ignore[no-untyped-def]
    """The L with L = base + gain * rate/m(L), by Newton's method."""
    L = guess
    for _ in range(20):
        g = rate / slope(L)
        derivative = (rate / slope(L * (1 + 1e-6)) - g) / (L * 1e-6)
        new = (base + gain * (g - derivative * L)) / (1 - gain * derivative)
        new = max(new, base, 1e-300)
        if abs(new - L) <= 1e-13 * L:
            return new
        L = new
    return L
