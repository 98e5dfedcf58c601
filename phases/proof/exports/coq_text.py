"""Formulas as Coq reads them: polynomials, quotients with visible signs, piecewise expressions, regions, names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from derivations.algebra import ONE, Poly, Rational, canonical, factor, format_poly, total_degree
from phases.proof import statements as s


def poly(p: Poly) -> str:
    """A polynomial, in brackets unless it is one word."""
    text = format_poly(p)
    return text if text.isalnum() else f"({text})"


class Signs:
    """Positive polynomials of a piece, by canonical form, for writing quotients with visible signs."""

    def __init__(self, positive: Iterable[Poly]) -> None:
        self.known: dict[Poly, Poly] = {}
        for p in positive:
            self.known[canonical(p)[1]] = p.primitive()[1]

    def product(self, p: Poly) -> tuple[int, str]:
        """Sign and a product of positive factors that equals |p|."""
        content, factors = factor(p)
        side = (content > 0) - (content < 0)
        parts = [str(abs(content))] if abs(content) != 1 or not factors else []
        for f, k in factors:
            known = self.known[f]
            if known != f and k % 2:
                side = -side
            parts.append(poly(known) if k == 1 else f"{poly(known)}^{k}")
        return side, parts[0] if len(parts) == 1 else f"({' * '.join(parts)})"

    def quotient(self, r: Rational) -> tuple[int, str]:
        """Sign and the absolute value, all factors positive."""
        top, numerator = self.product(r.num)
        bottom, denominator = self.product(r.den)
        if r.den == ONE:
            return top * bottom, numerator
        return top * bottom, f"({numerator} / {denominator})"

    def signed(self, r: Rational) -> str:
        """The rational function with its sign."""
        if not r:
            return "0"
        side, text = self.quotient(r)
        return text if side > 0 else f"(- {text})"

    def written(self, r: Rational) -> str:
        """The rational function over a positive denominator."""
        side, bottom = self.product(r.den)
        top = poly(r.num * side)
        return top if r.den == ONE else f"({top} / {bottom})"

    def nonnegative(self, r: Rational) -> str:
        """A tactic for 0 <= r as `signed` writes it."""
        return "nonneg" if r.den == ONE else "apply quotient; [ nonneg | positive ]"


def rational(r: Rational) -> str:
    return poly(r.num) if r.den == ONE else f"({poly(r.num)} / {poly(r.den)})"


def expression(e: s.Expression) -> str:
    """An expression as the law states it."""
    if isinstance(e, Rational):
        return rational(e)
    return joined(e.operator, [expression(a) for a in e.arguments])


def joined(operator: str, parts: Sequence[str]) -> str:
    if operator in ("min", "max"):
        name = "Rmin" if operator == "min" else "Rmax"
        text = parts[-1]
        for part in reversed(parts[:-1]):
            text = f"({name} {part} {text})"
        return text
    return f"({f' {operator} '.join(parts)})"


def combination(coefficients: Sequence[str], unknowns: Sequence[str]) -> str:
    return " + ".join(f"{c} * {u}" for c, u in zip(coefficients, unknowns, strict=True) if c != "0") or "0"


def condition(c: s.Positive) -> str:
    """A condition as the law states it."""
    return f"0 {'<' if c.strict else '<='} {expression(c.expression)}"


def is_linear(region: s.Region) -> bool:
    return all(total_degree(p) == 1 for part in region for p in part)


def region_text(region: s.Region, relation: str) -> str:
    parts = [" /\\ ".join(f"0 {relation} {poly(p)}" for p in sorted(part, key=str)) for part in region]
    return "(" + ") \\/ (".join(parts) + ")" if len(parts) == 1 else "((" + ") \\/ (".join(parts) + "))"


def identifier(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "phase"


def comment(text: str) -> str:
    """Text that cannot end a comment or open a string in it."""
    return text.replace("(*", "( *").replace("*)", "* )").replace('"', "'")
