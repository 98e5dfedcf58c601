"""The command ``sweep``: risk curves over a grid, kept in one file, resumed by the same command."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from phases.arguments import MOST_VALUES, BadInput, number, real, values, whole, workers_of
from phases.progress import Progress, waiting

if TYPE_CHECKING:
    from derivations.numeric.store import Json, Store

DONE = 0
_AXES = ("alpha", "beta", "model_size", "rate", "steps", "seed", "batch", "noise", "schedule", "engine")


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the parser of ``sweep``."""
    sub = add(
        "sweep",
        help="risk curves over a grid, in parallel, resumable",
        description="Risk curves over a grid, kept in one SQLite file; the same command resumes. "
        "Lists: 1/4,1/2 or 0.2:1:0.1 or 64:4096:x2.",
    )
    sub.add_argument("optimizer", metavar="OPTIMIZER", nargs="?", help="one or several, separated by commas")
    sub.add_argument("--json", action="store_true", help="machine-readable output")
    sub.add_argument("--db", required=True, metavar="FILE", help="results, made if missing")
    sub.add_argument("--alpha", metavar="LIST", help="feature decays")
    sub.add_argument("--beta", metavar="LIST", help="target decays")
    sub.add_argument("--model-size", metavar="LIST", help="numbers of features")
    sub.add_argument("--rate", metavar="LIST", help="learning rates per step")
    sub.add_argument("--steps", metavar="LIST", help="numbers of steps")
    sub.add_argument("--seed", default="0", metavar="LIST", help="seeds of sketches and samples")
    sub.add_argument("--batch", default="1", metavar="LIST", help="batch sizes")
    sub.add_argument("--noise", default="none", metavar="LIST", help="label noises, such as none,gaussian:0.5")
    sub.add_argument("--schedule", default="constant", metavar="LIST", help="such as constant,power:1")
    sub.add_argument("--engine", default="", metavar="LIST", help="as for curve")
    sub.add_argument("--ambient", metavar="V", help="ambient dimension (default 4 M)")
    sub.add_argument("--runs", default="64", metavar="R", help="sampled runs (engine montecarlo)")
    sub.add_argument("--sketches", default="1", metavar="S", help="draws of W to average over")
    sub.add_argument("--points", default="60", metavar="P", help="log-spaced steps to keep")
    sub.add_argument(
        "--time-limit", default="600", metavar="SECONDS", help="refuse sampled runs expected to take longer, each"
    )
    where = sub.add_mutually_exclusive_group()
    where.add_argument("--workers", metavar="K", help="worker processes here (default: one a core)")
    where.add_argument("--cluster", metavar="ADDRESS", help="a Dask scheduler, such as tcp://host:8786")
    sub.add_argument("--csv", metavar="FILE", help="export all curves of the file")
    sub.add_argument("--parquet", metavar="FILE", help="export all curves of the file")


def _tasks(args: argparse.Namespace) -> list[Json]:
    from derivations.numeric.label_noise import label_noise
    from derivations.numeric.request import Request, check_request
    from derivations.numeric.sweep import curve_task
    from derivations.schedules import schedule

    lists: dict[str, list[str]] = {"optimizer": args.optimizer.split(",")}
    own = next((name for name in lists["optimizer"] if name.endswith(".toml")), None)
    if own is not None:
        raise BadInput(f"expected registered optimizers in a sweep, the file {own} may change under its database")
    for name in _AXES:
        option, text = "--" + name.replace("_", "-"), getattr(args, name)
        if text is None:
            raise BadInput(f"expected {option}, a value or a list of values")
        ranged = name not in ("noise", "schedule", "engine")
        lists[name] = values(option, text) if ranged else text.split(",")
    if prod(map(len, lists.values())) > MOST_VALUES:
        raise BadInput(f"expected a grid of at most {MOST_VALUES} curves, got {prod(map(len, lists.values()))}")
    for text in lists["noise"]:
        label_noise(text)
    ambient = None if args.ambient is None else real("--ambient", args.ambient)
    limit = real("--time-limit", args.time_limit)
    counts = {name: whole("--" + name, getattr(args, name)) for name in ("runs", "sketches", "points")}
    out = []
    for choice in product(*lists.values()):
        optimizer, alpha, beta, size, rate, steps, seed, batch, noise, plan, engine = choice
        request = Request(
            optimizer=optimizer,
            alpha=number("--alpha", alpha),
            beta=number("--beta", beta),
            size=real("--model-size", size),
            rate=real("--rate", rate),
            steps=real("--steps", steps),
            engine=engine,
            ambient=ambient,
            schedule=schedule(plan),
            noise=noise,
            batch=whole("--batch", batch),
            seed=whole("--seed", seed),
            time_limit=limit,
            **counts,
        )
        if request.seed < 0:
            raise BadInput(f"--seed: expected whole numbers >= 0, got {request.seed}")
        check_request(request)
        out.append(curve_task(request))
    return out


