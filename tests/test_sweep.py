"""Sweeps: killed, doubled, damaged, spread over a cluster; what was finished is there."""

from __future__ import annotations

import csv
import os
import signal
import sqlite3
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest

from derivations.numeric.request import Request
from derivations.numeric.store import BadStore, Store
from derivations.numeric.sweep import curve_task, request_of
from derivations.schedules import schedule
from phases.arguments import BadInput, values
from phases.cli import main

GRID = [
    *("signsgd", "--alpha", "0.4,0.8", "--beta", "1/2", "--model-size", "32", "--rate", "0.01,0.02"),
    *("--steps", "4e3", "--seed", "0:4:1", "--engine", "montecarlo", "--points", "8"),
]
SIZE = 20


def command(db: Path, *extra: str) -> list[str]:
    return [sys.executable, "-m", "phases.cli", "sweep", *GRID, "--db", str(db), *extra]


def finished(db: Path) -> int:
    """Read with SQLite alone, as a user would."""
    with sqlite3.connect(f"{db.absolute().as_uri()}?mode=ro", uri=True) as connection:
        return int(connection.execute("SELECT count(*) FROM task").fetchone()[0])


def table(db: Path, out: Path) -> list[dict[str, str]]:
    assert main(["sweep", "--db", str(db), "--csv", str(out)]) == 0
    with out.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_killed_sweep_keeps_what_was_finished_and_resumes(tmp_path: Path) -> None:
    db = tmp_path / "killed.sqlite"
    for _ in range(3):
        process = subprocess.Popen(command(db, "--workers", "2"), start_new_session=True)
        before, start = (finished(db) if db.exists() else 0), time.monotonic()
        while process.poll() is None and time.monotonic() - start < 60:
            if db.exists() and finished(db) > before + 1:
                break
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert finished(db) > before
    orphans = subprocess.run(["pgrep", "-f", str(db)], capture_output=True, text=True, check=False)
    assert not orphans.stdout.split()
    assert subprocess.run(command(db), check=False).returncode == 0
    assert finished(db) == SIZE
    whole = tmp_path / "whole.sqlite"
    assert subprocess.run(command(whole), check=False).returncode == 0
    assert table(db, tmp_path / "a.csv") == table(whole, tmp_path / "b.csv")


@pytest.mark.slow
def test_two_sweeps_on_one_file_share_the_work(tmp_path: Path) -> None:
    db = tmp_path / "both.sqlite"
    both = [subprocess.Popen(command(db, "--workers", "1")) for _ in range(2)]
    assert [p.wait(timeout=120) for p in both] == [0, 0]
    assert finished(db) == SIZE
    rows = table(db, tmp_path / "both.csv")
    assert len({(r["alpha"], r["rate"], r["seed"], r["step"]) for r in rows}) == len(rows) == 8 * SIZE
    with sqlite3.connect(db) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM claim").fetchone() == (0,)


