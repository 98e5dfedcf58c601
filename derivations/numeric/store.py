"""Results of long work in one SQLite file: whatever was finished is there after a kill at any moment.

A task is a JSON object; its canonical text is its key, so the same command finds what it has done before. Finished
tasks are committed one by one under a write-ahead log. Several processes may work on one file: a task is claimed before
it is begun, and a claim lapses when its process is gone (on the same machine) or has not renewed it for a minute.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from derivations.errors import PhaselawsError
from derivations.stopping import finished, held, unfinished

Json = dict[str, Any]
T = TypeVar("T")

APPLICATION = 0x70685357
"""Marks the file as ours, in its header."""
VERSION = 1
PATIENCE = 10.0
"""Seconds to wait for another program that holds the file."""
LEASE = 60.0
"""Seconds after which a claim that is not renewed lapses."""
_SCHEMA = """
CREATE TABLE task (key TEXT PRIMARY KEY, result TEXT, error TEXT, seconds REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE claim (key TEXT PRIMARY KEY, owner TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
"""


_COLUMNS = {"task": ["key", "result", "error", "seconds"], "claim": ["key", "owner", "until"]}


class BadStore(PhaselawsError, ValueError):
    """The file is no database of results, is damaged, or comes from another version; it is left as it is."""


def key_of(task: Json) -> str:
    """The canonical text of a task.

    >>> key_of({"b": 1, "a": "1/2"})
    '{"a":"1/2","b":1}'
    """
    return json.dumps(task, sort_keys=True, separators=(",", ":"), allow_nan=False)


class Store:
    """An open file of results; ``waiting`` is told when another program holds it.

    Raises
    ------
    BadStore : see there; nothing is written to such a file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = Store(Path(folder) / "results.sqlite")
    ...     store.add({"n": 1}, {"risk": 0.5}, None, 0.1)
    ...     found = [(t["n"], r["risk"]) for t, r, _ in store.results()]
    ...     store.close()
    >>> found
    [(1, 0.5)]
    """

    def __init__(self, path: Path, waiting: Callable[[str], None] = lambda line: None) -> None:
        self.path = path
        self.owner = f"{socket.gethostname()}:{os.getpid()}"
        try:
            if path.is_dir():
                raise BadStore(f"{path}: expected a file, found a folder")
            if not path.exists():
                _create(path)
            _check_header(path)
        except OSError as error:
            raise BadStore(f"{path}: expected a file that can be read and written, {error.strerror}") from None
        self._waiting = waiting
        with self._said():
            self._patiently(lambda: _check_content(path))
            self._db = sqlite3.connect(path.absolute(), timeout=0, isolation_level=None, check_same_thread=False)
            self._run("PRAGMA journal_mode = WAL")
            self._run("PRAGMA synchronous = NORMAL")

    def _patiently(self, action: Callable[[], T], patience: float | None = None) -> T:
        """Do it again while another program holds the file, for `PATIENCE` seconds; say at once that one waits."""
        patience = PATIENCE if patience is None else patience
        start, told = time.monotonic(), False
        while True:
            try:
                return action()
            except sqlite3.OperationalError as error:
                waited = time.monotonic() - start
                busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                if not busy or waited > patience:
                    raise
                if waited > 0.5 and not told:
                    self._waiting(f"{self.path} is held by another program, waiting up to {patience:g} s for it")
                    told = True
                time.sleep(0.02)

    def _run(self, sql: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        return self._patiently(lambda: self._db.execute(sql, values))

    def close(self) -> None:
        """Give back all claims and close the file."""
        with suppress(sqlite3.OperationalError):  # in another program's hands: claims lapse
            delete = partial(self._db.execute, "DELETE FROM claim WHERE owner = ?", (self.owner,))
            self._patiently(delete, patience=0.4)
        self._db.close()

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Whatever SQLite or JSON has to say against the file, in one sentence."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise BadStore(f"{self.path}: expected a database that is free to use, {error}") from None
        except (sqlite3.DatabaseError, json.JSONDecodeError, TypeError) as error:
            raise BadStore(f"{self.path}: expected a readable database of results, it is damaged: {error}") from None

    def done(self) -> set[str]:
        """Keys of all finished tasks."""
        with self._said():
            return {row[0] for row in self._run("SELECT key FROM task")}

    def claim(self, task: Json) -> bool:
        """Reserve a task for this process; False if it is finished or somebody else is at it."""
        key, now = key_of(task), time.time()
        db = self._db
        with self._said():
            self._run("BEGIN IMMEDIATE")
            try:
                free = db.execute("SELECT 1 FROM task WHERE key = ?", (key,)).fetchone() is None
                held = db.execute("SELECT owner, until FROM claim WHERE key = ?", (key,)).fetchone()
                if held is not None and held[0] != self.owner and held[1] > now and _alive(held[0]):
                    free = False
                if free:
                    db.execute("INSERT OR REPLACE INTO claim VALUES (?, ?, ?)", (key, self.owner, now + LEASE))
            finally:
                db.execute("COMMIT")
        return free

    def renew(self) -> None:
        """Keep this process's claims alive."""
        with self._said():
            self._run("UPDATE claim SET until = ? WHERE owner = ?", (time.time() + LEASE, self.owner))

    def add(self, task: Json, result: Json | None, error: str | None, seconds: float) -> None:
        """Record a finished task (or why it cannot be done); the first record stays."""
        key = key_of(task)
        text = None if result is None else json.dumps(result, allow_nan=False)
        with self._said():
            self._run("BEGIN IMMEDIATE")
            self._db.execute("INSERT OR IGNORE INTO task VALUES (?, ?, ?, ?)", (key, text, error, seconds))
            self._db.execute("DELETE FROM claim WHERE key = ?", (key,))
            self._db.execute("COMMIT")

    def get(self, task: Json) -> tuple[Json | None, str | None] | None:
        """Result and error of one task; None if it is not finished."""
        with self._said():
            row = self._run("SELECT result, error FROM task WHERE key = ?", (key_of(task),)).fetchone()
            return None if row is None else (None if row[0] is None else json.loads(row[0]), row[1])

    def results(self) -> Iterator[tuple[Json, Json | None, str | None]]:
        """All finished tasks with result and error, in the order of their keys."""
        with self._said():
            rows = self._run("SELECT key, result, error FROM task ORDER BY key").fetchall()
        for key, result, error in rows:
            with self._said():
                entry = json.loads(key), None if result is None else json.loads(result), error
            yield entry


def own_files(path: Path) -> frozenset[Path]:
    """The database and the files that SQLite keeps beside it.

    >>> sorted(p.name for p in own_files(Path("a.db")))
    ['a.db', 'a.db-journal', 'a.db-shm', 'a.db-wal']
    """
    whole = path.resolve()
    return frozenset(whole.with_name(whole.name + end) for end in ("", "-wal", "-shm", "-journal"))


def _create(path: Path) -> None:
    """A new file appears complete or not at all."""
    if not path.parent.is_dir():
        raise BadStore(f"{path}: expected an existing folder, {path.parent} is none")
    with held():
        handle, name = tempfile.mkstemp(prefix=".new-", suffix=".sqlite", dir=path.parent)
        os.close(handle)
        unfinished(name, partial(Path(name).unlink, missing_ok=True))
    try:
        db = sqlite3.connect(name)
        db.executescript(f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; {_SCHEMA}")
        db.close()
        Path(name).chmod(0o644)
        with suppress(FileExistsError):  # another process was first
            os.link(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
        finished(name)


def _check_header(path: Path) -> None:
    """Read without SQLite, so that a foreign file is not touched."""
    with path.open("rb") as file:
        header = file.read(100)
        length = file.seek(0, os.SEEK_END)
    if len(header) < 100 or header[:16] != b"SQLite format 3\0":
        raise BadStore(f"{path}: expected a database of results, it is no SQLite file")
    version, application = struct.unpack(">I4xI", header[60:72])
    if application != APPLICATION:
        raise BadStore(f"{path}: expected a database of results, it belongs to another program")
    if version != VERSION:
        raise BadStore(f"{path}: expected a database of version {VERSION}, it has version {version}")
    size, pages = struct.unpack(">H10xI", header[16:32])
    log = path.with_name(path.name + "-wal")
    waiting = log.exists() and log.stat().st_size > 0
    if not waiting and length < (65536 if size == 1 else size) * pages:
        raise BadStore(f"{path}: expected a whole database, it is truncated to {length} bytes")


def _check_content(path: Path) -> None:
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)
    try:
        said = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if said != "ok":
            raise sqlite3.DatabaseError(str(said).splitlines()[0])
        for name, columns in _COLUMNS.items():
            found = [row[1] for row in db.execute(f"PRAGMA table_info({name})")]
            if found != columns:
                raise sqlite3.DatabaseError(f"its table {name} has other columns" if found else "a table is missing")
    finally:
        db.close()


def _alive(owner: str) -> bool:
    """Whether the process may be at work: unknown on another machine."""
    host, _, pid = owner.rpartition(":")
    if host != socket.gethostname() or not pid.isdecimal():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
