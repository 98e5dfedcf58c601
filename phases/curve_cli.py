"""The command ``curve``: any engine's risk curve."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from phases.arguments import BadInput, number, real, whole, workers_of

DONE = 0


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the parsers of this module's commands."""
    sub = add("curve", help="risk against steps from any engine", description="Risk against steps from any engine.")
    sub.add_argument(
        "optimizer", metavar="OPTIMIZER", help="sgd, signsgd, normalised-sgd, effects/..., or an optimizer file"
    )
    form = sub.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="machine-readable output")
    form.add_argument("--csv", action="store_true", help="as CSV")
    sub.add_argument("--alpha", required=True, metavar="A", help="feature decay")
    sub.add_argument("--beta", required=True, metavar="B", help="target decay")
    sub.add_argument("--model-size", required=True, metavar="M", help="number of features, such as 1024 or 2^40")
    sub.add_argument("--rate", required=True, metavar="G", help="learning rate per step")
    sub.add_argument("--steps", required=True, metavar="N", help="number of steps, such as 1e6")
    sub.add_argument("--engine", default="", help="volterra, equivalent, ode, meanfield, sde, montecarlo or law")
    sub.add_argument("--ambient", metavar="V", help="ambient dimension (default 4 M; inf with engine equivalent)")
    sub.add_argument("--schedule", default="constant", metavar="S", help="constant, power:P, cosine, wsd:W:D:P")
    sub.add_argument("--noise", default="none", metavar="D", help="label noise: none, gaussian:0.5, cauchy:0.1, ...")
    sub.add_argument("--batch", default="1", metavar="B", help="batch size")
    sub.add_argument("--runs", default="64", metavar="R", help="sampled runs (engines montecarlo and sde)")
    sub.add_argument("--seed", default="0", metavar="S", help="seed of sketches and samples")
    sub.add_argument("--sketches", default="1", metavar="S", help="draws of W to average over")
    sub.add_argument("--points", default="60", metavar="P", help="log-spaced steps to report")
    sub.add_argument(
        "--time-limit", default="600", metavar="SECONDS", help="refuse sampled runs expected to take longer"
    )
    sub.add_argument("--workers", metavar="K", help="processes for long sampled runs (default: one a core)")
    sub.add_argument("--plot", metavar="FILE", help="also draw it (.png, .svg, .pdf)")


def _curve(args: argparse.Namespace) -> int:
    from derivations.numeric.curve import curve
    from derivations.numeric.request import Request
    from derivations.schedules import schedule

    request = Request(
        optimizer=args.optimizer,
        alpha=number("--alpha", args.alpha),
        beta=number("--beta", args.beta),
        size=real("--model-size", args.model_size),
        rate=real("--rate", args.rate),
        steps=real("--steps", args.steps),
        engine=args.engine,
        ambient=None if args.ambient is None else real("--ambient", args.ambient),
        schedule=schedule(args.schedule),
        noise=args.noise,
        batch=whole("--batch", args.batch),
        runs=whole("--runs", args.runs),
        seed=whole("--seed", args.seed),
        sketches=whole("--sketches", args.sketches),
        points=whole("--points", args.points),
        time_limit=real("--time-limit", args.time_limit),
        workers=workers_of(args.workers),
    )
    if request.seed < 0:
        raise BadInput(f"--seed: expected a whole number >= 0, got {request.seed}")
    found = curve(request)
    steps = [int(n) if n < 2**53 else float(n) for n in found.steps.tolist()]
    data: dict[str, Any] = {"engine": found.engine, "model": found.model, "steps": steps, "risk": found.risk.tolist()}
    if found.stderr is not None:
        data["stderr"] = found.stderr.tolist()
    if found.terms:
        data["terms"] = {name: values.tolist() for name, values in found.terms.items()}
    if found.notes:
        data["notes"] = list(found.notes)
    if args.plot is not None:
        from phases.curves import draw_curve

        draw_curve(found, f"{args.optimizer}, alpha = {args.alpha}, beta = {args.beta}", Path(args.plot))
    if args.json:
        print(json.dumps(data, indent=1, allow_nan=False))
        return DONE
    columns = {"steps": data["steps"], "risk": data["risk"]}
    if found.stderr is not None:
        columns["stderr"] = data["stderr"]
    columns |= {name: values.tolist() for name, values in found.terms.items()}
    if not args.csv:
        print(f"{args.optimizer}, engine {found.engine}: {found.model}")
        for note in found.notes:
            print(note)
    separator = "," if args.csv else "  "
    print(separator.join(columns))
    for row in zip(*columns.values(), strict=True):
        print(separator.join(str(x) if isinstance(x, int) else f"{x:.6g}" for x in row))
    if args.plot is not None:
        print(f"wrote {args.plot}", file=sys.stderr)
    return DONE


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {"curve": _curve}
