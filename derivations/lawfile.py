"""The TOML law format: read, check, write.

A law file is untrusted input: sizes and counts are bounded, keys and types are checked, expressions go through
`derivations.grammar`, and each error is one sentence that names the file, the line and what was expected.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from derivations.exponents import PARAMETERS, OnWall, is_piecewise, negative, plus, resolve
from derivations.grammar import ExpressionError, Node, Number, Relation, parse, parse_relations, to_text
from derivations.law import BASES, PROVENANCES, Claim, Constraint, Monomial, RiskLaw, Term, plain
from derivations.optimizers import registered
from derivations.tomlfile import FileError, Reader, parse_toml, quote, read_file

MAX_ENTRIES = {"term": 24, "constraint": 12, "claim": 48, "constant": 48}

_KEYS = {
    "law": {"name", "title", "source", "provenance", "note", "auxiliary", "derived"},
    "domain": {"where"},
    "term": {"name", "role", "form", "where", "provenance"},
    "constraint": {"name", "form", "where", "provenance"},
    "constant": {"term", "value", "where", "reason"},
    "claim": {"name", "where", "slope", "model_exponent", "rate_exponent", "active", "provenance"},
}
RESERVED = {*PARAMETERS, "gamma", "min", "max", "x", "g", "e", "f", "eta"}
_IDENTIFIER = re.compile(r"[a-z][a-z_]{0,15}\Z")


class LawFileError(FileError):
    """A law file that cannot be used; the message names file, line and what was expected."""


class _Reader(Reader):
    error = LawFileError
    kind, short = "a law file with [law], [domain] and [[term]]", "law file"
    first_table = "law"

    def relations(self, data: dict[str, Any], table: str, index: int) -> tuple[Relation, ...]:
        out: list[Relation] = []
        for text in self.strings(data, table, index, "where"):
            out.extend(self.guarded(lambda t=text: self.condition(t), table, index, "where"))  # type: ignore[misc]
        if table in ("domain", "claim") and any(is_piecewise(n) for r in out for n in (r.left, r.right)):
            self.fail("expected conditions without min and max; split them instead", table, index, "where")
        return tuple(out)

    @staticmethod
    def condition(text: str) -> tuple[Relation, ...]:
        relations = parse_relations(text, PARAMETERS)
        for relation in relations:
            if relation.op == "=":
                raise ExpressionError("expected an inequality: a condition must leave a region, not a line")
            check_exponent(relation.left)
            check_exponent(relation.right)
        return relations

    def provenance(self, data: dict[str, Any], table: str, index: int) -> str:
        tag = self.string(data, table, index, "provenance", "user")
        if tag not in PROVENANCES:
            self.fail(f"expected a provenance among {', '.join(PROVENANCES)}, got {tag!r}", table, index, "provenance")
        return tag


_PROBES = tuple((Fraction(31 * k % 251 + 1, 97), Fraction(57 * k % 239 + 2, 89)) for k in range(1, 41))


def check_exponent(node: Node) -> None:
    """Check that an exponent makes sense at generic points: no divisor that is zero everywhere, sizes bounded.

    Every part of it is looked at, whichever argument of a min or max is chosen: at one generic point at least all of
    them are resolved.

    Raises
    ------
    ExpressionError : it does not, or none of many points is generic for it.
    """
    generic = 0
    for point in _PROBES:
        try:
            resolve(node, point, lambda p, label: None)
        except OnWall:
            continue
        generic += 1
        if generic == 3:
            return
    if not generic:
        raise ExpressionError("expected a min or max whose arguments differ at points such as alpha = 31/97")


def term_monomial(text: str, bases: tuple[str, ...]) -> Monomial:
    """The monomial that the form of a term is.

    Raises
    ------
    ExpressionError : it is none.
    """
    monomial = Monomial.from_node(parse(text, (*PARAMETERS, *bases)), bases)
    for _, exponent in monomial.exponents:
        check_exponent(exponent)
    return monomial


def constraint_monomial(text: str, bases: tuple[str, ...]) -> tuple[Monomial, bool]:
    """The monomial that the form of a constraint bounds by one, and whether it must equal one.

    Raises
    ------
    ExpressionError : the form is no comparison of two monomials.
    """
    relations = parse_relations(text, (*PARAMETERS, *bases))
    if len(relations) != 1:
        raise ExpressionError("expected one comparison such as gamma <= M^(-1)")
    (relation,) = relations
    left, right = _split(relation.left, bases), _split(relation.right, bases)
    if relation.op in (">", ">="):
        left, right = right, left

    quotient = dict(left)
    for base, e in right.items():
        quotient[base] = plus(quotient.get(base, Number(Fraction(0))), negative(e))
    for exponent in quotient.values():
        check_exponent(exponent)
    return Monomial.of(quotient), relation.op == "="


def _split(node: Node, bases: tuple[str, ...]) -> dict[str, Node]:
    return dict(Monomial.from_node(node, bases).exponents)


def parse_law(text: str, path: str = "<law>") -> RiskLaw:
    """A law from the text of a law file.

    Raises
    ------
    LawFileError : one sentence with file, line and what was expected.
    """
    return _build(parse_toml(text, path, _Reader), _Reader(text, path), text)


def _build(data: dict[str, Any], read: _Reader, text: str) -> RiskLaw:
    tables = read.tables(data, _KEYS, ("law", "domain"), MAX_ENTRIES)
    head = tables["law"][0]
    if not head:
        read.fail("expected a table [law] with at least a name")
    name = read.name(head, "law", 0)
    auxiliary = read.strings(head, "law", 0, "auxiliary")
    for scale in auxiliary:
        if not _IDENTIFIER.match(scale) or scale in RESERVED or auxiliary.count(scale) > 1:
            read.fail(
                f"expected distinct auxiliary names of small letters other than {', '.join(sorted(RESERVED))}",
                "law",
                0,
                "auxiliary",
            )
    domain = read.relations(tables["domain"][0], "domain", 0)
    if not domain:
        read.fail('expected [domain] with where = ["alpha > 0", ...]', "domain")
    if not tables["term"]:
        read.fail("expected at least one [[term]]", "term")
    terms = tuple(_term(entry, k, read, (*BASES, *auxiliary)) for k, entry in enumerate(tables["term"]))
    constraints = tuple(
        _constraint(entry, k, read, (*BASES, *auxiliary, "L")) for k, entry in enumerate(tables["constraint"])
    )
    _check_distinct(terms, constraints, read)
    terms = _with_constants(terms, tables["constant"], read)
    claims = tuple(_claim(entry, k, read, terms) for k, entry in enumerate(tables["claim"]))
    tags = [t.provenance for t in terms]
    weakest = max(tags, key=PROVENANCES.index)
    return RiskLaw(
        name=name,
        title=read.prose(head, "law", 0, "title", name),
        source=read.prose(head, "law", 0, "source"),
        provenance=read.provenance(head, "law", 0) if "provenance" in head else weakest,
        domain=domain,
        terms=terms,
        constraints=constraints,
        claims=claims,
        auxiliary=auxiliary,
        note=read.prose(head, "law", 0, "note"),
        derived=_derived(head, read),
        text=text,
    )


def _derived(head: dict[str, Any], read: _Reader) -> str:
    name = read.string(head, "law", 0, "derived", "")
    known = [f"derived/{optimizer}" for optimizer in registered()]
    if name and name not in known:
        nearest = difflib.get_close_matches(name[:100], known, n=1, cutoff=0.0)[0]
        read.fail(f"expected the name of a derived law, nearest {nearest!r}, got {name[:60]!r}", "law", 0, "derived")
    return name


def _term(entry: dict[str, Any], k: int, read: _Reader, bases: tuple[str, ...]) -> Term:
    form = read.string(entry, "term", k, "form")
    return Term(
        name=read.name(entry, "term", k),
        role=read.prose(entry, "term", k, "role"),
        form=form,
        monomial=read.guarded(lambda: term_monomial(form, bases), "term", k, "form"),
        where=read.relations(entry, "term", k),
        provenance=read.provenance(entry, "term", k),
    )


def _with_constants(terms: tuple[Term, ...], entries: list[dict[str, Any]], read: _Reader) -> tuple[Term, ...]:
    """Terms with the leading constants that the file gives them, in its order."""
    if not entries:
        return terms
    from derivations.constants import parse_constant
    from derivations.leading import LeadingConstant

    known = {t.name for t in terms}
    given: dict[str, list[LeadingConstant]] = {}
    for k, entry in enumerate(entries):
        name, text = read.string(entry, "constant", k, "term"), read.string(entry, "constant", k, "value")
        if name not in known:
            read.fail(f"expected the name of a term, got {name[:80]!r}", "constant", k, "term")
        value = read.guarded(lambda text=text: parse_constant(text), "constant", k, "value")  # type: ignore[misc]
        read.relations(entry, "constant", k)
        where, reason = read.strings(entry, "constant", k, "where"), read.string(entry, "constant", k, "reason", "")
        given.setdefault(name, []).append(LeadingConstant(value, where, reason))
    return tuple(replace(t, constants=tuple(given.get(t.name, ()))) for t in terms)


def _constraint(entry: dict[str, Any], k: int, read: _Reader, bases: tuple[str, ...]) -> Constraint:
    form = read.string(entry, "constraint", k, "form")
    monomial, equality = read.guarded(lambda: constraint_monomial(form, bases), "constraint", k, "form")
    return Constraint(
        name=read.name(entry, "constraint", k, f"constraint{k + 1}"),
        form=form,
        monomial=monomial,
        equality=equality,
        where=read.relations(entry, "constraint", k),
        provenance=read.provenance(entry, "constraint", k),
    )


def _check_distinct(terms: tuple[Term, ...], constraints: tuple[Constraint, ...], read: _Reader) -> None:
    seen: set[str] = set()
    for table, names in (("term", [t.name for t in terms]), ("constraint", [c.name for c in constraints])):
        for k, name in enumerate(names):
            if name in seen:
                read.fail(f"expected distinct names, got {name!r} twice", table, k, "name")
            seen.add(name)
    forms: dict[tuple[Monomial, tuple[Relation, ...]], str] = {}
    for k, term in enumerate(terms):
        key = (term.monomial, term.where)
        if key in forms:
            read.fail(f"expected distinct terms, {term.name!r} repeats {forms[key]!r}", "term", k, "form")
        forms[key] = term.name


def _claim(entry: dict[str, Any], k: int, read: _Reader, terms: tuple[Term, ...]) -> Claim:
    def formula(key: str) -> Node | None:
        if key not in entry:
            return None
        text = read.string(entry, "claim", k, key)

        def build() -> Node:
            node = plain(parse(text, PARAMETERS))
            check_exponent(node)
            return node

        return read.guarded(build, "claim", k, key)

    active = read.strings(entry, "claim", k, "active") if "active" in entry else None
    unknown = set(active or ()) - {t.name for t in terms}
    if unknown:
        read.fail(f"expected names of terms in 'active', got {', '.join(sorted(unknown))}", "claim", k, "active")
    claim = Claim(
        name=read.name(entry, "claim", k, "") if entry.get("name", "") != "" else "",
        where=read.relations(entry, "claim", k),
        slope=formula("slope"),
        model_exponent=formula("model_exponent"),
        rate_exponent=formula("rate_exponent"),
        active=active,
        provenance=read.provenance(entry, "claim", k),
    )
    if not claim.formulas() and claim.active is None:
        read.fail("expected a claim about slope, model_exponent, rate_exponent or active", "claim", k)
    return claim


def read_law_file(path: Path) -> RiskLaw:
    """Read a law file.

    Raises
    ------
    LawFileError : it cannot be read, is too large, not text, or not a law.
    """
    return parse_law(*read_file(path, _Reader))


def relation_text(relation: Relation) -> str:
    """A relation in the grammar of law files."""
    return f"{to_text(relation.left)} {relation.op} {to_text(relation.right)}"


def _where(relations: tuple[Relation, ...]) -> list[str]:
    if not relations:
        return []
    return ["where = [" + ", ".join(quote(relation_text(r)) for r in relations) + "]"]


def write_law(law: RiskLaw) -> str:
    """The text of a law file with its leading constants; reading it back gives an equal law (apart from its text)."""
    lines = ["[law]", f"name = {quote(law.name)}", f"title = {quote(law.title)}", f"source = {quote(law.source)}"]
    lines.append(f"provenance = {quote(law.provenance)}")
    if law.note:
        lines.append(f"note = {quote(law.note)}")
    if law.derived:
        lines.append(f"derived = {quote(law.derived)}")
    if law.auxiliary:
        lines.append("auxiliary = [" + ", ".join(quote(a) for a in law.auxiliary) + "]")
    lines += ["", "[domain]", *_where(law.domain)]
    constants: list[str] = []
    for term in law.terms:
        lines += ["", "[[term]]", f"name = {quote(term.name)}", f"role = {quote(term.role)}"]
        lines += [f"form = {quote(term.form)}", *_where(term.where), f"provenance = {quote(term.provenance)}"]
        for constant in term.constants:
            constants += ["", "[[constant]]", f"term = {quote(term.name)}", f"value = {quote(str(constant.value))}"]
            if constant.where:
                constants.append("where = [" + ", ".join(quote(w) for w in constant.where) + "]")
            constants.append(f"reason = {quote(constant.reason)}")
    for constraint in law.constraints:
        lines += ["", "[[constraint]]", f"name = {quote(constraint.name)}", f"form = {quote(constraint.form)}"]
        lines += [*_where(constraint.where), f"provenance = {quote(constraint.provenance)}"]
    lines += constants
    for claim in law.claims:
        lines += ["", "[[claim]]", f"name = {quote(claim.name)}", *_where(claim.where)]
        lines += [f"{key} = {quote(to_text(node))}" for key, node in claim.formulas().items()]
        if claim.active is not None:
            lines.append("active = [" + ", ".join(quote(a) for a in claim.active) + "]")
        lines.append(f"provenance = {quote(claim.provenance)}")
    return "\n".join(lines) + "\n"
