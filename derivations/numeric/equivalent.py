"""The deterministic equivalent: SGD's risk on power-law random features without a sketch, for M up to 2^100.

With lambda_j = j^(-2 alpha), j <= v, and the resolvent of the sketched features replaced by its equivalent
1/(lambda_j m(z) - z), m = 1 - (1/M) sum_j lambda_j m/(lambda_j m - z). In zeta = z/m,

    z = zeta (1 - (1/M) sum lambda/(lambda - zeta)),  kappa = -zeta(0),  floor = sum lambda b^2 kappa/(kappa + lambda).

Writing zeta = -kappa + eta removes every cancellation; with A = sum lambda/((lambda - zeta)(lambda + kappa)) and
B = sum lambda^2 b^2/((lambda - zeta)(lambda + kappa)) over the ambient modes,

    z = -zeta eta A/M,  sum_i q_i/(Lambda_i - z) = -(M/zeta) B/A,
    sum_i Lambda_i/(Lambda_i - z) = sum_j lambda_j/(lambda_j - zeta),

where Lambda_i, q_i are eigenvalues of K and their shares of the initial risk. Newton in eta, every residual checked.
Sums over modes are Gauss quadratures (`mode_sums`), so no work grows with M.

Source: equivalent of arXiv:2405.15074 (authors' code); zeta form re-derived.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import brentq

from derivations.numeric.contour import Array, Complex, contour, earliest_of
from derivations.numeric.mode_sums import resolving
from derivations.numeric.regression import BadProblem, NoConvergence, check_batch, check_plane, check_rate, check_steps
from derivations.numeric.volterra import Unstable

INFINITE = np.inf
_FAR = 400
"""Doublings of j beyond which modes are the analytic tail when v is infinite."""
_DEEP = 450
"""Halvings of lambda that double precision bears, as squares are taken."""


@dataclass(frozen=True)
class Equivalent:
    """Power-law random features at (alpha, beta), model size M, ambient dimension v (inf for alpha > 1/2)."""

    alpha: float
    beta: float
    M: float
    v: float

    @cached_property
    def _modes(self) -> tuple[Array, Array, Array]:
        """lambda_j, the number of modes each node stands for times lambda_j, and times lambda_j b_j^2."""
        last = self.v
        if not np.isfinite(last):
            doublings = np.log2(max(1e6, self.M)) * (1 + 2 / (2 * self.alpha - 1))
            last = 2.0 ** min(doublings, _FAR, _DEEP / (2 * self.alpha))
        j, count = resolving(float(np.floor(last)) if last < 2**52 else last, self.alpha)
        lam = j ** (-2 * self.alpha)
        mass = count * lam
        if not np.isfinite(self.v):  # modes beyond have lambda << kappa: they enter through sum lambda alone
            a = 2 * self.alpha
            lam = np.append(lam, 0.0)
            mass = np.append(mass, last ** (1 - a) / (a - 1))
            j = np.append(j, last)
            b2 = j ** (-2 * self.beta)
            b2[-1] = last ** (1 - a - 2 * self.beta) / (a + 2 * self.beta - 1) / mass[-1]
            return lam, mass, mass * b2
        return lam, mass, mass * j ** (-2 * self.beta)

    @cached_property
    def kappa(self) -> float:
        """The scale at which modes are missed: sum_j lambda_j/(lambda_j + kappa) = M."""
        lam, mass, _ = self._modes
        if self.v == self.M:
            return 0.0

        def excess(log_kappa: float) -> float:
            return float(np.sum(mass / (lam + np.exp(log_kappa))) / self.M - 1)

        guess = -2 * self.alpha * np.log(self.M)
        low, high = guess - 50, guess + 50 + np.log(self.trace + 1)
        return float(np.exp(brentq(excess, low, high, xtol=1e-15, rtol=1e-15)))

    @cached_property
    def trace(self) -> float:
        """sum_j lambda_j = trace K."""
        return float(self._modes[1].sum())

    @cached_property
    def start(self) -> float:
        """The risk at theta = 0."""
        return float(self._modes[2].sum())

    @cached_property
    def floor(self) -> float:
        """The risk of the best linear predictor, F_0."""
        lam, _, signal = self._modes
        return float(np.sum(signal * self.kappa / (self.kappa + lam)))

    @cached_property
    def smallest_eigenvalue(self) -> float:
        """The lower edge of the spectrum of K: the least z > 0 on the real branch above zeta = -kappa."""
        if self.v == self.M:
            return 0.0
        lam, mass, _ = self._modes

        # the edge is where dz/dzeta = 0, zeta < 0: 1 = (1/M) sum lambda^2/(lambda - zeta)^2, z -> positive
        def slope(log_w: float) -> float:
            w = np.exp(log_w)
            return float(np.sum(mass * lam / (lam + w) ** 2) / self.M - 1)

        top = np.log(self.kappa)
        low = top - 1.0
        while slope(low) < 0:
            low -= 5.0
            if low < top - 500:
                return 0.0
        w = float(np.exp(brentq(slope, low, top)))
        return float(-w * (1 - np.sum(mass / (lam + w)) / self.M))

    def m(self, z: Complex) -> Complex:
        """m(z), for complex z in the upper half plane: m (1 + (1/M) sum_j lambda_j/(lambda_j m - z)) = 1.

        >>> bool(abs(equivalent(1.0, 1.0, 2.0**40).m(np.array([1e30j]))[0] - 1) < 1e-12)
        True

        Raises
        ------
        NoConvergence : Newton's residual stays above 1e-10.
        """
        return self._at(z)[2]

    def resolvent(self, z: Complex) -> tuple[Complex, Complex]:
        """sum_i q_i/(Lambda_i - z) and sum_i Lambda_i/(Lambda_i - z), for complex z in the upper half plane.

        Raises
        ------
        NoConvergence : Newton's residual stays above 1e-10.
        """
        signal, mass, _ = self._at(z)
        return signal, mass

    def _at(self, z: Complex) -> Complex:
        """Both sums of `resolvent`, and m: shape (3, len(z))."""
        lam, mass, signal = self._modes
        kappa = self.kappa
        shifted = np.stack([mass / (lam + kappa), mass * lam, signal * lam / (lam + kappa), mass])
        out = np.empty((3, len(z)), dtype=complex)
        block = max(1, 200_000 // len(lam))
        for k in range(0, len(z), block):
            some = z[k : k + block]
            eta, sums, residual = self._newton(some, lam, shifted)
            bad = residual > 1e-10
            if bad.any():
                eta[bad], sums[:, bad], residual[bad] = self._lowered(some[bad], lam, shifted)
            if residual.max() > 1e-10:
                raise NoConvergence(
                    f"expected the self-consistent equation to be solved to 1e-10, reached {residual.max():.2g}"
                )
            zeta = eta - self.kappa
            out[:, k : k + block] = np.stack([-(self.M / zeta) * sums[1] / sums[0], sums[2], some / zeta])
        return out

    def _lowered(self, z: Complex, lam: Array, weights: Array) -> tuple[Complex, Complex, Array]:
        """As `_newton`, close to the spectrum: from far above the real axis down, each solution the next's start."""
        found = self._newton(z.real + 1j * np.abs(z), lam, weights)
        for part in np.linspace(0.0, 1.0, 13)[1:]:
            height = np.abs(z) * (z.imag / np.abs(z)) ** part
            found = self._newton(z.real + 1j * height, lam, weights, found[0])
        return found

    def _newton(
        self, z: Complex, lam: Array, weights: Array, start: Complex | None = None
    ) -> tuple[Complex, Complex, Array]:
        """eta, the sums of the first, third and fourth weights over lambda - zeta, and the relative residual."""
        kappa, M = self.kappa, self.M
        first, square, _, _ = weights
        # for small z a quadratic equation, z = (kappa - eta) eta A(0)/M; for large z: zeta = z + trace/M
        q = z * M / float(np.sum(first / (lam + kappa)))
        eta = np.where(np.abs(z) < np.abs(q / z), 2 * q / (kappa + np.sqrt(kappa**2 - 4 * q)), z + kappa)
        eta = eta if start is None else start.copy()
        sums = np.empty((3, len(z)), dtype=complex)
        residual = np.full(len(z), np.inf)
        todo = np.arange(len(z))
        for _ in range(60):
            zeta = eta[todo] - kappa
            x, y = zeta.real, zeta.imag  # in real arithmetic: complex reciprocals are slow
            gap = lam - x[:, None]
            inverse = gap * gap
            inverse += (y * y)[:, None]
            np.reciprocal(inverse, out=inverse)
            gap *= inverse
            sums[:, todo] = (gap @ weights[[0, 2, 3]].T + 1j * y[:, None] * (inverse @ weights[[0, 2, 3]].T)).T
            value = -zeta * eta[todo] * sums[0, todo] / M
            residual[todo] = np.abs(value - z[todo]) / np.abs(z[todo])
            left = residual[todo] > 1e-13
            if not left.any():
                break
            gap, inverse, y = gap[left], inverse[left], y[left]
            todo, value = todo[left], value[left]
            slope = (gap * gap) @ square - y * y * ((inverse * inverse) @ square) + 2j * y * ((gap * inverse) @ square)
            step = (value - z[todo]) / (1 - slope / M)
            # stay in the upper half plane, where the solution is unique
            shrink = np.ones(len(todo))
            for _ in range(40):
                bad = (eta[todo] - shrink * step).imag <= 0
                if not bad.any():
                    break
                shrink[bad] /= 2
            eta[todo] -= shrink * step
        return eta, sums, residual

    def pole_sum(self, z: float) -> float | None:
        """sum_i Lambda_i/(z - Lambda_i) for real z above the spectrum; None if z lies in it."""
        lam, mass, _ = self._modes
        top = float(lam.max())

        def slope(log_gap: float) -> float:
            return 1 - float(np.sum(mass * lam / (top * np.exp(log_gap) + (top - lam)) ** 2)) / self.M

        def value(log_gap: float) -> float:
            zeta = top * (1 + np.exp(log_gap))
            return float(zeta * (1 + np.sum(mass / (top * np.exp(log_gap) + (top - lam))) / self.M))

        edge = brentq(slope, -30.0, 50.0, xtol=1e-12) if slope(-30.0) < 0 else -30.0
        if value(edge) >= z:
            return None
        gap = brentq(lambda g: value(g) / z - 1, edge, 600.0, xtol=1e-14, rtol=1e-14)
        return float(np.sum(mass / (top * np.exp(gap) + (top - lam))))

    def kernel_norm(self, rate: float, batch: int = 1, continuous: bool = False) -> float:
        """sum_j k_j/delta_j of SGD: (gamma/2B) tr K in continuous time; infinite if a mode alone is unstable."""
        if continuous:
            return 0.5 * rate / batch * self.trace
        pole = self.pole_sum(2 / ((1 + 1 / batch) * rate))
        return np.inf if pole is None else pole / (batch + 1)

    def largest_stable_rate(self, batch: int = 1, continuous: bool = False) -> float:
        """The rate at which the kernel norm is one."""
        low, high = 0.0, 2 * batch / self.trace
        if continuous:
            return high
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if self.kernel_norm(middle, batch) < 1 else (low, middle)
        return low

    def sgd_curve(
        self,
        rate: float,
        steps: Array,
        *,
        batch: int = 1,
        label_noise: float = 0.0,
        error: float = 1e-12,
        continuous: bool = False,
    ) -> Array:
        """SGD's risk after the given steps: `volterra.risk_curve` with the equivalent's resolvent.

        With c = 1 + 1/batch, delta - nu = -c gamma^2 (lambda - a)(lambda - b), a, b = (1 +- sqrt(1 - c nu))/(c gamma),
        takes the discrete recurrence to the resolvent at two points.

        Raises
        ------
        BadProblem : a rate that is not positive, a batch < 1.
        Unstable : the kernel norm is one or more.
        """
        check_rate(rate)
        check_batch(batch)
        times = check_steps(np.asarray(steps))
        norm = self.kernel_norm(rate, batch, continuous)
        if norm >= 1:
            limit = self.largest_stable_rate(batch, continuous)
            raise Unstable(
                f"expected a rate below the stability limit {limit:.6g}, got {rate:g}: the risk grows without bound"
            )
        settled = (self.floor + label_noise) / (1 - norm)
        seen = 1e-3 / (rate * max(1.0, float(times.max())))  # slower modes do not move
        lowest = max(self.smallest_eigenvalue, seen)
        fastest = 4 * rate * (1 + self.trace)
        fastest = fastest if continuous else min(fastest, batch / (batch + 1))
        slowest, gap, earliest = 2 * rate * lowest * (1 - norm), lowest > seen, earliest_of(times)
        path = contour(slowest, error, continuous, fastest, gap, earliest)
        if continuous:
            signal, kernel = self.resolvent(path.nu / (2 * rate))
            bias = signal / (2 * rate)
            noise = 0.5 * rate / batch * (self.trace + path.nu / (2 * rate) * kernel)
        else:
            c = 1 + 1 / batch
            root = np.sqrt(np.exp(-path.exponent) - path.nu / batch)  # 1 - c nu
            near = path.nu / (rate * (1 + root))
            far = np.conj((1 + root) / (c * rate))
            signal, kernel = self.resolvent(np.concatenate([near, far]))
            n = len(path.nu)
            far, far_signal, far_kernel = np.conj(far), np.conj(signal[n:]), np.conj(kernel[n:])
            apart = far - near
            bias = (signal[:n] - far_signal) / (c * rate**2 * apart)
            noise = (near * kernel[:n] - far * far_kernel) / ((batch + 1) * apart)
        transform = (bias - settled * (noise - norm) / path.nu) / (1 - noise)
        out = settled - label_noise + path.curve(transform, times, self.start + label_noise - settled)
        return np.where(times == 0, self.start, np.maximum(out, self.floor))


def equivalent(alpha: float, beta: float, M: float, v: float | None = None) -> Equivalent:
    """The deterministic equivalent; v = 4 M unless given, ``inf`` allowed for alpha > 1/2.

    Raises
    ------
    BadProblem : (alpha, beta) outside the plane, M < 1, M > v, infinite v with alpha <= 1/2, M beyond 2^100.

    >>> e = equivalent(1.0, 1.0, 2.0**40, INFINITE)
    >>> round(e.kappa * e.M**2, 6), round(e.floor * e.M**2, 5)
    (2.467401, 4.05871)
    """
    check_plane(alpha, beta)
    size = 4.0 * M if v is None else float(v)
    if not 1 <= M <= 2.0**100:
        raise BadProblem(f"expected a model size between 1 and 2^100, got {M:g}")
    if not size >= M:
        raise BadProblem(f"expected M <= v, the ambient dimension, got M = {M:g} and v = {size:g}")
    if 2 * alpha * np.log2(size if np.isfinite(size) else M) > _DEEP:
        raise BadProblem(
            f"expected 2 alpha log2(M) and, if v is finite, 2 alpha log2(v) <= {_DEEP}: smaller eigenvalues are beyond "
            f"double precision, got alpha = {alpha:g}, M = {M:g}, v = {size:g}"
        )
    if not np.isfinite(size) and alpha <= 0.5:
        raise BadProblem(f"expected a finite ambient dimension for alpha <= 1/2, got alpha = {alpha:g}")
    return Equivalent(alpha, beta, float(M), size)
