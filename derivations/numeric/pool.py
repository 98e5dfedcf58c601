"""Worker processes on this machine, one BLAS thread each.

Samplers multiply small matrices between many short steps: BLAS's own threads would be woken and put to sleep each time,
which costs more than they save. Whole groups of runs in processes use the cores fully.

A worker may be killed at any moment (the kernel does so when memory runs out), so nothing is shared with it that a dead
process could keep: no lock, no queue, no event. Each worker has a pipe of its own and a thread here that waits at its
end; when the worker dies the pipe closes, and exactly the task that it was at is known to be lost.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from derivations.errors import PhaselawsError
from derivations.stopping import held

T = TypeVar("T")
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class WorkerDied(PhaselawsError, RuntimeError):
    """A worker process ended before its task did; finished tasks are kept."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Call:
    def __init__(self, future: Future[Any], function: Callable[..., Any], args: Any, given: Any) -> None:
        self.future, self.work = future, (function, args, given)


class Workers(Executor):
    """An executor of worker processes. Once one dies, tasks that have not begun are cancelled."""

    def __init__(self, count: int) -> None:
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._broken = threading.Event()
        self._closed = False
        context = multiprocessing.get_context("spawn")
        alive, self._lifeline = context.Pipe(duplex=False)
        self._processes: list[BaseProcess] = []
        self._threads: list[threading.Thread] = []
        try:
            with held(), _one_thread_each(), _signals_are_for_the_parent():
                for _ in range(count):
                    ours, theirs = context.Pipe()
                    process = context.Process(target=_serve, args=(theirs, alive), daemon=True)
                    process.start()
                    theirs.close()
                    self._processes.append(process)
                    thread = threading.Thread(target=self._attend, args=(process, ours), daemon=True)
                    thread.start()
                    self._threads.append(thread)
                alive.close()
        except OSError as error:
            self.kill()
            raise WorkerDied(f"expected to start {count} worker processes, {error.strerror}") from None
        except BaseException:
            self.kill()
            raise

    @property
    def pids(self) -> list[int]:
        """The workers' process ids."""
        return [p.pid for p in self._processes if p.pid is not None]

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Queue a call of a module-level function; its future is cancelled if a worker has died before.

        Raises
        ------
        RuntimeError : the pool is shut down.
        """
        if self._closed:
            raise RuntimeError("expected a pool that is not shut down")
        future: Future[T] = Future()
        self._calls.put(_Call(future, fn, args, kwargs))
        if self._broken.is_set():
            self._cancel_queued()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """No more calls; workers end when the queue is empty (at once if it is cancelled and they are idle)."""
        self._closed = True
        if cancel_futures:
            self._cancel_queued()
        for _ in self._threads:
            self._calls.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def kill(self) -> None:
        """End all workers now, whatever they are at."""
        self._closed = True
        self._broken.set()
        self._lifeline.close()
        for process in self._processes:
            process.kill()
        self.shutdown(wait=True, cancel_futures=True)

    def _cancel_queued(self) -> None:
        with suppress(queue.Empty):
            while True:
                call = self._calls.get_nowait()
                if call is not None:
                    _cancel(call)

    def _attend(self, process: BaseProcess, pipe: Connection) -> None:
        """Hand calls to one worker until there are no more, or it dies."""
        with pipe:
            while (call := self._calls.get()) is not None:
                if self._broken.is_set():
                    _cancel(call)
                elif call.future.set_running_or_notify_cancel():
                    self._do(call, process, pipe)
        process.join()

    def _do(self, call: _Call, process: BaseProcess, pipe: Connection) -> None:
        try:
            pipe.send(call.work)
        except (EOFError, OSError):
            self._lost(call, process)
            return
        except Exception as error:  # it cannot be pickled
            call.future.set_exception(error)
            return
        try:
            done, result = pipe.recv()
        except (EOFError, OSError):
            self._lost(call, process)
            return
        if done:
            call.future.set_result(result)
        else:
            call.future.set_exception(result)

    def _lost(self, call: _Call, process: BaseProcess) -> None:
        process.join(1)
        call.future.set_exception(WorkerDied(f"a worker process {_end_of(process.exitcode)}"))
        self._broken.set()
        self._cancel_queued()
        for _ in self._threads:
            self._calls.put(None)


def _cancel(call: _Call) -> None:
    call.future.cancel()
    call.future.set_running_or_notify_cancel()


def _end_of(code: int | None) -> str:
    """How a process ended, by its exit code.

    >>> _end_of(-9), _end_of(1)
    ('was killed by SIGKILL (as the kernel does when memory runs out)', 'ended with exit code 1')
    """
    if code is None or code >= 0:
        return "ended" if code is None else f"ended with exit code {code}"
    hint = " (as the kernel does when memory runs out)" if code == -signal.SIGKILL else ""
    return f"was killed by {signal.Signals(-code).name}{hint}"


@contextmanager
def processes(workers: int) -> Iterator[Workers]:
    """A pool of worker processes with one BLAS thread each, which end when this process does, however it ends, and at
    once when the block is left by an exception.

    Raises
    ------
    WorkerDied : they cannot be started.
    """
    pool = Workers(workers)
    done = False
    try:
        yield pool
        done = True
    finally:
        if done:
            pool.shutdown()
        else:  # whatever it was: tasks under way are not wanted any more
            pool.kill()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Workers inherit the environment when they start."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _signals_are_for_the_parent() -> Iterator[None]:
    """Workers inherit that Ctrl-C and a hang-up of the terminal are held back; here they arrive when the block ends."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # starting it would let them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, alive: Connection) -> None:
    """A worker: do calls until the pipe closes; die when the parent does."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_watch, args=(alive,), daemon=True).start()
    with suppress(EOFError, OSError):
        while True:
            function, args, given = pipe.recv()
            try:
                answer = True, function(*args, **given)
            except Exception as error:
                error.add_note(traceback.format_exc())
                answer = False, error
            try:
                pipe.send(answer)
            except (EOFError, OSError):
                return
            except Exception as error:  # it cannot be pickled
                pipe.send((False, TypeError(f"expected a result that can be pickled: {error}")))


def _watch(alive: Connection) -> None:
    """Nothing is ever sent through this pipe: it becomes readable when the parent is gone."""
    alive.poll(None)
    os._exit(1)
