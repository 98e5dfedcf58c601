"""On walls and thresholds: the value there is the limit from every side, for every registered law; or the law jumps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from derivations.algebra import Point, Poly, sort_key, terms, total_degree
from derivations.derive import derive
from derivations.optimizers import registered
from derivations.registry import load, names
from phases.cli import main
from phases.notes import point_notes
from phases.phase_diagram import PhaseDiagram, diagram

JUMPS = """[law]
name = "user/jumps"
[domain]
where = ["alpha > 0", "beta > 0"]
[[term]]
name = "size"
form = "M^(-alpha)"
[[term]]
name = "data"
form = "N^(-beta)"
[[term]]
name = "extra"
form = "N^(-beta/2)"
where = ["alpha > 1"]
"""


def curves(found: PhaseDiagram) -> list[Poly]:
    """Walls, and the thresholds of a derived law, some of which are no walls."""
    out = {w.poly for w in found.walls}
    if found.law.name.startswith("derived/"):
        out |= set(derive(registered()[found.law.name.removeprefix("derived/")]).thresholds)
    return sorted(out, key=sort_key)


def on(curve: Poly, number: Fraction) -> Point | None:
    """A rational point of a curve that is linear in beta, or a line: ``number`` is one of its coordinates."""
    across, down = Fraction(0), Fraction(0)
    for i, j, c in terms(curve)[2]:
        if j > 1:
            return None
        if j:
            across += c * number**i
        else:
            down += c * number**i
    if across:
        return number, -down / across
    if terms(curve)[0] == 1 and not terms(curve)[1]:  # alpha is fixed
        alpha = Fraction(-sum(c for i, _, c in terms(curve)[2] if not i), sum(c for i, _, c in terms(curve)[2] if i))
        return alpha, number
    return None


def corners(lines: list[Poly]) -> Iterator[Point]:
    rows = []
    for p in lines:
        if total_degree(p) == 1:
            part = {(i, j): c for i, j, c in terms(p)[2]}
            rows.append((part.get((1, 0), 0), part.get((0, 1), 0), part.get((0, 0), 0)))
    for (a, b, c), (d, e, f) in combinations(rows, 2):
        if a * e - b * d:
            yield Fraction(b * f - c * e, a * e - b * d), Fraction(c * d - a * f, a * e - b * d)


def check_continuous(found: PhaseDiagram, point: Point) -> None:
    located = found.at(*point)
    for phase in found.phases_at(point):
        assert phase.formulas.slope.at(point) == located.slope, (found.law.name, point, phase.name)
    assert not any("jumps" in note for note in point_notes(found.law, located))


@pytest.mark.parametrize("name", names())
@given(data=st.data())
@settings(max_examples=40)
def test_the_value_on_a_wall_or_threshold_is_the_limit_from_every_side(name: str, data: st.DataObject) -> None:
    found = diagram(name)
    curve = data.draw(st.sampled_from(curves(found)))
    point = on(curve, data.draw(st.fractions(Fraction(-1, 2), 3, max_denominator=40)))
    assume(point is not None and found.law.violated(point) is None)
    assert point is not None
    check_continuous(found, point)


@pytest.mark.parametrize("name", names())
def test_corners_of_walls_and_thresholds_too(name: str) -> None:
    found = diagram(name)
    inside = [p for p in corners(curves(found)) if found.law.violated(p) is None]
    assert inside
    for point in inside:
        check_continuous(found, point)


def test_the_noise_of_learned_and_of_waiting_modes_meet_on_their_threshold() -> None:
    """At alpha = 1/4 both are gamma^2 M^(1/2) tau^2 (M^(1/2) from 2 (1/2 - 1/4)): slope p/2 = 3/20 at beta = 2/5."""
    law = load("derived/signsgd")
    assert diagram(law).at("1/4", "2/5").slope == Fraction(3, 20)
    for name, relation in (("K_learned", "4*alpha - 1 >= 0"), ("K_waiting", "1 - 4*alpha >= 0")):
        (term,) = [t for t in law.terms if t.name == name]
        from derivations.lawfile import relation_text

        assert relation in [relation_text(r) for r in term.where]


def test_a_law_that_jumps_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "jumps.toml"
    path.write_text(JUMPS)
    at = ["at", str(path), "--alpha", "1", "--beta", "1"]
    assert main([*at, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["slope"] == "1/2"
    assert data["notes"] == [
        "the law jumps on this wall: 1/2 is not the limit from phase P2 (1/3), as extra exists on one side only"
    ]
    assert main(at) == 0
    assert data["notes"][0] in capsys.readouterr().out
    assert main(["at", str(path), "--alpha", "2", "--beta", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == []
