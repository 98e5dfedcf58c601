"""The certificate file: what a diagram states and the evidence for it, as JSON with exact numbers as text.

Format ``phaselaws-certificate/2``. The law's own text is inside, so that the file stands alone. Everything in the file
is either a statement, which `phases.proof.check` compares with what the kernel finds to follow, or evidence, which the
kernel checks; there is nothing else. Polynomials are written out in powers of alpha and beta, and always said to be
positive; rational functions are ``(numerator)/(denominator)``.
"""

from __future__ import annotations

from typing import Any

from derivations.algebra import ONE, Poly, Rational, format_poly
from derivations.lawfile import write_law
from phases.proof import statements as s
from phases.proof.prove import DiagramCertificate, region_of
from phases.proof.reading import FORMAT

Json = dict[str, Any]


def certificate_json(certificate: DiagramCertificate) -> Json:
    """The certificate as JSON-ready data."""
    diagram = certificate.diagram
    regions = {p.name: region_of(p) for p in diagram.phases}
    return {
        "format": FORMAT,
        "law": diagram.law.name,
        "law_text": diagram.law.text or write_law(diagram.law),
        "phases": [
            {
                "name": name,
                "slope": ratio_text(optimum.value),
                "exponents": {q: _range(ends) for q, ends in optimum.ranges},
                "binding": sorted(optimum.binding),
                "off": sorted(format_poly(p) for p in optimum.off),
                "region": [_polys(part) for part in regions[name]],
            }
            for name, _, optimum in certificate.theorem.phases
        ],
        "pieces": [_piece(p) for p in certificate.pieces],
        "cover": _cells(certificate.cover),
        "fills": {name: _cells(cells) for name, cells in certificate.fills.items()},
    }


def ratio_text(r: Rational) -> str:
    """A rational function, numerator and denominator written out."""
    return format_poly(r.num) if r.den == ONE else f"({format_poly(r.num)})/({format_poly(r.den)})"


def _polys(polys: tuple[Poly, ...]) -> list[str]:
    return [format_poly(p) for p in polys]


def _range(ends: s.Range | None) -> list[str] | None:
    if ends is None:
        return None
    return [ratio_text(e) if isinstance(e, Rational) else "oo" if e > 0 else "-oo" for e in ends]


def _multipliers(multipliers: s.Multipliers) -> Json:
    return {name: ratio_text(y) for name, y in multipliers.items()}


def _cells(cells: s.Cells) -> Json:
    samples = [[str(a), [str(b) for b in betas]] for a, betas in cells.samples]
    return {"polys": _polys(cells.polys), "samples": samples}


def _evidence(evidence: s.Products) -> Json:
    match evidence:
        case s.Split(form, positive, negative):
            return {"split": format_poly(form), "positive": _evidence(positive), "negative": _evidence(negative)}
        case s.Leaf(summands):
            return {"products": [[str(c), list(powers)] for c, powers in summands]}


def _end(end: s.End) -> Json:
    match end:
        case s.AtVertex(vertex, multipliers):
            return {"vertex": vertex, "multipliers": _multipliers(multipliers)}
        case s.AlongRay(vertex, ray):
            return {"vertex": vertex, "ray": [ratio_text(v) for v in ray]}
        case s.Towards(vertex, other):
            return {"vertex": vertex, "towards": other}
        case s.Nowhere(multipliers):
            return {"nowhere": _multipliers(multipliers)}


def _piece(piece: s.Piece) -> Json:
    out: Json = {
        "phase": piece.phase,
        "walls": _polys(piece.walls),
        "signs": [{"positive": format_poly(p), "by": "cells" if e is None else _evidence(e)} for p, e in piece.signs],
        "multipliers": _multipliers(piece.multipliers),
        "vertices": [[ratio_text(v) for v in vertex] for vertex in piece.vertices],
    }
    if piece.cells is not None:
        out["cells"] = _cells(piece.cells)
    if piece.unique:
        return out | {"unique": list(piece.unique)}
    ends = {q: [_end(e) for e in pair] for q, pair in piece.ends.items()}
    return out | {"ends": ends, "tight": {name: _multipliers(y) for name, y in piece.tight.items()}}
