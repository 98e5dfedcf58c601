"""A second opinion from z3 on every implication.

z3 gives no proof object, so it never decides; it may only disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from derivations.algebra import Poly, terms
from derivations.errors import PhaselawsError
from phases.planar import Literal
from phases.proof.decide import literal_text
from phases.proof.verdict import Proved, Refuted, Verdict


class NoZ3(PhaselawsError, ImportError):
    """The package z3-solver is not installed."""


class Disagreement(AssertionError):
    """z3 and our decision contradict each other: one of them has an error."""


def _z3() -> Any:
    try:
        import z3
    except ImportError:
        raise NoZ3("--z3: expected the package z3-solver, installed by pip install 'phaselaws[z3]'") from None
    return z3


def ask(hypotheses: Sequence[Literal], conclusion: Literal, seconds: float = 10.0) -> bool | None:
    """z3's answer: True if the hypotheses imply the conclusion weakly, False if not, None if it does not say.

    Raises
    ------
    NoZ3
    """
    z3 = _z3()
    a, b = z3.Reals("alpha beta")

    def expression(p: Poly) -> Any:
        total: Any = z3.RealVal(0)
        for i, j, c in terms(p)[2]:
            product: Any = z3.RealVal(c)
            for variable, power in ((a, i), (b, j)):
                for _ in range(power):
                    product = product * variable
            total = total + product
        return total

    solver = z3.SolverFor("QF_NRA")
    solver.set("timeout", int(seconds * 1000))
    for p, s in hypotheses:
        solver.add(expression(p) * s > 0)
    p, s = conclusion
    solver.add(expression(p) * s < 0)
    answer = solver.check()
    return True if answer == z3.unsat else False if answer == z3.sat else None


class SecondOpinion:
    """Listens to `phases.proof.prove.prove` and asks z3 about every implication.

    Raises `Disagreement` when the two contradict each other. ``asked`` counts the implications on which z3 agreed.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.silent = 0

    def __call__(self, hypotheses: tuple[Literal, ...], conclusion: Literal, verdict: Verdict) -> None:
        answer = ask(hypotheses, conclusion)
        if answer is None:
            self.silent += 1
            return
        if (isinstance(verdict, Proved) and not answer) or (isinstance(verdict, Refuted) and answer):
            raise Disagreement(f"z3 says {answer}, we say {verdict} on {literal_text(conclusion)}")
        self.asked += 1
