"""Ctrl-C, SIGTERM and SIGHUP, sent to real processes at many moments: one line, the exit code, nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SAID = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "the terminal hung up"}
LONG = {
    "atlas": ["atlas", "--out", "new/deep"],
    "diagram": ["diagram", "paquette2024/sgd", "--out", "new/deep"],
    "sweep": [
        *("sweep", "signsgd", "--alpha", "0.4,0.8", "--beta", "1/2", "--model-size", "64", "--rate", "0.01"),
        *("--steps", "4e5", "--engine", "montecarlo", "--seed", "0:9:1", "--db", "r.sqlite", "--workers", "2"),
    ],
    "report": ["check", "--all", "--out", "new/deep", "--workers", "2"],
    "check": ["check", "paquette2024/sgd", "--engine", "all", "--plot", "figure.png"],
    "curve": [
        *("curve", "signsgd", "--alpha", "1", "--beta", "1", "--model-size", "256", "--rate", "1e-3"),
        *("--steps", "2e5", "--engine", "montecarlo", "--workers", "2", "--plot", "figure.png"),
    ],
}
"""Each works for several seconds."""
MOMENTS = [0.0, 0.05, 0.2, 1.0, 2.5]
"""Seconds after signals are first heeded, which is before the slow imports."""


def _begin(args: list[str], folder: Path) -> subprocess.Popen[str]:
    """With a clean terminal of its own, as a shell would: no signal ignored."""
    command = [sys.executable, "-m", "phases.cli", *args]
    place = os.environ | {"PYTHONPATH": str(Path.cwd())}
    return subprocess.Popen(
        command, cwd=folder, env=place, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def _heeded(process: subprocess.Popen[str]) -> None:
    """Wait until SIGTERM has a handler: the interpreter itself has none."""
    status = Path(f"/proc/{process.pid}/status")
    while status.exists():
        caught = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt:"))
        if int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        assert process.poll() is None
        time.sleep(0.001)
    time.sleep(0.2)


def _left(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _stop(args: list[str], folder: Path, number: signal.Signals, delay: float, group: bool = False) -> None:
    process = _begin(args, folder)
    _heeded(process)
    time.sleep(delay)
    assert process.poll() is None, "it works for longer than that"
    (os.killpg if group else os.kill)(process.pid, number)
    start = time.monotonic()
    err = process.communicate(timeout=60)[1]
    assert time.monotonic() - start < 5
    said = [line for line in err.splitlines() if not line.startswith("[")]  # the atlas counts its laws
    assert (said, process.returncode) == ([f"phases: {SAID[number]}"], 128 + number)
    kept = _left(folder) - {"r.sqlite", "r.sqlite-wal", "r.sqlite-shm", "new", "new/deep"}
    assert kept <= {f"new/deep/report.sqlite{end}" for end in ("", "-wal", "-shm")}
    if args[0] in ("atlas", "diagram"):
        assert not _left(folder), "folders that were made are removed again"
    while _alive(process.pid):
        assert time.monotonic() - start < 5, "worker processes end too"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("name, delay", [(n, d) for n in LONG for d in MOMENTS if n != "diagram" or d < 1])
def test_ctrl_c_ends_a_long_command(name: str, delay: float, tmp_path: Path) -> None:
    _stop(LONG[name], tmp_path, signal.SIGINT, delay, group=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("name, delay", [("atlas", 0.0), ("atlas", 2.0), ("sweep", 1.5)])
def test_a_command_that_is_told_to_end_leaves_nothing_half_written(
    name: str, delay: float, number: signal.Signals, tmp_path: Path
) -> None:
    _stop(LONG[name], tmp_path, number, delay)


SWALLOWED = """
import sys, time
from derivations import stopping
from phases.cli import main
import phases.cli.commands as commands

class Last:
    def __del__(self):  # Python drops what is raised here
        time.sleep(20)

def stubborn(args):
    print("ready", flush=True)
    Last()
    for _ in range(3):
        try:
            time.sleep(20)
        except BaseException:  # as libraries do
            pass
    return 0

commands._COMMANDS["laws"] = stubborn
sys.argv = ["phases", "laws"]
sys.exit(main())
"""


def test_an_interrupt_that_a_library_swallows_comes_back() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SWALLOWED], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    os.kill(process.pid, signal.SIGINT)
    start = time.monotonic()
    assert process.communicate(timeout=30)[1] == "phases: interrupted\n"
    assert process.returncode == 130 and time.monotonic() - start < 2


CLEANING = """
import sys, time
from pathlib import Path
from phases.cli import main
from phases.output import staged_folder
import phases.cli.commands as commands

def slow(args):
    try:
        with staged_folder(Path("out")) as folder:
            (folder / "half").write_text("x")
            print("ready", flush=True)
            time.sleep(20)
    finally:
        time.sleep(0.5)
        print("cleaned", flush=True)

commands._COMMANDS["laws"] = slow
sys.argv = ["phases", "laws"]
sys.exit(main())
"""


def test_a_second_ctrl_c_does_not_disturb_the_cleaning_up(tmp_path: Path) -> None:
    place = os.environ | {"PYTHONPATH": str(Path.cwd())}
    process = subprocess.Popen(
        [sys.executable, "-c", CLEANING], cwd=tmp_path, env=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for _ in range(4):
        os.kill(process.pid, signal.SIGINT)
        time.sleep(0.05)
    out, err = process.communicate(timeout=30)
    assert (out, err, process.returncode) == ("cleaned\n", "phases: interrupted\n", 130)
    assert not _left(tmp_path)


def test_a_signal_that_the_parent_ignores_stays_ignored() -> None:
    code = "import signal, os, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", code, sys.executable, "-m", "phases.cli", "diagram", "kim2026/signsgd"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    os.kill(process.pid, signal.SIGHUP)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and "proved" in out and err == ""
