"""The README shows real output: every command in it is run again and must print the lines that it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

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
    (law,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    Path("mine.toml").write_text(law)
    shown = blocks()
    assert len(shown) >= 5
    for command, lines in shown:
        disagrees = bool(lines) and lines[-1].endswith(": disagrees")
        assert main(shlex.split(command)) == (1 if disagrees else 0)
        printed = capsys.readouterr().out.splitlines()
        missing = [line for line in lines if not any(same(line, other) for other in printed)]
        assert not missing, f"phases {command} does not print {missing[0]!r}"


def test_the_python_example_gives_what_its_comments_say() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert "Fraction(1, 3)" in code
    import phases

    found = phases.diagram("paquette2024/sgd")
    assert str(found.at("1/3", 1).slope) == "1/3"
    assert found.corners[2].phases == ("Ib", "IVa", "IVb")
    assert str([p.name for p in found.phases]) in code
