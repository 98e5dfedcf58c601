"""The referee: verdicts, engines, figure, report."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize as scipy_minimize

from derivations.numeric.engine_checks import noise_exponents
from derivations.numeric.envelope import envelope
from derivations.numeric.envelope_engines import EquivalentOde, dynamics
from derivations.numeric.fit import Fit
from derivations.numeric.mode_model import ModeDynamics
from derivations.numeric.regression import BadProblem
from derivations.optimizers.lookup import optimizer_named
from derivations.registry import load
from phases import referee_work
from phases.cli import main
from phases.corrections import NoCorrection, corrections
from phases.referee import AGREES, CANNOT_TELL, DISAGREES, Comparison

POINT = ["--alpha", "2/5", "--beta", "7/10", "--json"]


def test_the_referee_tells_the_derived_law_from_the_printed_one(capsys: pytest.CaptureFixture[str]) -> None:
    """signSGD at (2/5, 7/10): slope 12/25 and x* = 3/5 in the dynamics, not 6/13 and 15/26."""
    assert main(["check", "derived/signsgd", *POINT, "--compute", "1e30"]) == 0
    rows = {r["quantity"]: r for r in json.loads(capsys.readouterr().out)["rows"]}
    assert rows["slope"]["predicted"] == "12/25" and all(r["verdict"] == "agrees" for r in rows.values())
    assert main(["check", "kim2026/signsgd", *POINT, "--compute", "1e30"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["verdict"] == "disagrees" and all(r["verdict"] == "disagrees" for r in data["rows"])


def test_random_features_say_the_same_as_modes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    figure = tmp_path / "check.png"
    engines = ["--engine", "ode", "--engine", "mode", "--plot", str(figure)]
    assert main(["check", "kim2026/signsgd", *POINT, *engines]) == 1
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {r["engine"] for r in rows} == {"ode", "mode"} and figure.stat().st_size > 10_000
    fitted = {(r["engine"], r["quantity"]): r["fitted"] for r in rows}
    for quantity in ("slope", "model_exponent"):
        assert fitted["ode", quantity] == pytest.approx(fitted["mode", quantity], abs=0.01)


@pytest.mark.parametrize("engine, verdict", [("mode", 0), ("ode", 0)])
def test_the_referee_agrees_with_the_published_sgd_law(
    engine: str, verdict: int, capsys: pytest.CaptureFixture[str]
) -> None:
    point = ["--alpha", "1", "--beta", "1/4", "--compute", "1e16"]
    assert main(["check", "paquette2024/sgd", *point, "--engine", engine]) == verdict
    assert ": agrees\n" in capsys.readouterr().out


def test_every_phase_of_a_law_at_a_telling_point_in_one_figure(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    figure = tmp_path / "phases.svg"
    args = ["check", "paquette2024/sgd-tuned", "--compute", "1e20", "--plot", str(figure), "--json"]
    assert main(args) == 0
    rows = [r for r in json.loads(capsys.readouterr().out)["rows"] if r["quantity"] == "slope"]
    assert [r["phase"] for r in rows] == [["Ia"], ["Ib"], ["Ic"], ["II"], ["III"], ["IV"]]
    assert figure.read_text(encoding="utf-8").count(": agrees") == 6  # titles of panels


def test_samples_alone_cannot_tell(capsys: pytest.CaptureFixture[str]) -> None:
    args = ["check", "derived/signsgd", *POINT, "--engine", "montecarlo", "--compute", "1e4"]
    assert main(args) == 3
    assert json.loads(capsys.readouterr().out)["verdict"] == "cannot tell"


@pytest.mark.parametrize(
    "args, words",
    [
        (["paquette2024/sgd", "--alpha", "1"], "expected both"),
        (["paquette2024/sgd", "--alpha", "1", "--beta", "1", "--compute", "10"], "between 1e4 and 1e30"),
        (["derived/normalised-sgd", "--alpha", "1", "--beta", "1", "--engine", "montecarlo"], "sgd or signsgd"),
        (["paquette2024/sgd", "--alpha", "1", "--beta", "1", "--plot", "a.gif"], ".png"),
        ([], "expected a law, or --all"),
        (["derived/sgd", "--workers", "2"], "with --all only"),
        (["paquette2024/sgd", "--all"], "expected no law"),
    ],
)
def test_bad_checks_exit_2(args: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *args]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def test_an_envelope_is_an_optimum() -> None:
    """No other size and rate nearby does better, in the engine's own words."""
    model = ModeDynamics(optimizer_named("signsgd"), Fraction(1), Fraction(1))
    found = envelope(model, np.array([1e8, 1e10, 1e12]))
    for k in range(3):
        sizes = np.round(found.size[k] * np.repeat([0.5, 0.8, 1.0, 1.25, 2.0], 5))
        rates = found.rate[k] * np.tile([0.5, 0.8, 1.0, 1.25, 2.0], 5)
        assert model.each(sizes, rates, found.compute[k] / sizes).min() > found.risk[k] * (1 - 2e-3)


