"""An optimizer of one's own: file, law, diagram, referee; and engines that refuse what they cannot run."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derivations.derive import derive
from derivations.lawfile import relation_text, write_law
from derivations.numeric.curve import curve
from derivations.numeric.regression import BadProblem
from derivations.numeric.request import Request
from derivations.optimizers import NoiseComponent, NotAnOptimizer, Optimizer, registered
from derivations.optimizers.file import OptimizerFileError, clock_of_power, parse_optimizer, write_optimizer
from derivations.registry import load
from phases.cli import main
from phases.phase_diagram import diagram
from phases.proof.prove import prove
from phases.proof.verdict import Proved
from phases.referee import check

FOURTH_ROOT = """
[optimizer]
name = "fourth-root"
title = "SGD normalised by the fourth root of the risk"
[drift]
normalisation = "1/4"
[preconditioner]
power = "0"
[[noise]]
scale = "0"
decay = "2*alpha"
[rate]
choice = "free"
"""
HALF = """
[optimizer]
name = "half-preconditioned"
title = "half-preconditioned SGD"
[preconditioner]
power = "1/4"
[[noise]]
decay = "2*alpha"
"""
SLOW_NOISE = """
[optimizer]
name = "slow-noise"
[[noise]]
decay = "alpha"
"""
EXAMPLES = {"fourth-root": FOURTH_ROOT, "half-preconditioned": HALF, "slow-noise": SLOW_NOISE}

parts = st.lists(
    st.tuples(
        st.sampled_from(["0", "1/2", "min(1, 2*alpha)"]), st.sampled_from(["0", "alpha", "2*alpha", "2*alpha + 1"])
    ),
    min_size=1,
    max_size=3,
    unique=True,
)


@given(st.fractions(0, Fraction(8, 9), max_denominator=9), st.fractions(0, 1, max_denominator=9), parts)
def test_what_is_written_reads_back_equal(kappa: Fraction, power: Fraction, noise: list[tuple[str, str]]) -> None:
    given_parts = tuple(NoiseComponent(s, d, f"part{k + 1}") for k, (s, d) in enumerate(noise))
    if len(noise) == 1:
        name = "linear" if noise[0] == ("0", "2*alpha") else "part1"
        given_parts = (NoiseComponent(*noise[0], name),)
    mine = Optimizer("mine", "mine", kappa, clock_of_power(power), given_parts)
    assert parse_optimizer(write_optimizer(mine)) == mine


def test_registered_optimizers_written_as_files_derive_their_own_laws() -> None:
    """The parts say all that the derivation uses: rows of the registered law, but for constants and names."""
    for name in ("sgd", "sgd-tuned", "normalised-sgd", "signsgd", "effects/preconditioning"):
        original = registered()[name]
        copy = parse_optimizer(write_optimizer(original).replace(f'name = "{name}"', 'name = "copy"'))
        rows = []
        for law in (derive(copy).law, derive(original).law):
            terms = sorted((t.form, tuple(map(relation_text, t.where))) for t in law.terms)
            rows.append((terms, [c.form for c in law.constraints]))
        assert rows[0] == rows[1]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_own_optimizer_is_derived_proved_and_refereed(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(EXAMPLES[name])
    law = load(str(path))
    assert law.name == f"derived/{name}" and law.provenance == "derived"
    found = diagram(law)
    assert isinstance(prove(found), Proved)
    for alpha, beta in ((Fraction(1), Fraction(1, 4)), (Fraction(2, 5), Fraction(3, 10))):
        assert check(found, alpha, beta).verdict == "agrees"


def test_values_by_hand() -> None:
    """alpha > 1/2, beta < 1/2: bias and floor bind, and any normalisation has SGD's slope p/(2 alpha + 1)."""
    for text in (FOURTH_ROOT, HALF):
        found = diagram(derive(parse_optimizer(text)).law)
        assert found.at(1, "1/4").slope == Fraction(1, 2)


