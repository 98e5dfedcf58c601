"""One way to an optimizer: by registered name, by a subset of the sign's effects, or from an optimizer file."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from derivations.errors import PhaselawsError
from derivations.optimizers import Optimizer, effects_named, registered

_OWN: dict[str, Optimizer] = {}
"""Optimizers read from files by this process, by name, so that the laws derived from them find them again."""


class UnknownOptimizer(PhaselawsError, ValueError):
    """A name that is neither registered nor an optimizer file; the message suggests the nearest name."""


def optimizer_named(name: str) -> Optimizer:
    """An optimizer by name (with or without ``derived/``), any of the 16 ``effects/...``, or the path of a file.

    Raises
    ------
    UnknownOptimizer : no such name and no such file.
    derivations.optimizers.file.OptimizerFileError : the file is not an optimizer.

    >>> optimizer_named("derived/effects/compression+rate").name
    'effects/rate+compression'
    """
    short = name.removeprefix("derived/")
    known = registered()
    found = known.get(short) or effects_named(short) or _OWN.get(short)
    if found is not None:
        return found
    if name.endswith(".toml") or os.path.lexists(name):
        from derivations.optimizers.file import read_optimizer_file

        return remember(read_optimizer_file(Path(name)))
    nearest = difflib.get_close_matches(short[:100], known, n=1, cutoff=0.0)[0]
    raise UnknownOptimizer(
        f"unknown optimizer {name[:60]!r}: expected a path to a .toml file or one of {', '.join(known)}; "
        f"nearest {nearest!r}"
    )


def remember(own: Optimizer) -> Optimizer:
    """Keep an optimizer that was read from a file."""
    _OWN[own.name] = own
    return own
