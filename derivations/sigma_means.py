"""Means over sigma_i = sqrt(K_ii), as symbols with a value: what leading constants for 2 alpha > 1 are written with.

Their values are exact integrals (`derivations.sigma`), computed when a number is asked for. In text they print as they
are called; in LaTeX as means.
"""

from __future__ import annotations

from typing import Any

from sympy import Expr, Float, Function


class _Mean(Function):  # type: ignore[misc]
    """A function of alpha, or of alpha and beta, that evaluates to sixteen digits."""

    digits = 16

    def _eval_evalf(self, prec: int) -> Any:
        values = [arg.evalf(prec) for arg in self.args]
        if not all(v.is_Float or v.is_Rational for v in values):
            return None
        return Float(self.number(*map(float, values)), self.digits)

    @staticmethod
    def number(*values: float) -> float:
        """The value at numbers."""
        raise NotImplementedError


class mean_sigma(_Mean):
    """E[sigma] M^(1/2).

    >>> from sympy import Integer
    >>> str(mean_sigma(Integer(1)).evalf(6))
    '1.18794'
    """

    nargs = 1

    @staticmethod
    def number(*values: float) -> float:
        """E S^(1/2)."""
        from derivations.sigma import mean_power

        return mean_power(values[0], 1)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _powered(r"\overline{\sigma}", exp)


class mean_inverse_sigma(_Mean):
    """E[1/sigma] M^(-1/2)."""

    nargs = 1

    @staticmethod
    def number(*values: float) -> float:
        """E S^(-1/2)."""
        from derivations.sigma import mean_power

        return mean_power(values[0], 0)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _powered(r"\overline{\sigma^{-1}}", exp)


class mean_cubed_sigma(_Mean):
    """E[sigma^3] M^(3/2)."""

    nargs = 1

    @staticmethod
    def number(*values: float) -> float:
        """E S^(3/2)."""
        from derivations.sigma import mean_power

        return mean_power(values[0], 2)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _powered(r"\overline{\sigma^{3}}", exp)


class mixed_target(_Mean):
    """The target's squared norm as it is mixed into modes not yet learned; zeta(2 beta) if sigma were constant."""

    nargs = 2

    @staticmethod
    def number(*values: float) -> float:
        """See `derivations.sigma.mixed_target`."""
        from derivations import sigma

        return sigma.mixed_target(*values)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _powered(r"\|b\|^{2}_{\mathrm{mixed}}", exp)


class slow_target(_Mean):
    """The target's squared norm, each mode in its own time to be learned; zeta(2 beta) if sigma were constant."""

    nargs = 2

    @staticmethod
    def number(*values: float) -> float:
        """See `derivations.sigma.slow_target`."""
        from derivations import sigma

        return sigma.slow_target(*values)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _powered(r"\|b\|^{2}_{\mathrm{slow}}", exp)


def _powered(base: str, exponent: str | None) -> str:
    return base if exponent is None else rf"\left({base}\right)^{{{exponent}}}"


MEANS: dict[str, type[_Mean]] = {
    m.__name__: m for m in (mean_sigma, mean_inverse_sigma, mean_cubed_sigma, mixed_target, slow_target)
}
"""By name, as in law files."""

EXPLAINED = {
    "mean_sigma": "E[sigma] M^(1/2)",
    "mean_inverse_sigma": "E[1/sigma] M^(-1/2)",
    "mean_cubed_sigma": "E[sigma^3] M^(3/2)",
    "mixed_target": "the target's squared norm as it is mixed into modes not yet learned",
    "slow_target": "the target's squared norm, each mode in its own time",
}
"""What they are, with sigma_i^2 = K_ii."""


def means_in(values: list[Expr]) -> list[str]:
    """Names of the means that occur in expressions, in order."""
    found = {type(f).__name__ for v in values for f in v.atoms(_Mean)}
    return [name for name in MEANS if name in found]
