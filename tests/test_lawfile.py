from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from derivations.lawfile import LawFileError, parse_law, read_law_file, write_law
from derivations.registry import UnknownLaw, entries, load, names
from tests.strategies import REGISTERED, law_texts

GOOD = """[law]
name = "user/two"
[domain]
where = ["alpha > 0"]
[[term]]
name = "size"
form = "M^(-alpha)"
[[term]]
name = "data"
form = "N^(-beta)"
"""


@pytest.mark.parametrize("name", names())
def test_registered_laws_round_trip_with_their_constants(name: str) -> None:
    law = load(name)
    again = parse_law(write_law(law))
    assert replace(again, text="") == replace(law, text="")
    assert [t.constants for t in again.terms] == [t.constants for t in law.terms]
    assert any(t.constants for t in law.terms) == name.startswith("derived/")


@given(law_texts())
def test_user_laws_round_trip(text: str) -> None:
    try:
        law = parse_law(text)
    except LawFileError as error:
        assert "expected distinct terms" in str(error)
        return
    assert replace(parse_law(write_law(law)), text="") == replace(law, text="")


def test_the_registry_lists_what_it_loads() -> None:
    assert tuple(e.name for e in entries() if e.path is not None) == REGISTERED
    for entry in entries():
        law = load(entry.name)
        assert (law.name, law.source, law.provenance) == (entry.name, entry.source, entry.provenance)


