"""Normalised SGD: SGD with the effective learning rate alone. kappa = 1/2, c = 1, w_j = lambda_j."""

from __future__ import annotations

from dataclasses import replace

from derivations.optimizers import Effect, with_effects

NORMALISED_SGD = replace(with_effects([Effect.EFFECTIVE_RATE]), name="normalised-sgd", title="normalised SGD")