@pytest.mark.parametrize("command", ["derive", "diagram", "at", "tex", "prove", "audit", "check", "curve"])
def test_every_command_takes_the_file(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(FOURTH_ROOT)
    point = ["--alpha", "1", "--beta", "1/4"]
    more = {
        "at": point,
        "check": [*point, "--compute", "1e16"],
        "curve": [*point, "--model-size", "64", "--rate", "0.01", "--steps", "100"],
    }
    code = main([command, str(path), *more.get(command, [])])
    out = capsys.readouterr().out
    assert code in (0, 3 if command == "check" else 0) and out.strip()


def test_the_printed_law_is_the_derived_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(HALF)
    assert main(["derive", str(path), "--law"]) == 0
    printed = tmp_path / "law.toml"
    printed.write_text(capsys.readouterr().out)
    assert write_law(load(str(printed))) == write_law(load(str(path)))


def test_all_sixteen_subsets_are_optimizers_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", "effects/rate+compression", "--json"]) == 0
    assert main(["at", "derived/effects/compression+rate", "--alpha", "1", "--beta", "2", "--json"]) == 0
    capsys.readouterr()


def test_other_parts_under_a_registered_name_are_refused() -> None:
    with pytest.raises(NotAnOptimizer, match="expected a name of its own"):
        derive(replace(registered()["sgd-tuned"], kappa=Fraction(1, 4)))


BAD = {
    "[optimizer]\ntitle = 'x'": "expected the key 'name'",
    FOURTH_ROOT.replace('"fourth-root"', '"sgd"'): "expected a name of your own",
    FOURTH_ROOT.replace('"1/4"', '"1"'): "expected a number from 0 to 99/100 for 'normalisation'",
    FOURTH_ROOT.replace('"1/4"', '"alpha"'): "in 'normalisation': expected a constant",
    FOURTH_ROOT.replace('power = "0"', 'power = "3/2"'): "expected a number from 0 to 1 for 'power'",
    FOURTH_ROOT.replace('"2*alpha"', '"alpha^2"'): "expected a decay linear in alpha and beta",
    FOURTH_ROOT.replace('"2*alpha"', '"__import__"'): "expected a name among alpha, beta",
    FOURTH_ROOT.replace('"free"', '"best"'): "expected a rate that is 'free' or 'largest'",
    FOURTH_ROOT.replace('"free"', '"largest"'): "expected kappa = 0 with the largest stable rate",
    FOURTH_ROOT.replace("[rate]", "[speed]"): "expected the tables",
    FOURTH_ROOT.replace("decay", "decays"): "expected keys among decay, scale",
    "": "got an empty file",
    "[optimizer": "expected TOML",
}


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_a_bad_file_gets_one_sentence_with_its_line(text: str) -> None:
    with pytest.raises(OptimizerFileError, match=r"^mine\.toml, line [0-9]+: ") as caught:
        parse_optimizer(text, "mine.toml")
    assert BAD[text] in str(caught.value)


def test_engines_run_the_normalisation_that_is_stated(tmp_path: Path) -> None:
    """A third of the fourth root: on a sketch, risk against steps is SGD's at the time that the clock has reached."""
    path = tmp_path / "mine.toml"
    common: dict[str, Any] = {"alpha": Fraction(1), "beta": Fraction(1), "size": 32.0, "rate": 0.01, "steps": 2000.0}
    found = {}
    for kappa in ("0", "1/4", "1/3"):
        path.write_text(FOURTH_ROOT.replace('"1/4"', f'"{kappa}"'))
        found[kappa] = curve(Request(str(path), engine="ode", **common))
    plain = curve(Request("sgd", engine="ode", **common))
    assert np.allclose(found["0"].risk, plain.risk, rtol=1e-6)
    start = float(plain.risk[0])
    assert not np.allclose(found["1/4"].risk, found["1/3"].risk, rtol=1e-3)
    for kappa, value in (("1/4", 0.25), ("1/3", 1 / 3)):  # the first step is longer by L^-kappa, here L = start
        lost = start - float(found[kappa].risk[1])
        assert lost / (start - float(plain.risk[1])) == pytest.approx(start**-value, rel=0.05)


@pytest.mark.parametrize(
    ("text", "engine", "part"),
    [
        (HALF, "ode", "preconditioner"),
        (HALF, "equivalent", "preconditioner"),
        (SLOW_NOISE, "ode", "noise spectrum"),
        (SLOW_NOISE, "sde", "noise spectrum"),
        (FOURTH_ROOT, "montecarlo", "sgd or signsgd"),
        (FOURTH_ROOT, "volterra", "sgd"),
        (FOURTH_ROOT, "meanfield", "signsgd"),
    ],
)
def test_an_engine_without_a_part_refuses(text: str, engine: str, part: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(BadProblem, match=part):
        curve(Request(str(path), Fraction(1), Fraction(1), 16.0, 0.01, 10.0, engine=engine))
