"""Sums over the modes 1..M as quadratures: Gauss rules for sums over consecutive integers.

The first modes are taken one by one; the rest in blocks that grow geometrically, each with the Gauss rule of the
discrete uniform measure on its integers (nodes from the Jacobi matrix of the Gram polynomials, whose recurrence is
known in closed form). A sum of any function that is smooth on the scale of j itself is then exact to rounding with some
ten nodes a block, so M = 2^100 costs a thousand nodes.

Source: discrete Chebyshev (Gram) polynomials, recurrence as in Gautschi, Orthogonal Polynomials (2004), section 1.5.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal

Array = NDArray[np.float64]


def gauss_sum(first: float, count: float, order: int) -> tuple[Array, Array]:
    """Nodes and weights for sum_{i=0}^{count-1} f(first + i): exact for polynomials of degree 2 * order - 1.

    >>> x, w = gauss_sum(1, 100, 3)
    >>> round(float(w @ x**4)) == sum(i**4 for i in range(1, 101))
    True
    """
    if count <= order:
        return first + np.arange(count), np.ones(int(count))
    k = np.arange(1, order, dtype=float)
    # on [-1, 1] with spacing 2/count, so that counts up to 2^1000 stay in range
    off = np.sqrt(k**2 * (1 - (k / count) ** 2) / (4 * k**2 - 1))
    nodes, vectors = eigh_tridiagonal(np.zeros(order), off)
    return first + (count - 1) / 2 + count / 2 * nodes, count * vectors[0] ** 2


@lru_cache(maxsize=64)
def mode_nodes(M: float, growth: float = 2.0, order: int = 10, direct: int = 32) -> tuple[Array, Array]:
    """Modes j and how many each stands for, so that sum_j f(j) over 1..M is weights @ f(nodes).

    ``growth`` is the ratio of the ends of a block. Functions of j^(-2 alpha) with poles at an angle of pi/5, which the
    contours of `derivations.numeric.contour` meet, need growth <= 2^(1/(2 alpha)): see `resolving`.

    >>> j, w = mode_nodes(2.0**60)
    >>> bool(abs(w @ j**-2.0 - np.pi**2 / 6) < 1e-14), len(j) < 600
    (True, True)
    """
    parts = [gauss_sum(1, min(M, direct), max(direct, 1))]
    done = float(direct)
    while done < M:  # at 2^53 and beyond integers are not told apart, and need not be
        last = min(M, done + np.ceil((growth - 1) * done))
        parts.append(gauss_sum(done + 1, last - done, order))
        done = last
    nodes, weights = (np.concatenate([p[i] for p in parts]) for i in (0, 1))
    nodes.setflags(write=False)
    weights.setflags(write=False)
    return nodes, weights


def resolving(M: float, alpha: float) -> tuple[Array, Array]:
    """`mode_nodes` fine enough for 1/(j^(-2 alpha) - z) with z at an angle of pi/5: relative error about 1e-11."""
    return mode_nodes(M, min(2.0, 2 ** (1 / (2 * alpha))))
