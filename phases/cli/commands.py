"""The commands. Heavy imports happen inside the commands, so that ``--help`` and ``laws`` answer at once.

Exit codes: 0 done, proved or agrees; 1 refuted or disagrees; 2 bad input, one sentence on stderr; 3 undecided.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from derivations.errors import NotDecided, PhaselawsError
from phases import __version__, check_cli, curve_cli, sweep_cli
from phases.arguments import BadInput, add_time_budget, folder_of, number, real
from phases.cli.proofs import prove_command, verify_command
from phases.cli.shared import BAD_INPUT, DONE, REFUTED, UNDECIDED, emit, exit_code, progress, solve
from phases.cli.streams import sentence

_RUNNING = (curve_cli, check_cli, sweep_cli)
"""Commands that run dynamics, a module each."""
_SOLVING = frozenset(("diagram", "at", "tex", "prove", "verify", "audit", "compare", "atlas"))
"""Commands that take a time budget (``check`` does too)."""


class _Parser(argparse.ArgumentParser):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._negative_number_matcher = re.compile(r"^-(\d+(/\d+)?|\d*\.\d+)$", re.ASCII)  # so that -1/2 is a value

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {sentence(message)}", file=sys.stderr)
        raise SystemExit(BAD_INPUT)


def build_parser() -> argparse.ArgumentParser:
    """The parser of the ``phases`` command (also read by the shell completion)."""
    parser = _Parser(prog="phases", description="Exact, proved phase diagrams of compute-optimal scaling laws.")
    parser.add_argument("--version", action="version", version=f"phases {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, summary: str, law: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=summary[:1].upper() + summary[1:] + ".")
        if law:
            sub.add_argument(
                "law",
                metavar="LAW",
                help="a registered name (see 'phases laws'), or a .toml file of a law or optimizer",
            )
        sub.add_argument("--json", action="store_true", help="machine-readable output")
        if name in _SOLVING:
            add_time_budget(sub)
        return sub

    command("laws", "list every registered law with source and provenance", law=False)
    sub = command("diagram", "the table of phases, solved and proved")
    sub.add_argument("--out", metavar="DIR", help="also write PDF, SVG, PNG, LaTeX, JSON and the certificate here")
    sub = command("at", "what holds at one point: phase, slope, exponents, binding terms, price of a wrong rate")
    sub.add_argument("--alpha", required=True, metavar="A", help="feature decay, an exact number such as 3/4 or 0.75")
    sub.add_argument("--beta", required=True, metavar="B", help="target decay")
    sub.add_argument("--rate", metavar="E", help="fix the learning rate at gamma = M^-E instead")
    sub = command("tex", "LaTeX of the diagram: table and cases formulas, compiles as it is")
    sub = command("prove", "prove the diagram and check the law's printed claims")
    sub.add_argument("--out", metavar="FILE", help="write the certificate")
    sub.add_argument("--coq", metavar="FILE.v", help="write it as theorems for Coq, and have coqc check them")
    sub.add_argument("--smt", metavar="FILE.smt2", help="write every statement as a question, and ask z3 and cvc5")
    sub.add_argument("--z3", action="store_true", help="ask z3 for a second opinion on every statement")
    sub = command("verify", "check a certificate independently of the solver", law=False)
    sub.add_argument("file", metavar="FILE", help="a certificate written by 'phases prove LAW --out FILE'")
    sub.set_defaults(time_budget="120")  # the file may come from anywhere
    command("audit", "the law's printed claims against the exact answer, and the law against its derivation")
    sub = command("compare", "where which of two laws has the steeper slope, and by how much")
    sub.add_argument("other", metavar="LAW2", help="the law to compare with")
    sub = command("derive", "derive an optimizer's risk law, step by step", law=False)
    sub.add_argument(
        "optimizer",
        metavar="OPTIMIZER",
        help="sgd, sgd-tuned, signsgd, normalised-sgd, effects/..., or an optimizer file",
    )
    sub.add_argument("--schedule", default="constant", metavar="S", help="learning-rate schedule (constant)")
    sub.add_argument("--tex", action="store_true", help="as a LaTeX document")
    sub.add_argument("--law", action="store_true", help="the derived law as a law file")
    for module in _RUNNING:
        module.add_commands(commands.add_parser)
    sub = command("atlas", "the main job: everything, for all registered laws, with one index.html", law=False)
    sub.add_argument("--out", required=True, metavar="DIR", help="the folder to write")
    sub = command("completion", "print a completion script for your shell", law=False)
    sub.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    return parser


def _laws(args: argparse.Namespace) -> int:
    from derivations.registry import entries

    rows = [(e.name, e.title, e.source, e.provenance) for e in entries()]
    if args.json:
        emit([dict(zip(("law", "title", "source", "provenance"), row, strict=True)) for row in rows])
        return DONE
    widths = [max(len(r[k]) for r in rows) for k in range(4)]
    for row in rows:
        print("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip())
    return DONE


def _diagram(args: argparse.Namespace) -> int:
    from phases.notes import diagram_notes
    from phases.output import staged_folder
    from phases.proof.prove import prove
    from phases.report import diagram_json, diagram_table, verdict_text

    out = None if args.out is None else folder_of("--out", args.out)
    found = solve(args.law)
    progress("proving")
    verdict = prove(found)
    written: list[str] = []
    if out is not None:
        from phases.atlas import stem_of, write_diagram

        progress("drawing")
        with staged_folder(out) as folder:
            written = [str(out / p.name) for p in write_diagram(found, verdict, folder, stem_of(found.law.name))]
    notes = diagram_notes(found)
    if args.json:
        emit(diagram_json(found, verdict, notes) | ({"files": written} if written else {}))
    else:
        print(
            f"{found.law.name}: {found.law.title} ({found.law.source or 'no source given'}), {verdict_text(verdict)}\n"
        )
        print(diagram_table(found))
        for note in notes:
            print(f"note: {note}")
        for path in written:
            print(f"wrote {path}")
    return exit_code(verdict)


def _at(args: argparse.Namespace) -> int:
    from derivations.registry import load
    from phases.notes import fixed_rate, point_notes
    from phases.point import locate
    from phases.report import located_json, with_rate_json
    from phases.sensitivity import price

    alpha, beta = number("--alpha", args.alpha), number("--beta", args.beta)
    rate = None if args.rate is None else number("--rate", args.rate)
    law = load(args.law)
    located = locate(law, alpha, beta)
    if rate is not None and not law.has_rate:
        raise BadInput(f"--rate: expected a law with a learning rate, {law.name} has none")
    data = located_json(law, located, price(law, located.point), point_notes(law, located))
    if rate is not None:
        data = with_rate_json(data, rate, *fixed_rate(law, located.point, rate))
    if args.json:
        emit(data)
    else:
        from phases.text import point_text

        print(point_text(data))
    return DONE


def _tex(args: argparse.Namespace) -> int:
    from phases.latex import tex
    from phases.proof.prove import prove

    found = solve(args.law)
    verdict = prove(found)
    text = tex(found, verdict)
    if args.json:
        emit({"law": found.law.name, "tex": text})
    else:
        print(text, end="")
    return DONE


def _audit(args: argparse.Namespace) -> int:
    from phases.audit import against_derivation, audit
    from phases.proof.verdict import Refuted, Undecided
    from phases.report import claim_json, counterpart_json

    found = solve(args.law)
    reports = audit(found)
    beside = against_derivation(found)
    derivation = None if beside is None else counterpart_json(beside)
    if args.json:
        emit({"law": found.law.name, "claims": [claim_json(r) for r in reports], "derivation": derivation})
    elif not reports:
        print(f"{found.law.name}: the law file has no claims")
    else:
        for report in reports:
            j = claim_json(report)
            print(f"{j['claim']}: {j['text']}  (phases {', '.join(j['phases'])}; known from: {j['provenance']})")
    if derivation is not None and not args.json:
        from phases.text import derivation_text

        print(derivation_text(found.law.name, derivation))
    if any(isinstance(r.verdict, Refuted) for r in reports):
        return REFUTED
    return UNDECIDED if any(isinstance(r.verdict, Undecided) for r in reports) else DONE


def _compare(args: argparse.Namespace) -> int:
    from phases.compare import compare
    from phases.report import comparison_json, table

    data = comparison_json(compare(solve(args.law), solve(args.other)))
    if args.json:
        emit(data)
        return DONE
    print(f"slope of {data['first']} against {data['second']}\n")
    rows = [[z["steeper"], " / ".join(z["phases"]), z["margin"], ", ".join(z["region"])] for z in data["zones"]]
    print(table(rows, ["steeper", "phases", "margin (first - second)", "region"]))
    for key, name in (("only_first", data["first"]), ("only_second", data["second"])):
        if data[key]:
            print(f"a part of the plane lies in the domain of {name} only")
    return DONE


def _derive(args: argparse.Namespace) -> int:
    from derivations.optimizers.lookup import optimizer_named

    chosen = optimizer_named(args.optimizer)
    if args.schedule != "constant":
        raise BadInput(f"--schedule: expected 'constant', the only schedule derived so far, got {args.schedule[:60]!r}")
    from derivations.derive import derive
    from derivations.log import as_json, as_tex, as_text

    found = derive(chosen)
    if args.json:
        emit(as_json(found))
    else:
        print(
            found.law.text if args.law else as_tex(found) if args.tex else as_text(found), end="" if args.tex else "\n"
        )
    return DONE


def _atlas(args: argparse.Namespace) -> int:
    from derivations.registry import names
    from phases.atlas import write_atlas
    from phases.output import staged_folder
    from phases.report import verdict_text
    from phases.text import claim_text

    out = folder_of("--out", args.out)
    with staged_folder(out) as folder:
        chapters = write_atlas(names(), folder, lambda line: print(line, file=sys.stderr, flush=True))
    data = [
        {
            "law": c.diagram.law.name,
            "phases": len(c.diagram.phases),
            "verdict": verdict_text(c.verdict),
            "claims": [claim_text(r) for r in c.claims],
        }
        for c in chapters
    ]
    if args.json:
        emit({"index": str(out / "index.html"), "laws": data})
    else:
        for row in data:
            print(f"{row['law']}: {row['phases']} phases, {row['verdict']}")
        print(f"wrote {Path(args.out) / 'index.html'}")
    return max((exit_code(c.verdict) for c in chapters), default=DONE)


def _completion(args: argparse.Namespace) -> int:
    try:
        import shtab
    except ImportError:
        raise BadInput(
            "completion: expected the package shtab, installed by pip install 'phaselaws[completion]'"
        ) from None
    print(shtab.complete(build_parser(), shell=args.shell))
    return DONE


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "laws": _laws,
    "diagram": _diagram,
    "at": _at,
    "tex": _tex,
    "prove": prove_command,
    "verify": verify_command,
    "audit": _audit,
    "compare": _compare,
    "derive": _derive,
    **{name: run for module in _RUNNING for name, run in module.COMMANDS.items()},
    "atlas": _atlas,
    "completion": _completion,
}


def _within_budget(args: argparse.Namespace) -> int:
    given = getattr(args, "time_budget", None)
    if given is None:
        return _COMMANDS[args.command](args)
    from derivations.budget import OutOfTime, time_budget

    seconds = real("--time-budget", given)
    if not 0 < seconds < float("inf"):
        raise BadInput(f"--time-budget: expected seconds > 0, got {given[:40]!r}")
    try:
        with time_budget(seconds):
            return _COMMANDS[args.command](args)
    except OutOfTime as error:
        if args.json:
            emit({"verdict": "undecided", "text": f"undecided: {error}", "known": error.known})
        raise


def run(argv: Sequence[str]) -> int:
    """Run one command; an error that the user can mend is one sentence on stderr."""
    try:
        try:
            args = build_parser().parse_args(argv)
            return _within_budget(args)
        finally:
            if sys.stdout is not None:  # it is where the parent closed it
                sys.stdout.flush()
    except PhaselawsError as error:
        undecided = isinstance(error, NotDecided)
        print(f"phases: {'undecided, ' if undecided else ''}{sentence(error)}", file=sys.stderr)
        return UNDECIDED if undecided else BAD_INPUT
