"""Reading a certificate file: untrusted input, bounded, and nothing executed.

A polynomial is a sum of terms such as ``-3*alpha^2*beta``; there is no other syntax to nest or to divide by. Keys that
the format does not know, floats and numbers of more than `DIGITS` digits are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any, NoReturn, TypeVar

from derivations.algebra import RING, Poly, Rational, total_degree
from derivations.errors import PhaselawsError
from phases.proof import statements as s

FORMAT = "phaselaws-certificate/2"
DEGREE, TERMS, DIGITS = 60, 2_000, 1_000
"""Bounds of one polynomial."""
CURVE, SMALL, EVENTS, SLICES = 16, 40, 20_000, 3_000_000
"""Bounds of a decomposition: degree of a curve, digits of its numbers, sum of the degrees of all resultants, signs."""
NESTING, SUMMANDS, WORK, ENTRIES = 40, 5_000, 200_000, 20_000
"""Bounds of one identity (cases in each other, summands, summands times squares of their degrees), and of any list."""


class BadCertificate(PhaselawsError, ValueError):
    """The file is not a certificate of this format; the message says what was expected."""


T = TypeVar("T")
Json = dict[str, Any]
_TERM = re.compile(r"(?:(?P<c>[0-9]+)|(?P<v>alpha|beta)(?:\^(?P<k>[0-9]{1,4}))?)\Z")
_RATIONAL = re.compile(r"-?[0-9]+(/[0-9]+)?\Z")


def fail(expected: str, got: Any) -> NoReturn:
    """Refuse."""
    shown = repr(got)
    raise BadCertificate(f"expected {expected}, got {shown if len(shown) <= 60 else shown[:57] + '...'}")


def read_json(text: str) -> Any:
    """The data of a file: JSON without floats, without numbers of too many digits, and no key twice in one object.

    Raises
    ------
    BadCertificate
    """

    def unique(pairs: list[tuple[str, Any]]) -> Json:
        out = dict(pairs)
        if len(out) < len(pairs):
            fail("every key once in an object", [k for k, _ in pairs])
        return out

    def no_float(number: str) -> NoReturn:
        fail("whole numbers, and others as text", number)

    try:
        return json.loads(text, object_pairs_hook=unique, parse_float=no_float, parse_constant=no_float)
    except BadCertificate:
        raise
    except (ValueError, RecursionError):
        raise BadCertificate("expected a certificate in JSON") from None


def read_text(value: Any) -> str:
    """A text."""
    return value if isinstance(value, str) else fail("a text", value)


def read_name(value: Any) -> str:
    """The name of a phase: one line that can be printed."""
    text = read_text(value)
    return text if text.isprintable() and 0 < len(text) <= 200 else fail("a printable name", value)


def read_list(value: Any, one: Callable[[Any], T], most: int = ENTRIES) -> tuple[T, ...]:
    """A list of at most so many."""
    if not isinstance(value, list) or len(value) > most:
        fail(f"a list of at most {most} entries", value)
    return tuple(one(v) for v in value)


def read_object(value: Any, required: set[str], optional: set[str] | None = None) -> Json:
    """An object with these keys and no others."""
    if not isinstance(value, dict) or not required <= value.keys() <= required | (optional or set()):
        fail(f"an object with {', '.join(sorted(required))}", value)
    return value


def read_map(value: Any, one: Callable[[Any], T]) -> dict[str, T]:
    """An object with any names as keys."""
    if not isinstance(value, dict) or len(value) > ENTRIES:
        fail("an object", value)
    return {k: one(v) for k, v in value.items()}


def read_index(value: Any, size: int) -> int:
    """A place in a list of the given size."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < size:
        fail(f"a whole number from 0 to {size - 1}", value)
    return value


def read_rational(value: Any) -> Fraction:
    """An exact number such as ``-3/4``."""
    text = read_text(value)
    if len(text) > 2 * DIGITS + 2 or not _RATIONAL.match(text):
        fail("an exact number such as 3/4", value)
    numerator, _, denominator = text.partition("/")
    if max(len(numerator), len(denominator)) > DIGITS or (denominator and not int(denominator)):
        fail(f"an exact number of at most {DIGITS} digits", value)
    return Fraction(int(numerator), int(denominator or 1))


@lru_cache(maxsize=20_000)
def _poly(text: str) -> Poly:
    out: dict[tuple[int, int], int] = {}
    pieces = re.split(r" ([+-]) ", text)
    if len(pieces) > 2 * TERMS:
        fail(f"a polynomial of at most {TERMS} terms", text)
    for sign, body in zip(("+", *pieces[1::2]), pieces[::2], strict=True):
        side = 1 if sign == "+" else -1
        if body.startswith("-"):
            side, body = -side, body[1:]
        powers, coefficient = [0, 0], side
        parts = body.split("*")
        if len(parts) > 3:
            fail("terms of a number and powers of alpha and beta", text)
        for part in parts:
            match = _TERM.match(part)
            if match is None or len(part) > DIGITS:
                fail("a polynomial written out, such as 2*alpha^2*beta - 1,", text)
            if match["c"]:
                coefficient *= int(match["c"])
            else:
                powers[match["v"] == "beta"] += int(match["k"] or 1)
        key = (powers[0], powers[1])
        out[key] = out.get(key, 0) + coefficient
    p = RING.from_dict({k: RING.domain(c) for k, c in out.items() if c})
    if total_degree(p) > DEGREE or any(abs(int(c)) >= 10**DIGITS for c in p.values()):
        fail(f"a polynomial of degree at most {DEGREE}, with numbers of at most {DIGITS} digits", text)
    return p


