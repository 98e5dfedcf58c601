"""Registered laws by name: published ones from law files, derived ones from optimizers.

Listing them reads TOML headers only and imports neither sympy nor numpy.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from derivations.errors import PhaselawsError

if TYPE_CHECKING:
    from derivations.law import RiskLaw

PUBLISHED = Path(__file__).parent / "published"


class UnknownLaw(PhaselawsError, ValueError):
    """A name that is neither registered nor a law file; the message suggests the nearest name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One registered law: its name, headline and where its formulas come from."""

    name: str
    title: str
    source: str
    provenance: str
    path: Path | None = None
    """The law file; None for a law that is derived when it is loaded."""


@lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """All registered laws, sorted by name: those in law files, and those derived from optimizers as data."""
    from derivations.optimizers import DERIVED, registered

    out = [Entry(f"derived/{o.name}", f"{o.title}, derived", DERIVED, "derived") for o in registered().values()]
    for path in sorted(PUBLISHED.glob("*/*.toml")):
        head = tomllib.loads(path.read_text(encoding="utf-8"))["law"]
        out.append(Entry(head["name"], head["title"], head["source"], head["provenance"], path))
    return tuple(sorted(out, key=lambda e: e.name))


def names() -> list[str]:
    """The registered names."""
    return [e.name for e in entries()]


def nearest(name: str) -> str:
    """The registered name most like ``name``."""
    known = names()
    match = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return match[0] if match else known[0]


@cache
def derived(name: str) -> RiskLaw:
    """Derive a registered law from its optimizer.

    >>> derived("derived/signsgd").provenance
    'derived'
    """
    from derivations.derive import derive
    from derivations.optimizers.lookup import optimizer_named

    return derive(optimizer_named(name)).law


def load(name: str) -> RiskLaw:
    """A law by its registered name, ``derived/`` any optimizer, or from the path of a law file or an optimizer file.

    Raises
    ------
    UnknownLaw : no such name and no such file.
    derivations.lawfile.LawFileError : the file is not a law.
    derivations.optimizers.file.OptimizerFileError : the file has a table [optimizer], but is none.
    derivations.optimizers.NotAnOptimizer : an optimizer whose law is not derived.
    """
    from derivations.lawfile import read_law_file
    from derivations.optimizers import effects_named

    for entry in entries():
        if entry.name == name:
            return derived(name) if entry.path is None else read_law_file(entry.path)
    path = Path(name)
    if name.endswith(".toml") or os.path.lexists(path):
        return _own(path) if _is_optimizer(path) else read_law_file(path)
    effects = effects_named(name.removeprefix("derived/")) if name.startswith("derived/") else None
    if effects is not None:
        return derived(f"derived/{effects.name}")
    shown = name if len(name) <= 60 else name[:57] + "..."
    raise UnknownLaw(
        f"unknown law {shown!r}: expected a path to a .toml file or a registered name, nearest {nearest(name)!r}"
    )


def _is_optimizer(path: Path) -> bool:
    """Whether a file says of itself that it is an optimizer."""
    try:
        with path.open("rb") as file:
            return re.search(rb"^\s*\[optimizer\]", file.read(65_536), re.MULTILINE) is not None
    except OSError:
        return False


def _own(path: Path) -> RiskLaw:
    from derivations.derive import derive
    from derivations.optimizers.file import read_optimizer_file

    return derive(read_optimizer_file(path)).law
