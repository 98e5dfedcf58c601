"""All hypothesis strategies: exact points, laws written by users, expressions."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from derivations.grammar import Binary, Extremum, Name, Negative, Node, Number

REGISTERED = ("kim2026/signsgd", "paquette2024/sgd", "paquette2024/sgd-tuned")
"""The published laws; the derived ones are in tests/test_derivation.py."""


def rationals(low: int, high: int, denominator: int = 60) -> st.SearchStrategy[Fraction]:
    """Exact numbers between two bounds, often with small denominators so that walls are hit."""
    fine = st.fractions(min_value=low, max_value=high, max_denominator=denominator)
    coarse = st.sampled_from([Fraction(k, 4) for k in range(4 * low, 4 * high + 1)])
    return st.one_of(fine, coarse)


points = st.tuples(rationals(0, 3), rationals(-1, 3))


@st.composite
def linear(draw: st.DrawFn) -> str:
    """A simple linear exponent."""
    a, b = draw(st.integers(-2, 2)), draw(st.integers(-2, 2))
    c = draw(st.sampled_from(["-1", "-1/2", "0", "1/2", "1"]))
    kind = draw(st.sampled_from(["alpha", "beta", "both", "constant"]))
    if kind == "alpha":
        return f"({a}*alpha + {c})"
    if kind == "beta":
        return f"({b}*beta + {c})"
    if kind == "both":
        return f"({a}*alpha + {b}*beta)"
    return f"({c})"


@st.composite
def exponents(draw: st.DrawFn) -> str:
    """An exponent as a user might write it: linear, rational, min or max."""
    kind = draw(st.sampled_from(["linear", "linear", "linear", "rational", "min", "max"]))
    if kind == "linear":
        return draw(linear())
    if kind == "rational":
        return f"({draw(linear())}/(alpha + {draw(st.integers(1, 2))}))"
    return f"{kind}({draw(linear())}, {draw(linear())})"


@st.composite
def law_texts(draw: st.DrawFn, max_terms: int = 6) -> str:
    """The text of a law file with 2 to ``max_terms`` monomials, sometimes with conditions and constraints."""
    lines = ["[law]", 'name = "user/law"', "[domain]", 'where = ["alpha > 0", "alpha + beta > 1/2"]']
    count = draw(st.integers(2, max_terms))
    for k in range(count):
        rate = draw(st.sampled_from(["", "*gamma", "*gamma^2", "*gamma^(-1)"]))
        form = f"M^{draw(exponents())}*N^{draw(exponents())}{rate}"
        lines += ["[[term]]", f'name = "T{k}"', f'form = "{form}"']
        where = draw(st.sampled_from(["", "", "", "alpha > 1/2", "beta > 1/2", "beta < alpha"]))
        if where:
            lines.append(f'where = ["{where}"]')
    if draw(st.booleans()):
        lines += ["[[constraint]]", 'name = "largest"', 'form = "gamma <= 1"']
    if draw(st.booleans()):
        lines += ["[[constraint]]", 'name = "smallest"', 'form = "gamma >= M^(-3)"']
    return "\n".join(lines) + "\n"


def nodes() -> st.SearchStrategy[Node]:
    """Syntax trees over alpha and beta without division, so that they always have a value."""
    numbers = st.fractions(min_value=-5, max_value=5, max_denominator=9).map(Number)
    leaves = st.one_of(numbers, st.sampled_from([Name("alpha"), Name("beta")]))

    def grow(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        return st.one_of(
            st.builds(Binary, st.sampled_from("+-*"), inner, inner),
            inner.filter(lambda n: not isinstance(n, Number)).map(Negative),
            st.builds(lambda f, a, b: Extremum(f, (a, b)), st.sampled_from(["min", "max"]), inner, inner),
            inner.map(lambda n: Binary("^", n, Number(Fraction(2)))),
        )

    return st.recursive(leaves, grow, max_leaves=8)
