"""Worker processes on this machine, one BLAS thread each.

Samplers multiply small matrices between many short steps: BLAS's own threads would be woken and put to sleep each time,
which costs more than they save. Whole groups of runs in processes use the cores fully.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.synchronize import Event


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def processes(workers: int) -> Iterator[Executor]:
    """A pool of worker processes with one BLAS thread each, which end when this process does, however it ends, and at
    once when the block is left by an exception."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_watch, initargs=(os.getpid(), stop))
    try:
        with _no_interrupts():  # workers inherit this, and the environment, when they start
            for started in [pool.submit(time.sleep, 0.01) for _ in range(workers)]:
                started.result()
        yield pool
    except BaseException:  # whatever it is: tasks under way are not wanted any more
        stop.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Ctrl-C is for this process alone; workers end with it, or when their pool is shut down."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _watch(parent: int, stop: Event) -> None:
    def look() -> None:
        while os.getppid() == parent and not stop.wait(0.5):
            pass
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()
