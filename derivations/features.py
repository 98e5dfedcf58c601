"""Power-law random features, as the sums that their deterministic equivalent gives.

M features x_j = j^-alpha z_j seen through a random sketch, target coefficients j^-beta, ambient dimension a fixed
multiple of M (or infinite for alpha > 1/2). With kappa ~ M^(-2 alpha) the scale of the resolvent:

* floor: sum_j j^(-2 alpha - 2 beta) kappa/(kappa + j^(-2 alpha)), split at j = M;
* aligned part: mode j carries j^(-2 alpha - 2 beta) of the initial risk;
* distorted part: the sketch mixes a part 1/M of every learned coefficient into every mode, so mode j also carries
  (1/M) (sum_(i<=J) i^(-2 beta)) lambda_j. For 2 beta > 1 the sum converges and this is the published term; modes i > J
  are not learned yet and count in the aligned part.

Source: arXiv:2405.15074 and its authors' public code (deterministic equivalent); split sums re-derived.
"""

from __future__ import annotations

from derivations.algebra import ALPHA, BETA
from derivations.sums import PowerSum

DOMAIN = ("alpha > 0", "alpha + beta > 1/2")

FLOOR_BULK = PowerSum(2 * BETA, "1", "M")
"""kappa times this, kappa = M^(-2 alpha): modes below M, each missed by a fraction kappa/lambda_j."""

ALIGNED = PowerSum(2 * ALPHA + 2 * BETA, "J", "M")
"""Modes not yet learned carry the aligned bias."""

TARGET_NORM = PowerSum(2 * BETA, "1", "J")
"""The squared norm of the target's coefficients learned so far."""

DISTORTED = PowerSum(2 * ALPHA, "J", "M")
"""Modes not yet learned carry TARGET_NORM/M times this."""
