"""The command ``check``: a law against the dynamics."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derivations.budget import known
from phases.arguments import BadInput, add_time_budget, number, real
from phases.progress import Progress

if TYPE_CHECKING:
    from phases.referee import Check

DONE, REFUTED, UNDECIDED = 0, 1, 3
ENGINES = ("mode", "ode", "montecarlo")


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the parser of ``check``."""
    sub = add(
        "check",
        help="a law against the dynamics",
        description="A law against the dynamics: the compute-optimal envelope is traced and its exponents fitted.",
    )
    sub.add_argument("law", metavar="LAW", nargs="?", help="a registered name or a .toml law file")
    sub.add_argument("--json", action="store_true", help="machine-readable output")
    sub.add_argument("--alpha", metavar="A", help="feature decay (default: one point a phase)")
    sub.add_argument("--beta", metavar="B", help="target decay")
    sub.add_argument("--compute", metavar="F", help="trace the envelope up to this f = M N (default: by engine)")
    sub.add_argument(
        "--engine",
        action="append",
        choices=(*ENGINES, "all"),
        help="mode: power-law modes without a sketch; ode: random features; montecarlo: sampled (default: mode)",
    )
    sub.add_argument("--plot", metavar="FILE", help="also draw it (.png, .svg, .pdf)")
    sub.add_argument("--all", action="store_true", help="the whole report: both papers' laws and the crucial cases")
    sub.add_argument("--out", metavar="DIR", help="with --all: the folder of the report (default: referee)")
    sub.add_argument("--workers", metavar="K", help="with --all: worker processes (default: one a core)")
    add_time_budget(sub)


def _check(args: argparse.Namespace) -> int:
    if args.all:
        if args.law is not None or args.alpha is not None or args.beta is not None:
            raise BadInput("expected no law and no point with --all")
        from phases.referee_report import command

        return command(args)
    if args.law is None:
        raise BadInput("expected a law, or --all for the whole report")
    if args.out is not None or args.workers is not None:
        raise BadInput("expected --out and --workers with --all only")
    if (args.alpha is None) != (args.beta is None):
        raise BadInput("expected both --alpha and --beta, or neither for one point a phase")
    from phases.phase_diagram import diagram
    from phases.referee import check, telling_point, worst

    largest = None if args.compute is None else real("--compute", args.compute)
    engines = list(dict.fromkeys(args.engine or ["mode"]))
    engines = list(ENGINES) if "all" in engines else engines
    if args.plot is not None:
        from phases.curves import check_target

        check_target(Path(args.plot))
    given = None if args.alpha is None else [(number("--alpha", args.alpha), number("--beta", args.beta))]
    found = diagram(args.law)
    points = given or [telling_point(found.law, phase) for phase in found.phases]
    results: list[Check] = []
    progress = Progress(f"checking {found.law.name}")
    todo = [(engine, point) for engine in engines for point in points]
    for k, (engine, (alpha, beta)) in enumerate(todo):
        remark = f"engine {engine} at ({alpha}, {beta})"

        def part(fraction: float, k: int = k, remark: str = remark) -> None:
            progress((k + fraction) / len(todo), remark)

        known(f"points checked (of {len(todo)})", k)
        results.append(check(found, Fraction(alpha), Fraction(beta), engine, largest, part))
    progress.end()
    if args.plot is not None:
        from phases.check_figure import draw_checks

        draw_checks(results, Path(args.plot))
    overall = worst([r.verdict for r in results])
    if args.json:
        rows = [row for r in results for row in r.rows()]
        print(json.dumps({"law": found.law.name, "verdict": overall, "rows": rows}, indent=1))
    else:
        for result in results:
            for row in result.rows():
                print(row_text(row))
        print(f"{found.law.name}, engine {', '.join(engines)}: {overall}")
    return exit_code(overall)


def exit_code(verdict: str) -> int:
    """0 agrees, 1 disagrees, 3 cannot tell."""
    return {"agrees": DONE, "disagrees": REFUTED}.get(verdict, UNDECIDED)


def row_text(row: dict[str, Any]) -> str:
    """One row of the table."""
    predicted: str | Sequence[str] = row["predicted"]
    said = predicted if isinstance(predicted, str) else " to ".join(predicted)
    bar = "unknown" if row["error"] is None else f"{row['error']:.4f}"
    seen = "-" if row["fitted"] is None else f"{row['fitted']:.4f} +- {bar}"
    span = "" if row["window"] is None else f", f = {row['window'][0]:.0e} to {row['window'][1]:.0e}"
    place = f"({row['alpha']}, {row['beta']})"
    columns = f"{'/'.join(row['phase']):<6} {place:<14} {row['engine']:<10} {row['quantity']:<15} {said:<14} {seen:<20}"
    return f"{columns} {row['verdict']}{span}"


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {"check": _check}
