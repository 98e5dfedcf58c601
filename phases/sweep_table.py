"""The risk curves of a sweep as one long table: a row a step, as CSV or Parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Any

from derivations.numeric.store import BadStore, Json, Store
from phases.arguments import BadInput
from phases.output import staged_file

TEXTS = ("optimizer", "engine", "alpha", "beta", "schedule", "noise", "error")
WHOLES = ("batch", "runs", "seed", "sketches")
REALS = ("size", "rate", "steps", "ambient", "step", "risk", "stderr")
COLUMNS = (
    *("optimizer", "alpha", "beta", "size", "rate", "steps", "engine", "ambient", "schedule", "noise", "batch"),
    *("runs", "seed", "sketches", "step", "risk", "stderr", "error"),
)
"""``steps`` is the length of the run, ``step`` where the risk was taken; a run that failed is one row with an error."""


def rows(store: Store) -> Iterator[dict[str, Any]]:
    """All rows, in the order of the tasks' keys."""
    for task, result, error in store.results():
        try:
            if task["kind"] == "curve":
                yield from list(_rows(task, result, error))
        except (KeyError, ValueError, TypeError, AttributeError):
            raise BadStore(f"{store.path}: expected results of risk curves, {str(task)[:60]} has none") from None


def _rows(task: Json, result: Json | None, error: str | None) -> Iterator[dict[str, Any]]:
    fixed = {name: task[name] for name in COLUMNS if name in task}
    if fixed["ambient"] is not None:
        fixed["ambient"] = float(fixed["ambient"])
    if result is None:
        if error is None:
            raise ValueError("neither a result nor a reason")
        yield fixed | {"step": None, "risk": None, "stderr": None, "error": error}
        return
    fixed["engine"] = result["engine"]
    stderr = result.get("stderr", [None] * len(result["steps"]))
    for step, risk, bar in zip(result["steps"], result["risk"], stderr, strict=True):
        if not all(isinstance(x, int | float) and isfinite(x) for x in (step, risk, *([] if bar is None else [bar]))):
            raise ValueError("no number")
        yield fixed | {"step": step, "risk": risk, "stderr": bar, "error": None}


def write_csv(store: Store, path: Path) -> int:
    """Write the table; returns the number of rows.

    Raises
    ------
    phases.output.CannotWrite : the file cannot be written; what was there stays.
    """
    count = 0
    with staged_file(path) as scratch, scratch.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows(store):
            writer.writerow(row)
            count += 1
    return count


def check_parquet() -> None:
    """Raise BadInput if pyarrow, which writes Parquet, is not installed."""
    if find_spec("pyarrow") is None:
        raise BadInput("--parquet: expected the package pyarrow, installed by pip install 'phaselaws[parquet]'")


def write_parquet(store: Store, path: Path) -> int:
    """The same as Parquet.

    Raises
    ------
    BadInput : pyarrow is not installed.
    phases.output.CannotWrite : the file cannot be written; what was there stays.
    """
    check_parquet()
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = dict.fromkeys(TEXTS, pa.string()) | dict.fromkeys(WHOLES, pa.int64()) | dict.fromkeys(REALS, pa.float64())
    schema = pa.schema([(name, kinds[name]) for name in COLUMNS])
    count, source = 0, rows(store)
    with staged_file(path) as scratch, pq.ParquetWriter(scratch, schema) as writer:
        while some := list(islice(source, 50_000)):
            writer.write_table(pa.Table.from_pylist(some, schema))
            count += len(some)
    return count