@pytest.mark.slow
def test_a_cluster_of_two_worker_processes_gives_the_same_results(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    script = (
        "import sys\n"
        "from distributed import LocalCluster\n"
        "from phases.cli import main\n"
        "if __name__ == '__main__':\n"
        "    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:\n"
        "        sys.exit(main([*sys.argv[1:], '--cluster', cluster.scheduler_address]))\n"
    )
    program = tmp_path / "program.py"
    program.write_text(script)
    there, here = tmp_path / "there.sqlite", tmp_path / "here.sqlite"
    for path, start in ((there, [str(program)]), (here, ["-m", "phases.cli"])):
        done = subprocess.run([sys.executable, *start, "sweep", *GRID, "--db", str(path)], check=False, timeout=300)
        assert done.returncode == 0
    assert table(there, tmp_path / "there.csv") == table(here, tmp_path / "here.csv")


def test_a_cluster_that_is_not_there_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("distributed")
    done = subprocess.run(
        command(tmp_path / "none.sqlite", "--cluster", "nonsense"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "expected a Dask scheduler" in done.stderr and done.stderr.count("\n") == 1


def test_failed_runs_are_recorded_with_their_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    db = tmp_path / "some.sqlite"
    args = ["sweep", "sgd", "--alpha", "1", "--beta", "1", "--model-size", "16", "--rate", "0.1,9", "--steps", "100"]
    out = tmp_path / "t.parquet"
    assert main([*args, "--db", str(db), "--workers", "1", "--parquet", str(out)]) == 0
    said = capsys.readouterr().out
    assert "2 of 2 curves, 1 of them failed" in said and "stability limit" in said
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = parquet.read_table(out).to_pylist()
    assert sum(r["error"] is not None for r in rows) == 1
    assert all(r["risk"] > 0 for r in rows if r["error"] is None)


def _whole(path: Path) -> None:
    store = Store(path)
    for n in range(200):
        store.add({"kind": "curve", "n": n, "padding": "x" * 200}, {"risk": [0.0] * 50}, None, 0.0)
    store.close()


def _truncate(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _scramble(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[5000:9000] = os.urandom(4000)
    path.write_bytes(bytes(data))


def _version(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[60:64] = (7).to_bytes(4, "big")
    path.write_bytes(bytes(data))


def _foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE task (key)")
    connection.close()


@pytest.mark.parametrize(
    "damage, words",
    [
        (_truncate, "truncated"),
        (_scramble, "damaged"),
        (_version, "version 1, it has version 7"),
        (_foreign, "another program"),
        (lambda path: path.write_text("hello"), "no SQLite file"),
        (lambda path: path.write_text(""), "no SQLite file"),
    ],
)
def test_a_bad_database_is_one_sentence_and_stays_as_it_is(  # type: ignore[no-untyped-def]
    damage, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.sqlite"
    _whole(path)
    damage(path)
    before = path.read_bytes()
    assert main(["sweep", *GRID, "--db", str(path)]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert path.read_bytes() == before


def test_an_export_does_not_overwrite_the_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "results.sqlite"
    _whole(path)
    before = path.read_bytes()
    (tmp_path / "link.csv").symlink_to(path)
    for target in (path, tmp_path / "link.csv"):
        assert main(["sweep", "--db", str(path), "--csv", str(target)]) == 2
        assert "different files" in capsys.readouterr().err and path.read_bytes() == before


def _sql(text: str):  # type: ignore[no-untyped-def]
    def damage(path: Path) -> None:
        with sqlite3.connect(path) as connection:
            connection.executescript(text)
        connection.close()

    return damage


@pytest.mark.parametrize(
    "damage, words",
    [
        (_sql("DROP TABLE task; CREATE TABLE task (key TEXT, other TEXT)"), "other columns"),
        (_sql("UPDATE task SET result = '{not json'"), "damaged"),
        (_sql("UPDATE task SET result = '{}'"), "results of risk curves"),
        (_sql("UPDATE task SET result = NULL"), "results of risk curves"),
        (_sql("UPDATE task SET result = replace(result, '0.0', '\"x\"')"), "results of risk curves"),
        (_sql("UPDATE task SET key = '[]' WHERE key = (SELECT min(key) FROM task)"), "results of risk curves"),
        (_sql("UPDATE task SET key = 'nonsense' WHERE key = (SELECT min(key) FROM task)"), "damaged"),
    ],
)
def test_contents_that_make_no_sense_are_one_sentence(  # type: ignore[no-untyped-def]
    damage, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.sqlite"
    _whole(path)
    damage(path)
    assert main(["sweep", "--db", str(path), "--csv", str(tmp_path / "out.csv")]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1 and not (tmp_path / "out.csv").exists()


def test_schedules_that_differ_a_little_are_different_tasks() -> None:
    one, two = (
        curve_task(Request("sgd", Fraction(1), Fraction(1), 8, 0.1, 10, schedule=schedule(text)))
        for text in ("power:1.0000001", "power:1")
    )
    assert one != two and request_of(one, 1.0).schedule == schedule("power:1.0000001")


@pytest.mark.parametrize("extra", [["--rate", "nan"], ["--steps", "1e400"], ["--ambient", "nan"]])
def test_grids_of_nonsense_are_refused_before_anything_is_made(
    extra: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none.sqlite"
    assert main(["sweep", *GRID, *extra, "--db", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not path.exists()


def test_claims_keep_others_out_until_their_process_is_gone(tmp_path: Path) -> None:
    one, two = (Store(tmp_path / "c.sqlite") for _ in range(2))
    two.owner = one.owner.rpartition(":")[0] + ":1"  # another living process
    task = {"n": 1}
    assert two.claim(task) and not one.claim(task)
    two._db.execute("UPDATE claim SET owner = ?", (one.owner.rpartition(":")[0] + ":999999999",))
    assert one.claim(task)
    one.add(task, {"risk": 1}, None, 0.0)
    one.add(task, {"risk": 2}, None, 0.0)
    assert one.get(task) == ({"risk": 1}, None) and not two.claim(task)
    one.close()
    two.close()
    with pytest.raises(BadStore, match="folder"):
        Store(tmp_path)


@pytest.mark.parametrize("text", ["", "1,,2", "1:2", "3:1:1", "1:2:0", "1:4:x1", "1:1e9:1", "1,1"])
def test_bad_lists_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="--x"):
        values("--x", text)
