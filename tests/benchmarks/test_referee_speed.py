"""Speed of the referee's engines, as ratios within one run; ``make bench`` prints the table kept in BENCHMARKS.md.

The JAX rival is the public code of LosVolterrosHermanos/Experimental, run from a checkout whose path is given in
EXPERIMENTAL by the interpreter RIVAL_PYTHON (default .venv-rivals/bin/python). Nothing here asserts a time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import cholesky, eigh

from derivations.numeric.envelope import envelope
from derivations.numeric.equivalent import INFINITE, equivalent
from derivations.numeric.mean_field import mean_field_curve
from derivations.numeric.mode_model import ModeDynamics
from derivations.numeric.montecarlo import GROUP, UNIT, Normals, correlate, simulate
from derivations.numeric.pool import cores, processes
from derivations.numeric.regression import Regression, power_law
from derivations.numeric.sign_ode import SignBasis, linearised_curve
from derivations.numeric.volterra import recurrence, risk_curve
from derivations.optimizers import registered
from tests.benchmarks.test_speed import median, show

pytestmark = pytest.mark.benchmark
TIMES = np.geomspace(1, 1e10, 200)


@cache
def problem(M: int, alpha: float = 1.0, beta: float = 1.0) -> Regression:
    return power_law(alpha, beta, M, 4 * M, seed=1)


def rival(request: dict[str, Any]) -> dict[str, Any]:
    """Ask the JAX rival; skips without its checkout."""
    checkout = os.environ.get("EXPERIMENTAL", "")
    python = os.environ.get("RIVAL_PYTHON", ".venv-rivals/bin/python")
    if not (Path(checkout) / "power_law_rf").is_dir() or not Path(python).exists():
        pytest.skip("no rival: set EXPERIMENTAL to a checkout of LosVolterrosHermanos/Experimental")
    script = Path(__file__).with_name("rival_experimental.py")
    done = subprocess.run(
        [python, str(script), checkout], input=json.dumps(request), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(one: Callable[[], object], other: Callable[[], object], repeats: int = 7) -> tuple[float, float]:
    """Medians of both, run alternately: the machine's mood meets both."""
    pairs = [(timed(one), timed(other)) for _ in range(repeats)]
    first, second = np.median(pairs, axis=0)
    return float(first), float(second)


def test_sgd_curve() -> None:
    p, rate = problem(1024), 0.2
    values = p.eigen[0]

    def ours(error: float = 1e-10) -> np.ndarray:
        return risk_curve(recurrence(values, p.shares, rate, p.floor), TIMES, error)

    error = float(np.abs(ours() / ours(1e-15) - 1).max())
    ours()
    mine = median(ours, 15)
    show("SGD risk curve, M = 1024, 200 times to 1e10, set-up excluded", mine, f"error {error:.1e}")

    def everything() -> None:
        fresh = Regression(p.covariance, p.optimum, p.floor)
        risk_curve(recurrence(fresh.eigen[0], fresh.shares, rate, p.floor), TIMES, 1e-10)

    dense, whole = in_turn(lambda: eigh(p.covariance, driver="evd"), everything)
    show("  one dense eigen-decomposition", dense)
    show("  set-up included", whole, f"/ eigen-decomposition = {whole / dense:.2f} (target <= 1.2)")
    asked = {"what": "ode", "eigenvalues": values.tolist(), "shares": p.shares.tolist(), "floor": p.floor}
    answer = rival(asked | {"rate": rate, "last": 1e10, "dt": 1e-3})
    at = np.array(answer["times"])
    keep = at >= 1
    exact = risk_curve(recurrence(values, p.shares, rate, p.floor), at[keep], 1e-14, continuous=True)
    theirs = float(np.abs(np.array(answer["risks"])[keep] / exact - 1).max())
    note = f"error {theirs:.1e} against its own ODE; JAX / ours = {answer['seconds'] / mine:.0f} (target >= 400)"
    show("  Experimental's log-time ODE in JAX, compiled, dt = 1e-3", answer["seconds"], note)


def test_equivalent_curve() -> None:
    def work() -> np.ndarray:
        return equivalent(1.0, 1.0, 2.0**40, INFINITE).sgd_curve(0.2, TIMES)

    work()
    show("the same at M = 2^40, deterministic equivalent, from nothing", median(work, 5), "target < 100 ms")


