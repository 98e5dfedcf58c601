"""Worker processes that are killed for real: what was lost is named, nothing hangs, nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from derivations.numeric.pool import WorkerDied, processes
from tests.test_sweep import SIZE, command, finished

AT_ONCE = 5.0
"""Seconds within which a command must end after a worker was killed."""


def test_calls_and_their_errors_come_back() -> None:
    with processes(2) as pool:
        assert sorted(pool.map(abs, [-3, 1, -2])) == [1, 2, 3]
        with pytest.raises(ZeroDivisionError) as caught:
            pool.submit(divmod, 1, 0).result()
        assert "Traceback" in caught.value.__notes__[0], "the worker's own traceback is shown"
        with pytest.raises(TypeError, match="pickle"):
            pool.submit(sys._getframe).result()
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(abs, 1)


@pytest.mark.parametrize("moment", [0.0, 0.3, 1.0])
def test_a_killed_worker_loses_its_own_call_and_those_that_wait_are_cancelled(moment: float) -> None:
    with pytest.raises(WorkerDied, match="killed by SIGKILL"), processes(1) as pool:
        lost, waiting = pool.submit(time.sleep, 60), pool.submit(abs, 1)
        time.sleep(moment)
        os.kill(pool.pids[0], signal.SIGKILL)
        with pytest.raises(CancelledError):
            waiting.result(AT_ONCE)
        with pytest.raises(CancelledError):
            pool.submit(abs, 1).result(AT_ONCE)
        lost.result(AT_ONCE)


def test_leaving_by_an_exception_ends_work_at_once_and_leaves_no_process() -> None:
    start = time.monotonic()
    with pytest.raises(KeyError), processes(2) as pool:
        pids = pool.pids
        call = pool.submit(time.sleep, 60)
        raise KeyError
    assert call.done() and time.monotonic() - start < AT_ONCE
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def _workers(process: subprocess.Popen[str]) -> list[int]:
    said = subprocess.run(["pgrep", "-P", str(process.pid), "-f", "spawn_main"], capture_output=True, text=True)
    return [int(pid) for pid in said.stdout.split()]


def _kill_a_worker(process: subprocess.Popen[str], seconds: float) -> tuple[int, str]:
    """Wait for two workers and some more, kill one; returns exit code and stderr."""
    start = time.monotonic()
    while len(_workers(process)) < 2 and process.poll() is None and time.monotonic() - start < 60:
        time.sleep(0.02)
    time.sleep(seconds)
    os.kill(_workers(process)[-1], signal.SIGKILL)
    start = time.monotonic()
    err = process.communicate(timeout=60)[1]
    assert time.monotonic() - start < AT_ONCE
    return process.returncode, err


def _begin(args: list[str], folder: Path) -> subprocess.Popen[str]:
    place = os.environ | {"PYTHONPATH": str(Path.cwd())}
    return subprocess.Popen(args, cwd=folder, env=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_sweep_whose_worker_is_killed_names_the_task_keeps_results_and_resumes(tmp_path: Path) -> None:
    db = tmp_path / "killed.sqlite"
    long = ["4e4" if x == "4e3" else x for x in command(db, "--workers", "2")]
    process = _begin(long, tmp_path)
    while not (db.exists() and finished(db) >= 2):
        assert process.poll() is None
        time.sleep(0.05)
    kept = finished(db)
    code, err = _kill_a_worker(process, 0.0)
    assert code == 2 and err.count("\n") == 1
    assert "killed by SIGKILL" in err and "lost the task curve optimizer=signsgd" in err and "alpha=" in err
    assert kept <= finished(db) < SIZE
    done = subprocess.run(long, check=False, capture_output=True, text=True)
    assert done.returncode == 0 and f"{SIZE} of {SIZE} curves" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_a_report_and_a_sampled_curve_end_when_a_worker_is_killed(seconds: float, tmp_path: Path) -> None:
    phases = [sys.executable, "-m", "phases.cli"]
    code, err = _kill_a_worker(_begin([*phases, "check", "--all", "--out", "r", "--workers", "2"], tmp_path), seconds)
    assert code == 2 and err.count("\n") == 1 and "lost the task " in err
    assert [p.name for p in (tmp_path / "r").iterdir()] == ["report.sqlite"]
    sample = "curve signsgd --alpha 1 --beta 1 --model-size 256 --rate 1e-3 --steps 1e5 --engine montecarlo"
    code, err = _kill_a_worker(_begin([*phases, *sample.split(), "--workers", "2"], tmp_path), seconds)
    assert code == 2 and err.count("\n") == 1 and "lost the runs " in err
