"""A fuzzer that looks for a forgery: single edits of certificates, each accepted one shown to be harmless."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from derivations.lawfile import parse_law
from phases.phase_diagram import diagram
from phases.proof import statements as s
from phases.proof.check import BadCertificate, Checked, check
from phases.proof.prove import prove
from phases.proof.verdict import Proved
from tests.certificates import OWN, certificate, proof


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to everything in the file."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def edited_text(text: str, rng: random.Random) -> str:
    """One small change of a text: a digit, a sign, a name, a character, a line."""
    k = rng.randrange(len(text) + 1)
    digits = [i for i, ch in enumerate(text) if ch.isdigit()]
    signs = [i for i, ch in enumerate(text) if ch in "+-"]
    match rng.randrange(7):
        case 0 | 1 if digits:
            i = rng.choice(digits)
            return text[:i] + str(rng.randrange(10)) + text[i + 1 :]
        case 2 if signs:
            i = rng.choice(signs)
            return text[:i] + ("-" if text[i] == "+" else "+") + text[i + 1 :]
        case 3:
            return text.replace("alpha", "BETA").replace("beta", "alpha").replace("BETA", "beta")
        case 4 if "\n" in text:
            lines = text.splitlines(keepends=True)
            lines.pop(rng.randrange(len(lines)))
            return "".join(lines)
        case 5:
            return text + rng.choice([" + 1", " - alpha", "0", "*2", " + 0", " "])
    return (
        text[:k] + rng.choice("0123456789+-*^/() ab\u0662") + text[k:]
        if rng.random() < 0.5
        else text[:k] + text[k + 1 :]
    )


def edited(value: Any, others: list[Any], rng: random.Random) -> Any:
    """One small change of any value."""
    if rng.random() < 0.15:
        return rng.choice([None, [], {}, "", 0, 1, -1, 0.5, True, "alpha", "1"])
    if rng.random() < 0.15:
        return rng.choice(others)
    match value:
        case str():
            return edited_text(value, rng)
        case bool() | float() | None:
            return 1
        case int():
            return value + rng.choice([-1, 1, 2]) if rng.random() < 0.8 else float(value)
        case list():
            items = list(value)
            k = rng.randrange(len(items) + 1)
            match rng.randrange(4):
                case 0 if k < len(items):
                    items.pop(k)
                case 1 if k < len(items):
                    items.insert(k, items[rng.randrange(len(items))])
                case 2 if k < len(items):
                    j = rng.randrange(len(items))
                    items[k], items[j] = items[j], items[k]
                case _:
                    items.reverse()
            return items
        case dict():
            entries = dict(value)
            keys = list(entries)
            key, other = (rng.choice(keys) for _ in range(2)) if keys else ("x", "x")
            match rng.randrange(4):
                case 0:
                    entries.pop(key, None)
                case 1:
                    entries[key], entries[other] = entries.get(other), entries.get(key)
                case 2:
                    entries["remark"] = 1
                case _:
                    entries = {other if k == key else k: v for k, v in entries.items()}
            return entries
    raise AssertionError(value)


def meaning(theorem: s.Theorem) -> Any:
    """What a theorem states, the order of its phases and parts aside."""
    regions = {name: (frozenset(map(frozenset, region)), optimum) for name, region, optimum in theorem.phases}
    return theorem.programme, {name: (r, o.value, dict(o.ranges), o.binding, o.off) for name, (r, o) in regions.items()}


FUZZED = (
    "kim2026/signsgd",
    "paquette2024/sgd",
    "derived/effects/rate+preconditioning",
    "anyrate",
    "ranges",
    "curved",
)


EDITS = 510
"""Of each law's certificate; 3060 in all."""


@pytest.mark.slow
@pytest.mark.parametrize("name", FUZZED)
def test_no_single_edit_makes_the_checker_accept_another_statement(name: str) -> None:
    rng = random.Random(name)
    truth = meaning(proof(name).theorem)
    tried = accepted = 0
    while tried < EDITS:
        data = certificate(name)
        paths = list(places(data))
        short = [p for p in paths if len(p) <= 4]
        path = rng.choice(short if rng.random() < 0.3 else paths)
        owner = data
        for key in path[:-1]:
            owner = owner[key]
        others = [owner[key] for key in (owner if isinstance(owner, dict) else range(len(owner)))]
        before = json.dumps(owner[path[-1]])
        owner[path[-1]] = edited(owner[path[-1]], others, rng)
        if json.dumps(owner[path[-1]]) == before:
            continue
        tried += 1
        try:
            verdict = check(data)
        except BadCertificate:
            continue
        if not isinstance(verdict, Proved):
            continue
        accepted += 1
        assert isinstance(verdict.certificate, Checked)
        wanted = truth
        if path == ("law_text",) and name in OWN:  # another law of the user's: its own diagram, solved afresh
            other = prove(diagram(parse_law(data["law_text"])))
            assert isinstance(other, Proved)
            wanted = meaning(other.certificate.theorem)
        assert meaning(verdict.certificate.theorem) == wanted, (path, before, owner[path[-1]])
    assert accepted, "some edits are harmless: a redundant point, another order, a comment"