def _sweep(args: argparse.Namespace) -> int:
    from derivations.numeric.store import BadStore, Store, own_files

    if args.db.strip() in ("", ":memory:"):
        raise BadInput("--db: expected the name of a file, results are kept there")
    path = Path(args.db)
    tasks = None if args.optimizer is None else _tasks(args)
    if tasks is None and args.csv is None and args.parquet is None:
        raise BadInput("expected an optimizer and a grid, or --csv or --parquet to export what is there")
    if tasks is None and not path.exists():
        raise BadStore(f"{path}: expected a database of results, there is no such file")
    workers = workers_of(args.workers)
    exports = [Path(name).resolve() for name in (args.csv, args.parquet) if name is not None]
    if len({*exports}) < len(exports) or not own_files(path).isdisjoint(exports):
        raise BadInput("expected different files for --db (and its -wal, -shm and -journal), --csv and --parquet")
    if args.parquet is not None:
        from phases.sweep_table import check_parquet

        check_parquet()
    store = Store(path, waiting)
    try:
        counts = {} if tasks is None else _run(args, tasks, store, workers)
        written = _export(args, store)
    finally:
        store.close()
    if args.json:
        print(json.dumps({"db": str(path), **counts, "written": written}, indent=1))
        return DONE
    if counts:
        failed = f", {counts['failed']} of them failed: {counts['reason']}" if counts["failed"] else ""
        print(f"{path}: {counts['finished']} of {counts['total']} curves{failed}")
    for name, rows in written.items():
        print(f"wrote {name}, {rows} rows")
    return DONE


def _run(args: argparse.Namespace, tasks: list[Json], store: Store, workers: int) -> dict[str, int | str]:
    from derivations.numeric.pool import processes
    from derivations.numeric.sweep import cluster, curve_work, run

    limit = real("--time-limit", args.time_limit)
    work = partial(curve_work, time_limit=limit)
    progress = Progress(f"sweep {args.db}")
    begun = False

    def report(finished: int, failed: int, total: int) -> None:
        nonlocal begun
        if not begun:
            progress.begin(finished / total)
            begun = True
        progress(finished / total, f"{finished} of {total}" + (f", {failed} failed" if failed else ""))

    if all(store.get(t) is not None for t in tasks):
        outcome = run(tasks, work, store, None, 0, report)
    elif args.cluster is None:
        with processes(workers) as pool:
            outcome = run(tasks, work, store, pool, 2 * workers, report)
    else:
        with cluster(args.cluster) as (executor, width):
            outcome = run(tasks, work, store, executor, 2 * width, report)
    progress.end()
    reasons = (found[1] for t in tasks if (found := store.get(t)) is not None and found[1] is not None)
    return {
        "finished": outcome.finished,
        "failed": outcome.failed,
        "total": outcome.total,
        "reason": next(reasons, ""),
    }


def _export(args: argparse.Namespace, store: Store) -> dict[str, int]:
    from phases.sweep_table import write_csv, write_parquet

    written = {}
    if args.csv is not None:
        written[args.csv] = write_csv(store, Path(args.csv))
    if args.parquet is not None:
        written[args.parquet] = write_parquet(store, Path(args.parquet))
    return written


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {"sweep": _sweep}
