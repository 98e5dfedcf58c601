from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given

from derivations.exponents import OnWall, resolve, value
from derivations.grammar import ExpressionError, Name, Node, parse, parse_rational, parse_relations, to_text
from tests.strategies import nodes, points

NAMES = ("alpha", "beta")


@given(nodes(), points)
def test_text_round_trip_keeps_the_value(node: Node, point: tuple[Fraction, Fraction]) -> None:
    assert value(parse(to_text(node), NAMES), point) == value(node, point)


@given(nodes(), points)
def test_resolving_gives_the_value_and_records_the_comparisons(node: Node, point: tuple[Fraction, Fraction]) -> None:
    recorded = []
    try:
        ratio = resolve(node, point, lambda p, why: recorded.append(p))
    except (OnWall, ExpressionError):
        return
    assert ratio.at(point) == value(node, point)


def test_another_name_has_no_value() -> None:
    point = (Fraction(1), Fraction(2))
    for act in (lambda: value(Name("M"), point), lambda: resolve(Name("M"), point, lambda p, why: None)):
        with pytest.raises(ExpressionError, match="expected alpha or beta, found M"):
            act()


@pytest.mark.parametrize("text, expected", [("3/4", "3/4"), ("0.75", "3/4"), ("-2", "-2"), (" 7 ", "7"), (".5", "1/2")])
def test_exact_numbers(text: str, expected: str) -> None:
    assert parse_rational(text) == Fraction(expected)


@pytest.mark.parametrize("text", ["1/2/3", "x", "nan", "inf", "1e3", "", "1/0", "--1", "½", "0x10", "1_000"])
def test_refuses_what_is_not_an_exact_number(text: str) -> None:
    with pytest.raises(ExpressionError, match="expected an exact number"):
        parse_rational(text)


@pytest.mark.parametrize(
    "text, message",
    [
        ("alpha +", "expected a number, a name or"),
        ("alpha beta", "expected an operator or the end"),
        ("gamma", "expected a name among alpha, beta"),
        ("sin(alpha)", "expected a function among min, max"),
        ("min(alpha)", "at least two arguments"),
        ("(" * 5000 + "alpha" + ")" * 5000, "at most 2000 characters"),
        ("(" * 90 + "alpha" + ")" * 90, "nested levels"),
        ("alpha ; beta", "unexpected character ';' at column 7"),
        ("__import__('os')", "unexpected character|expected a"),
        ("12345678901234567890", "at most 18 digits"),
    ],
)
def test_one_sentence_for_each_bad_expression(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        parse(text, NAMES)


def test_chained_condition_becomes_two() -> None:
    assert [r.op for r in parse_relations("0 < alpha <= 1/2", NAMES)] == ["<", "<="]
