"""Numbers given as options: exact or real, one value or a list."""

from __future__ import annotations

import argparse
import math
from fractions import Fraction
from pathlib import Path

from derivations.errors import PhaselawsError

MOST_VALUES = 100_000
"""Length up to which a list of values is expanded."""


class BadInput(PhaselawsError, ValueError):
    """Input that a command cannot use; the message is one sentence that says what was expected."""


def number(name: str, text: str) -> Fraction:
    """An exact number given as an option.

    Raises
    ------
    BadInput : it is not one.
    """
    from derivations.grammar import ExpressionError, parse_rational

    try:
        return parse_rational(text)
    except ExpressionError as error:
        raise BadInput(f"{name}: {error}") from None


def real(name: str, text: str) -> float:
    """A number given as an option: exact, ``2^40``, ``1e6`` or ``inf``.

    Raises
    ------
    BadInput : it is not one.
    """
    from derivations.grammar import parse_rational, parse_real

    base, caret, power = text.partition("^")
    try:
        if caret:
            return math.pow(parse_real(base), parse_real(power))
        return float(parse_rational(text)) if "/" in text else parse_real(text)
    except (ValueError, OverflowError, ZeroDivisionError):
        raise BadInput(f"{name}: expected a number such as 1e6, 2^40 or 1/100, got {text[:40]!r}") from None


def whole(name: str, text: str) -> int:
    """A whole number given as an option.

    Raises
    ------
    BadInput : it is not one.
    """
    value = real(name, text)
    if value != value or value in (float("inf"), -float("inf")) or value != int(value):
        raise BadInput(f"{name}: expected a whole number, got {text[:40]!r}")
    return int(value)


def add_time_budget(parser: argparse.ArgumentParser) -> None:
    """The option ``--time-budget``."""
    said = "give up after so long: exit code 3, with what is known so far"
    parser.add_argument("--time-budget", metavar="SECONDS", help=said)


def folder_of(name: str, text: str) -> Path:
    """A folder given as an option.

    Raises
    ------
    BadInput : no name.
    """
    if not text.strip():
        raise BadInput(f"{name}: expected the name of a folder")
    return Path(text)


def workers_of(text: str | None) -> int:
    """A number of worker processes; default: one a core.

    Raises
    ------
    BadInput : it is not from 1 to 256.
    """
    if text is None:
        from derivations.numeric.pool import cores

        return cores()
    count = whole("--workers", text)
    if not 1 <= count <= 256:
        raise BadInput(f"--workers: expected a number from 1 to 256, got {count}")
    return count


def values(name: str, text: str) -> list[str]:
    """A list of values: ``a,b,c``; ``first:last:step``, both ends included; or ``first:last:xfactor``.

    Raises
    ------
    BadInput : an empty entry, a step that leads nowhere, or more than 100,000 values.

    >>> values("--alpha", "1/5,0.3:0.5:0.1"), values("--model-size", "64:256:x2")
    (['1/5', '3/10', '2/5', '1/2'], ['64', '128', '256'])
    """
    out: list[str] = []
    for entry in text.split(","):
        parts = entry.strip().split(":")
        if len(parts) == 3:
            out += _range(name, *parts)
        elif len(parts) == 1 and parts[0]:
            out.append(parts[0])
        else:
            raise BadInput(f"{name}: expected values such as 1/4,1/2 or 0.2:1:0.1 or 64:4096:x2, got {entry[:40]!r}")
        if len(out) > MOST_VALUES:
            raise BadInput(f"{name}: expected at most {MOST_VALUES} values")
    if len(set(out)) < len(out):
        raise BadInput(f"{name}: expected values without repetition, got {text[:60]!r}")
    return out


def _range(name: str, first: str, last: str, step: str) -> list[str]:
    low, high = number(name, first), number(name, last)
    by = number(name, step.removeprefix("x"))
    growing = step.startswith("x")
    if (by <= 1 or low <= 0) if growing else by <= 0:
        raise BadInput(f"{name}: expected a step > 0 (a factor > 1 from a value > 0), got {step[:40]!r}")
    out = []
    while low <= high:
        out.append(str(low))
        low = low * by if growing else low + by
        if len(out) > MOST_VALUES:
            raise BadInput(f"{name}: expected at most {MOST_VALUES} values")
    if not out:
        raise BadInput(f"{name}: expected first <= last in {first[:20]}:{last[:20]}")
    return out
