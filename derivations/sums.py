"""Power sums: how sum_j j^-a behaves between two ends, exactly, and its leading constants.

Every risk term is such a sum over the modes 1..M, cut at J = tau^(1/(2 alpha)), the last mode learned by intrinsic time
tau <= M^(2 alpha): modes below J have decayed, modes above have not moved. A sum of powers is dominated by one of its
ends, and which one is the sign of the linear form a - 1; on the wall a = 1 there is a logarithm, reported, not hidden.
For smooth cut-offs phi the leading constant is the Mellin transform of phi (a Gamma factor).

Source: Paquette et al. 2024, arXiv:2405.15074, appendix on forcing functions; re-derived.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer, Symbol, gamma

from derivations.algebra import ALPHA, Poly, Rational, format_poly
from derivations.exponents import PARAMETERS
from derivations.grammar import Node, parse
from derivations.polygons import Line, height, line_of, polygon

ENDS = ("1", "J", "M")
ALPHA_SYMBOL = Symbol("alpha", positive=True)
BETA_SYMBOL = Symbol("beta", real=True)


@dataclass(frozen=True, slots=True)
class Case:
    """One side of the threshold: the dominant end and the exponents of M and tau of the sum there."""

    condition: str
    end: str
    M: str
    tau: str


@dataclass(frozen=True, slots=True)
class PowerSum:
    """sum over lower <= j <= upper of j^(-a), ends among 1, J, M, up to constants."""

    a: Poly
    lower: str
    upper: str

    @property
    def threshold(self) -> Poly:
        """The linear form a - 1, whose sign says which end dominates."""
        return self.a - 1

    def cases(self) -> tuple[Case, Case]:
        """a > 1: the lower end dominates; a < 1: the upper end."""
        form = format_poly(self.threshold)
        out = []
        for condition, end in ((f"{form} > 0", self.lower), (f"{form} < 0", self.upper)):
            m, tau = _end_power(end, self.threshold)
            out.append(Case(condition, end, m, tau))
        return out[0], out[1]

    def fixed_sign(self, within: tuple[Line, ...] = ()) -> int:
        """+1 or -1 if a - 1 has one sign on the polygon of the given half-planes, else 0."""
        if self.threshold.is_ground:
            return 1 if int(self.threshold.LC) > 0 else -1
        for s in (1, -1):
            line = line_of(self.threshold, s)
            corners = polygon(within) if line is not None and within else ()
            if line is not None and corners and all(height(line, v) >= 0 for v in corners):
                return s
        return 0

    def exponents(self, within: tuple[Line, ...] = ()) -> dict[str, Node]:
        """Exponents of M and tau, valid on both sides, with max where the two ends take turns.

        ``within`` are half-planes that are known to hold; a threshold that cannot change sign there is not split.

        >>> from derivations.algebra import ALPHA
        >>> from derivations.grammar import to_text
        >>> {k: to_text(v) for k, v in PowerSum(2*ALPHA, "J", "M").exponents().items()}
        {'tau': '-max(0, 2*alpha - 1)/(2*alpha)', 'M': 'max(0, 1 - 2*alpha)'}
        """
        out: dict[str, str] = {}
        known = self.fixed_sign(within)
        if known:
            end = self.lower if known > 0 else self.upper
            m, tau = _end_power(end, self.threshold)
            out = {"M": m, "tau": tau}
        else:
            form, opposite = format_poly(self.threshold), format_poly(-self.threshold)
            for end, text in ((self.lower, f"-max(0, {form})"), (self.upper, f"max(0, {opposite})")):
                if end == "J":
                    out["tau"] = f"{text}/(2*alpha)"
                elif end == "M":
                    out["M"] = text
        return {k: parse(v, PARAMETERS) for k, v in out.items() if v != "0"}

    def __str__(self) -> str:
        return f"sum_(j={self.lower})^{self.upper} j^-({format_poly(self.a)})"


def _end_power(end: str, threshold: Poly) -> tuple[str, str]:
    """Exponents of M and tau of end^(1 - a)."""
    if end == "1":
        return "0", "0"
    if end == "M":
        return format_poly(-threshold), "0"
    return "0", str(Rational.of(-threshold, 2 * ALPHA))


def leading_constant(a: Poly) -> Expr:
    """C in sum_j j^(-a) exp(-2 j^(-2 alpha) tau) ~ C * tau^(-(a - 1)/(2 alpha)) where a > 1: the Mellin transform.

    Exact, as a sympy expression in alpha and beta: Gamma(s) 2^(-s)/(2 alpha) with s = (a - 1)/(2 alpha).

    >>> leading_constant(2*ALPHA)
    gamma((2*alpha - 1)/(2*alpha))/(2*2**((2*alpha - 1)/(2*alpha))*alpha)
    """
    s = (a.as_expr(ALPHA_SYMBOL, BETA_SYMBOL) - 1) / (2 * ALPHA_SYMBOL)
    return gamma(s) * Integer(2) ** (-s) / (2 * ALPHA_SYMBOL)
