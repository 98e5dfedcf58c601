"""What the commands share: exit codes, JSON on standard output, progress on standard error."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phases.phase_diagram import PhaseDiagram
    from phases.proof.verdict import Verdict

DONE, REFUTED, BAD_INPUT, UNDECIDED = 0, 1, 2, 3


def emit(data: Any) -> None:
    """Data as JSON."""
    print(json.dumps(data, indent=1))


def progress(line: str) -> None:
    """A line for people who wait."""
    if sys.stderr.isatty() or os.environ.get("PHASES_PROGRESS"):
        print(line, file=sys.stderr, flush=True)


def solve(name: str) -> PhaseDiagram:
    """The diagram of a law."""
    from phases.phase_diagram import diagram

    progress(f"solving {name}")
    return diagram(name)


def exit_code(verdict: Verdict) -> int:
    """0 proved, 1 refuted, 3 undecided."""
    from phases.proof.verdict import Proved, Refuted

    return DONE if isinstance(verdict, Proved) else REFUTED if isinstance(verdict, Refuted) else UNDECIDED
