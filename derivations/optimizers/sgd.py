"""SGD at the largest stable learning rate: kappa = 0, c = 1, w_j = lambda_j."""

from __future__ import annotations

from dataclasses import replace

from derivations.optimizers import SGD

SGD_LARGEST = replace(SGD, name="sgd", title="SGD at the largest stable learning rate", rate="largest")