def test_linearised_ode() -> None:
    p, rate = problem(1024, 0.6, 0.6), 1e-3
    basis = SignBasis(p)
    exact = basis_curve(basis, rate, 0.01)
    found = linearised_curve(basis, rate, TIMES)
    error = float(np.abs(found / exact - 1).max())
    mine = median(lambda: linearised_curve(basis, rate, TIMES), 9)
    show("signSGD linearised ODE, M = 1024, 200 times to 1e10", mine, f"error {error:.1e} (target < 10 ms at 1e-5)")
    modes = basis.modes

    def field(s: float, q: np.ndarray) -> np.ndarray:
        m = 2 / np.pi / np.sqrt(modes.floor + q.sum())
        return np.exp(s) * (-2 * rate * m * modes.rates * q + rate**2 * modes.rates * modes.noise)

    best = None
    for tolerance in (1e-4, 1e-5, 1e-6):
        start = time.perf_counter()
        solution = solve_ivp(
            field,
            (np.log(1e-3), np.log(1e10)),
            modes.shares,
            method="LSODA",
            t_eval=np.log(TIMES),
            rtol=tolerance,
            atol=tolerance * 1e-9,
        )
        seconds = time.perf_counter() - start
        off = float(np.abs((modes.floor + solution.y.sum(axis=0)) / exact - 1).max())
        best = (seconds, off)
        if off < 2e-5:
            break
    assert best is not None
    note = f"error {best[1]:.1e}; scipy / ours = {best[0] / mine:.0f} (target >= 10)"
    show("  scipy.integrate.solve_ivp, LSODA in log time", best[0], note)


def basis_curve(basis: SignBasis, rate: float, h: float) -> np.ndarray:
    from derivations.numeric.clocks import sign_clock
    from derivations.numeric.family import Family

    return Family(basis.modes, sign_clock()).curve(rate, TIMES, h=h)


def test_mean_field() -> None:
    basis = SignBasis(problem(1024, 0.6, 0.6))
    mean_field_curve(basis, 1e-3, np.array([10.0]))
    show(
        "signSGD mean-field ODE, M = 1024, to 1e10 steps", timed(lambda: mean_field_curve(basis, 1e-3, TIMES)), "< 2 s"
    )


