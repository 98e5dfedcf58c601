"""The certificate file and its checker: what is confirmed, what is refused, and a fuzzer that looks for a forgery."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from derivations.algebra import value
from derivations.lawfile import parse_law
from phases.phase_diagram import diagram
from phases.proof.certificate import certificate_json
from phases.proof.check import check
from phases.proof.prove import prove
from phases.proof.verdict import Proved, Refuted
from tests.certificates import OWN, certificate, proof
from tests.strategies import REGISTERED

Data = dict[str, Any]
ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", [*REGISTERED, *OWN])
def test_the_checker_confirms_what_was_proved(name: str) -> None:
    verdict = check(certificate(name))
    assert isinstance(verdict, Proved)
    assert verdict.certificate.theorem == proof(name).theorem


def test_every_kind_of_evidence_occurs() -> None:
    text = json.dumps([certificate(name) for name in ("paquette2024/sgd", *OWN)])
    for key in ("products", "split", "cells", "unique", "tight", "ray", "towards", "nowhere"):
        assert f'"{key}": ' in text


def test_the_kernel_is_small_and_imports_polynomials_and_data_only() -> None:
    for name, own in (("kernel", {"phases.proof.cells"}), ("cells", set[str]())):
        tree = ast.parse((ROOT / f"phases/proof/{name}.py").read_text())
        imported = {f"{n.module}" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        imported |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        mine = {m for m in imported if m.split(".")[0] in ("phases", "derivations")}
        assert mine <= {"derivations", "derivations.algebra", "phases.proof"} | own
        assert len((ROOT / f"phases/proof/{name}.py").read_text().splitlines()) < 400


def test_the_checker_loads_neither_solver_nor_planar_algebra() -> None:
    rooms = ("walk", "planar", "strands", "simplex", "piece", "program", "phase_diagram", "proof.prove", "proof.decide")
    code = f"import sys, phases.proof.check; print([m for m in {rooms} if 'phases.' + m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def piece(c: Data, phase: str) -> Data:
    return next(p for p in c["pieces"] if p["phase"] == phase)


def phase(c: Data, name: str) -> Data:
    return next(p for p in c["phases"] if p["name"] == name)


def first_products(c: Data) -> Data:
    found: Data = next(x for p in c["pieces"] for x in p["signs"] if "products" in x["by"])
    return found


FORGERIES: list[Callable[[Data], None]] = []


def forgery(change: Callable[[Data], None]) -> Callable[[Data], None]:
    FORGERIES.append(change)
    return change


def swap_in_region(c: Data, name: str, old: str, new: str | None) -> None:
    (part,) = phase(c, name)["region"]
    k = part.index(old)
    part[k : k + 1] = [] if new is None else [new]


@forgery
def move_a_wall(c: Data) -> None:
    swap_in_region(c, "Aa", "2*alpha - 1", "10*alpha - 9")


@forgery
def small_disc(c: Data) -> None:
    phase(c, "Aa")["region"] = [["-100*alpha^2 - 100*beta^2 + 200*alpha - 99"]]


@forgery
def append_to_region(c: Data) -> None:
    phase(c, "Ab")["region"][0].append("-100*alpha + 101")


@forgery
def enlarge(c: Data) -> None:
    phase(c, "Aa")["region"][0].pop(0)


@forgery
def leave_the_domain(c: Data) -> None:
    phase(c, "Ab")["region"] = [["1000*alpha + 1", "1 - 2*alpha", "1 - 2*beta", "2*alpha + 2*beta - 1"]]


@forgery
def shift_ab(c: Data) -> None:
    swap_in_region(c, "Ab", "1 - 2*alpha", "2 - 2*alpha")


@forgery
def shift_ab_with_its_wall_in_the_cover(c: Data) -> None:
    shift_ab(c)
    c["cover"]["polys"].append("alpha - 1")
    for k, (alpha, betas) in enumerate(c["cover"]["samples"]):
        if Fraction(alpha) > 1:
            c["cover"]["samples"].insert(k, ["3/4", betas])
            break


@forgery
def drop_sign(c: Data) -> None:
    c["pieces"][0]["signs"].pop(0)


@forgery
def weaken_wall(c: Data) -> None:
    c["pieces"][0]["walls"].pop(0)


@forgery
def change_slope(c: Data) -> None:
    c["phases"][0]["slope"] = "alpha"


@forgery
def change_exponent(c: Data) -> None:
    c["phases"][0]["exponents"]["e"] = ["(1)/(3)", "(1)/(3)"]


@forgery
def change_multiplier(c: Data) -> None:
    key = next(iter(c["pieces"][1]["multipliers"]))
    c["pieces"][1]["multipliers"][key] = "1"


@forgery
def change_vertex(c: Data) -> None:
    c["pieces"][1]["vertices"][0][0] = "(1)/(7)"


@forgery
def drop_column(c: Data) -> None:
    c["cover"]["samples"].pop(1)


@forgery
def drop_cell(c: Data) -> None:
    c["cover"]["samples"][2][1].pop()


@forgery
def empty_stacks(c: Data) -> None:
    c["pieces"] = []
    c["cover"]["samples"] = [[a, []] for a, _ in c["cover"]["samples"]]


@forgery
def claim_the_opposite(c: Data) -> None:
    sign = first_products(c)
    sign["positive"] = "-1"


@forgery
def negative_summand(c: Data) -> None:
    sign = first_products(c)
    summand = sign["by"]["products"][0]
    sign["by"]["products"][0:1] = [[f"-{summand[0]}", summand[1]], [summand[0], summand[1]], summand]


@forgery
def change_binding(c: Data) -> None:
    c["phases"][0]["binding"].pop()


@forgery
def more_binding(c: Data) -> None:
    c["phases"][0]["binding"].append("M >= 1")


@forgery
def extra_phase(c: Data) -> None:
    c["phases"].append(c["phases"][0] | {"name": "ghost", "region": [["-alpha^2"]]})


@forgery
def no_rate(c: Data) -> None:
    c["phases"][0]["exponents"]["e"] = None


@forgery
def any_rate(c: Data) -> None:
    c["phases"][0]["exponents"]["e"] = ["-oo", "oo"]


@forgery
def another_law(c: Data) -> None:
    other = certificate("paquette2024/sgd")
    c |= other | {"law": c["law"], "law_text": other["law_text"].replace(other["law"], c["law"], 1)}


@forgery
def steeper_law(c: Data) -> None:
    c["law_text"] = c["law_text"].replace("gamma^2", "gamma^3")


@forgery
def title(c: Data) -> None:
    c["law_text"] = c["law_text"].replace("signSGD", "SGD")


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda f: f.__name__)
def test_a_forged_certificate_is_refuted(forge: Callable[[Data], None]) -> None:
    data = certificate("kim2026/signsgd")
    forge(data)
    assert isinstance(check(data), Refuted)


def test_a_range_stated_as_one_of_its_ends_is_refuted() -> None:
    for name, quantity in (("tight", "x"), ("ranges", "x"), ("anyrate", "e")):
        data = certificate(name)
        ends = data["phases"][0]["exponents"][quantity]
        data["phases"][0]["exponents"][quantity] = [ends[0], ends[0]]
        assert isinstance(check(data), Refuted)


def test_no_row_of_a_law_file_replaces_a_built_in_one() -> None:
    base = '[law]\nname = "own"\n[domain]\nwhere = ["alpha > 0", "alpha < 1", "beta > 0"]\n'
    rows = '[[term]]\nname = "a"\nform = "M^(-alpha)"\n[[term]]\nname = "gamma free"\nform = "N^(-alpha)*gamma^0"\n'
    more = '[[constraint]]\nname = "gamma = 1"\nform = "gamma <= 1"\n'
    verdict = prove(diagram(parse_law(base + rows)))
    assert isinstance(verdict, Proved)
    assert str(verdict.certificate.theorem.phases[0][2].value) == "alpha/2"
    with pytest.raises(ValueError, match="expected a name"):
        parse_law(base + rows + more)


def test_nothing_is_said_on_curves_where_pieces_meet() -> None:
    """A term that is absent on one line of a phase: the optimum there is another one, which the theorem leaves out."""
    law = parse_law(
        '[law]\nname = "line"\n[domain]\nwhere = ["alpha > 0"]\n[[term]]\nname = "T"\nform = "M^(-1)"\n'
        'where = ["(alpha - 1)^2 > 0"]\n[[term]]\nname = "S"\nform = "M^(-2)"\n'
    )
    found = diagram(law)
    verdict = prove(found)
    assert isinstance(verdict, Proved)
    ((_, _, optimum),) = verdict.certificate.theorem.phases
    assert (optimum.value.at((Fraction(2), Fraction(1))), found.at(2, 1).slope, found.at(1, 1).slope) == (1, 1, 2)
    assert [str(p) for p in optimum.off] == ["alpha - 1"]
    data: Data = json.loads(json.dumps(certificate_json(verdict.certificate)))
    assert isinstance(check(data), Proved)
    data["phases"][0]["off"] = []
    assert isinstance(check(data), Refuted)


SPOT = """
[law]
name = "spot"
[domain]
where = ["alpha > 0", "beta > 0"]
[[term]]
name = "all"
form = "M^(-1)*N^(-1)"
[[term]]
name = "spot"
form = "M^0"
where = ["(alpha - 1)^2 + (beta - 1)^2 <= 0"]
"""


def test_nothing_is_said_at_isolated_zeros_of_signs() -> None:
    """A term that exists at one point only, where the optimum is another one."""
    law = parse_law(SPOT)
    found = diagram(law)
    verdict = prove(found)
    assert isinstance(verdict, Proved)
    ((_, _, optimum),) = verdict.certificate.theorem.phases
    assert (found.at(2, 1).slope, found.at(1, 1).slope) == (1, 0)
    assert [p.as_expr().subs({"alpha": 1, "beta": 1}) for p in optimum.off] == [0]


PARTS = """
[law]
name = "parts"
[domain]
where = ["alpha > 0", "beta > 0", "alpha < 3", "beta < 3"]
[[term]]
name = "size"
form = "M^(-1)"
[[term]]
name = "time"
form = "N^(-1)"
[[term]]
name = "spike"
form = "M^0"
where = ["beta >= 1", "beta <= 1"]
[[term]]
name = "block"
form = "M^(-1/2)"
where = ["beta < 1", "alpha < 1"]
"""


def test_a_curve_that_is_an_edge_of_one_part_only_is_named_for_the_others() -> None:
    """The spike on beta = 1 lies inside the region where alpha > 1, and on an edge of it where alpha < 1."""
    found = diagram(parse_law(PARTS))
    verdict = prove(found)
    assert isinstance(verdict, Proved)
    for name, region, optimum in verdict.certificate.theorem.phases:
        crossed = any(all(value(p, (Fraction(2), Fraction(1))) > 0 for p in part) for part in region)
        if crossed:
            assert found.at(2, 1).slope == 0 != optimum.value.at((Fraction(2), Fraction(1)))
            assert "beta - 1" in [str(p) for p in optimum.off], name
            return
    raise AssertionError("expected a phase that the line beta = 1 crosses")


RAY = """
[law]
name = "ray"
auxiliary = ["tau", "rho"]
[domain]
where = ["alpha > 0", "beta > 0"]
[[term]]
name = "size"
form = "M^(-1)"
[[term]]
name = "time"
form = "N^(-1)"
[[constraint]]
name = "link"
form = "gamma^(-1)*tau^(1 - alpha) <= rho"
[[constraint]]
name = "cap"
form = "rho <= M*N"
[[constraint]]
name = "most"
form = "gamma <= 1"
"""


def test_a_ray_with_a_pole_inside_the_region_is_refuted() -> None:
    """On alpha = 1 the rate cannot fall for ever; the growth of the rows along the ray does not show its pole."""
    law = parse_law(RAY)
    zero, one = "0", "1"
    half = "(1)/(2)"
    at = [half, zero, zero, zero, half]
    x = {"multipliers": {"size": half, "time": "(-1)/(2)"}, "vertex": 0}
    y = {"multipliers": {"size": "(-1)/(2)", "time": half}, "vertex": 0}
    most = {"vertex": 0, "multipliers": {"most": half}}
    ray = {"vertex": 0, "ray": [zero, one, "(1)/(alpha - 1)", zero, zero]}
    data: Data = {
        "format": "phaselaws-certificate/2",
        "law": "ray",
        "law_text": RAY,
        "phases": [
            {
                "name": "P",
                "slope": half,
                "exponents": {"x": [half, half], "e": [zero, "oo"]},
                "binding": ["size", "time"],
                "off": [],
                "region": [["alpha", "beta"]],
            }
        ],
        "pieces": [
            {
                "phase": "P",
                "walls": ["alpha", "beta"],
                "signs": [],
                "multipliers": {"size": half, "time": half},
                "vertices": [at, [half, half, zero, one, half]],
                "ends": {"x": [x, y], "e": [most, ray]},
                "tight": {},
            }
        ],
        "cover": {"polys": ["alpha", "beta"], "samples": [["-1", ["-1", "1"]], ["1", ["-1", "1"]]]},
        "fills": {},
    }
    assert law.name == "ray"
    verdict = check(data)
    assert isinstance(verdict, Refuted) and verdict.statement == "no claim fixes the sign of a factor of a ray"


def test_evidence_for_no_phase_is_refuted() -> None:
    data = certificate("kim2026/signsgd")
    data["pieces"].append(data["pieces"][0] | {"phase": "nobody"})
    assert isinstance(check(data), Refuted)


def test_a_domain_that_is_a_line_has_no_theorem() -> None:
    data = certificate("point")
    data["law_text"] = data["law_text"].replace('"beta > 0"', '"beta > 0", "beta >= 1", "beta <= 1"')
    data["cover"] = {
        "polys": ["beta - 1", "alpha", "beta"],
        "samples": [["-1", ["-1", "1/2", "2"]], ["1", ["-1", "1/2", "2"]]],
    }
    data |= {"phases": [], "pieces": [], "fills": {}}
    verdict = check(data)
    assert isinstance(verdict, Refuted) and "no interior" in verdict.statement


def test_a_law_of_its_own_is_said_to_be_one() -> None:
    for name, registered in (("kim2026/signsgd", True), ("ranges", False)):
        verdict = check(certificate(name))
        assert isinstance(verdict, Proved) and verdict.certificate.registered == registered
