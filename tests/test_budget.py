"""Time budgets: undecided, in time, with what is known so far, and nothing half-written."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from derivations.budget import OutOfTime, known, left, spend, time_budget
from phases.cli import main
from phases.phase_diagram import diagram

FORMS = (
    "gamma^2 * M^(2 - min(1, 2*alpha)) * N^(-beta/(alpha + 1))",
    "M^(-alpha*min(beta, 1)) * N^(-1/(beta + 2))",
    "gamma^(-min(beta, alpha/(1 + beta))) * N^(-min(1, alpha))",
    "(gamma*N)^(-max(alpha*beta, 1/2)/(alpha + beta + 1))",
    "M^(-max(1/3, alpha/(beta + 1)))",
    "gamma * M^(-min(alpha^2, beta)/(alpha + 1))",
    "N^(-min(alpha*beta, (alpha + 1)/(beta + 2)))",
    "M^(max(alpha - beta, 0) - alpha) * N^(-beta/2) * gamma^(1/3)",
)


@pytest.fixture
def slow(tmp_path: Path) -> str:
    """A law of thirty phases with curved walls, which takes minutes."""
    text = '[law]\nname = "user/slow"\n[domain]\nwhere = ["0 < alpha < 4", "0 < beta < 4"]\n'
    text += "".join(f'[[term]]\nname = "t{k}"\nform = "{form}"\n' for k, form in enumerate(FORMS))
    path = tmp_path / "slow.toml"
    path.write_text(text + '[[constraint]]\nform = "gamma <= 1"\n')
    return str(path)


COMMANDS = {
    "diagram": ["diagram", "LAW", "--out", "out"],
    "at": ["at", "LAW", "--alpha", "1", "--beta", "1"],
    "tex": ["tex", "LAW"],
    "prove": ["prove", "LAW", "--out", "out"],
    "audit": ["audit", "LAW"],
    "compare": ["compare", "LAW", "LAW"],
    "check": ["check", "LAW"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_budget_ends_a_command_undecided_with_what_is_known(
    command: str, slow: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    args = [slow if a == "LAW" else a for a in COMMANDS[command]]
    start = time.monotonic()
    budget = "0.01" if command in ("at", "check") else "0.7"
    assert main([*args, "--json", "--time-budget", budget]) == 3
    assert time.monotonic() - start < 5
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and f"undecided, the time budget of {budget} s is used up; known so far: " in err
    data = json.loads(out)
    assert data["verdict"] == "undecided" and (budget == "0.01" or data["known"]["pieces found"] > 0)
    assert {p.name for p in tmp_path.iterdir()} == {"slow.toml"}


def test_an_atlas_out_of_time_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["atlas", "--out", str(tmp_path / "new"), "--time-budget", "1.5"]) == 3
    assert "laws done (of " in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_verifying_keeps_to_a_budget(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "c.json"
    assert main(["prove", "kim2026/signsgd", "--out", str(file)]) == 0
    assert main(["verify", str(file), "--time-budget", "1e-9"]) == 3
    assert "time budget of 1e-09 s" in capsys.readouterr().err
    assert main(["verify", str(file), "--time-budget", "60"]) == 0


@pytest.mark.parametrize("engine", ["mode", "ode", "montecarlo"])
def test_the_referee_keeps_to_a_budget(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    law = "paquette2024/sgd"
    diagram(law)
    start = time.monotonic()
    code = main(["check", law, "--alpha", "1", "--beta", "1/4", "--engine", engine, "--time-budget", "1.2"])
    assert code in ((0, 3) if engine == "mode" else (3,)) and time.monotonic() - start < 6
    assert engine == "mode" or "points checked (of 1) 0" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "x", "\u0661"])
def test_a_budget_is_a_number_of_seconds(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tex", "kim2026/signsgd", "--time-budget", text]) == 2
    assert "--time-budget: expected" in capsys.readouterr().err


def test_budgets_nest_and_end_with_their_block() -> None:
    with time_budget(100):
        assert 99 < left(1000) <= 100 and left(5) == 5
        with pytest.raises(OutOfTime) as caught, time_budget(1e-9):
            known("things", 2)
            spend()
        assert caught.value.known == {"things": 2}
        spend()
    assert left(1000) == 1000
    spend()
