"""The family's dynamics on log-binned modes, solved by brute force: the reference for derived laws.

Modes j = 1..M are collected in geometric bins; each bin carries its share Q of the risk and follows
Q' = -2 lambda Q + (gamma/c) lambda w L^(1 - kappa) in intrinsic time by an exponential step on a fine grid in log tau.
Steps are counted by N = int L^kappa/(gamma c) dtau. Where a step is longer than the fastest mode's time the risk stays
where it is (kappa > 0), or grows without bound (kappa = 0). No lemma of the derivation is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Family:
    """Exponents at one (alpha, beta): c = M^clock, w_j = sum of M^scale j^-decay."""

    alpha: float
    beta: float
    kappa: float
    clock: float
    noise: tuple[tuple[float, float], ...]


def bins(M: float, per_decade: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Representative modes and how many modes each stands for."""
    edges = np.unique(np.floor(np.geomspace(1, M + 1, max(8, int(per_decade * np.log10(M + 1))))))
    counts = np.diff(edges)
    return np.sqrt(edges[:-1] * np.maximum(edges[:-1], edges[1:] - 1)), counts


def log_risk(family: Family, logM: float, logN: float, log_gamma: float, steps: int = 3000) -> float:
    """Natural logarithm of the risk after N steps (natural logarithms of M, N, gamma as input)."""
    f = family
    M, N, gamma = np.exp(logM), np.exp(logN), np.exp(log_gamma)
    j, count = bins(M)
    lam = j ** (-2 * f.alpha)
    w = sum(M**scale * j ** (-decay) for scale, decay in f.noise)
    c = M**f.clock
    floor = M ** (-2 * f.alpha) * np.sum(count * j ** (-2 * f.beta)) + M ** (1 - 2 * f.alpha - 2 * f.beta)
    aligned = count * j ** (-2 * f.alpha - 2 * f.beta)
    distorted = count * lam * max(1.0, M ** (1 - 2 * f.beta)) / M if f.beta > 0.5 and f.alpha > 0.5 else 0 * lam
    Q = aligned + distorted
    source = count * lam * w * gamma / c
    grid = np.geomspace(1e-3, 30 * M ** (2 * f.alpha), steps)
    tau, n = 0.0, 0.0
    L = floor + Q.sum()
    for new in grid:
        if gamma * c * L**-f.kappa > 1:
            return float(np.log(L)) if f.kappa else np.inf
        h = new - tau
        decay = np.exp(-2 * lam * h)
        gain = -np.expm1(-2 * lam * h) / (2 * lam)
        guess = L
        for _ in range(3):
            mid = 0.5 * (L + guess)
            P = Q * decay + source * gain * mid ** (1 - f.kappa)
            guess = floor + P.sum()
        spent = h * (0.5 * (L + guess)) ** f.kappa / (gamma * c)
        if n + spent >= N:
            share = (N - n) / spent
            return float(np.log(L) + share * (np.log(guess) - np.log(L)))
        n += spent
        tau, Q, L = new, P, guess
    return float(np.log(L))


def local_slope(family: Family, x: float, g: float, log_f: float, width: float = 2.0) -> float:
    """-d log L/d log f along M = f^x, N = f^(1-x), gamma = C f^-g, around f.

    The constant C is tuned over a few values at each f: a law up to constants does not know it, and at C = 1 the
    rate may be unstable by a factor, or too small to leave the start.
    """
    ends = [log_f - width / 2, log_f + width / 2]
    factors = [np.log(c) for c in (0.1, 0.3, 1.0, 3.0, 10.0)]
    with np.errstate(over="ignore", invalid="ignore"):
        risks = [[log_risk(family, x * u, (1 - x) * u, c - g * u) for c in factors] for u in ends]
    values = [np.nanmin(r) for r in risks]
    return -(values[1] - values[0]) / width