BAD = {
    "unknown name": (GOOD.replace("N^(-beta)", "N^(-delta)"), 10, "expected a name among alpha, beta, gamma, M, N"),
    "unknown function": (GOOD.replace("N^(-beta)", "N^(-exp(beta))"), 10, "expected a function among min, max"),
    "unbalanced": (GOOD.replace("M^(-alpha)", "M^(-alpha"), 7, "expected"),
    "nesting": (GOOD.replace("M^(-alpha)", "M^" + "(" * 5000 + "alpha" + ")" * 5000), 7, "at most 2000 characters"),
    "huge power": (GOOD.replace("N^(-beta)", "N^(9^9^9^9)"), 10, "whole power"),
    "division by zero": (GOOD.replace("N^(-beta)", "N^(1/(alpha - alpha))"), 10, "divisor other than zero"),
    "constant division by zero": (GOOD.replace("N^(-beta)", "N^(1/0)"), 10, "divisor other than zero"),
    "M in an exponent": (GOOD.replace("N^(-beta)", "N^(-M)"), 10, "found M in it"),
    "a sum": (GOOD.replace("N^(-beta)", "N^(-beta) + M^(-1)"), 10, "expected one monomial"),
    "a minus sign": (GOOD.replace("N^(-beta)", "-N^(-beta)"), 10, "positive monomial"),
    "code": (GOOD.replace("N^(-beta)", "__import__('os').system('touch /tmp/pwned')"), 10, "expected|unexpected"),
    "alpha outside": (GOOD.replace("N^(-beta)", "alpha*N^(-beta)"), 10, "in an exponent only"),
    "duplicate term": (GOOD.replace("N^(-beta)", "M^(-alpha)"), 10, "expected distinct terms"),
    "duplicate name": (GOOD.replace('"data"', '"size"'), 9, "expected distinct names"),
    "no domain": (GOOD.replace('where = ["alpha > 0"]', ""), 3, "expected \\[domain\\] with where"),
    "no terms": (GOOD.split("[[term]]")[0], 1, "expected at least one"),
    "unknown key": (GOOD.replace('form = "N', 'fro = "N'), 10, "expected keys among"),
    "unknown table": (GOOD + "[extra]\n", 11, "expected the tables"),
    "not TOML": ("[law\nname = 3", 1, "expected TOML"),
    "empty": ("", 1, "empty file"),
    "equation in a condition": (GOOD.replace("alpha > 0", "alpha = 1"), 4, "expected an inequality"),
    "wrong type": (GOOD.replace('"N^(-beta)"', "[1]"), 10, "expected text"),
    "wrong provenance": (GOOD + 'provenance = "sure"\n', 11, "expected a provenance among"),
    "min in the domain": (GOOD.replace("alpha > 0", "beta < min(1, alpha)"), 4, "without min and max"),
    "auxiliary like an unknown": (GOOD.replace('"user/two"', '"user/two"\nauxiliary = ["eta"]'), 3, "auxiliary names"),
    "auxiliary twice": (GOOD.replace('"user/two"', '"user/two"\nauxiliary = ["tau", "tau"]'), 3, "auxiliary names"),
    "long chain": (GOOD.replace("N^(-beta)", "N^(" + "+".join(["1"] * 400) + ")"), 10, "at most 300 symbols"),
    "many digits": (GOOD + "provenance = " + "9" * 5000, 1, "fewer digits"),
    "long line": (GOOD + "# " + "a." * 20_000, 11, "lines of at most"),
    "constant of no term": (GOOD + '[[constant]]\nterm = "noise"\nvalue = "1"\n', 12, "name of a term"),
    "constant without value": (GOOD + '[[constant]]\nterm = "size"\n', 11, "expected the key 'value'"),
    "constant that is code": (GOOD + '[[constant]]\nterm = "size"\nvalue = "exit()"\n', 13, "expected a number"),
    "constant in an equation": (
        GOOD + '[[constant]]\nterm = "size"\nvalue = "1"\nwhere = ["alpha = 1"]\n',
        14,
        "expected an inequality",
    ),
    "control characters in a name": (GOOD.replace('"data"', '"da\\u0007ta"'), 9, "expected a name of"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_law_files_get_one_sentence_with_line(case: str) -> None:
    text, line, message = BAD[case]
    with pytest.raises(LawFileError, match=message) as caught:
        parse_law(text, "bad.toml")
    assert str(caught.value).startswith(f"bad.toml, line {line}: ")
    assert "\n" not in str(caught.value)


def test_binary_missing_and_large_files(tmp_path: Path) -> None:
    binary = tmp_path / "binary.toml"
    binary.write_bytes(bytes(range(256)))
    with pytest.raises(LawFileError, match="binary data"):
        read_law_file(binary)
    with pytest.raises(LawFileError, match="no such file"):
        read_law_file(tmp_path / "missing.toml")
    large = tmp_path / "large.toml"
    large.write_text("#" * 100_000)
    with pytest.raises(LawFileError, match="at most 65536 bytes"):
        read_law_file(large)


def test_devices_and_long_paths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LawFileError, match="a folder or a device"):
        read_law_file(Path("/dev/zero"))
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    with pytest.raises(LawFileError, match="a folder or a device"):
        read_law_file(pipe)
    with pytest.raises(UnknownLaw):
        load("x" * 5000)


def test_quotes_and_other_scripts_survive_writing() -> None:
    law = replace(parse_law(GOOD), title='quote " and backslash \\, β < 1 + ½', note="two\nlines")
    assert parse_law(write_law(law)).title == law.title and parse_law(write_law(law)).note == law.note


@pytest.mark.parametrize("key", ["title", "source", "note"])
@pytest.mark.parametrize("bad", ["\\u001b[2J", "\\u0007", "\\r", "\\u009b", "\\u202e", "\\u2028", "x" * 2001])
def test_what_a_terminal_would_obey_is_refused(key: str, bad: str) -> None:
    with pytest.raises(LawFileError, match=rf"line 3: expected .* in '{key}', got"):
        parse_law(GOOD.replace("[domain]", f'{key} = "a{bad}b"\n[domain]'))


@pytest.mark.parametrize("bad", ["$", "a_{b", "\\\\frac", "<b>", "a\\nb", "x" * 81, " "])
def test_names_of_claims_are_names(bad: str) -> None:
    with pytest.raises(LawFileError, match="line 12: expected a name of at most 80 letters"):
        parse_law(GOOD + f'[[claim]]\nname = "{bad}"\nslope = "alpha"\n')
    assert parse_law(GOOD + '[[claim]]\nslope = "alpha"\n').claims[0].name == "", "a claim needs none"


@pytest.mark.parametrize("name", ["derived/nothing", "kim2026/signsgd", "signsgd", "good.toml"])
def test_the_derived_counterpart_is_a_derived_law(name: str) -> None:
    with pytest.raises(LawFileError, match="line 3: expected the name of a derived law, nearest 'derived/"):
        parse_law(GOOD.replace("[domain]", f'derived = "{name}"\n[domain]'))


@pytest.mark.parametrize(
    "text", ["alpha > \u0660", "alpha > \uff11", "alpha > 1\u00b2", "\u03b1 > 0", "alpha\u00a0> 0"]
)
def test_digits_and_letters_of_other_scripts_are_no_expressions(text: str) -> None:
    with pytest.raises(LawFileError, match="line 4: in 'where': unexpected character"):
        parse_law(GOOD.replace("alpha > 0", text))


def test_unknown_law_suggests_the_nearest() -> None:
    with pytest.raises(UnknownLaw, match="nearest 'kim2026/signsgd'"):
        load("kim2026/sginsgd")
