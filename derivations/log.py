"""A derivation as readable text, and as LaTeX: a proof sketch of one to two pages."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sympy import Expr, Integer, latex

from derivations import leading
from derivations.algebra import format_poly
from derivations.derive import Derivation, Step
from derivations.grammar import Binary, Extremum, Name, Negative, Node, Number, parse
from derivations.law import BASES
from derivations.lawfile import relation_text
from derivations.sigma_means import EXPLAINED, means_in
from derivations.sums import ALPHA_SYMBOL, BETA_SYMBOL, PowerSum, leading_constant


def _sum_lines(s: PowerSum) -> list[str]:
    if s.threshold.is_ground:
        (end,) = {s.lower if int(s.threshold.LC) > 0 else s.upper}
        return [f"  {s}: dominated by j = {end}"]
    lines = [f"  {s}: the sign of {format_poly(s.threshold)} decides"]
    for case in s.cases():
        parts = [f"{base}^({power})" for base, power in (("M", case.M), ("tau", case.tau)) if power != "0"]
        lines.append(f"    {case.condition}: dominated by j = {case.end}, so {'*'.join(parts) or 'of order one'}")
        if case.end == "J" and s.lower == "J":
            lines.append(f"      with exp(-2*lambda_j*tau) as cut-off, times {leading_constant(s.a)}")
    return lines


def as_text(d: Derivation) -> str:
    """The derivation log: ingredients, each step with its sums and cases, what dominates where, the resulting law."""
    o = d.optimizer
    noise = " + ".join(f"M^({c.scale}) * j^-({c.decay})" for c in o.noise)
    lines = [
        f"{o.title} (derived/{o.name})",
        "",
        "Ingredients",
        f"  clock   d tau = gamma * c * L^(-kappa) dn, kappa = {o.kappa}, c = M^({o.clock})",
        f"  noise   w_j = {noise}, injected per step: gamma^2 lambda_j w_j L^(1 - 2 kappa)",
        "  modes   lambda_j = j^(-2*alpha), j <= M; J = min(M, tau^(1/(2*alpha))) is the last mode learned",
        "",
        "Steps",
    ]
    for k, step in enumerate(d.steps, 1):
        lines += [f"{k}. {step.title}: {step.quantity}"]
        for s in step.sums:
            lines += ["  " + line for line in _sum_lines(s)]
        lines += [f"    result: {step.result}", f"    because {step.reason}"]
    lines += ["", f"Chambers: {len(d.chambers)}, cut by " + ", ".join(f"{format_poly(p)} = 0" for p in d.thresholds)]
    lines += ["(on these lines the sum in question has a logarithm that the law does not state)"]
    for note in d.dominated:
        where = "everywhere" if note.condition == "everywhere" else f"where {note.condition}"
        lines.append(f"  {note.term} is covered by {note.by} {where}, for all 1 <= tau <= M^(2*alpha)")
    lines += ["", "The law: the risk is the largest of"]
    for t in d.law.terms:
        where = f"   where {', '.join(relation_text(r) for r in t.where)}" if t.where else ""
        lines.append(f"  {t.name:<18} {t.form}{where}")
    lines.append("subject to")
    lines += [f"  {c.name:<18} {c.form}" for c in d.law.constraints]
    lines += ["", "Leading constants (infinite ambient dimension, J far below M)"]
    for t in d.law.terms:
        for c in t.constants:
            where = f"   where {', '.join(c.where)}" if c.where else ""
            lines.append(f"  {t.name:<18} {c}{where}   ({c.reason})")
    for name in means_in([c.value for t in d.law.terms for c in t.constants] + [leading.factors(o.clock_constant)]):
        lines.append(f"  {name} is {EXPLAINED[name]}, sigma_i = sqrt(K_ii)")
    lines.append("Bias terms in steps, each alone driving the clock")
    lines += [f"  {form.text}" for form in in_steps(d)]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class StepForm:
    """A bias term as C * M^size * (gamma M^clock N)^(-decay), where ``condition`` holds."""

    term: str
    constant: Expr
    size: Expr
    decay: Expr
    condition: str
    text: str


def in_steps(d: Derivation) -> tuple[StepForm, ...]:
    """The aligned and the distorted bias as functions of N: intrinsic time eliminated through the clock."""
    o = d.optimizer
    forms = []
    a, b = ALPHA_SYMBOL, BETA_SYMBOL
    for name, size, decay in (
        ("F_pp", Integer(0), (2 * a + 2 * b - 1) / (2 * a)),
        ("F_ac", -Integer(1), 1 - 1 / (2 * a)),
    ):
        term = next((t for t in d.law.terms if t.name == name), None)
        if term is None:
            continue
        constant = term.constants[0]
        value, s = leading.in_steps(o, constant.value, decay)
        kappa = Integer(o.kappa.numerator) / o.kappa.denominator
        power = (size * (1 + kappa * s)).factor()
        vanish = f"{(1 - kappa * decay).together().as_numer_denom()[0]} > 0" if o.kappa and name == "F_pp" else ""
        conditions = [c for c in (*constant.where, vanish) if c]
        clock = f"*M^({o.clock})" if o.clock != "0" else ""
        front = f"M^({power})*" if power != 0 else ""
        where = f"   where {', '.join(conditions)}" if conditions else ""
        text = f"{name:<18} {front}(gamma{clock}*N)^(-({s})), times {value}{where}"
        forms.append(StepForm(name, value, power, s, ", ".join(conditions), text))
    return tuple(forms)


def as_json(d: Derivation) -> dict[str, Any]:
    """The derivation as JSON-ready data."""
    return {
        "optimizer": d.optimizer.name,
        "law": d.law.name,
        "steps": [
            {
                "title": s.title,
                "quantity": s.quantity,
                "sums": [
                    {"sum": str(q), "threshold": format_poly(q.threshold), "cases": [asdict(c) for c in q.cases()]}
                    for q in s.sums
                    if not q.threshold.is_ground
                ],
                "result": s.result,
                "because": s.reason,
            }
            for s in d.steps
        ],
        "chambers": [list(c.conditions) for c in d.chambers],
        "covered": [asdict(n) for n in d.dominated],
        "terms": [
            {
                "name": t.name,
                "role": t.role,
                "form": t.form,
                "where": [relation_text(r) for r in t.where],
                "constants": [{"value": str(c), "where": list(c.where), "because": c.reason} for c in t.constants],
            }
            for t in d.law.terms
        ],
        "constraints": [{"name": c.name, "form": c.form} for c in d.law.constraints],
        "in_steps": [
            {
                "term": f.term,
                "constant": str(f.constant),
                "M": str(f.size),
                "decay": str(f.decay),
                "where": f.condition,
            }
            for f in in_steps(d)
        ],
    }


_SYMBOLS = {"alpha": r"\alpha", "beta": r"\beta", "gamma": r"\gamma", "tau": r"\tau", "kappa": r"\kappa"}


def node_latex(node: Node, level: int = 0) -> str:
    """An exponent or a monomial as LaTeX.

    >>> node_latex(parse("-max(0, 2*alpha - 1)/(2*alpha)", ["alpha"]))
    '\\\\frac{-\\\\max(0, 2 \\\\alpha - 1)}{2 \\\\alpha}'
    """
    match node:
        case Number(value):
            if value.denominator != 1:
                return rf"\tfrac{{{value.numerator}}}{{{value.denominator}}}"
            return f"({value})" if value < 0 and level > 1 else str(value)
        case Name(id):
            return _SYMBOLS.get(id, id)
        case Negative(operand):
            text = "-" + node_latex(operand, 2)
            return rf"\left({text}\right)" if level > 1 else text
        case Extremum(function, args):
            return rf"\{function}({', '.join(node_latex(a) for a in args)})"
        case Binary("/", left, right):
            return rf"\frac{{{node_latex(left)}}}{{{node_latex(right)}}}"
        case Binary("^", left, right):
            return f"{node_latex(left, 5)}^{{{node_latex(right)}}}"
        case Binary("*", left, right):
            return f"{node_latex(left, 2)} {node_latex(right, 2)}"
        case Binary(op, left, right):
            text = f"{node_latex(left, 1)} {op} {node_latex(right, 2)}"
            return rf"\left({text}\right)" if level > 1 else text


def _math(text: str) -> str:
    return node_latex(parse(text, ("alpha", "beta", *BASES, "tau", "L")))


def _condition(text: str) -> str:
    left, sign, right = text.rsplit(" ", 2)
    return f"{_math(left)} {sign} {right}"


def _step_tex(step: Step) -> list[str]:
    lines = [rf"\item \textbf{{{step.title}}}. {_words(step.reason)}."]
    for s in step.sums:
        if s.threshold.is_ground:
            continue
        one, two = s.cases()
        lines.append(
            rf"  The sum $\sum_{{j={s.lower}}}^{{{s.upper}}} j^{{-({_math(format_poly(s.a))})}}$ is dominated "
            rf"by $j={one.end}$ if ${_condition(one.condition)}$, by $j={two.end}$ if ${_condition(two.condition)}$."
        )
    return lines


def _words(text: str) -> str:
    for a, b in (
        ("tau^(1/(2*alpha))", r"$\tau^{1/(2\alpha)}$"),
        ("M^(1-2*alpha-2*beta)", r"$M^{1-2\alpha-2\beta}$"),
        ("M^(-2*alpha)/lambda_j", r"$M^{-2\alpha}/\lambda_j$"),
        ("M^(2*alpha)", r"$M^{2\alpha}$"),
        ("tau*L^kappa", r"$\tau L^\kappa$"),
        ("L^kappa", r"$L^\kappa$"),
        ("1/tau", r"$1/\tau$"),
        ("w_j/2", r"$w_j/2$"),
        ("kappa = 0", r"$\kappa = 0$"),
        ("tau >=", r"$\tau$ at least"),
        ("to tau", r"to $\tau$"),
        ("in tau", r"in $\tau$"),
        ("J = ", "$J=$ "),
    ):
        text = text.replace(a, b)
    return text[:1].upper() + text[1:]


def as_tex(d: Derivation) -> str:
    """The derivation as a LaTeX document that compiles as it is."""
    o = d.optimizer
    noise = " + ".join(_math(f"M^({c.scale})") + rf"\, j^{{-({_math(c.decay)})}}" for c in o.noise)
    lines = [
        r"\documentclass{article}",
        r"\usepackage{amsmath,booktabs}",
        r"\usepackage[margin=2.2cm]{geometry}",
        r"\sloppy",
        r"\begin{document}",
        rf"\section*{{{o.title}: derivation of the risk law}}",
        rf"Modes $\lambda_j = j^{{-2\alpha}}$, $j \le M$; $d\tau = \gamma c L^{{-\kappa}} dn$, $\kappa = {o.kappa}$, "
        rf"$c = M^{{{_math(o.clock)}}}$; noise $\gamma^2 \lambda_j w_j L^{{1-2\kappa}}$ a step with $w_j = {noise}$. "
        r"$J = \min(M, \tau^{1/(2\alpha)})$ is the last mode learned by time $1 \le \tau \le M^{2\alpha}$.",
        r"\begin{enumerate}",
    ]
    for step in d.steps:
        lines += _step_tex(step)
    lines += [
        r"\end{enumerate}",
        r"\begin{center}\begin{tabular}{lll}",
        r"\toprule",
        r"term & size & where \\",
        r"\midrule",
    ]
    for t in d.law.terms:
        where = ", ".join(f"${_condition(relation_text(r))}$" for r in t.where) or "always"
        name = t.name.replace("_", r"\_")
        lines.append(rf"{name} & ${_math(t.form)}$ & {where} \\[0.8ex]")
    lines += [r"\bottomrule", r"\end{tabular}\end{center}"]
    lines += ["Leading constants (infinite ambient dimension, $J$ far below $M$):", r"\begin{itemize}"]
    for t in d.law.terms:
        for c in t.constants:
            where = f", where {', '.join(f'${_condition(w)}$' for w in c.where)}" if c.where else ""
            lines.append(rf"\item {t.name.replace('_', chr(92) + '_')}: ${latex(c.value)}${where}")
    lines.append(r"\end{itemize}")
    if means_in([c.value for t in d.law.terms for c in t.constants]):
        lines.append(
            r"Bars are means over $\sigma_i = \sqrt{M K_{ii}}$; $\|b\|^2_{\mathrm{mixed}}$ and "
            r"$\|b\|^2_{\mathrm{slow}}$ are the target's squared norm, weighted by what $\sigma$ owes to each mode."
        )
    lines += ["Subject to:", r"\begin{itemize}"]
    for limit in d.law.constraints:
        lines.append(rf"\item ${_relation(limit.form)}$")
    lines += [r"\end{itemize}", "Covered terms:", r"\begin{itemize}"]
    for note in d.dominated:
        where = note.condition if note.condition == "everywhere" else f"where ${_condition(note.condition)}$"
        lines.append(rf"\item {note.term.replace('_', chr(92) + '_')} by {note.by.replace('_', chr(92) + '_')} {where}")
    if not d.dominated:
        lines.append(r"\item none")
    lines += [r"\end{itemize}", r"\end{document}"]
    return "\n".join(lines) + "\n"


def _relation(text: str) -> str:
    for op, sign in (("<=", r"\le"), (">=", r"\ge"), ("=", "=")):
        if f" {op} " in text:
            left, right = text.split(f" {op} ")
            return f"{_math(left)} {sign} {_math(right)}"
    raise AssertionError(text)
