"""Linear regression with Gaussian features: the problem every engine solves.

Given a sketch W, power-law random features are exactly linear regression with features phi ~ N(0, K), K = W^T D W, an
optimum theta* = K^-1 W^T D b, and independent residual noise of variance ``floor``: M dimensions, not v. Risk is
L = E[residual^2] = floor + (theta - theta*)^T K (theta - theta*), without 1/2 and without label noise. All runs start
at theta = 0.

Source: Gaussian conditioning; features of arXiv:2405.15074.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, eigh, qr, solve_triangular

from derivations.errors import PhaselawsError

Array = NDArray[np.float64]

LARGEST_DENSE = 20_000
"""Model sizes above this are refused by the engines that keep an M x M covariance."""


class NotACovariance(PhaselawsError, ValueError):
    """The matrix is not square, not symmetric, not finite, or not positive semi-definite."""


class BadProblem(PhaselawsError, ValueError):
    """Sizes, rates or vectors that do not make a regression problem; the message says what was expected."""


class NoConvergence(PhaselawsError, ArithmeticError):
    """An iteration or integration did not reach its end; the message says how far it came."""


@dataclass(frozen=True, eq=False)
class Regression:
    """Features N(0, covariance), optimum theta* of shape (M,), floor >= 0 (units of L, no 1/2)."""

    covariance: Array
    optimum: Array
    floor: float

    @property
    def size(self) -> int:
        """M."""
        return len(self.optimum)

    @cached_property
    def eigen(self) -> tuple[Array, Array]:
        """Eigenvalues (clipped at zero) and eigenvectors of the covariance."""
        values, vectors = eigh(self.covariance, driver="evd", check_finite=False)
        return np.maximum(values, 0.0), vectors

    @cached_property
    def factor(self) -> Array:
        """A lower triangular L with covariance L L^T."""
        return lower_factor(self.covariance)

    @cached_property
    def shares(self) -> Array:
        """lambda_j <theta*, v_j>^2: what each eigenmode carries of the initial risk."""
        values, vectors = self.eigen
        return values * (vectors.T @ self.optimum) ** 2

    @property
    def start(self) -> float:
        """The risk at theta = 0."""
        return self.floor + float(self.optimum @ (self.covariance @ self.optimum))


def lower_factor(covariance: Array) -> Array:
    """A lower triangular L with covariance L L^T, also of a covariance that is singular to rounding.

    >>> (lower_factor(np.ones((2, 2))) @ lower_factor(np.ones((2, 2))).T).round(9).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    try:
        return cholesky(covariance, lower=True, check_finite=False)
    except LinAlgError:
        values, vectors = eigh(covariance, driver="evd", check_finite=False)
        return qr(np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T, mode="r", check_finite=False)[0].T


def regression(covariance: Array, optimum: Array, floor: float = 0.0) -> Regression:
    """A problem from its parts, checked.

    Raises
    ------
    NotACovariance : not square, not symmetric, not finite, a diagonal entry that is not positive, or a negative
        eigenvalue (beyond rounding).
    BadProblem : an optimum of another length or not finite, or a floor that is negative or not finite.

    >>> regression(np.eye(3), np.ones(3)).start
    3.0
    """
    K = np.asarray(covariance, dtype=float)
    theta = np.asarray(optimum, dtype=float)
    if K.ndim != 2 or K.shape[0] != K.shape[1] or not len(K):
        raise NotACovariance(f"expected a square covariance, got an array of shape {K.shape}")
    if not np.isfinite(K).all():
        raise NotACovariance("expected a covariance of finite numbers, found NaN or infinity")
    scale = float(np.abs(K).max())
    if not np.allclose(K, K.T, rtol=0, atol=1e-12 * scale):
        raise NotACovariance("expected a symmetric covariance, it differs from its transpose")
    if not (np.diag(K) > 0).all():
        raise NotACovariance("expected a covariance with a positive diagonal")
    if theta.shape != (len(K),) or not np.isfinite(theta).all():
        raise BadProblem(f"expected an optimum of {len(K)} finite numbers, got shape {theta.shape}")
    if not (np.isfinite(floor) and floor >= 0):
        raise BadProblem(f"expected a floor >= 0, got {floor}")
    out = Regression((K + K.T) / 2, theta, float(floor))
    lowest = float(eigh(out.covariance, eigvals_only=True, subset_by_index=(0, 0), check_finite=False)[0])
    if lowest < -1e-10 * scale * len(K):
        raise NotACovariance(f"expected a positive semi-definite covariance, its lowest eigenvalue is {lowest:.3g}")
    return out


