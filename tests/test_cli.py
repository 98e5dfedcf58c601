"""The contract from outside: output, exit codes, one sentence for bad input, nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest

from phases.cli import main
from tests.test_lawfile import GOOD


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    try:
        code = main(args)
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_at_prints_the_point_of_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "at", "kim2026/signsgd", "--alpha", "2/5", "--beta", "7/10")
    assert code == 0
    for text in ("6/13", "x* = 15/26", "e* = 1", "A, D_al, N"):
        assert text in out


def test_at_json_keeps_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "at", "kim2026/signsgd", "--alpha", "0.4", "--beta", "0.7", "--json")
    data = json.loads(out)
    keys = [
        "law",
        "alpha",
        "beta",
        "phase",
        "slope",
        "model_exponent",
        "rate_exponent",
        "active",
        "slope_formula",
        "provenance",
    ]
    assert code == 0 and set(keys) <= set(data)
    assert (data["slope"], data["model_exponent"], data["rate_exponent"]) == ("6/13", "15/26", "1")
    assert data["active"] == ["A", "D_al", "N"] and data["phase"] == "Ac" and data["alpha"] == "2/5"


def test_on_a_wall_phase_is_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "at", "kim2026/signsgd", "--alpha", "1/2", "--beta", "7/10", "--json")
    assert json.loads(out)["phase"] == ["Ac", "B"]
    code, out, _ = run(capsys, "at", "kim2026/signsgd", "--alpha", "1/2", "--beta", "7/10")
    assert code == 0 and "on the wall between Ac, B" in out


def test_a_fixed_rate_gives_its_own_best_slope(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "at", "kim2026/signsgd", "--alpha", "2/5", "--beta", "7/10", "--rate", "9/10", "--json")
    data = json.loads(out)
    assert data["slope"] == "3/8" and data["rate_exponent"] == "9/10" and data["optimum"]["slope"] == "6/13"
    _, out, _ = run(capsys, "at", "kim2026/signsgd", "--alpha", "2/5", "--beta", "7/10", "--rate", "0", "--json")
    assert json.loads(out)["slope"] == "0", "a constant rate does not scale"


def test_diagram_json_keeps_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "diagram", "paquette2024/sgd", "--json")
    data = json.loads(out)
    assert code == 0 and data["proved"] is True and data["law"] == "paquette2024/sgd"
    assert [p["name"] for p in data["phases"]] == ["Ia", "Ib", "Ic", "II", "III", "IVa", "IVb"]
    for phase in data["phases"]:
        assert set(phase) >= {"name", "slope", "model_exponent", "rate_exponent", "active", "region", "sample"}
        assert all(text.endswith("> 0") for text in phase["region"])
        Fraction(phase["sample"]["alpha"]), Fraction(phase["sample"]["beta"])


def test_laws_lists_names_sources_and_provenance(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "laws", "--json")
    assert code == 0
    assert {e["law"]: e["source"] for e in json.loads(out)}["kim2026/signsgd"] == "arXiv:2603.02069"


def test_prove_writes_a_certificate_that_verify_confirms(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    code, out, _ = run(capsys, "prove", "kim2026/signsgd", "--out", str(file), "--z3")
    assert code == 0 and "proved" in out and "z3 agrees on 66 statements" in out
    code, out, _ = run(capsys, "verify", str(file), "--json")
    assert code == 0 and json.loads(out)["verdict"] == "proved"
    data = json.loads(file.read_text())
    data["phases"][0]["slope"] = "alpha"
    file.write_text(json.dumps(data))
    code, out, _ = run(capsys, "verify", str(file))
    assert code == 1 and "not proved: the formulas stated for Aa do not follow" in out


def test_audit_exits_one_when_a_claim_fails(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    law = tmp_path / "claim.toml"
    law.write_text(GOOD + '[[claim]]\nname = "wrong"\nwhere = ["alpha > 1"]\nslope = "alpha"\n')
    code, out, _ = run(capsys, "audit", str(law), "--json")
    claim = json.loads(out)["claims"][0]
    assert code == 1 and claim["verdict"] == "refuted" and set(claim["witness"]) == {"alpha", "beta"}
    assert run(capsys, "audit", "paquette2024/sgd")[0] == 0


def test_diagram_out_writes_every_file_or_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "new" / "deep"
    code, _out, _ = run(capsys, "diagram", "kim2026/signsgd", "--out", str(folder))
    assert code == 0
    kinds = ("pdf", "svg", "png", "tex", "json", "certificate.json")
    assert {p.name for p in folder.iterdir()} == {f"kim2026-signsgd.{k}" for k in kinds}
    blocked = tmp_path / "file"
    blocked.write_text("keep me")
    code, _, err = run(capsys, "diagram", "kim2026/signsgd", "--out", str(blocked / "sub"))
    assert code == 2 and "cannot write to" in err and err.count("\n") == 1
    assert blocked.read_text() == "keep me" and {p.name for p in tmp_path.iterdir()} == {"new", "file"}


def test_output_never_replaces_what_is_no_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code, _, err = run(capsys, "prove", "kim2026/signsgd", "--out", str(pipe))
    assert code == 2 and "expected a regular file" in err and pipe.is_fifo()
    (tmp_path / "out" / "kim2026-signsgd.svg").mkdir(parents=True)
    code, _, err = run(capsys, "diagram", "kim2026/signsgd", "--out", str(tmp_path / "out"))
    assert code == 2 and [p.name for p in (tmp_path / "out").iterdir()] == ["kim2026-signsgd.svg"]
    code, _, err = run(capsys, "diagram", "kim2026/signsgd", "--out", str(tmp_path / "new" / ("x" * 300)))
    assert code == 2 and not (tmp_path / "new").exists()
    assert run(capsys, "diagram", "kim2026/signsgd", "--out", "")[0] == 2


def test_negative_numbers_are_values(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "at", "paquette2024/sgd", "--alpha", "1", "--beta", "-1/3", "--json")
    assert code == 0 and json.loads(out)["beta"] == "-1/3"
    code, out, _ = run(capsys, "at", "kim2026/signsgd", "--alpha", "1", "--beta", "1/4", "--rate", "-1/3", "--json")
    assert code == 0 and json.loads(out)["rate_exponent"] == "-1/3"


def test_completion_prints_a_script(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("shtab")
    code, out, _ = run(capsys, "completion", "bash")
    assert code == 0 and "phases" in out and "--alpha" in out


BAD = [
    (["at", "kim2026/signsgd", "--alpha", "1/2/3", "--beta", "1"], "--alpha: expected an exact number"),
    (["at", "kim2026/signsgd", "--alpha", "x", "--beta", "1"], "expected an exact number"),
    (["at", "kim2026/signsgd", "--alpha", "1", "--beta", "nan"], "--beta: expected an exact number"),
    (["at", "kim2026/signsgd", "--alpha", "1", "--beta", "7"], "expected beta < alpha + 1/2"),
    (["at", "paquette2024/sgd", "--alpha", "1/4", "--beta", "1/4"], "expected alpha + beta > 1/2"),
    (["at", "kim2026/signsdg", "--alpha", "1", "--beta", "1"], "nearest 'kim2026/signsgd'"),
    (["at", "kim2026/signsgd", "--alpha", "1"], "--beta"),
    (["diagram", "missing.toml"], "expected a readable law file"),
    (["verify", "missing.json"], "expected a readable certificate"),
    (["dance"], "invalid choice"),
    (["zz\nz"], "invalid choice"),
    (["at", "x" * 5000, "--alpha", "1", "--beta", "1"], "unknown law"),
    (["verify", "/dev/zero"], "expected a certificate file"),
    ([], "COMMAND"),
]


@pytest.mark.parametrize("args, message", BAD, ids=lambda a: " ".join(a) if isinstance(a, list) else "")
def test_bad_input_is_one_sentence_and_exit_two(
    capsys: pytest.CaptureFixture[str], args: list[str], message: str
) -> None:
    code, out, err = run(capsys, *args)
    assert code == 2 and out == "" and message in err
    assert err.count("\n") == 1 and "Traceback" not in err


HOSTILE = {
    "code": "__import__('os').system('touch pwned')",
    "powers": "M^(9^9^9^9)",
    "tower": "M^(((((9^9)^9)^9)^9)^9)",
    "product": "M^(" + "*".join(["(alpha + beta + 1)^12"] * 60) + ")",
    "nested": "M^" + "(" * 5000 + "1" + ")" * 5000,
    "minima": "M^(" + "min(alpha, " * 50 + "beta" + ")" * 50 + ")",
    "digits": "M^(" + "9" * 1500 + ")",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_expressions_end_quickly_and_run_nothing(case: str, tmp_path: Path) -> None:
    law = tmp_path / "hostile.toml"
    law.write_text(GOOD.replace("N^(-beta)", HOSTILE[case]))
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "phases.cli", "diagram", str(law)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        check=False,
    )
    assert time.monotonic() - start < 20
    assert done.returncode in (0, 2) and "Traceback" not in done.stderr
    assert case == "minima" or (done.returncode == 2 and "hostile.toml, line 10" in done.stderr)
    assert [p.name for p in tmp_path.iterdir()] == ["hostile.toml"]


def test_help_and_laws_do_not_import_sympy() -> None:
    code = (
        "import sys\nfrom phases.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\nmain(['laws'])\n"
        "assert not {'sympy', 'numpy', 'matplotlib', 'flint'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
