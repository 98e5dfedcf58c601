"""Provers that nobody here wrote: Coq, z3 and cvc5 on proved diagrams, and on forged ones."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from derivations.algebra import ALPHA, ONE, Rational
from derivations.lawfile import parse_law
from derivations.registry import load
from phases.phase_diagram import diagram
from phases.proof import statements as s
from phases.proof.exports.coq import coq
from phases.proof.exports.smt import questions, smt
from phases.proof.prove import DiagramCertificate, prove
from phases.proof.second_opinion import Disagreement, ask_coq, ask_cvc5, ask_z3, foreign_axioms
from phases.proof.verdict import Proved
from tests.certificates import OWN, proof
from tests.strategies import REGISTERED

needs_coq = pytest.mark.skipif(
    shutil.which("coqc") is None and not os.environ.get("CI"), reason="coqc is not installed (CI installs it)"
)
CHECKED = (*REGISTERED, "derived/signsgd", *OWN)


@needs_coq
@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKED)
def test_coq_accepts_the_diagram_without_axioms_of_ours(name: str) -> None:
    text = coq(proof(name)).text
    assert not re.search(r"\b(Admitted|admit|Axiom|Parameter|Hypothesis)\b", text)
    opinion = ask_coq(proof(name))
    assert opinion.agrees and opinion.asked > 4, opinion.remark
    curved = name in ("paquette2024/sgd", "curved")
    assert bool(opinion.left_out) == curved


def forged(name: str, factor: Rational) -> DiagramCertificate:
    """The proof of a law with the slope of its first phase multiplied by a factor."""
    found = proof(name)
    phases = list(found.theorem.phases)
    label, region, optimum = phases[0]
    phases[0] = label, region, replace(optimum, value=optimum.value * factor)
    return replace(found, theorem=s.Theorem(found.theorem.programme, tuple(phases)))


@needs_coq
@pytest.mark.slow
def test_coq_refuses_a_smaller_slope() -> None:
    opinion = ask_coq(forged("kim2026/signsgd", Rational.constant(1) / Rational.constant(2)))
    assert not opinion.agrees and "Error" in opinion.remark


@needs_coq
def test_coq_refuses_a_wall_that_was_moved(tmp_path: Path) -> None:
    text = coq(proof("kim2026/signsgd")).text
    start = text.index("Lemma Aa_sign_0")
    lemma = text[start : text.index("Qed.", start) + 4]
    head = text[: text.index("Definition domain")]
    moved = lemma.replace("0 < (2*alpha - 1)", "0 < (2*alpha + 9)").replace("0 < (1 - 2*beta)", "0 < (9 - 2*beta)")
    for k, body in enumerate((lemma, moved)):
        path = tmp_path / f"t{k}.v"
        path.write_text(head + body)
        assert (subprocess.run(["coqc", "-q", path], capture_output=True, check=False).returncode == 0) == (k == 0)


@pytest.mark.parametrize("name", CHECKED)
def test_z3_and_cvc5_confirm_every_statement(name: str) -> None:
    pytest.importorskip("z3")
    pytest.importorskip("cvc5")
    opinions = [ask_z3(proof(name)), ask_cvc5(proof(name))]
    count = len(list(questions(proof(name))))
    assert [(o.asked, o.confirmed) for o in opinions] == [(count, count)] * 2


def test_a_disagreement_is_an_error() -> None:
    pytest.importorskip("z3")
    pytest.importorskip("cvc5")
    lie = forged("kim2026/signsgd", Rational.constant(1) / Rational.constant(2))
    for ask in (ask_z3, ask_cvc5):
        with pytest.raises(Disagreement, match="Aa: no feasible point is better"):
            ask(lie)


def test_the_questions_of_every_kind_occur() -> None:
    said = {q.statement.split(": ")[-1].split(" of ")[0] for q in questions(proof("kim2026/signsgd"))}
    assert {"no feasible point is better", "the closed regions cover the domain", "Aa and Ab are disjoint"} <= said
    assert smt(proof("kim2026/signsgd")).startswith("(set-logic QF_NRA)\n(declare-const alpha Real)")


@needs_coq
def test_hostile_titles_and_names_stay_in_comments() -> None:
    text = load("kim2026/signsgd").text
    text = text.replace('title = "signSGD, constant learning rate"', 'title = "*) Axiom mine : False. (* \\" (*"')
    verdict = prove(diagram(parse_law(text.replace('name = "kim2026/signsgd"', 'name = "lemma"', 1))))
    assert isinstance(verdict, Proved)
    assert ask_coq(verdict.certificate).agrees


def test_an_unknown_may_be_called_by_a_word_of_coq() -> None:
    law = parse_law(OWN["tight"].replace("tau", "match").replace('name = "tight"', 'name = "words"'))
    verdict = prove(diagram(law))
    assert isinstance(verdict, Proved)
    assert "u_match" in coq(verdict.certificate).text and "u_match" in smt(verdict.certificate)


OPERATIONS = """
[law]
name = "operations"
auxiliary = ["value", "feasible"]
[domain]
where = ["alpha > 0", "beta > 0", "alpha < 4", "beta < 4"]
[[term]]
name = "least"
form = "M^(-min(alpha, beta, 1))"
[[term]]
name = "largest"
form = "N^(-max(alpha/2, 1/3, beta/2))*value^(-1)"
where = ["max(alpha, beta, 1) > 1/2"]
[[constraint]]
name = "one"
form = "value = 1"
[[constraint]]
name = "two"
form = "feasible <= M"
[[constraint]]
name = "three"
form = "feasible >= 1"
"""


@needs_coq
def test_three_arguments_and_names_of_the_file_itself() -> None:
    verdict = prove(diagram(parse_law(OPERATIONS)))
    assert isinstance(verdict, Proved)
    opinion = ask_coq(verdict.certificate)
    assert opinion.agrees, opinion.remark
    assert "optimal (alpha beta value : R)" in opinion.text and "u_value" in opinion.text


@needs_coq
def test_signs_without_a_witness_are_left_to_our_own_kernel_where_coq_cannot_find_them() -> None:
    found = coq(proof("curved"), trusting=True)
    assert any("signs of P1 (curved walls)" in text for text in found.left_out)
    assert "Left to the project's own kernel: " in found.text


def test_foreign_axioms_are_found() -> None:
    standard = "Axioms:\nClassicalDedekindReals.sig_not_dec : forall P : Prop, {~ ~ P} + {~ P}\n  more text\n"
    assert foreign_axioms(standard) == [] and foreign_axioms(standard + "mine : False\n") == ["mine"]


def test_a_law_without_signs_to_show() -> None:
    law = parse_law('[law]\nname = "one"\n[domain]\nwhere = ["alpha > 0"]\n[[term]]\nname = "a"\nform = "N^(-alpha)"\n')
    verdict = prove(diagram(law))
    assert isinstance(verdict, Proved)
    assert verdict.certificate.theorem.phases[0][2].value == Rational(ALPHA, ONE)
    if shutil.which("coqc"):
        assert ask_coq(verdict.certificate).agrees
