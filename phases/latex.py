"""LaTeX of a finished diagram: a booktabs table of phases and the cases formulas for slope, size and rate.

The document uses amsmath and booktabs only and compiles with pdflatex as it is.
"""

from __future__ import annotations

from derivations.algebra import ONE, Point, Poly, factored, oriented
from derivations.algebra import terms as poly_terms
from phases.phase_diagram import Phase, PhaseDiagram
from phases.piece import Formula, FormulaRange
from phases.program import Infinite
from phases.proof.verdict import Verdict
from phases.regions import Region
from phases.report import verdict_text

_ESCAPES = {
    "_": r"\_",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def escape(text: str) -> str:
    """Text as LaTeX text; anything outside ASCII becomes a question mark."""
    return "".join(_ESCAPES.get(ch, ch if ch.isascii() and ch.isprintable() else "?") for ch in text)


def poly_latex(p: Poly) -> str:
    """A polynomial, positive terms first.

    >>> from derivations.algebra import ALPHA, BETA
    >>> poly_latex(2*ALPHA**2*BETA - 1)
    '2 \\\\alpha^{2} \\\\beta - 1'
    """
    rows = sorted(poly_terms(p)[2], key=lambda r: (r[2] < 0, -(r[0] + r[1]), -r[0]))
    out = ""
    for i, j, c in rows:
        names = [_power(r"\alpha", i), _power(r"\beta", j)]
        body = " ".join(([str(abs(c))] if abs(c) != 1 or i == j == 0 else []) + [n for n in names if n])
        if out:
            out += (" + " if c > 0 else " - ") + body
        else:
            out = body if c > 0 else "-" + body
    return out or "0"


def _power(name: str, n: int) -> str:
    return "" if n == 0 else name if n == 1 else f"{name}^{{{n}}}"


def _product(p: Poly, near: Point) -> str:
    content, factors = factored(p, near)
    if not factors:
        return str(content)
    if len(factors) == 1 and factors[0][1] == 1 and content == 1:
        return poly_latex(factors[0][0])
    parts = []
    for f, k in factors:
        text = poly_latex(f) if len(f) == 1 else f"({poly_latex(f)})"
        parts.append(text if k == 1 else f"{text}^{{{k}}}")
    head = "" if content == 1 else "-" if content == -1 else f"{content} "
    return head + " ".join(parts)


def formula_latex(formula: Formula, near: Point) -> str:
    """A rational function as a fraction of factored polynomials."""
    if isinstance(formula, Infinite):
        return r"\infty" if formula.sign > 0 else r"-\infty"
    num, den = oriented(formula, near)
    if not num:
        return "0"
    if den == ONE:
        return _product(num, near)
    return rf"\frac{{{_product(num, near)}}}{{{_product(den, near)}}}"


def range_latex(ends: FormulaRange | None, near: Point) -> str:
    """One formula, an interval, or a dash."""
    if ends is None:
        return "-"
    if ends[0] == ends[1]:
        return formula_latex(ends[0], near)
    return rf"\left[{formula_latex(ends[0], near)},\ {formula_latex(ends[1], near)}\right]"


def region_latex(region: Region) -> str:
    """The inequalities of a region, parts of a union joined by ``or``."""
    parts = [", ".join(poly_latex(p if s > 0 else -p) + " > 0" for p, s in part) for part in region.parts]
    return r" \ \text{or}\ ".join(parts)


def _cases(diagram: PhaseDiagram, symbol: str, pick: str) -> str:
    rows = []
    for phase in diagram.phases:
        if pick == "slope":
            text = formula_latex(phase.formulas.slope, phase.sample)
        else:
            text = range_latex(phase.formulas.model if pick == "model" else phase.formulas.rate, phase.sample)
        text = text.replace("frac", "dfrac", 1)
        rows.append(rf"  {text}, & {region_latex(phase.region)} \quad (\text{{{escape(phase.name)}}}) \\[2ex]")
    body = "\n".join(rows)
    return "\\begin{equation*}\n" + symbol + " = \\begin{cases}\n" + body + "\n\\end{cases}\n\\end{equation*}"


def _row(phase: Phase) -> str:
    f, near = phase.formulas, phase.sample
    cells = [
        escape(phase.name),
        f"${formula_latex(f.slope, near)}$",
        f"${range_latex(f.model, near)}$",
        f"${range_latex(f.rate, near)}$" if f.rate is not None else "--",
        escape(", ".join(phase.active)),
    ]
    return " & ".join(cells) + r" \\[1.2ex]"


def tex(diagram: PhaseDiagram, verdict: Verdict) -> str:
    """A complete document: table of phases, and the cases formulas for the slope, x* and e*."""
    law = diagram.law
    lines = [
        r"\documentclass{article}",
        r"\usepackage{amsmath,booktabs}",
        r"\usepackage[margin=2cm,landscape]{geometry}",
        r"\begin{document}",
        rf"% law: {escape(law.name)}; source: {escape(law.source)}; provenance: {escape(law.provenance)}",
        rf"\section*{{{escape(law.title)} (\texttt{{{escape(law.name)}}})}}",
        rf"Source: {escape(law.source or 'a law file')}. The diagram is {escape(verdict_text(verdict))}. "
        r"$M = f^{x}$, $N = f^{1-x}$, $\gamma = M^{-e}$, risk $L \asymp f^{-\eta}$.",
        "",
        r"\medskip\noindent",
        r"\begin{tabular}{lllll}",
        r"\toprule",
        r"phase & $\eta^{*}$ & $x^{*}$ & $e^{*}$ & binding \\",
        r"\midrule",
        *(_row(p) for p in diagram.phases),
        r"\bottomrule",
        r"\end{tabular}",
        "",
        _cases(diagram, r"\eta^{*}", "slope"),
        _cases(diagram, r"x^{*}", "model"),
    ]
    if any(p.formulas.rate is not None for p in diagram.phases):
        lines.append(_cases(diagram, r"e^{*}", "rate"))
    lines.append(r"\end{document}")
    return "\n".join(lines) + "\n"