@pytest.mark.parametrize("engine", ["mode", "ode"])
def test_the_rate_of_an_optimizer_without_a_free_one_follows_the_size(engine: str) -> None:
    (model,), _ = dynamics(engine, optimizer_named("sgd"), Fraction(1, 3), Fraction(1))
    found = envelope(model, np.array([1e8, 1e10, 1e12]))
    expected = [model.rates(float(np.round(M)), 1e6)[0] for M in found.size]
    assert found.rate == pytest.approx(expected, rel=0.02)


def test_a_law_close_to_a_tie_knows_its_corrections() -> None:
    tie = corrections(load("paquette2024/sgd"), (Fraction(2, 7), Fraction(1)), (1e16, 1e20))["slope"]
    clear = corrections(load("paquette2024/sgd"), (Fraction(1), Fraction(1, 4)), (1e16, 1e20))["slope"]
    assert tie[1] - tie[0] > 0.005 > 1e-5 > clear[1] - clear[0]


@pytest.mark.parametrize("alpha, beta, verdict", [("1/2", "1/4", 0), ("1", "3/2", 0), ("1", "1/2", 0), ("1/2", "1", 3)])
def test_on_a_wall_logarithms_are_not_held_against_a_law(
    alpha: str, beta: str, verdict: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The default compute is enough to decide; where three logarithms meet, at (1/2, 1), nothing is."""
    assert main(["check", "derived/signsgd", "--alpha", alpha, "--beta", beta, "--json"]) == verdict
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert all(len(row["phase"]) > 1 and row["verdict"] != "disagrees" for row in rows)
    assert rows[0]["window"][1] == pytest.approx(1e30)


def test_on_a_threshold_that_is_no_wall_the_value_is_that_of_the_dynamics(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "derived/signsgd", "--alpha", "1/4", "--beta", "2/5", "--json"]) == 0
    slope = json.loads(capsys.readouterr().out)["rows"][0]
    assert slope["predicted"] == "3/20" and abs(slope["fitted"] - 0.15) < 0.002


WRONG_ON_ITS_WALL = """[law]
name = "user/wrong"
derived = "derived/signsgd"
[domain]
where = ["alpha > 0", "beta > 1/2"]
[[term]]
name = "size"
form = "M^(-2*alpha)"
[[term]]
name = "data"
form = "N^(-max(alpha, beta - 1/2))"
"""


def test_a_law_that_is_wrong_on_its_wall_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Slope 2/3 at (1, 3/2), where the dynamics have 4/5 (up to logarithms)."""
    path = tmp_path / "wrong.toml"
    path.write_text(WRONG_ON_ITS_WALL)
    assert main(["check", str(path), "--alpha", "1", "--beta", "3/2", "--json"]) == 1
    slope = json.loads(capsys.readouterr().out)["rows"][0]
    assert slope["predicted"] == "2/3" and len(slope["phase"]) == 2 and slope["verdict"] == "disagrees"


@pytest.mark.parametrize(
    "value, error, verdict",
    [
        (0.5, 0.019, AGREES),
        (0.5, 0.021, CANNOT_TELL),  # a wide bar agrees with too much
        (0.59, 0.021, DISAGREES),  # but what is beyond four of them is beyond
        (0.58, 0.021, CANNOT_TELL),
        (0.9, float("nan"), CANNOT_TELL),
        (0.9, float("inf"), CANNOT_TELL),
    ],
)
def test_a_wide_error_bar_bars_agreement_and_not_disagreement(value: float, error: float, verdict: str) -> None:
    half = (Fraction(1, 2), Fraction(1, 2))
    assert Comparison("slope", half, Fit(value, error, (1.0, 2.0))).verdict == verdict


def test_a_solve_that_fails_is_tried_again_and_then_admitted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    law, point, window = load("derived/effects/rate+preconditioning"), (Fraction(7, 5), Fraction(1, 2)), (1e20, 1e24)
    right = corrections(law, point, window)
    solve, calls = scipy_minimize, []

    def fails_once(*args: Any, **given: Any) -> Any:
        calls.append(1)
        found = solve(*args, **given)
        if len(calls) % 2:
            found.success, found.x = False, found.x + 0.01
        return found

    monkeypatch.setattr("phases.corrections.minimize", fails_once)
    again = corrections(law, point, window)
    assert all(again[k] == pytest.approx(right[k], abs=1e-4) for k in right) and len(calls) > 10

    def never(*args: Any, **given: Any) -> Any:
        found = solve(*args, **given)
        found.success = False
        return found

    monkeypatch.setattr("phases.corrections.minimize", never)
    with pytest.raises(NoCorrection, match="expected the corrections of the law"):
        corrections(law, point, window)
    assert main(["check", "paquette2024/sgd", "--alpha", "1", "--beta", "1/4", "--compute", "1e10", "--json"]) == 3
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert all(row["error"] is None and row["verdict"] == "cannot tell" for row in rows)
    assert main(["check", "paquette2024/sgd", "--alpha", "1", "--beta", "1/4", "--compute", "1e10"]) == 3
    assert "+- unknown" in capsys.readouterr().out


def test_what_passes_a_row_is_no_solution(monkeypatch: pytest.MonkeyPatch) -> None:
    def outside(*args: Any, **given: Any) -> Any:
        found = scipy_minimize(*args, **given)
        found.x = found.x + np.eye(len(found.x))[-1] * 1e-3
        return found

    monkeypatch.setattr("phases.corrections.minimize", outside)
    with pytest.raises(NoCorrection):
        corrections(load("paquette2024/sgd"), (Fraction(1), Fraction(1, 4)), (1e16, 1e20))


def test_engines_and_their_limits() -> None:
    optimizer = optimizer_named("signsgd")
    assert isinstance(dynamics("ode", optimizer, Fraction(1), Fraction(1))[0][0], EquivalentOde)
    with pytest.raises(BadProblem, match="expected an engine"):
        dynamics("magic", optimizer, Fraction(1), Fraction(1))


def test_noise_before_saturation_has_the_derived_exponents() -> None:
    """gamma^2 M^(2 alpha) N^(2 - 4 alpha) at alpha = 0.4, not the printed M^(2 - 2 alpha)."""
    found = noise_exponents(0.4, [2.0**30, 2.0**50])
    assert abs(found["in_N"][1] - 0.4) < abs(found["in_N"][0] - 0.4) < 0.06
    assert found["in_M"] == pytest.approx([0.8, 0.8], abs=0.02)


@pytest.mark.slow
def test_the_report_is_written_and_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "PUBLISHED": ("kim2026/signsgd",),
        "CRUCIAL": (("derived/signsgd", "2/5", "7/10"),),
        "SAMPLED": (),
        "names": lambda: ["derived/sgd", "derived/signsgd-saturated"],
        "TRANSIENTS": ((0.3, 0.7), (0.6, 0.6)),
        "NOISES": ("none",),
        "NOISE_SIZES": {16: 32, 32: 32},
        "WIDTH": 32,
    }.items():
        monkeypatch.setattr(referee_work, name, value)
    folder = tmp_path / "referee"
    for _ in range(2):
        assert main(["check", "--all", "--out", str(folder), "--workers", "2"]) == 1
        assert "kim2026/signsgd: disagrees" in capsys.readouterr().out
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "| derived/sgd | 7 | 7 | 0 | 0 |" in text and "saturated" not in text
    assert "6/13" in text and "| kim2026/signsgd | Ac | (1/3, 2/3) | mode |" in text
    assert {p.name for p in folder.iterdir()} >= {"crucial.png", "noise.png", "transients.png", "sgd.png"}