def check_plane(alpha: float, beta: float) -> None:
    """Raise BadProblem unless alpha > 0 and alpha + beta > 1/2, both finite."""
    if not (np.isfinite(alpha) and np.isfinite(beta) and alpha > 0 and alpha + beta > 0.5):
        raise BadProblem(f"expected alpha > 0 and alpha + beta > 1/2, got alpha = {alpha:g}, beta = {beta:g}")


LARGEST = 1e100
"""Rates and steps beyond this, and rates below its inverse, are refused: doubles would overflow."""


def check_rate(rate: float) -> None:
    """Raise BadProblem unless the rate is positive and finite."""
    if not (np.isfinite(rate) and rate > 0):
        raise BadProblem(f"expected a learning rate > 0, got {rate:g}")
    if not 1 / LARGEST <= rate <= LARGEST:
        raise BadProblem(f"expected a learning rate between 1e-100 and 1e100, got {rate:g}")


def check_batch(batch: int) -> None:
    """Raise BadProblem unless the batch size is from one to 10^12."""
    if not 1 <= batch <= 10**12:
        raise BadProblem(f"expected a batch size >= 1 and at most 1e12, got {batch:.6g}")


def check_steps(steps: Array) -> Array:
    """Steps as floats, after checking that they are finite and not negative."""
    out = np.atleast_1d(np.asarray(steps, dtype=float))
    if out.size == 0 or not np.isfinite(out).all() or (out < 0).any() or out.max() > LARGEST:
        raise BadProblem("expected steps >= 0, all finite and at most 1e100")
    return out


def check_sketch(M: int, v: int | None) -> int:
    """The ambient dimension of a sketch, 4 M if it is not given, after checking that a dense one is feasible."""
    v = 4 * M if v is None else v
    if M < 1:
        raise BadProblem(f"expected a model size M >= 1, got {M}")
    if v < M:
        raise BadProblem(f"expected M <= v, the ambient dimension, got M = {M} and v = {v}")
    if M > LARGEST_DENSE or M * v > 4 * LARGEST_DENSE**2:
        raise BadProblem(
            f"expected M <= {LARGEST_DENSE} and v <= {4 * LARGEST_DENSE**2 // M} for a sampled sketch, got M = {M}, "
            f"v = {v}; engine 'equivalent' has no such limit"
        )
    return v


def power_law(alpha: float, beta: float, M: int, v: int | None = None, seed: int | Sequence[int] = 0) -> Regression:
    """One sketch of power-law random features: W of shape (v, M), W_ij ~ N(0, 1/M), v = 4 M unless given.

    Raises
    ------
    BadProblem : (alpha, beta) outside alpha > 0, alpha + beta > 1/2; M < 1; M > v; M beyond a dense matrix.

    >>> p = power_law(1.0, 1.0, 64, seed=1)
    >>> p.size, bool(0 < p.floor < p.start)
    (64, True)
    """
    check_plane(alpha, beta)
    v = check_sketch(M, v)
    rng = np.random.default_rng([*np.atleast_1d(seed).tolist(), 0x5E7C])
    return sketched(alpha, beta, rng.standard_normal((v, M)) / np.sqrt(M))


def sketched(alpha: float, beta: float, W: Array) -> Regression:
    """Power-law random features seen through a given W of shape (v, M), M <= v, of full rank.

    Raises
    ------
    BadProblem : the features decay so fast that fewer than M of them are left in double precision.

    >>> sketched(1.0, 1.0, np.eye(2)).optimum.tolist()
    [1.0, 0.5]
    """
    j = np.arange(1, len(W) + 1, dtype=float)
    target = j ** -(alpha + beta)
    Q, R = qr(W * (j**-alpha)[:, None], mode="economic", overwrite_a=True, check_finite=False)
    along = Q.T @ target
    try:
        optimum = solve_triangular(R, along, check_finite=False)
    except LinAlgError:
        raise BadProblem(
            f"expected at least M = {W.shape[1]} features above the smallest double, j^-alpha falls too fast at "
            f"alpha = {alpha:g}"
        ) from None
    residual = target - Q @ along
    return Regression(R.T @ R, optimum, float(residual @ residual))
