"""A diagram as theorems over the reals for the Coq (Rocq) proof assistant.

The file defines the programme as the law states it, with its minima and maxima, and shows, piece by piece: each sign
that is used (from the walls), the stated point feasible with that slope, and no feasible point better (from the
multipliers); then that closed regions cover the domain and open ones are disjoint. Coq's own kernel checks everything;
witnesses are printed, so that it has identities to check and little to search. Only Coq's standard library is used.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from derivations.algebra import Poly, canonical, total_degree
from phases.proof import statements as s
from phases.proof.exports.coq_piece import PieceWriter
from phases.proof.exports.coq_text import (
    combination,
    comment,
    condition,
    expression,
    identifier,
    is_linear,
    poly,
    rational,
    region_text,
)
from phases.proof.prove import DiagramCertificate

_HEADER = """(* {title}

   Checked by: coqc {file}
   alpha and beta are the feature and target decay; M = f^x, N = f^(1-x), gamma = f^(-g), risk f^(-eta).
   {remark} *)

Require Import Reals Lra Psatz.
Open Scope R_scope.

Ltac nonneg := first
  [ assumption | apply Rlt_le; assumption | apply Rplus_le_le_0_compat; nonneg | apply Rmult_le_pos; nonneg
  | apply pow_le; nonneg | lra ].
Ltac positive := first
  [ assumption | apply Rplus_lt_le_0_compat; [ positive | nonneg ] | apply Rmult_lt_0_compat; positive
  | apply pow_lt; positive | lra ].
Ltac nonzero := repeat split; let H := fresh in intro H; first [ lra | nra ].

Lemma quotient : forall p q : R, 0 <= p -> 0 < q -> 0 <= p / q.
Proof. intros p q Hp Hq. apply Rmult_le_pos; [ exact Hp | apply Rlt_le, Rinv_0_lt_compat, Hq ]. Qed.

Lemma below : forall a b d : R, b - a = d -> 0 <= d -> a <= b.
Proof. intros; lra. Qed.
"""


@dataclass(frozen=True, slots=True)
class CoqFile:
    """The text, and the statements that are left to the project's own kernel."""

    text: str
    left_out: tuple[str, ...]


def coq(certificate: DiagramCertificate, file: str = "diagram.v", trusting: bool = False) -> CoqFile:
    """The theorems of a proved diagram; ``trusting`` takes every sign without a witness from our own kernel.

    >>> from phases.phase_diagram import diagram
    >>> from phases.proof.prove import prove
    >>> found = coq(prove(diagram("kim2026/signsgd")).certificate)
    >>> "Theorem Ac_optimal" in found.text, found.left_out
    (True, ())
    """
    return Writer(certificate, trusting).write(file)


