"""signSGD's risk by the mean-field ODE with the full arcsine: right in the transient too.

Given theta, the expected step of coordinate i is exactly -gamma T(rho_i), rho_i = (K e)_i/(sigma_i sqrt(L)),
e = theta - theta*, with T(rho) = (2/pi) arcsin(rho) at batch 1 without label noise (`label_noise` has the rest); the
linearised ODE keeps only its slope at zero. Here the mean path e(n) follows the full T, in the biorthogonal eigenbasis
by an exponential integrator whose nonlinear part is the remainder T - slope; fluctuations about it are linear, as in
`sign_ode`.

The residual's variance includes the floor (features orthogonal to the model) like any other part of L.

Source: conditional drift of sign(residual) sign(feature) for Gaussian features (Price's theorem); re-derived.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicSpline

from derivations.numeric.clocks import PowerClock, sign_clock
from derivations.numeric.family import STILL, check_length, clock_bend, reach
from derivations.numeric.label_noise import NONE, LabelNoise
from derivations.numeric.regression import Array, check_rate, check_steps
from derivations.numeric.sign_ode import SignBasis
from derivations.schedules import CONSTANT, Schedule


def mean_field_curve(
    basis: SignBasis,
    rate: float,
    steps: Array,
    noise: LabelNoise = NONE,
    schedule: Schedule = CONSTANT,
    batch: int = 1,
    growth: float = 0.08,
) -> Array:
    """The risk L of signSGD after the given steps by the arcsine mean-field ODE.

    Parameters
    ----------
    basis : `sign_ode.SignBasis` of the problem.
    rate, steps : learning rate per step, numbers of steps; a schedule ends with the last.
    growth : step in intrinsic time (with a schedule, in n too) as a fraction of it; the error is of second order.

    Raises
    ------
    derivations.numeric.regression.BadProblem : a rate that is not positive, bad steps, a batch < 1.
    derivations.numeric.regression.NoConvergence : the dynamics need more than `family.LONGEST` steps.
    """
    check_rate(rate)
    times = check_steps(steps)
    clock = sign_clock(noise, batch)
    values, Q = basis.eigen
    root = np.sqrt(basis.sigma)
    to_correlation = (Q * values) / root[:, None]  # (K e)_i/sigma_i from y
    from_force = Q.T * root
    half, floor = 0.5 * basis.noise, basis.problem.floor

    def speed(L: float) -> float:
        return float(clock.speed(L))

    def remainder(y: Array, L: float) -> Array:
        """What the linear drift -Lambda y lacks, per intrinsic time."""
        correlation, m = to_correlation @ y / np.sqrt(L), speed(L)
        return -(from_force @ (noise.mean_sign(correlation, L, batch) - np.sqrt(L) * m * correlation)) / m

    y, fluctuation = basis.start.copy(), np.zeros_like(values)
    L, n, tau = floor + float(values @ (y * y)), 0.0, 0.0
    last = max(1.0, float(times.max()))
    first = 0.25 * min(rate * speed(L), 1.0 / float(values.max()))
    history, ahead = [(n, L)], remainder(y, L)
    while n < last and np.isfinite(L):
        check_length(len(history))
        gamma, m, force = rate * schedule.factor(n / last), speed(L), ahead
        dn = min(last - n, reach(schedule, n, last, growth))
        fastest = max(gamma, rate * schedule.factor((n + dn) / last))
        if fastest:
            dn = min(dn, growth * (tau + first) / (fastest * m))
        if gamma and not isinstance(clock, PowerClock):
            gained = gamma * float(clock.cost(L)) * 2 * float(half @ values)
            excess = gained - 2 * float(values @ (fluctuation + values * y * y))
            if excess > STILL * gained:
                dn = min(dn, growth * L / (excess * gamma * m * float(clock_bend(clock, L))))
        later = rate * schedule.factor((n + dn) / last)
        after = L
        for _ in range(2):  # how long the step is in intrinsic time depends on where it ends
            h = 0.5 * dn * (gamma * m + later * speed(after))
            x = values * h
            small = -np.expm1(-x)  # 1 - e^{-x}
            phi1 = np.where(x > 1e-5, small / np.where(x > 0, x, 1.0), 1 - x / 2)
            phi2 = np.where(x > 1e-3, (1 - phi1) / np.where(x > 0, x, 1.0), 0.5 - x / 6)
            lost = small * (2 - small)  # 1 - e^{-2x}
            rest = np.where(x > 1e-5, 1 - lost / np.where(x > 0, 2 * x, 1.0), x)
            mean = y - small * y + h * (phi1 * force + phi2 * (ahead - force))
            kept, gain = fluctuation - lost * fluctuation, gamma * float(clock.cost(L))
            base = floor + float(values @ (mean * mean)) + float(kept.sum()) + gain * float(half @ (lost - rest))
            after = float(clock.settle(base, later * float(half @ rest), after))
            ahead = remainder(mean, after)
        fluctuation = kept + half * (gain * (lost - rest) + later * float(clock.cost(after)) * rest)
        y, L, n, tau = mean, after, n + dn, tau + h
        history.append((n, L))
    at, risks = np.array(history).T
    if not (np.isfinite(risks).all() and (risks > 0).all()):
        return np.full(len(times), np.inf)
    out = np.full(len(times), risks[0])
    spline = CubicSpline(np.log(at[1:]), np.log(risks[1:]))
    inside = times >= at[1]
    out[inside] = np.exp(spline(np.log(times[inside])))
    return out
