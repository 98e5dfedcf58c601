"""The atlas: for each law its figure, table, LaTeX, JSON and certificate, and one page that shows them all."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derivations.budget import forget, known
from phases.audit import ClaimReport, audit
from phases.latex import tex
from phases.notes import diagram_notes
from phases.output import write_text
from phases.phase_diagram import PhaseDiagram, diagram
from phases.plot import save
from phases.proof.certificate import certificate_json
from phases.proof.prove import prove
from phases.proof.verdict import Proved, Verdict
from phases.report import claim_json, diagram_json, phase_json, verdict_text

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Chapter:
    """One law's results and the stem of its files."""

    stem: str
    diagram: PhaseDiagram
    verdict: Verdict
    claims: tuple[ClaimReport, ...]


def stem_of(name: str) -> str:
    """A file name for a law, of letters, digits and ``. _ + -`` whatever the law is called.

    >>> stem_of("kim2026/signsgd"), stem_of("../a b")
    ('kim2026-signsgd', '..-a_b')
    """
    return re.sub(r"[^A-Za-z0-9._+-]", "_", name.replace("/", "-"))


def write_diagram(found: PhaseDiagram, verdict: Verdict, folder: Path, stem: str) -> list[Path]:
    """Figure (PDF, SVG, PNG), LaTeX, JSON and, if proved, the certificate."""
    paths = save(found, folder / stem)
    files = {
        f"{stem}.tex": tex(found, verdict),
        f"{stem}.json": json.dumps(diagram_json(found, verdict, diagram_notes(found)), indent=1) + "\n",
    }
    if isinstance(verdict, Proved):
        files[f"{stem}.certificate.json"] = json.dumps(certificate_json(verdict.certificate), indent=1) + "\n"
    for name, text in files.items():
        write_text(folder / name, text)
        paths.append(folder / name)
    return paths


def write_chapter(law: str, folder: Path) -> Chapter:
    """Solve, prove, audit and write one law."""
    found = diagram(law)
    verdict = prove(found)
    stem = stem_of(found.law.name)
    write_diagram(found, verdict, folder, stem)
    return Chapter(stem, found, verdict, audit(found))


def write_atlas(laws: Sequence[str], folder: Path, progress: Progress = lambda line: None) -> list[Chapter]:
    """All laws, and ``index.html``."""
    chapters = []
    for k, law in enumerate(laws, 1):
        progress(f"[{k}/{len(laws)}] {law}")
        forget()
        known(f"laws done (of {len(laws)})", k - 1)
        chapters.append(write_chapter(law, folder))
    write_text(folder / "index.html", index_html(chapters))
    return chapters


_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.25rem;margin-top:2.5rem;border-top:1px solid #ccc;padding-top:1rem}
img{max-width:100%;height:auto}table{border-collapse:collapse;font-size:.85rem;margin:.5rem 0 1rem}
th,td{padding:.25rem .7rem .25rem 0;text-align:left;vertical-align:top;border-bottom:1px solid #e3e3e3}
code{font-size:.95em}.meta{color:#555}.scroll{overflow-x:auto}nav a,p.files a{margin-right:1rem}
"""


def _cell(value: Any) -> str:
    if value is None:
        return "&ndash;"
    text = value if isinstance(value, str) else f"[{value[0]}, {value[1]}]"
    return f"<code>{html.escape(text)}</code>"


def _phase_rows(chapter: Chapter) -> str:
    rows = []
    for phase in chapter.diagram.phases:
        j = phase_json(phase)
        cells = [
            html.escape(phase.name),
            _cell(j["slope"]),
            _cell(j["model_exponent"]),
            _cell(j["rate_exponent"]),
            html.escape(", ".join(phase.active)),
            _cell(", ".join(j["region"])),
        ]
        rows.append("<tr>" + "".join(f"<td>{c}</td>" for c in cells) + "</tr>")
    return "\n".join(rows)


def _claim_rows(chapter: Chapter) -> str:
    rows = []
    for report in chapter.claims:
        j = claim_json(report)
        rows.append(
            f"<tr><td>{html.escape(j['claim'])}</td><td>{html.escape(j['text'])}</td>"
            f"<td>{html.escape(', '.join(j['phases']))}</td><td>{html.escape(j['provenance'])}</td></tr>"
        )
    return "\n".join(rows)


def _section(chapter: Chapter) -> str:
    law, stem = chapter.diagram.law, chapter.stem
    kinds = ["pdf", "svg", "png", "tex", "json"] + (["certificate.json"] if isinstance(chapter.verdict, Proved) else [])
    files = " ".join(f'<a href="{stem}.{k}">{k}</a>' for k in kinds)
    claims = ""
    if chapter.claims:
        claims = (
            "<h3>Printed claims</h3><table><tr><th>claim</th><th>verdict</th><th>phases met</th>"
            f"<th>known from</th></tr>{_claim_rows(chapter)}</table>"
        )
    return f"""
<h2 id="{stem}">{html.escape(law.title)} <code>{html.escape(law.name)}</code></h2>
<p class="meta">Source: {html.escape(law.source)}. Provenance: {html.escape(law.provenance)}.
Diagram: {html.escape(verdict_text(chapter.verdict))}.
{html.escape(law.note)}</p>
<img src="{stem}.svg" alt="Phase diagram of {html.escape(law.name)}">
<p class="files">{files}</p>
<div class="scroll"><table><tr><th>phase</th><th>slope &eta;*</th><th>x* (M = f^x)</th><th>e* (&gamma; = M^-e)</th>
<th>binding</th><th>region</th></tr>
{_phase_rows(chapter)}</table></div>
{claims}"""


def index_html(chapters: Sequence[Chapter]) -> str:
    """The page."""
    links = " ".join(f'<a href="#{c.stem}">{html.escape(c.diagram.law.name)}</a>' for c in chapters)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Atlas of compute-optimal scaling laws</title><style>{_STYLE}</style></head><body>
<h1>Atlas of compute-optimal scaling laws</h1>
<p>Exact phase diagrams: f is compute, M = f^x the model size, &gamma; = M^-e the learning rate, and the risk falls as
f^-&eta;. Each diagram is solved over Q(&alpha;, &beta;) and carries a certificate that
<code>phases verify</code> checks independently.</p>
<nav>{links}</nav>
{"".join(_section(c) for c in chapters)}
</body></html>
"""