class Writer:
    def __init__(self, certificate: DiagramCertificate, trusting: bool) -> None:
        self.trusting = trusting
        self.certificate, self.programme = certificate, certificate.theorem.programme
        self.names = [n if n in ("x", "g", "tau", "eta") else f"u_{n}" for n in self.programme.unknowns]
        self.unknowns = " ".join(self.names)
        self.lines: list[str] = []
        self.left_out: list[str] = []
        self.theorems: list[str] = []
        self.row_names = {r.name: f"row_{k}_{identifier(r.name)}" for k, r in enumerate(self.programme.rows)}
        names = [name for name, _, _ in certificate.theorem.phases]
        plain = [identifier(n) for n in names]
        self.phase_names = {
            n: p if plain.count(p) == 1 else f"{p}_{k}" for k, (n, p) in enumerate(zip(names, plain, strict=True))
        }

    def out(self, text: str) -> None:
        match = re.match(r"\nTheorem (\w+)", text)
        if match:
            self.theorems.append(match[1])
        self.lines.append(text)

    def write(self, file: str) -> CoqFile:
        law = self.certificate.diagram.law
        self.definitions()
        for name, region, optimum in self.certificate.theorem.phases:
            own = [p for p in self.certificate.pieces if p.phase == name]
            label = self.phase_names[name]
            writers = [
                PieceWriter(self, f"{label}_{k + 1}" if len(own) > 1 else label, p, optimum) for k, p in enumerate(own)
            ]
            for writer in writers:
                writer.write()
            assumed = sum(len(w.assumed) for w in writers)
            if assumed:
                self.left_out.append(f"{assumed} signs of {name} (curved walls)")
            self.phase(name, region, optimum, writers)
        self.cover()
        self.disjoint()
        self.out("\n(* What all of this rests on: the axioms of Coq's real numbers, and nothing else. *)")
        self.out(f"Definition everything := ({', '.join(self.theorems)}).\nPrint Assumptions everything.")
        remark = "Nothing is left out."
        if self.left_out:
            remark = "Left to the project's own kernel: " + "; ".join(self.left_out) + "."
        head = _HEADER.format(
            title=comment(f"{law.name}: {law.title} ({law.source})"), file=comment(file), remark=remark
        )
        return CoqFile(head + "\n".join(self.lines) + "\n", tuple(self.left_out))

    def definitions(self) -> None:
        domain = " /\\ ".join(condition(c) for c in self.programme.domain)
        self.out(f"\nDefinition domain (alpha beta : R) : Prop :=\n  {domain}.")
        law = self.certificate.diagram.law
        forms = {entry.name: entry.form for entry in law.terms} | {entry.name: entry.form for entry in law.constraints}
        for row in self.programme.rows:
            left = combination([expression(c) for c in row.coefficients], self.names)
            relation = "=" if row.equality else "<="
            conditions = "".join(f"{condition(c)} -> " for c in row.where)
            self.out(
                f"\n(* {comment(f'{row.name}: {forms[row.name]}' if row.name in forms else row.name)} *)\n"
                f"Definition {self.row_names[row.name]} (alpha beta {self.unknowns} : R) : Prop :=\n"
                f"  {conditions}{left} {relation} {expression(row.bound)}."
            )
        rows = " /\\\n  ".join(f"{name} alpha beta {self.unknowns}" for name in self.row_names.values())
        self.out(f"\nDefinition feasible (alpha beta {self.unknowns} : R) : Prop :=\n  {rows}.")
        others = " ".join(self.names[:-1])
        self.out(
            f"\nDefinition optimal (alpha beta value : R) : Prop :=\n"
            f"  (exists {others} : R, feasible alpha beta {others} value) /\\\n"
            f"  (forall {self.unknowns} : R, feasible alpha beta {self.unknowns} -> eta <= value)."
        )

    def phase(self, name: str, region: s.Region, optimum: s.Optimum, writers: Sequence[PieceWriter]) -> None:
        """The optimum in the whole region of a phase, off the curves on which its pieces meet."""
        label = self.phase_names[name]
        edges = {p for part in region for p in part}
        inner = sorted({canonical(w)[1] for one in writers for w in one.piece.walls if w not in edges}, key=str)
        curved = inner and not (is_linear(region) and all(total_degree(p) == 1 for p in inner))
        if len(region) > 1 or curved or any(one.assumed for one in writers):
            self.left_out.append(f"that the pieces of {name} fill its region (curved or in parts)")
            return
        off = "".join(f"{poly(p)} <> 0 -> " for p in inner)
        self.out(
            f"\nTheorem {label}_region : forall alpha beta : R,\n  {region_text(region, '<')} -> {off}\n"
            f"  optimal alpha beta {rational(optimum.value)}.\nProof.\n  intros alpha beta H"
            f"{''.join(f' n{k}' for k in range(len(inner)))}."
        )
        cases = "".join(f"destruct (Rtotal_order {poly(p)} 0) as [?|[?|?]]; " for p in inner)
        attempts = " | ".join(f"({one.conclude()})" for one in writers)
        self.out(f"  {cases}first [ contradiction | exfalso; lra | {attempts} ].\nQed.")

    def cover(self) -> None:
        """Closed regions cover the domain: a decision tree over the curves, down to cells of one phase."""
        regions = [region for _, region, _ in self.certificate.theorem.phases]
        goal = " \\/\n  ".join(region_text(r, "<=") for r in regions)
        curves = sorted(
            {canonical(p)[1] for r in regions for part in r for p in part}, key=lambda p: (total_degree(p), str(p))
        )
        if any(total_degree(p) > 1 for p in curves):
            self.left_out.append("that the closed regions cover the domain (curved walls)")
            return
        self.out(f"\nTheorem cover : forall alpha beta : R, domain alpha beta ->\n  {goal}.")
        self.out("Proof.\n  intros alpha beta H; unfold domain in H.")
        tree = _tree(curves, regions)
        self.out(f"  {tree}\nQed.")

    def disjoint(self) -> None:
        """Open regions are pairwise disjoint."""
        phases = [(self.phase_names[name], region) for name, region, _ in self.certificate.theorem.phases]
        for (one, first), (two, second) in itertools.combinations(phases, 2):
            opposite = all(any(-p in other for p in part) for part in first for other in second)
            if not opposite and not (is_linear(first) and is_linear(second)):
                self.left_out.append(f"that {one} and {two} are disjoint (curved walls)")
                continue
            self.out(
                f"\nTheorem {one}_{two}_disjoint : forall alpha beta : R,\n"
                f"  {region_text(first, '<')} -> {region_text(second, '<')} -> False.\n"
                f"Proof. intros; repeat match goal with [ H : _ \\/ _ |- _ ] => destruct H end; lra. Qed."
            )


def _tree(curves: Sequence[Poly], regions: Sequence[s.Region]) -> str:
    goals = [
        "".join(["right; "] * k) + ("left; " if k + 1 < len(regions) else "") + "repeat split; lra"
        for k in range(len(regions))
    ]
    leaf = " | ".join(f"({g})" for g in goals)
    splits = "; ".join(f"destruct (Rle_or_lt 0 {poly(p)})" for p in curves)
    return f"{splits};\n  first [ exfalso; lra | {leaf} ]."
