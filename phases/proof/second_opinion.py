"""Second opinions on a proved diagram, from provers that nobody here wrote: Coq, z3 and cvc5.

Coq's kernel checks the theorems of `phases.proof.exports.coq`. z3 and cvc5 answer the questions of
`phases.proof.exports.smt`; they give no proof that is checked here, so they never decide, they may only disagree.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from derivations.errors import PhaselawsError
from phases.planar import Literal
from phases.proof.exports.coq import CoqFile, coq
from phases.proof.exports.smt import Question, as_text, header, questions, smt
from phases.proof.prove import DiagramCertificate

SECONDS = 10.0
"""What a solver gets for one question."""
COQ_SECONDS = 900.0
"""What Coq gets for a file."""


class NoProver(PhaselawsError, ImportError):
    """The package or program of a prover is not installed; the message says how to get it."""


class Disagreement(AssertionError):
    """A prover contradicts our own kernel: one of the two has an error."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one prover said: how many statements it was asked, and confirmed; why it did not confirm all of them.

    ``left_out`` are statements that it was not asked, which rest on our own kernel alone.
    """

    prover: str
    asked: int
    confirmed: int
    remark: str = ""
    left_out: tuple[str, ...] = ()
    text: str = field(default="", repr=False)
    """The file that it checked, if there was one."""

    @property
    def agrees(self) -> bool:
        """Whether it confirmed everything that it was asked."""
        return self.asked == self.confirmed


def ask_coq(certificate: DiagramCertificate, seconds: float = COQ_SECONDS) -> Opinion:
    """Have Coq check the theorems.

    Raises
    ------
    NoProver : coqc is not installed.
    """
    program = shutil.which("coqc")
    if program is None:
        raise NoProver("--coq: expected the program coqc, in Debian's package coq; the file is written, not checked")
    said = _run_coq(program, coq(certificate), seconds)
    if said.agrees or all(evidence is not None for piece in certificate.pieces for _, evidence in piece.signs):
        return said
    return _run_coq(program, coq(certificate, trusting=True), seconds)


def _run_coq(program: str, found: CoqFile, seconds: float) -> Opinion:
    count = found.text.count("Qed.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "diagram.v"
        path.write_text(found.text, encoding="utf-8")
        try:
            run = subprocess.run(
                [program, "-q", path.name], cwd=folder, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return Opinion("Coq", count, 0, f"it took more than {seconds:g} seconds", found.left_out, found.text)
    foreign = foreign_axioms(run.stdout)
    remark = " ".join(run.stderr.split())[:300] if run.returncode else ""
    remark = f"it rests on {', '.join(foreign)}" if foreign and not remark else remark
    return Opinion("Coq", count, 0 if remark else count, remark, found.left_out, found.text)


STANDARD = ("ClassicalDedekindReals.", "FunctionalExtensionality.", "Classical_Prop.classic", "Eqdep.")
"""Where the axioms of Coq's real numbers live."""


def foreign_axioms(said: str) -> list[str]:
    """Axioms in the output of Print Assumptions that are not those of the standard reals.

    >>> foreign_axioms("Axioms:\\nClassicalDedekindReals.sig_not_dec : forall P : Prop, P\\nmine : False")
    ['mine']
    """
    names = [line.split(" :")[0].split()[0] for line in said.splitlines() if line[:1].isalpha() and line != "Axioms:"]
    return sorted({n for n in names if n not in ("Axioms", "Closed") and not n.startswith(STANDARD)})


def ask_z3(certificate: DiagramCertificate, seconds: float = SECONDS) -> Opinion:
    """Put every question to z3.

    Raises
    ------
    NoProver, Disagreement
    """
    z3 = _z3()

    def answer(question: Question) -> str:
        solver = z3.SolverFor("QF_NRA")
        solver.set("timeout", int(seconds * 1000))
        solver.from_string("\n".join((*start, *(f"(assert {a})" for a in question.assertions))))
        return str(solver.check())

    start = header(certificate)
    return _count("z3", list(questions(certificate)), answer)


def ask_cvc5(certificate: DiagramCertificate, seconds: float = SECONDS) -> Opinion:
    """Put every question to cvc5.

    Raises
    ------
    NoProver, Disagreement
    """
    try:
        import cvc5
    except ImportError:
        raise NoProver("cvc5: expected the package cvc5, installed by pip install 'phaselaws[provers]'") from None
    found = list(questions(certificate))
    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("incremental", "true")
    solver.setOption("tlimit-per", str(int(seconds * 1000)))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, smt(certificate), "questions")
    symbols = parser.getSymbolManager()
    said = []
    while not (command := parser.nextCommand()).isNull():
        out = str(command.invoke(solver, symbols)).strip()
        if out:
            said.append(out)
    answers = iter(said)
    return _count("cvc5", found, lambda question: next(answers, "unknown"))


def _count(prover: str, asked: Sequence[Question], answer: Callable[[Question], str]) -> Opinion:
    confirmed, silent = 0, ""
    for question in asked:
        said = answer(question)
        if said == "sat":
            raise Disagreement(f"{prover} contradicts our own kernel: {question.statement}")
        confirmed += said == "unsat"
        silent = silent if said == "unsat" else question.statement
    return Opinion(prover, len(asked), confirmed, f"it did not answer: {silent}" if silent else "")


def _z3() -> Any:
    try:
        import z3
    except ImportError:
        raise NoProver("--z3: expected the package z3-solver, installed by pip install 'phaselaws[provers]'") from None
    return z3


def ask(hypotheses: Sequence[Literal], conclusion: Literal, seconds: float = SECONDS) -> bool | None:
    """z3's answer: True if the hypotheses imply the conclusion weakly, False if not, None if it does not say.

    Raises
    ------
    NoProver
    """
    solver = _z3().SolverFor("QF_NRA")
    solver.set("timeout", int(seconds * 1000))
    p, sign = conclusion
    assertions = [f"(assert (> {as_text(q * t)} 0))" for q, t in hypotheses] + [f"(assert (< {as_text(p * sign)} 0))"]
    solver.from_string("\n".join(("(declare-const alpha Real)", "(declare-const beta Real)", *assertions)))
    return {"unsat": True, "sat": False}.get(str(solver.check()))
