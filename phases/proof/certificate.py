"""The certificate file: everything a checker needs to confirm a diagram, as JSON with exact numbers as text.

Format ``phaselaws-certificate/1``. The law's own text is inside, so that the file stands alone. Polynomials and
rational functions are written in the grammar of law files; signs as ``polynomial > 0``.
"""

from __future__ import annotations

from typing import Any

from derivations.algebra import Rational, format_poly, format_ratio
from derivations.lawfile import write_law
from phases.piece import VertexFormula
from phases.planar import Stacks
from phases.proof.decide import CellCertificate, Certificate, literal_text
from phases.proof.prove import DiagramCertificate, PieceProof
from phases.proof.shift import ShiftCertificate
from phases.report import phase_json, range_text

FORMAT = "phaselaws-certificate/1"


def _stacks(stacks: Stacks) -> list[list[Any]]:
    return [[str(a), [str(b) for b in betas]] for a, betas in stacks]


def _evidence(certificate: Certificate) -> dict[str, Any]:
    if isinstance(certificate, ShiftCertificate):
        return {"shift": [[list(g) for g in s] for s in certificate.simplices]}
    if isinstance(certificate, CellCertificate):
        return {"cells": {"polys": [format_poly(p) for p in certificate.polys], "samples": _stacks(certificate.stacks)}}
    return {"hypothesis": True}


def _vertex(vertex: VertexFormula) -> dict[str, Any]:
    values = [format_ratio(Rational.of(p, vertex.denominator)) for p in vertex.numerators]
    return {"basis": list(vertex.basis), "values": values}


def _piece(proof: PieceProof) -> dict[str, Any]:
    piece = proof.chart.piece
    f = piece.formulas
    return {
        "sample": [str(x) for x in piece.sample],
        "slope": format_ratio(f.slope),
        "model_exponent": range_text(f.model, piece.sample),
        "rate_exponent": range_text(f.rate, piece.sample),
        "unique": f.unique,
        "basis": list(piece.basis),
        "multipliers": {name: format_ratio(y) for name, y in piece.multipliers},
        "vertices": [_vertex(v) for v in piece.vertices],
        "walls": [literal_text(w) for w in proof.chart.walls],
        "claims": [
            {"sign": literal_text(c.literal), "reasons": list(c.reasons), "by": _evidence(c.certificate)}
            for c in proof.claims
        ],
    }


def certificate_json(certificate: DiagramCertificate) -> dict[str, Any]:
    """The certificate as JSON-ready data."""
    diagram = certificate.diagram
    return {
        "format": FORMAT,
        "law": diagram.law.name,
        "law_text": diagram.law.text or write_law(diagram.law),
        "phases": [phase_json(p) for p in diagram.phases],
        "pieces": [_piece(p) for p in certificate.pieces],
        "cover": {
            "polys": [format_poly(p) for p in diagram.decomposition.polys],
            "samples": _stacks(certificate.stacks),
            "cells": [
                {
                    "point": [str(x) for x in c.point],
                    "phase": None if c.phase is None else diagram.phases[c.phase].name,
                    "pieces": list(c.pieces),
                }
                for c in certificate.cells
            ],
        },
    }
