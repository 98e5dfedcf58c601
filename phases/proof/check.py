"""An independent check of a certificate file.

The law's text is read into a programme, the evidence is handed to `phases.proof.kernel`, and what the file states must
be what the kernel finds to follow. Nothing of the solver or of the planar algebra is imported. Shared with them are the
law reader (`derivations.lawfile`) and polynomials (`derivations.algebra`); what a law means as a programme is read
afresh in `phases.proof.programme`. Where the law carries a registered name it must be that law.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from derivations.algebra import Poly, canonical
from derivations.budget import spend
from derivations.grammar import ExpressionError
from derivations.law import RiskLaw
from derivations.lawfile import LawFileError, parse_law, write_law
from derivations.registry import load, names
from phases.proof import statements as s
from phases.proof.cells import Failure
from phases.proof.kernel import establish
from phases.proof.programme import programme_of
from phases.proof.reading import (
    FORMAT,
    BadCertificate,
    read_cells,
    read_list,
    read_map,
    read_name,
    read_object,
    read_piece,
    read_poly,
    read_range,
    read_ratio,
    read_text,
)
from phases.proof.verdict import Proved, Refuted, Verdict


@dataclass(frozen=True, slots=True)
class Checked:
    """What was established from a file: the theorem, how many signs it rests on, and whether the law is registered."""

    theorem: s.Theorem
    signs: int
    registered: bool


def check(data: Any) -> Verdict:
    """Check a certificate.

    Returns
    -------
    Proved with a `Checked`, or Refuted with what is not shown, or what is stated and does not follow.

    Raises
    ------
    BadCertificate : the data is not a certificate of format 2.
    """
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise BadCertificate(f"expected a certificate of format {FORMAT}")
    data = read_object(data, {"format", "law", "law_text", "phases", "pieces", "cover", "fills"})
    law = _law(data)
    statements = read_list(data["phases"], _statement)
    regions = {name: region for name, region, _ in statements}
    if len(regions) < len(statements):
        raise BadCertificate("expected phases with different names")
    pieces = read_list(data["pieces"], read_piece)
    cover, fills = read_cells(data["cover"]), read_map(data["fills"], read_cells)
    if not is_the_registered(law):
        return Refuted(None, f"the text in the file is not that of the registered law {law.name}")
    try:
        theorem = establish(programme_of(law), pieces, regions, cover, fills, spend)
    except ExpressionError as error:
        raise BadCertificate(f"law in the certificate: {error}") from None
    except Failure as failure:
        return Refuted(failure.witness, failure.statement)
    for (name, _, stated), (_, _, optimum) in zip(statements, theorem.phases, strict=True):
        if (stated.value, dict(stated.ranges)) != (optimum.value, dict(optimum.ranges)):
            return Refuted(None, f"the formulas stated for {name} do not follow")
        if stated.binding != optimum.binding:
            return Refuted(None, f"the binding rows stated for {name} do not follow")
        if stated.off != optimum.off:
            return Refuted(None, f"the curves stated for {name} are not those on which nothing is shown")
    return Proved(Checked(theorem, sum(len(p.signs) for p in pieces), law.name in names()))


def _law(data: Any) -> RiskLaw:
    try:
        law = parse_law(read_text(data["law_text"]), "law in the certificate")
    except LawFileError as error:
        raise BadCertificate(str(error)) from None
    if data["law"] != law.name:
        raise BadCertificate(f"expected the certificate of {law.name}, which its law text describes")
    return law


def is_the_registered(law: RiskLaw) -> bool:
    """Whether a law is the registered one of its name; true if there is none of that name."""
    return law.name not in names() or write_law(load(law.name)) == write_law(law)


def _statement(value: Any) -> tuple[str, tuple[tuple[Poly, ...], ...], s.Optimum]:
    phase = read_object(value, {"name", "slope", "exponents", "binding", "off", "region"})
    region = read_list(phase["region"], lambda part: read_list(part, read_poly))
    ranges = tuple(read_map(phase["exponents"], read_range).items())
    binding = frozenset(read_list(phase["binding"], read_text))
    off = frozenset(canonical(p)[1] for p in read_list(phase["off"], read_poly))
    return read_name(phase["name"]), region, s.Optimum(read_ratio(phase["slope"]), ranges, binding, off)
