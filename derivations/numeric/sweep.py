"""Many tasks against any `concurrent.futures.Executor`, their results in a `store.Store`.

The process pool is the default; a Dask cluster is another executor with the same code. Few tasks are in flight at once,
each is recorded as soon as it ends, and what a killed run had not recorded is simply done again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, fields
from fractions import Fraction

from derivations.budget import forget, known, left, spend
from derivations.numeric.curve import curve
from derivations.numeric.pool import WorkerDied
from derivations.numeric.regression import BadProblem, NoConvergence
from derivations.numeric.request import TIME_LIMIT, Request, RiskCurve
from derivations.numeric.store import Json, Store, key_of
from derivations.numeric.volterra import Unstable
from derivations.schedules import schedule

Work = Callable[[Json], Json]
"""A task's JSON object to its result's; a module-level function, so that workers can import it."""
Report = Callable[[int, int, int], None]
"""Told (finished, failed, all) tasks."""


@dataclass(frozen=True)
class Outcome:
    """How a sweep ended: tasks finished (failed ones among them), failed, and in all."""

    finished: int
    failed: int
    total: int


def run(
    tasks: Sequence[Json], work: Work, store: Store, executor: Executor | None, width: int, report: Report | None = None
) -> Outcome:
    """Do all tasks that the store does not have yet.

    Parameters
    ----------
    executor : None if nothing is left to do.
    width : tasks in flight at once, best twice the number of workers.

    A task that cannot be done (`BadProblem`, `Unstable`, `NoConvergence`) is recorded with the reason. Any other
    exception ends the sweep; what was finished is kept.

    Raises
    ------
    WorkerDied : a worker process ended before its task did; the message names the task.
    derivations.numeric.store.BadStore : the file of results cannot be used any more.
    """
    forget()
    recorded = store.done()
    total = len(tasks)
    todo = [t for t in reversed(tasks) if key_of(t) not in recorded]
    finished = total - len(todo)
    running: dict[Future[tuple[Json, float]], Json] = {}
    failed = sum(1 for t in tasks if (found := store.get(t)) is not None and found[1] is not None)
    renewed = time.monotonic()
    if executor is None:
        return Outcome(finished, failed, total)
    try:
        while todo or running:
            elsewhere: list[Json] = []
            while todo and len(running) < width and len(elsewhere) < width:
                task = todo.pop()
                if store.claim(task):
                    running[executor.submit(_timed, work, task)] = task
                elif store.get(task) is not None:
                    finished += 1
                else:
                    elsewhere.append(task)
            todo = elsewhere + todo
            if report is not None:
                report(finished, failed, total)
            known(f"tasks finished (of {total})", finished)
            spend()
            if running:
                ended, _ = wait(running, timeout=left(5.0), return_when=FIRST_COMPLETED)
            else:  # the rest is in other hands
                time.sleep(left(0.5))
                ended = set[Future[tuple[Json, float]]]()
            for future in sorted(ended, key=_is_lost):  # what is finished is kept before what is lost is reported
                task = running.pop(future)
                if future.cancelled():  # another one is lost
                    continue
                result, error, seconds = _outcome(future, task)
                store.add(task, result, error, seconds)
                finished += 1
                failed += error is not None
            if time.monotonic() - renewed > 10:
                store.renew()
                renewed = time.monotonic()
    finally:
        for future in running:
            future.cancel()
    if report is not None:
        report(finished, failed, total)
    return Outcome(finished, failed, total)


def _is_lost(future: Future[tuple[Json, float]]) -> bool:
    return not future.cancelled() and isinstance(future.exception(), WorkerDied)


def _outcome(future: Future[tuple[Json, float]], task: Json) -> tuple[Json | None, str | None, float]:
    try:
        result, seconds = future.result()
    except (BadProblem, Unstable, NoConvergence) as error:
        return None, str(error), 0.0
    except WorkerDied as error:
        raise WorkerDied(
            f"{error} and lost the task {task_text(task)}: what was finished is kept, run the command again to go on"
        ) from None
    return result, None, seconds


def task_text(task: Json) -> str:
    """A task in a few words, for people.

    >>> task_text({"kind": "curve", "alpha": "2/5", "size": 32.0, "ambient": None})
    'curve alpha=2/5 size=32'
    """
    said = [f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in task.items() if v not in (None, "")]
    return " ".join(said).removeprefix("kind=")[:300]


def _timed(work: Work, task: Json) -> tuple[Json, float]:
    start = time.perf_counter()
    return work(task), time.perf_counter() - start


@contextmanager
def cluster(address: str) -> Iterator[tuple[Executor, int]]:
    """The executor of a Dask cluster and its number of workers' threads.

    Raises
    ------
    BadProblem : dask.distributed is not installed, or nobody answers.
    WorkerDied : the cluster's workers died again and again at one task.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise BadProblem(
            "expected the package distributed for a cluster, installed by pip install 'phaselaws[cluster]'"
        ) from None
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise BadProblem(f"expected a Dask scheduler at {address}, {error or 'nobody answers'}") from None
    try:
        yield client.get_executor(pure=False, retries=2), max(1, sum(client.nthreads().values()))
    except KilledWorker as error:
        raise WorkerDied(f"the cluster's workers died: {error}; what was finished is kept") from None
    finally:
        client.close()


def curve_task(request: Request) -> Json:
    """A risk curve as a task."""
    task = {f.name: getattr(request, f.name) for f in fields(Request) if f.name not in ("time_limit", "workers")}
    ambient = "inf" if request.ambient == float("inf") else request.ambient
    texts = {"alpha": str(request.alpha), "beta": str(request.beta), "schedule": str(request.schedule)}
    return {"kind": "curve"} | task | texts | {"ambient": ambient}


def request_of(task: Json, time_limit: float) -> Request:
    """The inverse of `curve_task`."""
    given = {f.name: task[f.name] for f in fields(Request) if f.name in task}
    ambient = None if task["ambient"] is None else float(task["ambient"])
    exact = {"alpha": Fraction(task["alpha"]), "beta": Fraction(task["beta"]), "schedule": schedule(task["schedule"])}
    return Request(**(given | exact | {"ambient": ambient, "time_limit": time_limit}))


def curve_work(task: Json, time_limit: float = TIME_LIMIT) -> Json:
    """Draw the curve: steps, risk, and stderr if it was sampled.

    >>> curve_work(curve_task(Request("sgd", Fraction(1), Fraction(1), 8, 0.1, 10, points=2)))["steps"]
    [1.0, 10.0]
    """
    found: RiskCurve = curve(request_of(task, time_limit))
    out: Json = {"engine": found.engine, "steps": found.steps.tolist(), "risk": found.risk.tolist()}
    if found.stderr is not None:
        out["stderr"] = found.stderr.tolist()
    return out
