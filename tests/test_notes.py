"""Rates without a bound, and rates out of range, are said to be so, with the rows that are the cause."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derivations.lawfile import parse_law
from derivations.registry import load
from phases.cli import main
from phases.notes import fixed_rate
from phases.phase_diagram import diagram
from phases.program import FIXED_RATE, optimum_at
from phases.sensitivity import price
from phases.walk import NoFiniteSlope
from tests.certificates import ANY_RATE

HEAD = """[law]
name = "user/rates"
[domain]
where = ["alpha > 0", "beta > 0"]
[[term]]
name = "size"
form = "M^(-alpha)"
[[term]]
name = "data"
form = "{data}"
"""
NOISE = """[[term]]
name = "noise"
form = "gamma*M^(-2)"
"""
TINY = """[[constraint]]
name = "tiny"
form = "gamma <= N^(-1/2)"
"""


def asked(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, Any]:
    assert main([*args, "--json"]) == 0
    data: dict[str, Any] = json.loads(capsys.readouterr().out)
    return data


@pytest.fixture
def law(tmp_path: Path) -> Path:
    return tmp_path / "rates.toml"


@pytest.mark.parametrize(
    "text, ends, note",
    [
        (
            HEAD.format(data="(gamma*N)^(-beta)"),
            ["-oo", "-1"],
            "every rate that is large enough is optimal: no row bounds gamma from above, data only from the other side",
        ),
        (
            HEAD.format(data="N^(-beta)") + NOISE,
            ["-1", "oo"],
            "every rate that is small enough is optimal: no row bounds gamma from below, "
            "noise only from the other side",
        ),
        (
            HEAD.format(data="N^(-beta)") + NOISE + 'where = ["alpha > 2"]\n',
            ["-oo", "oo"],
            "gamma occurs in no row, so that every rate is optimal",
        ),
    ],
)
def test_a_rate_without_a_bound_is_said_to_have_none(
    text: str, ends: list[str], note: str, law: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    law.write_text(text)
    at = asked(capsys, "at", str(law), "--alpha", "1", "--beta", "1")
    shown = asked(capsys, "diagram", str(law))
    assert at["rate_exponent"] == ends and at["notes"] == [note]
    assert shown["proved"] and f"phase P1: {note}" in shown["notes"]
    for command in (["at", str(law), "--alpha", "1", "--beta", "1"], ["diagram", str(law)]):
        assert main(command) == 0
        assert note in capsys.readouterr().out


@pytest.mark.parametrize(
    "name, rate, cause",
    [
        ("paquette2024/sgd-tuned", "-1", "stability (gamma <= M^(-max(0, 1 - 2*alpha)))"),
        ("paquette2024/sgd", "1/2", "largest stable rate (gamma = M^(-max(0, 1 - 2*alpha)))"),
        ("kim2026/signsgd", "0", "N (gamma^2*M^(2 - min(1, 2*alpha)))"),
        ("derived/effects/preconditioning", "0", "longest step (gamma*M^(min(alpha, 1/2)) <= 1)"),
    ],
)
def test_a_rate_out_of_range_names_its_cause(
    name: str, rate: str, cause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["at", name, "--alpha", "1", "--beta", "3/4", f"--rate={rate}"]
    data = asked(capsys, *args)
    assert data["slope"] == "0"
    assert data["notes"][0] == (
        f"gamma = M^-({rate}) is out of range: only a model of constant size may have it, nothing is learned; "
        f"the cause is {cause}"
    )
    assert main(args) == 0
    assert data["notes"][0] in capsys.readouterr().out


def test_a_negative_multiplier_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    data = asked(capsys, "at", "paquette2024/sgd-tuned", "--alpha", "1", "--beta", "3/4", "--rate", "1/2")
    assert data["multipliers"][FIXED_RATE] == "-10/17"
    (note,) = data["notes"]
    assert FIXED_RATE in note and note.endswith("a larger rate is better")


def test_a_rate_that_no_size_may_have_is_refused(law: Path, capsys: pytest.CaptureFixture[str]) -> None:
    law.write_text(HEAD.format(data="(gamma*N)^(-beta)") + TINY)
    assert main(["at", str(law), "--alpha", "1", "--beta", "1", "--rate=-1"]) == 2
    said = capsys.readouterr().err
    assert "gamma = M^-(-1) is forbidden by tiny (gamma <= N^(-1/2))" in said and said.count("\n") == 1


@given(
    name=st.sampled_from(["paquette2024/sgd-tuned", "kim2026/signsgd", "derived/signsgd"]),
    rate=st.fractions(-1, 3, max_denominator=12),
)
@settings(max_examples=40, deadline=None)
def test_the_better_side_is_the_better_side(name: str, rate: Fraction) -> None:
    """A multiplier's sign says where the slope rises: a step there does not lose, and with a zero one nothing gains."""
    law, point = load(name), (Fraction(1), Fraction(3, 4))
    best, notes = fixed_rate(law, point, rate)
    slopes = [optimum_at(law, point, rate + d).slope for d in (Fraction(-1, 1000), Fraction(1, 1000))]
    if any("smaller rate" in n for n in notes):
        assert slopes[1] >= best.slope >= slopes[0]
    elif any("larger rate" in n for n in notes):
        assert slopes[0] >= best.slope >= slopes[1]
    else:
        assert best.slope >= max(slopes)
    assert (best.slope == 0) == any("nothing is learned" in n for n in notes)


def test_where_every_rate_is_optimal_a_fixed_one_costs_nothing() -> None:
    law, point = parse_law(ANY_RATE), (Fraction(1, 3), Fraction(2))
    free = optimum_at(law, point)
    for rate in (Fraction(4), Fraction(-3), Fraction(0)):
        assert optimum_at(law, point, rate).slope == free.slope == Fraction(2, 7)
    cost = price(law, point)
    assert cost is not None and (cost.f_larger, cost.f_smaller, cost.m_larger, cost.m_smaller) == (0, 0, 0, 0)


def test_a_scale_that_no_row_bounds_is_said_to_be_one() -> None:
    text = ANY_RATE.replace('name = "anyrate"', 'name = "loose"\nauxiliary = ["tau"]')
    with pytest.raises(NoFiniteSlope, match="expected constraints on all scales"):
        diagram(parse_law(text))
