"""signSGD: SGD with all four effects. kappa = 1/2, c = M^min(alpha, 1/2), w_j = M^min(1, 2 alpha) j^(-2 alpha) + 1."""

from __future__ import annotations

from dataclasses import replace

from derivations.optimizers import Effect, with_effects

SIGNSGD = replace(with_effects(Effect), name="signsgd", title="signSGD, constant learning rate")
SIGNSGD_SATURATED = replace(
    SIGNSGD, name="signsgd-saturated", title="signSGD under the assumption that the noise is saturated", saturated=True
)
