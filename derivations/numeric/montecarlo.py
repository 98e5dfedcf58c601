"""One-pass SGD and signSGD, sampled: many runs and learning rates at once, streaming.

Features are drawn by the Gaussian reduction (`regression`): for signSGD a triangular factor of K times normals, for SGD
scaled normals in K's eigenbasis, where no product is needed. Work comes in units of fixed shape (UNIT steps of one
group of runs) from one random stream a group, so results depend on the seed alone: not on how many workers there are or
which of them takes which group. Memory does not depend on the number of steps: every array is allocated once (fresh
pages would cost more than the arithmetic).

All learning rates see the same samples (common random numbers), so their differences are less noisy than their values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, wait
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import strmm

from derivations.budget import spend
from derivations.numeric.label_noise import NONE, LabelNoise, label_noise
from derivations.numeric.pool import WorkerDied
from derivations.numeric.regression import Array, BadProblem, Regression, check_batch, check_rate, check_steps
from derivations.schedules import CONSTANT, Schedule

UNIT = 8
"""Steps drawn at once, fewer with large batches."""
GROUP = 32
"""Runs that share a random stream, fewer with large batches."""
MOST = 2**25
"""Normals drawn at once."""
Float = NDArray[np.floating]
_SIGN_BIT = np.uint32(1 << 31)


@dataclass(frozen=True, eq=False)
class Sampled:
    """Mean risk and its standard error, shape (rates, steps), over all runs."""

    steps: Array
    mean: Array
    stderr: Array
    runs: int


@dataclass(frozen=True, eq=False)
class _Task:
    """What one group of runs needs; picklable."""

    sign: bool
    factor: Float
    """Lower triangular factor of K for signSGD, square roots of the eigenvalues for SGD."""
    start: Float
    floor: float
    rates: Array
    record: NDArray[np.int64]
    runs: int
    seed: tuple[int, ...]
    noise: str
    schedule: Schedule
    batch: int


class Normals:
    """Standard normals in single precision, by Box and Muller on raw bits: three times as fast as numpy's ziggurat.

    >>> z = Normals(np.random.default_rng(1), (100, 999))
    >>> z.draw().shape, bool(abs(z.draw().mean()) < 0.02), bool(abs(z.draw().std() - 1) < 0.02)
    ((100, 999), True, True)
    """

    def __init__(self, rng: np.random.Generator, shape: tuple[int, ...]) -> None:
        self._bits = rng.bit_generator
        self._count = int(np.prod(shape))
        self._half = (self._count + 1) // 2
        self._all = np.empty(2 * self._half, dtype=np.float32)
        self._radius, self._angle = np.empty((2, min(self._half, 32_768)), dtype=np.float32)
        self._shape = shape

    def draw(self) -> NDArray[np.float32]:
        """The next ones, in the same array every time."""
        half, chunk = self._half, len(self._radius)
        for k in range(0, half, chunk):
            n = min(chunk, half - k)
            bits = self._bits.random_raw(n).view(np.uint32)
            radius, angle = self._radius[:n], self._angle[:n]
            radius[:] = bits[:n]
            radius += np.float32(0.5)  # in (0, 2^32]
            radius *= np.float32(2.0**-32)
            np.log(radius, out=radius)
            radius *= np.float32(-2)
            np.sqrt(radius, out=radius)
            angle[:] = bits[n:].view(np.int32)
            angle *= np.float32(np.pi * 2.0**-31)
            for wave, start in ((np.cos, k), (np.sin, half + k)):
                out = self._all[start : start + n]
                wave(angle, out=out)
                out *= radius
        return self._all[: self._count].reshape(self._shape)


def simulate(
    problem: Regression,
    optimizer: str,
    rates: Array | float,
    steps: Array,
    runs: int = 64,
    seed: int | Sequence[int] = 0,
    noise: str | LabelNoise = NONE,
    schedule: Schedule = CONSTANT,
    batch: int = 1,
    executor: Executor | None = None,
) -> Sampled:
    """Mean risk of ``sgd`` or ``signsgd`` over independent runs, at the given steps, for all learning rates.

    Parameters
    ----------
    rates : learning rates, shape (rates,); steps : whole numbers, the last is the length N of the run.
    executor : spreads groups of runs; results do not depend on it.

    Raises
    ------
    BadProblem : an unknown optimizer, rates or steps that are not positive, fewer than two runs, a batch below one.
    derivations.numeric.pool.WorkerDied : a worker process ended before its runs did; the message names them.

    >>> from derivations.numeric.regression import power_law
    >>> found = simulate(power_law(1.0, 1.0, 8, seed=1), "sgd", 0.1, [1, 10], runs=100)
    >>> found.mean.shape, bool((found.stderr > 0).all())
    ((1, 2), True)
    """
    gamma = np.atleast_1d(np.asarray(rates, dtype=float))
    for rate in gamma:
        check_rate(float(rate))
    if optimizer not in ("sgd", "signsgd"):
        raise BadProblem(f"expected the optimizer sgd or signsgd, got {optimizer!r}")
    if runs < 2:
        raise BadProblem(f"expected at least 2 runs for a standard error, got {runs}")
    check_batch(batch)
    record = np.unique(np.round(check_steps(steps)).astype(np.int64))
    law = noise if isinstance(noise, str) else noise.name
    if isinstance(noise, LabelNoise) and noise.name != "none":
        raise BadProblem("expected label noise as a text such as 'gaussian:0.5', so that workers can read it")
    sign = optimizer == "signsgd"
    precise = gamma.min() < 1e-5 * np.abs(problem.optimum).max()
    dtype = np.float64 if precise else np.float32
    if sign:
        factor, start = problem.factor, -problem.optimum
    else:
        values, vectors = problem.eigen
        factor, start = np.sqrt(values), -(vectors.T @ problem.optimum)
    most = group(problem.size, batch)
    sizes = [min(most, runs - k) for k in range(0, runs, most)]
    tasks = [
        _Task(
            sign,
            np.asfortranarray(factor, dtype=np.float32),
            start.astype(dtype),
            problem.floor,
            gamma,
            record,
            size,
            (*np.atleast_1d(seed).tolist(), k),
            law,
            schedule,
            batch,
        )
        for k, size in enumerate(sizes)
    ]
    results = _spread(tasks, executor) if executor else [_group(task) for task in tasks]
    count = sum(sizes)
    total = np.sum([r[0] for r in results], axis=0)
    square = np.sum([r[1] for r in results], axis=0)
    mean = total / count
    with np.errstate(over="ignore", invalid="ignore"):  # runs that blew up have an infinite mean
        spread = np.sqrt(np.maximum(square / count - mean**2, 0) * count / (count - 1))
    return Sampled(record.astype(float), mean, spread / np.sqrt(count), count)


def _spread(tasks: Sequence[_Task], executor: Executor) -> list[tuple[Array, Array]]:
    futures = [executor.submit(_group, task) for task in tasks]
    wait(futures, return_when=FIRST_EXCEPTION)
    first = 1
    for future, task in zip(futures, tasks, strict=True):
        if future.done() and not future.cancelled() and isinstance(future.exception(), WorkerDied):
            raise WorkerDied(f"{future.exception()} and lost the runs {first} to {first + task.runs - 1}")
        first += task.runs
    return [future.result() for future in futures]


def group(M: int, batch: int) -> int:
    """How many runs share a random stream.

    Raises
    ------
    BadProblem : one step of one run does not fit.

    >>> group(512, 1), group(512, 10_000)
    (32, 6)
    """
    if M * batch > MOST:
        raise BadProblem(f"expected model size times batch size <= {MOST} to sample, got {M * batch:.3g}")
    return int(np.clip(MOST // (M * batch), 1, GROUP))


def _group(task: _Task) -> tuple[Array, Array]:
    """Sums over the runs of a group of the risk and its square, shape (rates, steps)."""
    total = np.zeros((len(task.rates), len(task.record)))
    square = np.zeros_like(total)
    with np.errstate(over="ignore", invalid="ignore"):
        for k, risk in _trajectory(task):
            risk = np.where(np.isnan(risk), np.inf, risk)
            total[:, k] = risk.sum(axis=1)
            square[:, k] = (risk**2).sum(axis=1)
    return total, square


def _trajectory(task: _Task) -> Iterator[tuple[int, Array]]:
    """(index of the step, risks of shape (rates, runs)) at the steps to record."""
    rng = np.random.Generator(np.random.SFC64(list(task.seed)))
    M, R, B, G = len(task.start), task.runs, task.batch, len(task.rates)
    noise = label_noise(task.noise)
    e = np.tile(task.start, (G, R, 1))
    last = int(task.record[-1])
    wanted = {int(n): k for k, n in enumerate(task.record)}
    if 0 in wanted:
        yield wanted[0], _risk(task, e)
    gamma = task.rates.astype(e.dtype)
    push = np.empty((R, M), dtype=np.float32 if task.sign else e.dtype)
    unit = int(np.clip(MOST // (R * B * M), 1, UNIT))
    stream = Normals(rng, (unit * R * B, M))
    for first in range(0, last, unit):
        spend()
        x = stream.draw()
        if task.sign:
            correlate(x, task.factor)
        else:
            x *= task.factor
        x = x.reshape(unit, R, B, M)
        label = np.sqrt(task.floor) * rng.standard_normal((unit, R, B))
        if noise.name != "none":
            label = label + noise.sample(rng, (unit, R, B))
        label = label.astype(e.dtype)
        for t in range(min(unit, last - first)):
            scale = gamma if task.schedule.constant else gamma * e.dtype.type(task.schedule.factor((first + t) / last))
            if B == 1:
                xt = x[t, :, 0]
                for g in range(G):
                    residual = _dot(xt, e[g]) - label[t, :, 0]
                    if task.sign:
                        _signs(xt, residual, scale[g], push)
                    else:
                        np.multiply(xt, (scale[g] * residual)[:, None], out=push)
                    e[g] -= push
            else:
                for g in range(G):
                    residual = np.einsum("rbm,rm->rb", x[t], e[g]) - label[t]
                    gradient = np.einsum("rb,rbm->rm", residual, x[t]) / B
                    e[g] -= scale[g] * (np.sign(gradient) if task.sign else gradient)
            if first + t + 1 in wanted:
                yield wanted[first + t + 1], _risk(task, e)


def _dot(x: Float, e: Float) -> Float:
    """Inner products of the rows."""
    if x.dtype != e.dtype:
        return np.einsum("rm,rm->r", x, e)
    return np.matmul(x[:, None, :], e[:, :, None])[:, 0, 0]


def _signs(x: NDArray[np.float32], residual: Float, rate: float, out: NDArray[np.float32]) -> None:
    """rate * sign(residual) * sign(x), by the sign bits."""
    bits = out.view(np.uint32)
    signed = np.copysign(np.float32(rate), residual.astype(np.float32)).view(np.uint32)
    np.bitwise_and(x.view(np.uint32), _SIGN_BIT, out=bits)
    bits ^= signed[:, None]
    zero = residual == 0
    if zero.any():
        out[zero] = 0


def correlate(z: NDArray[np.float32], factor: NDArray[np.float32]) -> None:
    """z <- z L^T for a lower triangular L of shape (M, M), in Fortran's order; z of shape (rows, M).

    >>> z, L = np.ones((2, 3), dtype=np.float32), np.tril(np.ones((3, 3), dtype=np.float32))
    >>> correlate(z, np.asfortranarray(L))
    >>> z[0].tolist()
    [1.0, 2.0, 3.0]
    """
    strmm(1.0, factor, z.T, lower=1, overwrite_b=1)


def _risk(task: _Task, e: Float) -> Array:
    wide = e.astype(np.float64)
    seen = wide @ task.factor.astype(np.float64) if task.sign else wide * task.factor
    return task.floor + np.einsum("grm,grm->gr", seen, seen)
