"""What a risk law implies: its exact, proved phase diagram.

>>> import phases
>>> phases.diagram("kim2026/signsgd").at("2/5", "7/10").slope
Fraction(6, 13)
"""

from __future__ import annotations

TYPE_CHECKING = False  # instead of importing typing: this runs before the command line heeds Ctrl-C
if TYPE_CHECKING:
    from typing import Any

    from derivations.derive import derive
    from derivations.errors import PhaselawsError
    from derivations.numeric.curve import curve
    from derivations.numeric.request import Request
    from derivations.optimizers import NoiseComponent, Optimizer
    from derivations.optimizers.lookup import optimizer_named
    from derivations.registry import load
    from phases.phase_diagram import Phase, PhaseDiagram, diagram
    from phases.point import locate
    from phases.proof.prove import prove
    from phases.proof.verdict import Proved, Refuted, Undecided
    from phases.referee import check

__all__ = [
    "NoiseComponent",
    "Optimizer",
    "Phase",
    "PhaseDiagram",
    "PhaselawsError",
    "Proved",
    "Refuted",
    "Request",
    "Undecided",
    "check",
    "curve",
    "derive",
    "diagram",
    "load",
    "locate",
    "optimizer_named",
    "prove",
]
__version__ = "0.1.0"

_HOMES = {
    "Phase": "phases.phase_diagram",
    "PhaseDiagram": "phases.phase_diagram",
    "diagram": "phases.phase_diagram",
    "locate": "phases.point",
    "prove": "phases.proof.prove",
    "Proved": "phases.proof.verdict",
    "Refuted": "phases.proof.verdict",
    "Undecided": "phases.proof.verdict",
    "load": "derivations.registry",
    "NoiseComponent": "derivations.optimizers",
    "Optimizer": "derivations.optimizers",
    "optimizer_named": "derivations.optimizers.lookup",
    "derive": "derivations.derive",
    "check": "phases.referee",
    "curve": "derivations.numeric.curve",
    "Request": "derivations.numeric.request",
    "PhaselawsError": "derivations.errors",
}


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that the command line answers ``--help`` without sympy."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'phases' has no attribute {name!r}")
