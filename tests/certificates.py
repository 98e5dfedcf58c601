"""Certificates for tests: of registered laws, and of laws that need every kind of evidence."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

from derivations.lawfile import parse_law
from derivations.registry import load
from phases.phase_diagram import diagram
from phases.proof.certificate import certificate_json
from phases.proof.prove import DiagramCertificate, prove
from phases.proof.verdict import Proved

ANY_RATE = """
[law]
name = "anyrate"
[domain]
where = ["alpha > 0", "beta > 0"]
[[term]]
name = "size"
form = "M^(-alpha)"
[[term]]
name = "time"
form = "N^(-beta)"
[[term]]
name = "rate"
form = "gamma*M^(-alpha - beta)"
where = ["alpha > beta"]
"""
"""Where alpha < beta the rate occurs nowhere; elsewhere it may be as small as one likes."""

RANGES = """
[law]
name = "ranges"
auxiliary = ["tau"]
[domain]
where = ["alpha > 0", "beta > 0", "alpha < 3", "beta < 3"]
[[term]]
name = "flat"
form = "M^(-min(alpha, beta))*N^(-min(alpha, beta))"
[[term]]
name = "idle"
form = "tau^(-1)*M^(-1)*N^(-1)"
[[term]]
name = "noise"
form = "gamma*M^(1/(1 + alpha*beta))"
[[constraint]]
name = "floor"
form = "gamma >= M^(-4)*N^(-4)"
[[constraint]]
name = "clock"
form = "tau <= M*N"
"""
"""Everywhere many model sizes, rates and times are optimal."""

CURVED = """
[law]
name = "curved"
[domain]
where = ["alpha > 0", "beta > 0", "alpha < 2", "beta < 2"]
[[term]]
name = "size"
form = "M^(-max(alpha*beta, alpha^2 - beta + 1/2))"
[[term]]
name = "time"
form = "N^(-(alpha + beta)/(1 + alpha))"
"""

TIGHT = """
[law]
name = "tight"
auxiliary = ["tau"]
[domain]
where = ["alpha > 0", "beta > 0"]
[[term]]
name = "flat"
form = "M^(-alpha)*N^(-alpha)"
[[term]]
name = "timed"
form = "tau*M^(-alpha)*N^(-alpha)"
[[term]]
name = "rated"
form = "gamma*M^(-alpha - beta)*N^(-alpha)"
[[constraint]]
name = "start"
form = "tau >= 1"
"""
"""Every model size is optimal; the term "timed" binds at all of them without a multiplier."""

POINT = """
[law]
name = "point"
auxiliary = ["tau"]
[domain]
where = ["alpha > 0", "beta > 0"]
[[term]]
name = "size"
form = "gamma*M^(beta)*N^(-1)"
[[term]]
name = "time"
form = "N^(-alpha)*gamma^(-1)"
[[constraint]]
name = "start"
form = "tau >= 1"
[[constraint]]
name = "clock"
form = "tau <= N"
"""
"""The best model is one feature, so that no rate exponent is defined."""

OWN = {"tight": TIGHT, "point": POINT, "anyrate": ANY_RATE, "ranges": RANGES, "curved": CURVED}


@cache
def proof(name: str) -> DiagramCertificate:
    """The proof of a law, registered or among `OWN`."""
    law = parse_law(OWN[name]) if name in OWN else load(name)
    verdict = prove(diagram(law))
    assert isinstance(verdict, Proved), verdict
    found: DiagramCertificate = verdict.certificate
    return found


@cache
def _text(name: str) -> str:
    return json.dumps(certificate_json(proof(name)))


def certificate(name: str) -> dict[str, Any]:
    """A fresh copy of its certificate file's data."""
    out: dict[str, Any] = json.loads(_text(name))
    return copy.deepcopy(out)