def read_poly(value: Any) -> Poly:
    """A polynomial other than zero, written out."""
    return _poly(read_text(value)) or fail("a polynomial other than zero", value)


def read_ratio(value: Any) -> Rational:
    """A rational function ``numerator`` or ``(numerator)/(denominator)``, both written out."""
    text = read_text(value)
    if not text.startswith("("):
        return Rational.of(_poly(text))
    numerator, slash, denominator = text[1:].partition(")/(")
    if not slash or not denominator.endswith(")"):
        fail("a rational function (numerator)/(denominator)", value)
    return Rational.of(_poly(numerator), read_poly(denominator[:-1]))


def read_range(value: Any) -> s.Range | None:
    """A range of a quantity as stated: two ends, or null where it is undefined."""
    if value is None:
        return None
    ends = read_list(value, lambda e: {"oo": 1, "-oo": -1}.get(read_text(e)) or read_ratio(e), 2)
    return (ends[0], ends[1]) if len(ends) == 2 else fail("two ends of a range", value)


def read_cells(value: Any) -> s.Cells:
    """A decomposition of the plane."""
    data = read_object(value, {"polys", "samples"})

    def stack(pair: Any) -> tuple[Fraction, tuple[Fraction, ...]]:
        if not isinstance(pair, list) or len(pair) != 2:
            fail("samples [alpha, [beta, ...]]", pair)
        return read_rational(pair[0]), read_list(pair[1], read_rational)

    polys, samples = read_list(data["polys"], read_poly, 200), read_list(data["samples"], stack)
    degrees = [total_degree(p) for p in polys]
    if max(degrees, default=0) > CURVE or sum(degrees) ** 2 > 2 * EVENTS:
        fail(f"curves of degree at most {CURVE}, whose resultants have at most degree {EVENTS} together", degrees)
    if any(abs(int(c)) >= 10**SMALL for p in polys for c in p.values()):
        fail(f"curves with numbers of at most {SMALL} digits", len(polys))
    if len(polys) * sum(len(betas) for _, betas in samples) > SLICES:
        fail(f"at most {SLICES} signs of curves at samples", len(samples))
    return s.Cells(polys, samples)


def read_evidence(value: Any) -> s.Products | None:
    """Evidence for a sign; None where the piece's cells show it."""
    return None if value == "cells" else _products(value, NESTING)


def _products(value: Any, depth: int) -> s.Products:
    if not depth:
        fail(f"at most {NESTING} cases in each other", value)
    if isinstance(value, dict) and "split" in value:
        data = read_object(value, {"split", "positive", "negative"})
        parts = [_products(data[k], depth - 1) for k in ("positive", "negative")]
        return s.Split(read_poly(data["split"]), parts[0], parts[1])

    def summand(pair: Any) -> tuple[Fraction, tuple[int, ...]]:
        if not isinstance(pair, list) or len(pair) != 2:
            fail("summands [coefficient, [power, ...]]", pair)
        powers = read_list(pair[1], lambda k: read_index(k, DEGREE + 1))
        if sum(powers) > DEGREE:
            fail(f"products of degree at most {DEGREE}", pair)
        return read_rational(pair[0]), powers

    leaf = s.Leaf(read_list(read_object(value, {"products"})["products"], summand, SUMMANDS))
    if sum(sum(powers) ** 2 for _, powers in leaf.summands) > WORK:
        fail(f"products of degree and number within {WORK}", len(leaf.summands))
    return leaf


def read_multipliers(value: Any) -> dict[str, Rational]:
    """Factors of rows."""
    return read_map(value, read_ratio)


def _end(value: Any, vertices: int) -> s.End:
    keys = frozenset(value) if isinstance(value, dict) else frozenset[str]()
    if keys == {"nowhere"}:
        return s.Nowhere(read_multipliers(value["nowhere"]))
    if keys == {"vertex", "multipliers"}:
        return s.AtVertex(read_index(value["vertex"], vertices), read_multipliers(value["multipliers"]))
    if keys == {"vertex", "towards"}:
        return s.Towards(read_index(value["vertex"], vertices), read_index(value["towards"], vertices))
    if keys == {"vertex", "ray"}:
        return s.AlongRay(read_index(value["vertex"], vertices), read_list(value["ray"], read_ratio))
    return fail("the end of a range", value)


def read_piece(value: Any) -> s.Piece:
    """Evidence for one piece."""
    common = {"phase", "walls", "signs", "multipliers", "vertices"}
    unique = isinstance(value, dict) and "unique" in value
    data = read_object(value, common | ({"unique"} if unique else {"ends", "tight"}), {"cells"})

    def sign(entry: Any) -> tuple[Poly, s.Products | None]:
        claim = read_object(entry, {"positive", "by"})
        return read_poly(claim["positive"]), read_evidence(claim["by"])

    vertices = read_list(data["vertices"], lambda v: read_list(v, read_ratio))

    def ends(pair: Any) -> tuple[s.End, s.End]:
        found = read_list(pair, lambda e: _end(e, len(vertices)), 2)
        return (found[0], found[1]) if len(found) == 2 else fail("two ends of a range", pair)

    return s.Piece(
        phase=read_text(data["phase"]),
        walls=read_list(data["walls"], read_poly),
        signs=read_list(data["signs"], sign),
        multipliers=read_multipliers(data["multipliers"]),
        vertices=vertices,
        unique=read_list(data["unique"], read_text) if unique else (),
        ends={} if unique else read_map(data["ends"], ends),
        tight={} if unique else read_map(data["tight"], read_multipliers),
        cells=read_cells(data["cells"]) if "cells" in data else None,
    )
