"""The command ``curve``: every engine, and every odd number."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from derivations.numeric.curve import curve
from derivations.numeric.request import Request
from derivations.numeric.volterra import Unstable
from phases.cli import main


def test_standard_errors_of_several_sketches_are_of_independent_samples() -> None:
    """Beside the exact curve of the same sketches, their scatter over seeds is what the standard error says."""
    deviations = []
    for seed in range(24):
        request = Request("sgd", Fraction(1), Fraction(1), 16, 0.1, 20, points=4, sketches=8, seed=seed)
        sampled, exact = (curve(replace(request, engine=engine)) for engine in ("montecarlo", "volterra"))
        assert sampled.stderr is not None
        deviations.append((sampled.risk - exact.risk) / sampled.stderr)
    spread = np.std(deviations, axis=0)
    assert np.all((spread > 0.6) & (spread < 1.5))


@pytest.mark.parametrize("engine", ["volterra", "equivalent", "ode", "montecarlo", "law"])
def test_every_engine_of_sgd_draws_the_same_curve(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["curve", "sgd", "--alpha", "1", "--beta", "1", "--model-size", "64", "--rate", "0.05", "--steps", "1e4"]
    assert main([*args, "--engine", engine, "--json", "--points", "8", "--sketches", "2"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["engine"] == engine and len(data["steps"]) == len(data["risk"])
    assert ("stderr" in data) == (engine == "montecarlo")
    exact = curve(Request("sgd", Fraction(1), Fraction(1), 64, 0.05, 1e4, points=8, sketches=2)).risk
    # the law is an asymptote with constants for v = inf; two sketches of M = 64 scatter about the equivalent
    within = {"law": 3.0, "equivalent": 2.0, "montecarlo": 1.5}.get(engine, 1.1)
    assert np.all(np.abs(np.log(np.array(data["risk"]) / exact)) < np.log(within))


@pytest.mark.parametrize(
    "extra, words",
    [
        (["--rate", "0"], "learning rate > 0"),
        (["--rate", "9"], "stability limit"),
        (["--ambient", "8"], "M <= v"),
        (["--ambient", "inf"], "whole ambient dimension"),
        (["--ambient", "nan", "--engine", "equivalent"], "whole ambient dimension"),
        (["--ambient", "99.5", "--engine", "equivalent"], "whole ambient dimension"),
        (["--steps", "1.5"], "whole number of steps"),
        (["--steps", "1e101"], "whole number of steps"),
        (["--rate", "1e-160"], "between 1e-100 and 1e100"),
        (["--rate=-2^0.5"], "expected a number"),
        (["--points", "1e11"], "2 to 100,000 points"),
        (["--sketches", "2^200"], "1 to 10,000 sketches"),
        (["--batch", "0"], "batch size >= 1"),
        (["--batch", "1e8", "--engine", "montecarlo", "--rate", "1e-3", "--steps", "1"], "model size times batch size"),
        (["--time-limit", "nan"], "time limit > 0"),
        (["--noise", "gaussian:1e200"], "between 1e-50 and 1e50"),
        (["--noise", "student:1:1e14"], "degrees of freedom"),
        (["--rate", "1e10", "--engine", "montecarlo"], "grows without bound"),
        (["--alpha", "3", "--model-size", "2^100", "--engine", "equivalent"], "double precision"),
        (["--steps", "1e9", "--engine", "montecarlo"], "would take about"),
        (["--engine", "magic"], "expected an engine"),
        (["--engine", "meanfield"], "expected signsgd with engine meanfield"),
        (["--noise", "cauchy:1"], "finite variance"),
        (["--schedule", "never"], "expected a schedule"),
        (["--model-size", "x"], "expected a number"),
        (["--alpha", "0.1", "--beta", "0.1"], "alpha + beta > 1/2"),
    ],
)
def test_bad_curves_exit_2(extra: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["curve", "sgd", "--alpha", "1", "--beta", "1", "--model-size", "32", "--rate", "0.1", "--steps", "100"]
    assert main([*args, *extra]) == 2
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1


def test_the_equivalent_draws_every_optimizer_and_says_how() -> None:
    big = curve(Request("signsgd", Fraction(2, 5), Fraction(7, 10), 2.0**40, 1e-8, 1e9, engine="equivalent", points=6))
    assert "diagonal" in big.model and np.isfinite(big.risk).all()
    with pytest.raises(Unstable):
        curve(Request("sgd", Fraction(1), Fraction(1), 64, 9.0, 100, engine="equivalent"))
