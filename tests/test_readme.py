"""The README shows real output: every command in it is run again and must print the lines that it shows."""

from __future__ import annotations

import re
import shlex
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from phases.cli import main

README = (Path(__file__).parent.parent / "README.md").read_text()


def blocks() -> list[tuple[str, list[str]]]:
    out: list[tuple[str, list[str]]] = []
    for body in re.findall(r"```\n(\$ phases.*?)```", README, re.DOTALL):
        for line in body.splitlines():
            if line.startswith("$ "):
                out.append((line.removeprefix("$ phases "), []))
            elif line.strip() and line.strip() != "...":
                out[-1][1].append(line)
    return out


FITTED = r"-?\d+\.\d{4} \+- \d\.\d{4}"


def same(shown: str, printed: str) -> bool:
    """Equal, but for the last digits of fitted numbers, which are not the same on every machine."""
    if re.sub(FITTED, "", shown) != re.sub(FITTED, "", printed):
        return False
    numbers = [
        [float(x) for x in re.findall(r"-?\d+\.\d+", " ".join(re.findall(FITTED, line)))] for line in (shown, printed)
    ]
    return all(abs(a - b) < 1e-3 for a, b in zip(*numbers, strict=True))


def test_every_command_prints_what_the_readme_shows(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert len(files) == 2
    for text in files:
        named = re.match(r"# (\S+\.toml)\n", text)
        Path(named[1] if named else "mine.toml").write_text(text)
    shown = blocks()
    assert len(shown) >= 5
    for command, lines in shown:
        disagrees = bool(lines) and lines[-1].endswith(": disagrees")
        assert main(shlex.split(command)) == (1 if disagrees else 0)
        printed = capsys.readouterr().out.splitlines()
        missing = [line for line in lines if not any(same(line, other) for other in printed)]
        assert not missing, f"phases {command} does not print {missing[0]!r}"


def test_the_python_examples_give_what_their_comments_say() -> None:
    examples = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(examples) == 3
    compared = 0
    for example in examples:
        names: dict[str, object] = {}
        for line in example.splitlines():
            code, _, comment = line.partition("  # ")
            if not comment:
                exec(line, names)
                continue
            found, said = eval(code, names), eval(comment.split(", at ")[0], {"Fraction": Fraction})
            if isinstance(found, float | np.ndarray):
                assert np.atleast_1d(found) == pytest.approx(np.atleast_1d(said), abs=2e-3)
            else:
                assert found == said
            compared += 1
    assert compared == 8
