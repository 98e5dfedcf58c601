"""Figures, LaTeX and the atlas: what they show is what the diagram says."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from derivations.algebra import Rational
from derivations.exponents import resolve
from derivations.grammar import parse
from derivations.registry import load
from phases.atlas import write_atlas
from phases.latex import tex
from phases.phase_diagram import diagram
from phases.plot import default_window, draw, palette, save, slope_grid
from phases.proof.prove import prove
from tests.strategies import REGISTERED


def from_latex(text: str) -> Rational:
    """Our LaTeX back to a rational function, by a reader that knows \\frac, powers and juxtaposition only."""
    text = text.replace(r"\dfrac", r"\frac").replace(r"\alpha", " alpha ").replace(r"\beta", " beta ")
    while r"\frac" in text:
        start = text.index(r"\frac")
        top, rest = _group(text[start + 5 :])
        bottom, rest = _group(rest)
        text = f"{text[:start]}(({top})/({bottom})){rest}"
    text = re.sub(r"\^\{(\d+)\}", r"^\1", text)
    tokens = re.findall(r"alpha|beta|\d+|[-+*/^()]", text)
    out = ""
    for before, token in zip(["", *tokens], tokens, strict=False):
        glue = before and before not in "+-*/^(" and token not in "+-*/^)"
        out += ("*" if glue else "") + token
    return resolve(parse(out, ("alpha", "beta")), (Fraction(1), Fraction(1)), lambda p, why: None)


def _group(text: str) -> tuple[str, str]:
    depth = 0
    for k, ch in enumerate(text):
        depth += (ch == "{") - (ch == "}")
        if depth == 0:
            return text[1:k], text[k + 1 :]
    raise AssertionError(text)


@pytest.mark.parametrize("name", REGISTERED)
def test_latex_parses_back_to_the_same_formulas(name: str) -> None:
    found = diagram(name)
    document = tex(found, prove(found))
    rows = [line for line in document.splitlines() if line.endswith(r"\\[1.2ex]")]
    assert len(rows) == len(found.phases)
    for phase, line in zip(found.phases, rows, strict=True):
        cells = [c.strip() for c in line.removesuffix(r"\\[1.2ex]").split("&")]
        f = phase.formulas
        assert f.rate is not None
        for cell, expected in zip(cells[1:4], (f.slope, f.model[0], f.rate[0]), strict=True):
            assert from_latex(cell.strip("$")) == expected
    blocks = re.findall(r"= \\begin\{cases\}\n(.*?)\n\\end\{cases\}", document, re.DOTALL)
    assert len(blocks) == 3
    for block, pick in zip(blocks, ("slope", "model", "rate"), strict=True):
        for line, phase in zip(block.splitlines(), found.phases, strict=True):
            formula, condition = line.split(", & ")
            value = phase.formulas.slope if pick == "slope" else getattr(phase.formulas, pick)[0]
            assert from_latex(formula) == value
            conditions, label = condition.split(r" \quad (\text{")
            assert label.startswith(phase.name)
            stated = {from_latex(c.removesuffix("> 0")).num for c in conditions.split(", ")}
            assert stated == {p if s > 0 else -p for p, s in phase.region.parts[0]}


def test_titles_are_plain_text_in_figures(tmp_path: Path) -> None:
    law = replace(load("kim2026/signsgd"), title="cost $\\frac{$ and $\\foo$ \u4e2d")
    found = replace(diagram("kim2026/signsgd"), law=law)
    assert all(p.stat().st_size > 1000 for p in save(found, tmp_path / "x"))


@pytest.mark.slow
@pytest.mark.parametrize("name", REGISTERED)
def test_latex_compiles_as_it_is(name: str, tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    found = diagram(name)
    (tmp_path / "d.tex").write_text(tex(found, prove(found)))
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "d.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout


def test_figures_are_byte_identical_and_carry_provenance(tmp_path: Path) -> None:
    found = diagram("kim2026/signsgd")
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir(), second.mkdir()
    for one, two in zip(save(found, first / "x"), save(diagram("kim2026/signsgd"), second / "x"), strict=True):
        assert one.read_bytes() == two.read_bytes()
        assert b"arXiv:2603.02069" in one.read_bytes() or one.suffix == ".pdf"


@pytest.mark.parametrize("name", REGISTERED)
def test_every_phase_is_labelled_inside_its_own_region(name: str) -> None:
    found = diagram(name)
    axes = draw(found).axes[0]
    labels = {t.get_text().split("\n")[0]: t.get_position() for t in axes.texts}
    assert set(labels) == {p.name for p in found.phases}
    for phase in found.phases:
        spot = tuple(Fraction(float(v)).limit_denominator(10**9) for v in labels[phase.name])
        assert phase.region.contains((spot[0], spot[1]))


@pytest.mark.parametrize("name", REGISTERED)
def test_drawn_walls_lie_on_exact_walls(name: str) -> None:
    found = diagram(name)
    window = default_window(found)
    for line in draw(found).axes[0].lines:
        x, y = (np.asarray(v, dtype=float) for v in line.get_data())
        shown = (y > window.beta[0]) & (y < window.beta[1])
        for a, b in list(zip(x[shown], y[shown], strict=True))[::10]:
            values = [abs(float(_float_value(w.poly, a, b))) for w in found.walls]
            assert min(values) < 1e-6


def _float_value(p: object, a: float, b: float) -> float:
    from derivations.algebra import terms

    return sum(c * a**i * b**j for i, j, c in terms(p)[2])


@pytest.mark.parametrize("name", REGISTERED)
def test_the_heat_map_equals_the_exact_slope(name: str) -> None:
    found = diagram(name)
    rng = np.random.default_rng(1)
    a, b = rng.uniform(0.01, 2, 200), rng.uniform(-0.4, 2, 200)
    grid = slope_grid(found, a, b)
    for x, y, slope in zip(a, b, grid, strict=True):
        point = Fraction(float(x)), Fraction(float(y))
        if found.law.violated(point) is not None:
            assert np.isnan(slope)
        else:
            assert slope == pytest.approx(float(found.at(*point).slope), abs=1e-12)


def test_colours_differ_in_lightness_from_their_neighbours() -> None:
    assert len({tuple(c) for c in palette(14)}) == 14
    assert min(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in palette(14)) > 0.35, "dark text is readable on all"


@pytest.mark.slow
def test_the_atlas_has_every_file_its_page_links_to(tmp_path: Path) -> None:
    seen: list[str] = []
    chapters = write_atlas(["kim2026/signsgd", "paquette2024/sgd"], tmp_path, seen.append)
    page = (tmp_path / "index.html").read_text()
    links = set(re.findall(r'(?:href|src)="([^#"]+)"', page))
    assert len(chapters) == len(seen) == 2 and links
    assert links <= {p.name for p in tmp_path.iterdir()}
    assert "refuted" not in page and page.count("proved") >= 11
