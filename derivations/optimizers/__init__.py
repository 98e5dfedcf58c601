"""Optimizers as data: clock, preconditioner, drift normalisation, noise spectrum, stability.

Per mode j (eigenvalue lambda_j = j^(-2 alpha)), in intrinsic time tau, all optimizers here are one family:

    d tau = gamma * c * L^(-kappa) dn,     r_j' = -2 lambda_j r_j,
    noise injected per step: gamma^2 * lambda_j * w_j * L^(1 - 2 kappa).

SGD is kappa = 0, c = 1, w_j = lambda_j. The four effects by which signSGD differs from SGD are switches on these
ingredients, so every subset of them is an optimizer too. Exponents are texts in the grammar of law files; nothing here
imports sympy.

Source: arXiv:2411.12135 (effects, drift, noise covariance), arXiv:2603.02069 (drift normalisation, preconditioner).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction

from derivations.errors import PhaselawsError

DERIVED = "derived from the dynamics"
"""What a derived law gives as its source."""


class NotAnOptimizer(PhaselawsError, ValueError):
    """Optimizer data that makes no sense; the message says what was expected."""


class Effect(Enum):
    """The four effects of the sign, in the order of arXiv:2411.12135."""

    EFFECTIVE_RATE = "rate"
    NOISE_COMPRESSION = "compression"
    PRECONDITIONING = "preconditioning"
    NOISE_RESHAPING = "reshaping"


Factors = tuple[tuple[str, Fraction], ...]
"""A leading constant as a product of powers of "2", "pi", "1-2/pi" and "sigma^-1": E[1/sigma] M^(-1/2), 2 alpha > 1."""


@dataclass(frozen=True, slots=True)
class NoiseComponent:
    """A part constant * M^scale * j^(-decay) of the noise spectrum w_j."""

    scale: str
    decay: str
    name: str
    constant: Factors = ()


@dataclass(frozen=True, slots=True)
class Optimizer:
    """One optimizer: ``clock`` is the exponent of M in c, ``kappa`` normalises the drift, ``noise`` are parts of w_j.

    ``rate`` says how the rate is chosen: ``"free"``, or ``"largest"`` for the largest stable one (kappa = 0 only).
    ``clock_constant`` is the leading constant of c. ``compressed`` records noise compression, which is neutral without
    label noise; ``label_noise`` is the exponent of the label noise's variance in M, None without label noise (the only
    case derived so far). ``saturated`` assumes, against the dynamics, that late noise has always reached its stationary
    level; it is there to explain printed laws.
    """

    name: str
    title: str
    kappa: Fraction
    clock: str
    noise: tuple[NoiseComponent, ...]
    rate: str = "free"
    clock_constant: Factors = ()
    compressed: bool = False
    label_noise: str | None = None
    saturated: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.kappa < 1:
            raise NotAnOptimizer(f"expected a drift normalisation 0 <= kappa < 1, got {self.kappa}")
        if not self.noise:
            raise NotAnOptimizer("expected at least one noise component")
        if self.rate not in ("free", "largest"):
            raise NotAnOptimizer(f"expected a rate that is 'free' or 'largest', got {self.rate!r}")
        if self.rate == "largest" and self.kappa:
            raise NotAnOptimizer(
                "expected kappa = 0 with the largest stable rate: a normalised drift has no stability limit"
            )
        if self.label_noise is not None:
            raise NotAnOptimizer("expected no label noise: its laws are not derived yet")


_SIGN = (("2", Fraction(1)), ("pi", Fraction(-1)))
"""2/pi, the mean of |z|^2 over its root: what a sign keeps of a Gaussian."""

LINEAR = (NoiseComponent("0", "2*alpha", "linear"),)
RESHAPED = (
    NoiseComponent("min(1, 2*alpha)", "2*alpha", "linear", (*_SIGN, ("sigma^-1", Fraction(2)))),
    NoiseComponent("0", "0", "flat", (("1-2/pi", Fraction(1)),)),
)
"""K_sigma = (2/pi) arcsin of the correlations: 2/pi of it linear in D^-1/2 K D^-1/2, the rest on the diagonal.

Constants are those on modes learned late, which are independent of D; sums over all modes are traces
(`derivations.leading.stationary`).
"""

SGD = Optimizer("sgd-tuned", "SGD, learning rate free up to the largest stable one", Fraction(0), "0", LINEAR)


def with_effects(effects: Iterable[Effect], base: Optimizer = SGD) -> Optimizer:
    """SGD with some of the four effects switched on; with all four it is signSGD.

    >>> with_effects(Effect).kappa, with_effects(Effect).clock
    (Fraction(1, 2), 'min(alpha, 1/2)')
    """
    chosen = frozenset(effects)
    names = [e.value for e in Effect if e in chosen]
    title = "SGD with " + (", ".join(names) or "no effect")
    out = replace(base, name="effects/" + ("+".join(names) or "none"), title=title)
    clock: Factors = ()
    if Effect.EFFECTIVE_RATE in chosen:
        out = replace(out, kappa=Fraction(1, 2))
        clock += _SIGN
    if Effect.NOISE_COMPRESSION in chosen:
        out = replace(out, compressed=True)
    if Effect.PRECONDITIONING in chosen:
        out = replace(out, clock="min(alpha, 1/2)")
        clock += (("sigma^-1", Fraction(1)),)
    if Effect.NOISE_RESHAPING in chosen:
        out = replace(out, noise=RESHAPED)
    # the noise is (4/pi^2) K with the effective rate and K_sigma in its place with reshaping (arXiv:2411.12135)
    sign_noise = 2 * (Effect.EFFECTIVE_RATE in chosen) - 2 * (Effect.NOISE_RESHAPING in chosen)
    if sign_noise:
        scale = tuple((base, sign_noise * power) for base, power in _SIGN)
        out = replace(out, noise=tuple(replace(n, constant=(*n.constant, *scale)) for n in out.noise))
    return replace(out, clock_constant=clock)


def subsets() -> tuple[Optimizer, ...]:
    """The 8 different subsets of effects without label noise (compression is then neutral)."""
    active = (Effect.EFFECTIVE_RATE, Effect.PRECONDITIONING, Effect.NOISE_RESHAPING)
    return tuple(with_effects(e for k, e in enumerate(active) if mask >> k & 1) for mask in range(8))


def effects_named(name: str) -> Optimizer | None:
    """``effects/a+b``, any of the 16 subsets; None if it is no such name.

    >>> effects_named("effects/compression+rate").name
    'effects/rate+compression'
    """
    prefix, slash, rest = name.partition("/")
    values = {e.value: e for e in Effect}
    parts = [] if rest == "none" else rest.split("+")
    if prefix != "effects" or not slash or not set(parts) <= set(values) or len(set(parts)) < len(parts):
        return None
    return with_effects(values[p] for p in parts)


def registered() -> dict[str, Optimizer]:
    """All optimizers by name."""
    from derivations.optimizers.normalised_sgd import NORMALISED_SGD
    from derivations.optimizers.sgd import SGD_LARGEST
    from derivations.optimizers.signsgd import SIGNSGD, SIGNSGD_SATURATED

    return {o.name: o for o in (SGD_LARGEST, SGD, SIGNSGD, SIGNSGD_SATURATED, NORMALISED_SGD, *subsets())}