def drawn(factor: np.ndarray, steps: int, seed: int) -> int:
    """The normals and triangular products of one group of signSGD runs, and nothing else."""
    stream = Normals(np.random.Generator(np.random.SFC64(seed)), (UNIT * GROUP, len(factor)))
    for _ in range(steps // UNIT):
        correlate(stream.draw(), factor)
    return steps


def test_sampled_signsgd() -> None:
    """On all cores, ours and the bound in the same worker processes."""
    p, M, runs, steps = problem(512, 0.6, 0.6), 512, 512, 400
    factor = np.asfortranarray(cholesky(p.covariance, lower=True), dtype=np.float32)
    groups = runs // GROUP
    with processes(cores()) as pool:

        def work() -> object:
            return simulate(p, "signsgd", 1e-3, [steps], runs, executor=pool)

        def bound() -> object:
            return list(pool.map(drawn, [factor] * groups, [steps] * groups, range(groups)))

        work()
        mine, floor = (s / (runs * steps) for s in in_turn(work, bound))
    show(f"signSGD sampled, M = 512, per run and step, {cores()} cores", mine)
    show(
        "  bound: its normals and triangular product alone", floor, f"ours / bound = {mine / floor:.2f} (target <= 1.5)"
    )

    def naive() -> None:
        wide, e = np.linalg.cholesky(p.covariance), -p.optimum.copy()
        generator = np.random.default_rng(1)
        for _ in range(200):
            x = wide @ generator.standard_normal(M)
            residual = x @ e - np.sqrt(p.floor) * generator.standard_normal()
            e = e - 1e-3 * np.sign(residual) * np.sign(x)

    slow = median(naive, 3) / 200
    show("  naive numpy loop, one run at a time", slow, f"naive / ours = {slow / mine:.1f} (target >= 10)")
    asked = {"what": "signsgd", "factor": factor.tolist(), "start": (-p.optimum).tolist(), "floor": p.floor}
    answer = rival(asked | {"runs": 256, "steps": 200, "rate": 1e-3})
    show("  the same sampler jitted in JAX", answer["seconds"], f"JAX / ours = {answer['seconds'] / mine:.2f} (>= 1)")


def test_sampled_sgd() -> None:
    p, runs, steps = problem(1024), 64, 400
    work = lambda: simulate(p, "sgd", 0.05, [steps], runs)  # noqa: E731
    work()
    mine = median(work, 5) / (runs * steps)
    show("SGD sampled, M = 1024, per run and step", mine)
    answer = rival({"what": "sgd", "M": 1024, "v": 4096, "alpha": 1.0, "beta": 1.0, "rate": 0.05, "steps": 2000})
    note = f"JAX / ours = {answer['seconds'] / mine:.0f} (target >= 20)"
    show("  SGD step on Experimental's data in JAX, compiled, v = 4096", answer["seconds"], note)


def test_memory() -> None:
    code = (
        "import resource, numpy as np\n"
        "from derivations.numeric.regression import power_law\n"
        "from derivations.numeric.montecarlo import simulate\n"
        "simulate(power_law(1.0, 1.0, 512), 'sgd', 0.05, [1e6], runs=2)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    note = f"peak memory {float(done.stdout):.0f} MiB (target < 1024)"
    show("SGD sampled, M = 512, N = 10^6, whole process", time.perf_counter() - start, note)


def test_envelope() -> None:
    for name, point in (("signsgd", (Fraction(2, 5), Fraction(7, 10))), ("sgd", (Fraction(1), Fraction(1, 4)))):

        def work(name: str = name, point: tuple[Fraction, Fraction] = point) -> object:
            return envelope(ModeDynamics(registered()[name], *point), np.geomspace(1e8, 1e16, 13))

        show(f"compute-optimal envelope to 1e16, {name} at ({point[0]}, {point[1]})", timed(work), "target < 5 s")


def least(work: Callable[[], object], repeats: int = 3) -> float:
    """The fastest of a few: what the work itself costs, for the slopes of the figure."""
    return min(timed(work) for _ in range(repeats))


def test_cost_growth() -> None:
    """Time against M, N and seeds; writes figures/gallery/cost.png."""
    from matplotlib.figure import Figure

    sizes = [2**k for k in range(6, 12)]
    solved: dict[str, list[float]] = {}
    sampled: dict[str, list[float]] = {}
    for M in sizes:
        p = problem(M, 0.6, 0.6)
        modes, basis = recurrence(p.eigen[0], p.shares, 0.02, p.floor), SignBasis(p)
        linearised_curve(basis, 1e-3, TIMES)  # sets up
        for name, work in {
            "set-up: eigenvectors": lambda p=p: Regression(p.covariance, p.optimum, p.floor).eigen,
            "SGD, exact": lambda modes=modes: risk_curve(modes, TIMES),
            "signSGD, linearised": lambda basis=basis: linearised_curve(basis, 1e-3, TIMES),
            "signSGD, mean field": lambda basis=basis: mean_field_curve(basis, 1e-3, TIMES),
            "SGD, equivalent": lambda M=M: equivalent(0.6, 0.6, M).sgd_curve(0.02, TIMES),
        }.items():
            solved.setdefault(name, []).append(least(work))
    p = problem(256, 0.6, 0.6)
    steps, runs = [10**k for k in range(1, 6)], [2**k for k in range(3, 12)]
    with processes(1) as pool:

        def seconds_of(p: Regression, name: str, N: int, R: int, repeats: int = 5) -> float:
            return least(lambda: simulate(p, name, 1e-3, [N], R, executor=pool), repeats)

        for name in ("sgd", "signsgd"):
            for M in sizes:
                short, long = (seconds_of(problem(M, 0.6, 0.6), name, N, 32) for N in (64, 320))
                sampled.setdefault(name, []).append((long - short) / (32 * 256))
        along = [seconds_of(p, "signsgd", N, 16, 1 if N > 1e4 else 3) for N in steps]
        across = [seconds_of(p, "signsgd", 100, R) for R in runs]
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for name, seconds in solved.items():
        left.loglog(sizes, seconds, "o-", ms=3, label=name)
    for name, seconds in sampled.items():
        middle.loglog(sizes, seconds, "o-", ms=3, label=name)
    right.loglog(steps, along, "o-", ms=3, label="against N, 16 runs")
    right.loglog(runs, across, "o-", ms=3, label="against runs, N = 100")
    left.set(xlabel="M", ylabel="seconds", title="a curve of 200 times to N = 1e10")
    middle.set(xlabel="M", ylabel="seconds per run and step", title="Monte-Carlo, one process")
    right.set(xlabel="N, or runs", ylabel="seconds", title="signSGD sampled, M = 256")
    for axes in (left, middle, right):
        axes.legend(fontsize=7, frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig("figures/gallery/cost.png", dpi=130)
    show("cost growth drawn", sum(along) + sum(across))
