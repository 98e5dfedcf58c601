"""A derived law drawn as a curve: its terms with their leading constants, and where one overtakes another.

The terms of a derived law are functions of M, gamma and intrinsic time tau; here each gets its leading constant
(`derivations.leading`), their sum is the risk, and steps follow from the clock N = int L^kappa/(gamma c) dtau. The
constants are for infinite ambient dimension and J << M, so the curve is an asymptote to hold dynamics against, not a
solver. A term without a known constant at the point is left out and named; but where the clock follows the risk
(kappa > 0) there is no curve without the floor: the clock would run away, as the aligned bias alone may vanish in
finitely many steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import zeta

from derivations.derive import derive
from derivations.errors import PhaselawsError
from derivations.exponents import PARAMETERS, holds, value
from derivations.grammar import Relation, parse, parse_relations
from derivations.leading import LINEAR_PART, factors, uses_sigma
from derivations.optimizers import Optimizer
from derivations.sigma import LARGEST
from derivations.sums import ALPHA_SYMBOL

Array = NDArray[np.float64]
POINTS_PER_DECADE = 40


class NoConstant(PhaselawsError, ValueError):
    """The theory gives no leading constant here; the message says which is missing."""


@dataclass(frozen=True, slots=True)
class TermCurve:
    """constant * gamma^rate * M^size * tau^time: one term of the risk; ``remark`` says what the constant leaves out."""

    name: str
    constant: float
    rate: float
    size: float
    time: float
    remark: str = ""

    def at(self, M: float, gamma: float, tau: Array | float) -> Array:
        """The term at intrinsic times tau."""
        return np.asarray(self.constant * gamma**self.rate * M**self.size * np.asarray(tau) ** self.time)


@dataclass(frozen=True, slots=True)
class Crossover:
    """Where the largest term changes: from the step on, ``to`` is the larger."""

    before: str
    to: str
    steps: float
    risk: float


@dataclass(frozen=True, slots=True)
class CurveLaw:
    """A law at one (alpha, beta): terms with constants, clock, and the terms whose constants are not known."""

    terms: tuple[TermCurve, ...]
    missing: tuple[str, ...]
    kappa: float
    clock: float
    """Exponent of M in c."""
    clock_constant: float
    start: float
    """The risk at tau = 0, sum_j j^(-2 alpha - 2 beta)."""

    def risk(self, M: float, gamma: float, tau: Array | float) -> Array:
        """The sum of the terms, never above the risk at the start."""
        return np.minimum(self.start, np.sum([t.at(M, gamma, tau) for t in self.terms], axis=0))

    def steps(self, M: float, gamma: float, tau: Array) -> Array:
        """N at increasing tau: the integral of L^kappa/(gamma c), from the flat start on."""
        c = self.clock_constant * M**self.clock
        if not self.kappa:
            return tau / (gamma * c)
        fine = np.geomspace(tau[0] * 1e-6, tau[-1], 4000)
        speed = self.risk(M, gamma, fine) ** self.kappa
        inner = np.concatenate([[0.0], np.cumsum(0.5 * (speed[1:] + speed[:-1]) * np.diff(fine))])
        total = fine[0] * speed[0] + inner
        return np.exp(np.interp(np.log(tau), np.log(fine), np.log(total))) / (gamma * c)

    def times(self, M: float, gamma: float, steps: Array) -> Array:
        """tau at the given steps, the inverse of `steps`."""
        c = self.clock_constant * M**self.clock
        if not self.kappa:
            return gamma * c * steps
        low = gamma * c * steps.min() / self.start**self.kappa
        high = low
        while self.steps(M, gamma, np.array([low, high]))[-1] < steps.max():
            high *= 1e3
        grid = np.geomspace(low / 2, high, 4000)
        spent = self.steps(M, gamma, grid)
        return np.exp(np.interp(np.log(steps), np.log(spent), np.log(grid)))

    def crossovers(self, M: float, gamma: float, steps: Array) -> tuple[Crossover, ...]:
        """Where the largest term changes within the range of steps."""
        ends = self.times(M, gamma, np.array([steps.min(), steps.max()]))
        tau = np.geomspace(ends[0], ends[1], 2000)
        largest = np.argmax([t.at(M, gamma, tau) for t in self.terms], axis=0)
        out = []
        for k in np.flatnonzero(np.diff(largest)):
            one, two = self.terms[largest[k]], self.terms[largest[k + 1]]
            ratio = float(one.at(M, gamma, 1.0) / two.at(M, gamma, 1.0))
            meet = ratio ** (1 / (two.time - one.time))
            n = float(self.steps(M, gamma, np.array([ends[0] / 2, meet]))[-1])
            out.append(Crossover(one.name, two.name, n, float(self.risk(M, gamma, meet))))
        return tuple(out)

    def crossover_size(self, first: str, second: str, gamma: float, steps: float, largest: float = 1e30) -> float:
        """The model size M at which two terms are equal after the given steps.

        Raises
        ------
        NoConstant : neither overtakes the other for M between 1 and ``largest``.
        """
        one, two = (next(t for t in self.terms if t.name == n) for n in (first, second))

        def difference(log_size: float) -> float:
            M = float(np.exp(log_size))
            tau = self.times(M, gamma, np.array([steps]))[0]
            return float(np.log(one.at(M, gamma, tau)) - np.log(two.at(M, gamma, tau)))

        high = float(np.log(largest))
        if difference(0.0) * difference(high) > 0:
            raise NoConstant(f"expected {first} and {second} to cross for some M below {largest:g}: they do not")
        return float(np.exp(brentq(difference, 0.0, high)))


def curve_law(optimizer: Optimizer, alpha: Fraction, beta: Fraction) -> CurveLaw:
    """The derived law of an optimizer at a point, with every leading constant that is known there.

    Raises
    ------
    NoConstant : outside the domain; or the clock lacks a constant: its own (2 alpha <= 1 with preconditioning), or with
        kappa > 0 that of the floor (2 alpha <= 1 or 2 beta = 1).

    >>> from derivations.optimizers import registered
    >>> law = curve_law(registered()["sgd"], Fraction(1), Fraction(1))
    >>> [(t.name, round(t.constant, 3)) for t in law.terms], law.missing
    ([('F_0', 4.059), ('F_pp', 0.157), ('F_ac', 1.031), ('K_early', 0.129)], ())
    """
    point = (alpha, beta)
    if alpha <= 0 or alpha + beta <= Fraction(1, 2):
        raise NoConstant("expected alpha > 0 and alpha + beta > 1/2")
    if 2 * alpha <= 1 and uses_sigma(optimizer.clock_constant):
        raise NoConstant(
            f"expected alpha > 1/2 for {optimizer.name}: below, K_ii and so the clock depend on the ambient dimension"
        )
    if alpha > LARGEST and uses_sigma((*optimizer.clock_constant, *(f for c in optimizer.noise for f in c.constant))):
        raise NoConstant(f"expected alpha <= {LARGEST:g} for {optimizer.name}: means over K_ii are not computed beyond")
    terms, missing = [], []
    for term in derive(optimizer).law.terms:
        if not all(holds(r, point) for r in term.where):
            continue
        exponents = [float(value(term.monomial.exponent(base), point)) for base in ("gamma", "M", "tau")]
        constants = [c for c in term.constants if all(holds(r, point) for w in c.where for r in _relation(w))]
        if constants:
            remark = LINEAR_PART if LINEAR_PART in constants[0].reason else ""
            rate, size, time = exponents
            number = constants[0].at(float(alpha), float(beta))
            terms.append(TermCurve(term.name, number, rate, size, time, remark))
        else:
            missing.append(term.name)
    if optimizer.kappa and "F_0" in missing:
        where = "alpha > 1/2" if 2 * alpha <= 1 else "beta other than 1/2"
        raise NoConstant(
            f"expected {where} for {optimizer.name}: its clock follows the risk, whose floor F_0 has no known constant"
        )
    clock = float(value(parse(optimizer.clock, PARAMETERS), point))
    c = float(factors(optimizer.clock_constant).subs({ALPHA_SYMBOL: float(alpha)}).evalf(17))
    start = float(zeta(2 * float(alpha + beta)))
    return CurveLaw(tuple(terms), tuple(missing), float(optimizer.kappa), clock, c, start)


def _relation(text: str) -> list[Relation]:
    return list(parse_relations(text, PARAMETERS))
