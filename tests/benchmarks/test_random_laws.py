"""A hundred random laws: seconds to a diagram, median and worst, and beside another checkout in the same run.

``BEFORE=/path/to/checkout`` names the other one; ``EVERY=10`` takes every tenth law, since an old checkout may need
many minutes for all. What is asserted is the number of phases, never a time.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest

from derivations.lawfile import parse_law
from phases.point import locate
from tests.benchmarks.random_laws import PHASES, random_law

pytestmark = pytest.mark.benchmark

HERE = Path(__file__).parents[2]
SEEDS = list(PHASES)[:: int(os.environ.get("EVERY", "1"))]


def measured(checkout: Path, seeds: list[int]) -> list[tuple[float, int]]:
    """Seconds and phases of each law, solved by the code of a checkout."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("time_laws.py"))],
        input=json.dumps([random_law(seed) for seed in seeds]),
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=True,
    )
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def show(what: str, times: list[float]) -> None:
    print(f"\n{what:<46} median {statistics.median(times):7.2f} s   worst {max(times):7.2f} s", end="")


def test_diagrams() -> None:
    before = os.environ.get("BEFORE")
    mine: list[float] = []
    other: list[float] = []
    for seed in SEEDS:
        ((seconds, phases),) = measured(HERE, [seed])
        assert phases == PHASES[seed]
        mine.append(seconds)
        if before:
            other.append(measured(Path(before), [seed])[0][0])
    show(f"{len(SEEDS)} random laws", mine)
    for low, high in ((9, 17), (18, 22), (23, 35)):
        group = [t for t, seed in zip(mine, SEEDS, strict=True) if low <= PHASES[seed] <= high]
        if group:
            show(f"  {len(group)} of them with {low} to {high} phases", group)
    if before:
        show("  the other checkout, law by law in turn", other)
        ratios = [a / b for a, b in zip(other, mine, strict=True)]
        print(f"\n  other / this: median {statistics.median(ratios):.1f}, least {min(ratios):.1f}", end="")


def test_points() -> None:
    times = []
    for seed in SEEDS:
        law = parse_law(random_law(seed))
        start = time.perf_counter()
        found = locate(law, Fraction(37, 41), Fraction(29, 43))
        assert found.formulas[0][0].slope.at(found.point) == found.slope
        times.append(time.perf_counter() - start)
    show("all but the phase's name at one point", times)
