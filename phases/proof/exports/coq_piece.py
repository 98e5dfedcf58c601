"""Lemmas and theorems of one piece of a diagram for Coq: signs from walls, a feasible point, none better."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from derivations.algebra import ONE, Poly, Rational, total_degree
from phases.proof import statements as s
from phases.proof.exports.coq_text import Signs, combination, comment, joined, poly, rational
from phases.proof.exports.coq_text import condition as stated

if TYPE_CHECKING:
    from phases.proof.exports.coq import Writer

Decision = tuple[str, str, str]
"""A minimum or maximum as written, the argument that it equals, and a tactic that shows it."""


NRA_DEGREE = 3
"""Largest degree of a curved sign without a witness that is left to Coq's own search."""


def degree(piece: s.Piece, claim: Poly) -> int:
    """The largest degree of the polynomials in an implication from the walls."""
    return max(map(total_degree, (claim, *piece.walls)))


class PieceWriter:
    """The lemmas and theorems of one piece."""

    def __init__(self, writer: Writer, label: str, piece: s.Piece, optimum: s.Optimum) -> None:
        self.writer, self.label, self.piece, self.optimum = writer, label, piece, optimum
        self.programme, self.out = writer.programme, writer.out
        self.signs = Signs([*piece.walls, *(p for p, _ in piece.signs)])
        self.known = "".join(f"0 < {poly(w)} -> " for w in piece.walls)
        self.names = " ".join(f"w{k}" for k in range(len(piece.walls)))
        most = 0 if writer.trusting else NRA_DEGREE
        self.lemmas = [k for k, (claim, e) in enumerate(piece.signs) if e is not None or degree(piece, claim) <= most]
        self.assumed = [k for k in range(len(piece.signs)) if k not in self.lemmas]
        self.walls = self.known + "".join(f"0 < {poly(piece.signs[k][0])} -> " for k in self.assumed)
        self.hypotheses = " ".join([self.names, *(f"s{k}" for k in self.assumed)])

    def write(self) -> None:
        self.out(f"\n(* {comment(self.piece.phase)} *)")
        for k in self.lemmas:
            claim, evidence = self.piece.signs[k]
            self.out(
                f"\nLemma {self.label}_sign_{k} : forall alpha beta : R,\n  {self.known}0 < {poly(claim)}.\n"
                f"Proof.\n  intros alpha beta {self.names}.\n  {self.follows(claim, evidence)}\nQed."
            )
        self.feasible()
        self.optimal()

    def follows(self, claim: Poly, evidence: s.Products | None, more: tuple[tuple[Poly, bool], ...] = ()) -> str:
        if evidence is None:
            return "nra."
        if isinstance(evidence, s.Split):
            d = f"d{len(more)}"
            positive = self.follows(claim, evidence.positive, (*more, (evidence.form, False)))
            negative = self.follows(claim, evidence.negative, (*more, (-evidence.form, True)))
            return (
                f"destruct (Rle_or_lt 0 {poly(evidence.form)}) as [{d} | {d}'].\n  {{ {positive} }}\n"
                f"  {{ assert ({d} : 0 < {poly(-evidence.form)}) by lra.\n  {negative} }}"
            )
        hypotheses = [*self.piece.walls, *(form for form, _ in more)]
        weak = [len(self.piece.walls) + k for k, (_, strict) in enumerate(more) if not strict]
        summands = sorted(evidence.summands, key=lambda cp: any(cp[1][k] for k in weak))
        texts = []
        for c, powers in summands:
            factors = [str(c.numerator)] + [
                poly(h) if k == 1 else f"{poly(h)}^{k}" for h, k in zip(hypotheses, powers, strict=True) if k
            ]
            texts.append(" * ".join(factors) + (f" / {c.denominator}" if c.denominator > 1 else ""))
        total = texts[-1]
        for text in reversed(texts[:-1]):
            total = f"{text} + ({total})"
        return f"replace {poly(claim)} with ({total}) by field. positive."

    def context(self) -> str:
        """The signs as hypotheses."""
        return "\n  ".join([f"intros alpha beta {self.hypotheses}.", *(f"{fact}." for fact in self.facts())])

    def facts(self) -> list[str]:
        """Every sign that has a lemma, asserted."""
        return [
            f"assert (s{k} : 0 < {poly(self.piece.signs[k][0])}) "
            f"by exact ({self.label}_sign_{k} alpha beta {self.names})"
            for k in self.lemmas
        ]

    # comparisons that the law leaves open and the piece decides

    def at_most(self, difference: Rational) -> str:
        """A tactic for a <= b, where b - a is the given non-negative function."""
        if not difference:
            return "(apply (below _ _ 0); [ field; nonzero | lra ])"
        tactic = self.signs.nonnegative(difference)
        return f"(apply (below _ _ {self.signs.signed(difference)}); [ field; nonzero | {tactic} ])"

    def resolve(self, e: s.Expression, steps: list[Decision]) -> tuple[Rational, str]:
        """Value and resolved text; the extrema met are added to ``steps`` (text, what it is, why), inner ones first."""
        if isinstance(e, Rational):
            return e, rational(e)
        found = [self.resolve(a, steps) for a in e.arguments]
        if e.operator not in ("min", "max"):
            value = found[0][0]
            for other, _ in found[1:]:
                value = value + other if e.operator == "+" else value * other if e.operator == "*" else value / other
            return value, joined(e.operator, [text for _, text in found])
        side = 1 if e.operator == "min" else -1
        best = self.winner([value for value, _ in found], side)
        value, text = found[best]
        name, bound = ("Rmin", "Rmin_glb") if side > 0 else ("Rmax", "Rmax_lub")
        after = found[best + 1 :]
        if after:
            why = self.at_most((after[-1][0] - value) * Rational.constant(side))
            for other, _ in reversed(after[:-1]):
                why = f"(apply {bound}; [ {self.at_most((other - value) * Rational.constant(side))} | {why} ])"
            rest = joined(e.operator, [shown for _, shown in after])
            steps.append((f"({name} {text} {rest})", text, f"(apply {name}_left; {why})"))
        for other, shown in reversed(found[:best]):
            why = self.at_most((other - value) * Rational.constant(side))
            steps.append((f"({name} {shown} {text})", text, f"(apply {name}_right; {why})"))
        return value, text

    def winner(self, values: Sequence[Rational], side: int) -> int:
        """The place of the least (side 1) or largest value; the piece's signs settle every comparison with it."""
        for k, best in enumerate(values):
            try:
                if all(v == best or side * self.signs.quotient(v - best)[0] > 0 for v in values):
                    return k
            except KeyError:  # no sign of the piece settles this comparison, but another value may win
                continue
        raise AssertionError("the kernel found a minimum or maximum that the signs do not settle")

    def decided(self, condition: s.Positive) -> tuple[bool, str, list[Decision]]:
        """Whether a condition holds in the piece, and a tactic for it, or for False from it as hypothesis c."""
        steps: list[Decision] = []
        value, text = self.resolve(condition.expression, steps)
        side = self.signs.quotient(value)[0] if value else 0
        holds = side > 0 or (side == 0 and not condition.strict)
        shown = self.signs.signed(value)
        equal = f"assert (e : {text} = {shown}) by (field; nonzero)"
        if holds:
            relation = (
                f"assert (0 {'<' if condition.strict else '<='} {shown}) by ({self.sure(value, condition.strict)})"
            )
            return True, f"{equal}; {relation}; lra", steps
        absolute = self.signs.quotient(value)[1] if value else "0"
        return False, f"{equal}; assert (0 <= {absolute}) by ({self.signs.nonnegative(value)}); lra", steps

    def sure(self, value: Rational, strict: bool) -> str:
        if not value:
            return "lra"
        if not strict:
            return self.signs.nonnegative(value)
        return "positive" if value.den == ONE else "apply Rdiv_lt_0_compat; positive"

    @staticmethod
    def rewriting(steps: Sequence[Decision], where: str, names: Iterable[int]) -> str:
        """Rewrite the extrema by what they are."""
        out = ""
        for k, (whole, picked, why) in zip(names, dict.fromkeys(steps), strict=False):
            out += f"assert (m{k} : {whole} = {picked}) by {why}. rewrite ?m{k}{where}. "
        return out

    def rows(self) -> list[tuple[s.Row, bool]]:
        out = []
        for row in self.programme.rows:
            out.append((row, all(self.decided(c)[0] for c in row.where)))
        return out

    def point(self, vertex: s.Vector) -> list[str]:
        return [self.signs.written(v) for v in vertex]

    def conclude(self) -> str:
        """A tactic for the optimum from the walls, each of which follows by linear arithmetic."""
        walls = "; ".join(f"assert (w{k} : 0 < {poly(w)}) by lra" for k, w in enumerate(self.piece.walls))
        context = "; ".join(self.facts())
        value = self.optimum.value
        same = f"replace {rational(value)} with {self.signs.written(value)} by (field; nonzero)"
        which = "_1" if len(self.piece.vertices) > 1 else ""
        point = "; ".join(f"exists {v}" for v in self.point(self.piece.vertices[0])[:-1])
        first = f"{point}; exact ({self.label}_feasible{which} alpha beta {self.hypotheses})"
        second = f"exact ({self.label}_optimal alpha beta {self.hypotheses})"
        return "; ".join(t for t in (walls, context, same, f"split; [ {first} | {second} ]") if t)

    def feasible(self) -> None:
        for number, vertex in enumerate(self.piece.vertices):
            values = self.point(vertex)
            suffix = f"_{number + 1}" if len(self.piece.vertices) > 1 else ""
            self.out(
                f"\nTheorem {self.label}_feasible{suffix} : forall alpha beta : R,\n  {self.walls}\n"
                f"  feasible alpha beta {' '.join(values)}.\n"
                f"Proof.\n  {self.context()}\n  unfold feasible; repeat split."
            )
            for row, present in self.rows():
                self.out(f"  - unfold {self.writer.row_names[row.name]}. {self.row_holds(row, present, vertex)}")
            self.out("Qed.")

    def introduced(self, row: s.Row, present: bool) -> str:
        """Introduce a row's conditions; where one fails, the row is void."""
        names = [f"c{k}" for k in range(len(row.where))]
        text = f"intros {' '.join(names)}. " if names else ""
        if present:
            return text
        for name, condition in zip(names, row.where, strict=True):
            holds, tactic, steps = self.decided(condition)
            if not holds:
                rewrites = self.rewriting(steps, f" in {name}", itertools.count(100))
                return f"{text}exfalso. {rewrites}{tactic}."
        raise AssertionError(row.name)

    def row_holds(self, row: s.Row, present: bool, vertex: s.Vector) -> str:
        if not present:
            return self.introduced(row, False)
        steps: list[Decision] = []
        coefficients = [self.resolve(c, steps) for c in row.coefficients]
        bound = self.resolve(row.bound, steps)
        slack = bound[0]
        for (c, _), v in zip(coefficients, vertex, strict=True):
            slack = slack - c * v
        rewrites = self.rewriting(steps, "", itertools.count())
        if row.equality:
            return f"{self.introduced(row, True)}{rewrites}field; nonzero."
        return f"{self.introduced(row, True)}{rewrites}{self.at_most(slack)}."

    def optimal(self) -> None:
        slope = self.signs.written(self.optimum.value)
        self.out(
            f"\nTheorem {self.label}_optimal : forall alpha beta : R,\n  {self.walls}\n"
            f"  forall {self.writer.unknowns} : R, feasible alpha beta {self.writer.unknowns} -> eta <= {slope}.\n"
            f"Proof.\n  {self.context()}\n  intros {self.writer.unknowns} H. unfold feasible in H."
        )
        names = [f"H{k}" for k in range(len(self.programme.rows))]
        self.out(f"  destruct H as [{' ['.join(names[:-1])} {names[-1]}{']' * (len(names) - 1)}.")
        summands, proofs = [], []
        for name, row in zip(names, self.programme.rows, strict=True):
            y = self.piece.multipliers.get(row.name)
            if not y:
                continue
            steps: list[Decision] = []
            coefficients = [self.resolve(c, steps)[1] for c in row.coefficients]
            bound = self.resolve(row.bound, steps)[1]
            given = f"  unfold {self.writer.row_names[row.name]} in {name}."
            for k, condition in enumerate(row.where):
                _, tactic, inner = self.decided(condition)
                rewrites = self.rewriting(inner, "", itertools.count(100))
                given += (
                    f" assert (c{name}{k} : {stated(condition)}) by ({rewrites.replace('. ', '; ')}{tactic});"
                    f" specialize ({name} c{name}{k})."
                )
            given += f" {self.rewriting(steps, f' in {name}', itertools.count())}"
            given += " ".join(f"clear m{k}." for k in range(len(dict.fromkeys(steps))))
            self.out(given)
            gap = f"({bound} - ({combination(coefficients, self.writer.names)}))"
            summands.append(f"{self.signs.signed(y)} * {gap}")
            if row.equality:
                self.out(f"  assert (g{name} : {gap} = 0) by lra.")
                proofs.append(f"rewrite g{name}; lra")
            else:
                proofs.append(f"apply Rmult_le_pos; [ {self.signs.nonnegative(y)} | lra ]")
        total = summands[-1]
        for text in reversed(summands[:-1]):
            total = f"{text} + ({total})"
        script = proofs[-1]
        for proof in reversed(proofs[:-1]):
            script = f"apply Rplus_le_le_0_compat; [ {proof} | {script} ]"
        self.out(f"  apply (below _ _ ({total})); [ field; nonzero | {script} ].\nQed.")
