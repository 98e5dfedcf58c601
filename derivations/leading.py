"""Leading constants of the risk terms, exact: Gamma and zeta factors from the sums a derivation meets.

With the exponents of a term comes, where the theory gives one, the number in front of it, for an infinite ambient
dimension and modes far below M. The bias terms are Mellin transforms of their sums; the floor needs the fixed point
sum_j lambda_j/(lambda_j + kappa) = M of the resolvent scale, whose sum is an integral for 2 alpha > 1; the noise of
learned modes needs the constants of the clock and of the noise spectrum (`derivations.optimizers`). The diagonal of K
does not concentrate for 2 alpha > 1, so that means over sigma_i = sqrt(K_ii) stand in them (`derivations.sigma_means`).
Early noise needs the integral of the risk, which is a convergent sum only for kappa = 0 and 2 beta > 1 (small gamma).
Elsewhere a term has no constant here, and that is said rather than guessed.

Source: leading forms of arXiv:2405.15074 and its authors' public code, drift normalisation of arXiv:2603.02069;
re-derived.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from sympy import Expr, Integer, S, pi, sin, zeta
from sympy import Rational as Number

from derivations.algebra import ALPHA, BETA
from derivations.optimizers import Factors, NoiseComponent, Optimizer
from derivations.sigma_means import mean_cubed_sigma, mean_inverse_sigma, mean_sigma, mixed_target, slow_target
from derivations.sums import ALPHA_SYMBOL as a
from derivations.sums import BETA_SYMBOL as b
from derivations.sums import leading_constant

_BASES: dict[str, Expr] = {"2": Integer(2), "pi": pi, "1-2/pi": 1 - 2 / pi, "sigma^-1": mean_inverse_sigma(a)}


LINEAR_PART = "linear part of the arcsine alone, sum_j w_j is up to pi/2 times as large"
"""For alpha > 1/2 modes that are learned hold a part of the rest that is not known."""


@dataclass(frozen=True, slots=True)
class LeadingConstant:
    """The number in front of a term where all inequalities ``where`` hold, as an expression in alpha and beta."""

    value: Expr
    where: tuple[str, ...]
    reason: str

    def at(self, alpha: float, beta: float) -> float:
        """Its value at a point (the inequalities are the caller's business)."""
        return float(self.value.subs({a: alpha, b: beta}).evalf(17))

    def __str__(self) -> str:
        return str(self.value)


Constants = tuple[LeadingConstant, ...]


def _number(q: Fraction) -> Expr:
    return Number(q.numerator, q.denominator)


def factors(given: Factors) -> Expr:
    """The product of powers that an optimizer's data spell out.

    >>> factors((("2", Fraction(1)), ("pi", Fraction(-1))))
    2/pi
    """
    out: Expr = S.One
    for base, power in given:
        out *= _BASES[base] ** _number(power)
    return out


def floor() -> Constants:
    """C in F_0 ~ C M^(-2 alpha + max(0, 1 - 2 beta)): kappa's constant times the bulk sum, or the integral."""
    u = pi / (2 * a)
    kappa = (u / sin(u)) ** (2 * a)
    s = (1 - 2 * b) / (2 * a)
    infinite = "2*alpha - 1 > 0"
    return (
        LeadingConstant(kappa * zeta(2 * b), (infinite, "2*beta - 1 > 0"), "kappa times sum_j j^(-2*beta)"),
        LeadingConstant(
            kappa ** (1 - s) * u / sin(pi * s),
            (infinite, "1 - 2*beta > 0"),
            "the integral of j^(-2*alpha-2*beta) kappa/(kappa + lambda_j) over j",
        ),
    )


def aligned() -> Constants:
    """C in F_pp ~ C tau^(-(2 alpha + 2 beta - 1)/(2 alpha))."""
    return (LeadingConstant(leading_constant(2 * ALPHA + 2 * BETA), (), "Mellin transform of exp(-2 u)"),)


def distorted(optimizer: Optimizer) -> Constants:
    """C in F_ac ~ C M^(-1) tau^(-1 + 1/(2 alpha))."""
    norm = mixed_target(a, b) if _is_preconditioned(optimizer) else zeta(2 * b)
    value = norm * leading_constant(2 * ALPHA)
    return (LeadingConstant(value, ("2*alpha - 1 > 0", "2*beta - 1 > 0"), "target norm times a Mellin transform"),)


def early(optimizer: Optimizer, component: NoiseComponent) -> Constants:
    """C in K_early ~ C gamma M^(..) tau^(..): the kernel times the integral of the bias, for kappa = 0."""
    if optimizer.kappa or component.name != "linear":
        return ()
    scale = factors(component.constant) / factors(optimizer.clock_constant)
    where = ["4*alpha - 1 > 0", "2*beta - 1 > 0"]
    if uses_sigma((*component.constant, *optimizer.clock_constant)):
        where.append("2*alpha - 1 > 0")
    norm = slow_target(a, b) if _is_preconditioned(optimizer) else zeta(2 * b)
    value = scale * norm / 2 * leading_constant(4 * ALPHA)
    reason = "small gamma: int L = target norm/2 before the floor, each mode in its own time"
    return (LeadingConstant(value, tuple(where), reason),)


def stationary(optimizer: Optimizer, components: tuple[NoiseComponent, ...]) -> Constants:
    """C in L ~ C (gamma M^(..))^(1/kappa) once all modes that matter hold their stationary share w_j/2.

    The noise's trace in the basis of the drift is exact: sum_i sigma_i for K_sigma and a preconditioned drift, M for
    K_sigma alone, sum_i sigma_i^3 for K and a preconditioned drift, sum_j lambda_j for K alone.
    """
    reshaped = len(optimizer.noise) > 1
    if _is_preconditioned(optimizer):
        trace = mean_sigma(a) if reshaped else mean_cubed_sigma(a)
    else:
        trace = Integer(1) if reshaped else zeta(2 * a)
    total = trace * sum((factors(_without_sigma(c.constant)) for c in components), S.Zero)
    value = (total / (2 * factors(_without_sigma(optimizer.clock_constant)))) ** _number(1 / optimizer.kappa)
    reason = "L^kappa = (gamma/2c) sum_j w_j"
    if reshaped and len(components) == 1:
        reason += f", {LINEAR_PART}"
    return (LeadingConstant(value.simplify(), ("2*alpha - 1 > 0",), reason),)


def uses_sigma(given: Factors) -> bool:
    """Whether a mean over sigma is a factor, which is known for 2 alpha > 1 only."""
    return any(base == "sigma^-1" for base, _ in given)


def _without_sigma(given: Factors) -> Factors:
    return tuple((base, power) for base, power in given if base != "sigma^-1")


def _is_preconditioned(optimizer: Optimizer) -> bool:
    return optimizer.clock != "0"


def in_steps(optimizer: Optimizer, constant: Expr, decay: Expr) -> tuple[Expr, Expr]:
    """C, s with L ~ C (gamma M^clock N)^(-s) for a bias constant * tau^(-decay) that alone drives the clock.

    tau L^kappa/(1 - kappa decay) = gamma c N; kappa * decay < 1 is needed (else the bias vanishes in finite time). The
    drift normalisation takes a decay x of SGD's time to 2 x/(2 - x) for kappa = 1/2.

    >>> from derivations.optimizers import registered
    >>> in_steps(registered()["sgd"], S.One, Integer(1))
    (1, 1)
    """
    k = _number(optimizer.kappa)
    s = (decay / (1 - k * decay)).cancel()
    c = factors(optimizer.clock_constant)
    return constant * ((1 - k * decay) * c * constant**-k) ** -s, s
