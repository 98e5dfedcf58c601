"""Speed, as medians of one run with rivals beside us; ``make bench`` prints the table kept in BENCHMARKS.md.

Nothing here asserts a time: machines are shared and noisy. What is asserted is that rivals give the same answers.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from derivations import algebra, polygons
from derivations.algebra import format_poly
from derivations.derive import derive
from derivations.law import RiskLaw
from derivations.optimizers import registered
from derivations.registry import load, names
from phases import planar, roots, strands
from phases.phase_diagram import PhaseDiagram, diagram
from phases.planar import Literal
from phases.plot import slope_grid
from phases.proof import cells, reading
from phases.proof.certificate import certificate_json
from phases.proof.check import check
from phases.proof.decide import implies
from phases.proof.prove import prove
from phases.proof.second_opinion import ask_coq
from phases.proof.verdict import Proved

pytestmark = pytest.mark.benchmark

Question = tuple[tuple[Literal, ...], Literal]


def forget() -> None:
    """Empty every cache, so that a repeated solve does all its work again."""
    for module in (algebra, roots, strands, planar, polygons, cells, reading):
        for value in vars(module).values():
            clear = getattr(value, "cache_clear", None)
            if clear is not None:
                clear()


def median(action: Callable[[], object], repeats: int = 7) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def show(what: str, seconds: float, note: str = "") -> None:
    amount = f"{1e6 * seconds:10.2f} us" if seconds < 1e-4 else f"{1000 * seconds:10.2f} ms"
    print(f"\n{what:<62} {amount}  {note}", end="")


@cache
def solved(name: str) -> PhaseDiagram:
    return diagram(name)


def questions() -> list[Question]:
    """Every implication that the proofs of both published laws rest on."""
    out: list[Question] = []
    for name in ("paquette2024/sgd", "kim2026/signsgd"):
        for chart in (c for phase in solved(name).phases for c in phase.charts):
            out += [(chart.walls, lit) for lit in chart.piece.literals.items() if lit not in chart.walls]
    return out


def test_verifying_is_not_slower_than_proving() -> None:
    """Whole laws: solve and prove, against verifying the certificate as it is read from its file."""
    worst = 0.0
    for name in names():
        text = json.dumps(certificate_json(prove(solved(name)).certificate))  # type: ignore[union-attr]

        def proving(name: str = name) -> None:
            forget()
            assert isinstance(prove(diagram(name)), Proved)

        def verifying(text: str = text) -> None:
            forget()
            assert isinstance(check(json.loads(text)), Proved)

        proving()
        verifying()
        worst = max(worst, median(verifying) / median(proving))
    print(f"\n{'verify / (solve and prove), the worst registered law':<62} {worst:10.2f}", end="")


def test_coq_on_the_published_laws() -> None:
    if shutil.which("coqc") is None:
        pytest.skip("coqc is not installed")
    start = time.perf_counter()
    for name in ("paquette2024/sgd", "paquette2024/sgd-tuned", "kim2026/signsgd"):
        assert ask_coq(prove(solved(name)).certificate).agrees  # type: ignore[union-attr]
    show("Coq checks the three published laws", time.perf_counter() - start, "target < 60 s")


def test_solve_and_prove_both_published_laws() -> None:
    def work() -> None:
        for name in ("paquette2024/sgd", "kim2026/signsgd"):
            assert isinstance(prove(diagram(name)), Proved)

    def fresh() -> None:
        forget()
        work()

    work()
    show("solve and prove both published laws, caches emptied", median(fresh), f"factoring by {algebra.backend()}")
    show("  the same, caches warm", median(work))


def test_against_z3_and_semialg() -> None:
    asked = questions()

    def ours() -> list[bool]:
        forget()
        return [isinstance(implies(h, c), Proved) for h, c in asked]

    answers = ours()
    mine = median(ours) / len(asked)
    show(f"one implication, ours (mean of {len(asked)})", mine)
    z3 = pytest.importorskip("z3")
    from phases.proof.second_opinion import ask

    assert [ask(h, c) for h, c in asked] == answers
    theirs = median(lambda: [ask(h, c) for h, c in asked], 3) / len(asked)
    show(f"  z3 {z3.get_version_string()}", theirs, f"ours / z3 = {mine / theirs:.2f}")
    python = os.environ.get("SEMIALG_PYTHON", ".venv-rivals/bin/python")
    if not Path(python).exists():
        pytest.skip("no interpreter with semialg: set SEMIALG_PYTHON")
    text = [([_text(h) for h in hs], _text((c[0], -c[1]))) for hs, c in asked]
    rival = Path(__file__).with_name("rival_semialg.py")
    done = subprocess.run([python, str(rival)], input=json.dumps(text), capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout)
    assert [answer for _, answer in rows] == answers
    each = statistics.mean(seconds for seconds, _ in rows)
    show("  semialg 1.3.2", each, f"semialg / ours = {each / mine:.0f}")


def _text(literal: Literal) -> str:
    p, s = literal
    return f"{format_poly(p if s > 0 else -p)} > 0"


def test_points() -> None:
    found = solved("paquette2024/sgd")
    points = [(Fraction(k, 101), Fraction(k, 37) + Fraction(1, 2)) for k in range(1, 201)]
    show("diagram.at, one point inside a phase", median(lambda: [found.at(*p) for p in points]) / len(points))
    wall = [(Fraction(1, 2), Fraction(k, 37) + 1) for k in range(1, 101)]
    show("diagram.at, one point on a wall", median(lambda: [found.at(*p) for p in wall]) / len(wall))
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0, 2, 100_000), rng.uniform(-0.5, 2, 100_000)
    show("slope at 100,000 points, vectorised", median(lambda: slope_grid(found, a, b)))


def test_whole_processes() -> None:
    def run(*args: str) -> Callable[[], object]:
        command = [str(Path(sys.executable).with_name("phases")), *args]
        return lambda: subprocess.run(command, check=True, capture_output=True)

    show("phases --help, whole process", median(run("--help")))
    show("phases laws, whole process", median(run("laws")))
    for name in names():
        show(f"phases at {name}, whole process", median(run("at", name, "--alpha", "2/5", "--beta", "7/10")))


def test_each_registered_law() -> None:
    total = 0.0
    for name in names():
        law = load(name)

        def fresh(law: RiskLaw = law) -> None:
            forget()
            prove(diagram(law))

        seconds = median(fresh, 3)
        total += seconds
        show(f"solve and prove {name}, caches emptied", seconds)
    show("all registered laws", total)


def test_derive_and_prove_signsgd() -> None:
    def work() -> None:
        forget()
        assert isinstance(prove(diagram(derive(registered()["signsgd"]).law)), Proved)

    show("derive, solve and prove derived/signsgd, caches emptied", median(work))
