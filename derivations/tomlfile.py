"""Files that people write: TOML read as untrusted input, each error one sentence with file, line and what was expected.

Shared by law files and optimizer files: sizes and counts are bounded, tables and keys are those a format knows, types
are checked, and expressions go through `derivations.grammar`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from derivations.errors import PhaselawsError
from derivations.grammar import ExpressionError

MAX_BYTES = 65_536
MAX_LINE = 20_000
MAX_CONDITIONS = 16
MAX_PROSE = 2000
_NAME = re.compile(r"[A-Za-z0-9_./+*'-]([A-Za-z0-9_./+*' -]{0,78}[A-Za-z0-9_./+*'-])?\Z")

T = TypeVar("T")
Table = dict[str, Any]


class FileError(PhaselawsError, ValueError):
    """A file that cannot be used; the message names file, line and what was expected."""


class Reader:
    """The tables of one file, and its lines for messages; ``error`` is the class of what is raised."""

    error: type[FileError] = FileError
    kind = short = "file"
    first_table = ""

    def __init__(self, text: str, path: str) -> None:
        self.path = path
        self.lines = text.splitlines()

    def line(self, table: str, index: int, key: str | None = None) -> int:
        """1-based line of a table header, or of a key in it."""
        seen = -1
        inside = False
        header = 1
        pattern = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=") if key else None
        for number, raw in enumerate(self.lines, 1):
            stripped = raw.strip()
            if stripped.startswith("["):
                inside = re.match(rf"\[\[?\s*{table}\s*\]\]?", stripped) is not None
                if inside:
                    seen += 1
                    inside = seen == index
                if inside:
                    header = number
                    if key is None:
                        return number
            elif inside and pattern and pattern.match(raw):
                return number
        return header

    def fail(self, message: str, table: str | None = None, index: int = 0, key: str | None = None) -> NoReturn:
        """Refuse, naming the line of a table or key."""
        place = self.line(self.first_table if table is None else table, index, key)
        raise self.error(f"{self.path}, line {place}: {message}")

    def string(self, data: Table, table: str, index: int, key: str, default: str | None = None) -> str:
        """A text; whole numbers and decimals count as text where numbers make sense."""
        if key not in data:
            if default is None:
                self.fail(f"expected the key {key!r} in [{table}]", table, index)
            return default
        text = data[key]
        if isinstance(text, (int, float)) and not isinstance(text, bool) and key not in ("name", "role"):
            text = str(text)
        if not isinstance(text, str):
            self.fail(f"expected text for {key!r}, got {type(text).__name__}", table, index, key)
        return text

    def prose(self, data: Table, table: str, index: int, key: str, default: str = "") -> str:
        """Text for people: it goes to terminals, figures and pages, so nothing that they would obey."""
        text = self.string(data, table, index, key, default)
        if len(text) > MAX_PROSE:
            self.fail(f"expected at most {MAX_PROSE} characters in {key!r}, got {len(text)}", table, index, key)
        bad = next((ch for ch in text if not ch.isprintable() and not (key == "note" and ch == "\n")), None)
        if bad is not None:
            self.fail(f"expected printable characters in {key!r}, got U+{ord(bad):04X}", table, index, key)
        return text

    def strings(self, data: Table, table: str, index: int, key: str) -> tuple[str, ...]:
        """A list of texts; one text counts as a list."""
        raw = data.get(key, [])
        if isinstance(raw, str):
            raw = [raw]
        if not isinstance(raw, list) or not all(isinstance(x, str) for x in raw):
            self.fail(f"expected a list of texts for {key!r}", table, index, key)
        if len(raw) > MAX_CONDITIONS:
            self.fail(f"expected at most {MAX_CONDITIONS} entries in {key!r}, got {len(raw)}", table, index, key)
        return tuple(raw)

    def guarded(self, action: Callable[[], T], table: str, index: int, key: str) -> T:
        """The result of an action on one key; what it says against an expression is said of that key."""
        try:
            return action()
        except ExpressionError as error:
            self.fail(f"in {key!r}: {error}", table, index, key)

    def name(self, data: Table, table: str, index: int, default: str | None = None) -> str:
        """A name."""
        name = self.string(data, table, index, "name", default)
        if not _NAME.match(name):
            self.fail("expected a name of at most 80 letters, digits, spaces and _ . / + * ' -", table, index, "name")
        return name

    def tables(
        self, data: Table, keys: Mapping[str, set[str]], single: tuple[str, ...], most: Mapping[str, int]
    ) -> dict[str, list[Table]]:
        """All tables by name: the ``single`` ones as lists of one, none with a key that the format does not know."""
        out: dict[str, list[Table]] = {}
        for table in data:
            if table not in keys:
                number = next((k for k, raw in enumerate(self.lines, 1) if table in raw), 1)
                raise self.error(f"{self.path}, line {number}: expected the tables {', '.join(keys)}, got {table!r}")
        for table, known in keys.items():
            raw = data.get(table, [])
            if table in single:
                raw = data.get(table, {})
                if not isinstance(raw, dict):
                    self.fail(f"expected a table [{table}]", table)
                raw = [raw]
            if not isinstance(raw, list) or not all(isinstance(x, dict) for x in raw):
                self.fail(f"expected tables [[{table}]]", table)
            if len(raw) > most.get(table, 1):
                self.fail(f"expected at most {most[table]} tables [[{table}]], got {len(raw)}", table)
            for k, entry in enumerate(raw):
                for key in entry:
                    if key not in known:
                        self.fail(f"expected keys among {', '.join(sorted(known))}, got {key!r}", table, k, key)
            out[table] = raw
        return out


def parse_toml(text: str, path: str, reader: type[Reader]) -> Table:
    """The data of a TOML file, errors as the reader's.

    Raises
    ------
    FileError : the reader's kind of it.
    """
    error, kind = reader.error, reader.kind
    if "\x00" in text:
        raise error(f"{path}, line 1: expected a TOML text file, got binary data")
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > MAX_LINE:
            raise error(f"{path}, line {number}: expected lines of at most {MAX_LINE} characters")
    if not text.strip():
        raise error(f"{path}, line 1: expected {kind}, got an empty file")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        match = re.search(r"\(at line (\d+), column (\d+)\)", str(wrong))
        place = match.group(1) if match else str(len(text.splitlines()))
        reason = re.sub(r"\s*\(at .*\)", "", str(wrong))
        raise error(f"{path}, line {place}: expected TOML, {reason[:1].lower()}{reason[1:]}") from None
    except RecursionError:
        raise error(f"{path}, line 1: expected TOML without deep nesting") from None
    except ValueError:
        raise error(f"{path}, line 1: expected TOML with numbers of fewer digits") from None


def read_file(path: Path, reader: type[Reader]) -> tuple[str, str]:
    """Text of a file and the name to show for it.

    Raises
    ------
    FileError : the reader's kind of it: it cannot be read, is too large or not text.
    """
    error, kind = reader.error, reader.short
    shown = str(path) if len(str(path)) <= 200 else str(path)[:197] + "..."
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise error(f"{shown}, line 1: expected a .toml {kind}, got a folder or a device")
        if size > MAX_BYTES:
            raise error(f"{shown}, line 1: expected a {kind} of at most {MAX_BYTES} bytes, got {size}")
        raw = path.read_bytes()
    except OSError as wrong:
        raise error(f"{shown}, line 1: expected a readable {kind}, {(wrong.strerror or str(wrong)).lower()}") from None
    try:
        return raw.decode("utf-8-sig"), shown
    except UnicodeDecodeError:
        raise error(f"{shown}, line 1: expected a TOML text file in UTF-8, got binary data") from None


def quote(text: str) -> str:
    """A TOML string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(ch if ch.isprintable() else f"\\U{ord(ch):08x}" for ch in escaped) + '"'
