"""What the command line prints, from the JSON-ready data of `phases.report`."""

from __future__ import annotations

from fractions import Fraction
from typing import Any


def _show(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return "[" + ", ".join(_show(v) for v in value) + "]"
    return str(value)


def _decimal(text: str) -> str:
    value = Fraction(text)
    return text if value.denominator == 1 else f"{text}  (= {float(value):.6g})"


def point_text(data: dict[str, Any]) -> str:
    phase = data["phase"]
    where = f"phase {phase}" if isinstance(phase, str) else f"on the wall between {', '.join(phase)}"
    lines = [f"{data['law']} at alpha = {data['alpha']}, beta = {data['beta']}: {where}"]
    if "rate" in data:
        best = data["optimum"]
        lines.append(
            f"  rate fixed at     gamma = M^-({data['rate']}); best slope there, {data['loss']} below the optimum"
        )
        lines.append(f"  slope             {_decimal(data['slope'])}")
        lines.append(f"  model size        x = {_show(data['model_exponent'])}   (M = f^x)")
        lines.append(f"  binding           {', '.join([*data['active'], *data['binding_constraints']])}")
        lines.append(
            f"  the optimum is    slope {best['slope']}, x* = {_show(best['model_exponent'])}, "
            f"e* = {_show(best['rate_exponent'])}"
        )
    else:
        lines.append(f"  slope             {_decimal(data['slope'])}  = {_show(data['slope_formula'])}")
        lines.append(
            f"  model size        x* = {_show(data['model_exponent'])}  = {_show(data['model_exponent_formula'])}"
            "   (M = f^x)"
        )
        if data["rate_exponent"] is not None:
            lines.append(
                f"  learning rate     e* = {_show(data['rate_exponent'])}  = "
                f"{_show(data['rate_exponent_formula'])}   (gamma = M^-e)"
            )
        lines.append(f"  binding           {', '.join([*data['active'], *data['binding_constraints']])}")
    lines.append("  multipliers       " + ", ".join(f"{k} {v}" for k, v in data["multipliers"].items()))
    cost = data["price"]
    if cost is not None and "rate" not in data:
        parts = []
        for side, text in (("larger", "too large"), ("smaller", "too small")):
            loss = cost["in_f"][side]
            parts.append(f"{text} by f^d: slope falls by {loss}*d" if loss is not None else f"{text}: not allowed")
        lines.append("  a rate            " + "; ".join(parts))
    lines.append(f"  provenance        {data['provenance']}" + (f", {data['source']}" if data["source"] else ""))
    lines += [f"  note              {note}" for note in data["notes"]]
    return "\n".join(lines)


def derivation_text(name: str, data: dict[str, Any]) -> str:
    lines = [f"\nbeside {data['derived']}: the slopes agree in {', '.join(data['agrees_in']) or 'no phase'}"]
    for t in data["terms"]:
        term, equal = t["printed"], ", ".join(t["derived"])
        if not t["differs_in"]:
            lines.append(f"  term {term}: derived, equals {equal} wherever it exists")
        else:
            where = ", ".join(t["where"]) or f"{t['differs_in']} of {t['chambers']} chambers"
            lines.append(f"  term {term}: " + (f"equals {equal}, but " if equal else "") + f"not derived where {where}")
    for d in data["differences"]:
        at = d["sample"]
        lines.append(f"  they differ in {d['phases'][0]} where {', '.join(d['region'])}")
        lines.append(
            f"    at alpha = {at['alpha']}, beta = {at['beta']}: printed {d['values'][0]}, derived {d['values'][1]}"
        )
        lines.append(f"    printed - derived = {d['margin']}")
        lines.append(f"    binding: printed {', '.join(d['binding'][0])}; derived {', '.join(d['binding'][1])}")
        for s in d["steps"]:
            lines.append(f"    step '{s['title']}': {s['because']}")
        if "time_at_printed_optimum" in d:
            t = d["time_at_printed_optimum"]
            lines.append(
                f"    intrinsic time at printed optimum f^({t['reached']}); noise saturates at f^({t['saturation']})"
            )
    if data["printed_law_is_silent"]:
        lines.append(f"  {data['derived']} also covers a part of the plane where {name} is silent")
    return "\n".join(lines)


def claim_text(report: Any) -> str:
    """A claim and its verdict in one line."""
    from phases.report import verdict_text

    return f"{report.claim.name}: {verdict_text(report.verdict)}"
