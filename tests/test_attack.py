"""Input made to break the command line: one sentence each, and nothing hostile reaches page, figure or terminal."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

import derivations
import phases
from derivations.errors import NotDecided, PhaselawsError
from derivations.lawfile import parse_law
from derivations.numeric import store
from derivations.registry import load
from phases import sweep_table
from phases.atlas import Chapter, index_html, stem_of
from phases.audit import against_derivation
from phases.cli import commands, main
from phases.latex import tex
from phases.phase_diagram import diagram
from phases.plot import save
from phases.proof.verdict import Undecided
from tests.test_lawfile import GOOD

CURVE = ["--alpha", "1", "--beta", "1", "--model-size", "16", "--rate", "0.1", "--steps", "100"]


def command(*args: str, **given: object) -> subprocess.CompletedProcess[str]:
    place = os.environ | {"PYTHONPATH": str(Path.cwd())} | given.pop("env", {})  # type: ignore[operator]
    whole = [sys.executable, "-m", "phases.cli", *args]
    return subprocess.run(whole, stderr=subprocess.PIPE, text=True, check=False, env=place, **given)  # type: ignore[call-overload, no-any-return]


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """The one sentence on stderr."""
    try:
        code = main(args)
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    assert code == 2 and out == "" and err.count("\n") == 1 and "Traceback" not in err
    return err


def _hostile(text: str):  # type: ignore[no-untyped-def]
    """A law that was built in Python, past the reader of law files."""
    law = parse_law(GOOD)
    terms = tuple(replace(t, name=t.name + text) for t in law.terms)
    law = replace(law, name="x/" + text, title=text, source=text, note=text, provenance=text, terms=terms)
    found = diagram(law)
    return replace(found, phases=tuple(replace(p, name=p.name + text) for p in found.phases))


TEXTS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=y>',
    "a$b_{$",
    r"\input{/etc/passwd}",
    "\x1b[2J\x00\x9b",
    "$",
]


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_texts_are_escaped_on_the_page(text: str) -> None:
    found = _hostile(text)
    page = index_html([Chapter(stem_of(found.law.name), found, Undecided(text), ())])
    tags: list[str] = []
    events: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)
            events.extend(name for name, _ in attrs if name.startswith("on"))

    Reader().feed(page)
    assert "script" not in tags and tags.count("img") == 1 and not events


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_texts_are_escaped_in_latex_and_figures(text: str, tmp_path: Path) -> None:
    found = _hostile(text)
    written = tex(found, Undecided(text))
    assert r"\input{" not in written and "<script" not in written
    assert all(ch == "\n" or " " <= ch <= "~" for ch in written)
    paths = save(found, tmp_path / "figure", ("svg", "pdf"))
    tags = {e.tag.rpartition("}")[2] for e in ElementTree.parse(paths[0]).iter()}
    assert "svg" in tags and "script" not in tags


def test_a_terminal_is_shown_escapes_not_what_it_obeys(tmp_path: Path) -> None:
    done = command("at", "x\x1b[2Jy\u202ez", "--alpha", "1", "--beta", "1", stdout=subprocess.PIPE)
    assert done.returncode == 2 and done.stderr.rstrip("\n").isprintable() and r"\x1b[2J" in done.stderr
    place = tmp_path / "a\x1b]0;title\x07b"
    done = command("diagram", "kim2026/signsgd", "--out", str(place), stdout=subprocess.PIPE)
    assert done.returncode == 0 and "\x1b" not in done.stdout and r"a\x1b]0;title\x07b" in done.stdout


@pytest.mark.parametrize(
    "option, text",
    [
        ("--model-size", "\u0661\u0666"),
        ("--model-size", "1_6"),
        ("--model-size", "2^\u0664"),
        ("--steps", "\uff11\uff10"),
        ("--rate", "1/\u0661\u0660"),
        ("--alpha", "\u0661"),
        ("--batch", "\u0661"),
        ("--seed", "\u0661"),
        ("--noise", "gaussian:\u0661"),
        ("--schedule", "power:\u0661"),
        ("--schedule", "power:1_0"),
    ],
)
def test_digits_of_other_scripts_are_no_numbers(option: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "expected" in refused(capsys, "curve", "sgd", *CURVE, option, text)
    assert "expected" in refused(capsys, "sweep", "sgd", *CURVE, "--db", "never.sqlite", option, text)
    assert not Path("never.sqlite").exists()


def test_lists_of_values_take_ascii_digits_only(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("\u0661:4:1", "1:\u0664:1", "1:4:x\u0662", "16,\u0663\u0662"):
        refused(capsys, "sweep", "sgd", *CURVE, "--db", "never.sqlite", "--model-size", text)


@pytest.mark.parametrize("args", [["atlas"], ["check", "--all"], ["diagram", "kim2026/signsgd"]])
@pytest.mark.parametrize("name", ["", " "])
def test_a_folder_has_a_name(args: list[str], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "expected the name of a folder" in refused(capsys, *args, "--out", name)


@pytest.mark.parametrize("end", ["-wal", "-shm", "-journal"])
@pytest.mark.parametrize("option", ["--csv", "--parquet"])
def test_an_export_spares_the_files_of_the_database(
    end: str, option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = tmp_path / "r.sqlite"
    store.Store(db).close()
    assert "different files" in refused(capsys, "sweep", "--db", str(db), option, str(db) + end)
    assert {p.name for p in tmp_path.iterdir()} == {"r.sqlite"}


def test_results_are_kept_in_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (":memory:", "", " "):
        assert "expected the name of a file" in refused(capsys, "sweep", "sgd", *CURVE, "--db", name)
    assert "expected" in refused(capsys, "sweep", "sgd", *CURVE, "--db", "x" * 300)
    assert not list(tmp_path.iterdir())


def test_parquet_without_pyarrow_is_found_before_anything_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_table, "find_spec", lambda name: None)
    args = ["sweep", "sgd", *CURVE, "--db", str(tmp_path / "r.sqlite"), "--parquet", str(tmp_path / "r.parquet")]
    assert "pip install 'phaselaws[parquet]'" in refused(capsys, *args)
    assert not list(tmp_path.iterdir())


def _held(db: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(db, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    return connection


def test_a_locked_database_is_waited_for_aloud_and_not_for_ever(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    db, out = tmp_path / "r.sqlite", tmp_path / "r.csv"
    store.Store(db).close()
    monkeypatch.setattr(store, "PATIENCE", 1.5)
    connection = _held(db)
    start = time.monotonic()
    assert main(["sweep", "--db", str(db), "--csv", str(out)]) == 2
    assert 1.5 < time.monotonic() - start < 4
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and "waiting up to 1.5 s" in said[0] and "expected a database that is free" in said[1]
    assert not out.exists()
    monkeypatch.setattr(store, "PATIENCE", 30.0)
    threading.Timer(1.0, connection.close).start()
    assert main(["sweep", "--db", str(db), "--csv", str(out)]) == 0
    assert "waiting" in capsys.readouterr().err and out.exists()


@pytest.mark.parametrize("engine", ["volterra", "ode", "montecarlo", "equivalent", "law"])
@pytest.mark.parametrize("alpha", ["300", "1000000", "1e9"])
def test_features_that_vanish_are_one_sentence_or_a_curve(
    engine: str, alpha: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--alpha", alpha.replace("1e9", "1000000000"), "--engine", engine, "--points", "2"]
    code = main(["curve", "sgd", *CURVE, *given])
    out, err = capsys.readouterr()
    assert (code, err.count("\n")) in ((0, 0), (2, 1)) and "nan" not in out
    assert engine in ("equivalent", "law") or "expected at least M = 16 features" in err


def test_standard_output_takes_any_text(tmp_path: Path) -> None:
    law = tmp_path / "greek.toml"
    law.write_text(GOOD.replace("[domain]", 'title = "\u03b1 and \u03b2"\n[domain]'), encoding="utf-8")
    for env in ({"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        done = command("diagram", str(law), stdout=subprocess.PIPE, env=env)
        assert done.returncode == 0 and done.stderr == "" and r"\u03b1 and \u03b2" in done.stdout
    done = command("diagram", str(law), stdout=subprocess.PIPE, env={"PYTHONUTF8": "1"})
    assert "\u03b1 and \u03b2" in done.stdout


def test_a_reader_that_has_gone_is_no_failure() -> None:
    for args in (["laws"], ["--help"], ["diagram", "paquette2024/sgd"]):
        reader, writer = os.pipe()
        os.close(reader)
        done = command(*args, stdout=writer)
        os.close(writer)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    for args in (["laws"], ["--help"], ["diagram", "kim2026/signsgd", "--json"]):
        with Path("/dev/full").open("w") as full:
            done = command(*args, stdout=full)
        assert done.returncode == 2 and done.stderr.count("\n") == 1 and "standard output: no space left" in done.stderr


def test_standard_output_that_is_closed_is_not_written_to() -> None:
    done = command("laws", preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_law_that_names_no_derived_law_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    law = tmp_path / "law.toml"
    law.write_text(GOOD.replace("[domain]", 'derived = "kim2026/signsgd"\n[domain]'))
    assert "law.toml, line 3: expected the name of a derived law" in refused(capsys, "audit", str(law))
    built = replace(load("kim2026/signsgd"), derived="kim2026/signsgd")
    with pytest.raises(PhaselawsError, match="unknown optimizer 'kim2026/signsgd'"):
        against_derivation(diagram(built))


INTERNAL = {"OnWall", "Failure", "Disagreement", "Stopped"}
"""Signals within the program, a quarrel of two deciders (loud, with its traceback), and Ctrl-C."""


def test_every_error_that_a_user_can_cause_has_the_base_and_the_nearest_builtin() -> None:
    found: set[type[BaseException]] = set()
    for package in (derivations, phases):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not module.name.endswith("__main__"):
                for item in vars(importlib.import_module(module.name)).values():
                    if isinstance(item, type) and issubclass(item, BaseException) and item.__module__ == module.name:
                        found.add(item)
    mine = {kind for kind in found if kind.__name__ not in INTERNAL}
    assert len(mine) > 20 and all(issubclass(kind, PhaselawsError) for kind in mine)
    assert len({kind.__name__ for kind in mine}) == len(mine)
    for kind in mine - {PhaselawsError, NotDecided}:
        assert kind.__doc__, kind
        builtin = any(base.__module__ == "builtins" and base not in (Exception, BaseException, object)
                      for base in kind.__mro__)  # fmt: skip
        assert builtin or issubclass(kind, NotDecided), kind


def test_the_command_line_catches_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(args: object) -> int:
        raise ValueError("a mistake in this program")

    monkeypatch.setitem(commands._COMMANDS, "laws", broken)
    with pytest.raises(ValueError, match="a mistake in this program"):
        main(["laws"])
