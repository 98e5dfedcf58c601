"""What is no certificate is refused at once, in one sentence: odd numbers, syntax, sizes, names, JSON."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from phases.proof.check import BadCertificate, check
from phases.proof.reading import read_json
from tests.certificates import certificate
from tests.test_certificate import Data, first_products

NO_CERTIFICATES: list[Callable[[Data], None]] = []


def malformed(change: Callable[[Data], None]) -> Callable[[Data], None]:
    NO_CERTIFICATES.append(change)
    return change


@malformed
def a_float_as_coefficient(c: Data) -> None:
    first_products(c)["by"]["products"][0][0] = 2.0**56 - 3


@malformed
def a_float_as_power(c: Data) -> None:
    first_products(c)["by"]["products"][0][1][0] = 1.0


@malformed
def a_division_by_zero(c: Data) -> None:
    c["pieces"][0]["walls"][0] = "alpha/0"


@malformed
def a_zero_denominator(c: Data) -> None:
    c["phases"][0]["slope"] = "(alpha)/(alpha - alpha)"


@malformed
def nested_powers(c: Data) -> None:
    c["pieces"][0]["walls"][0] = "((alpha + beta + 1)^40)^40"


@malformed
def a_huge_power(c: Data) -> None:
    c["pieces"][0]["walls"][0] = "alpha^9999 - beta"


@malformed
def nested_powers_in_the_law(c: Data) -> None:
    c["law_text"] = c["law_text"].replace("gamma^2*M", "gamma^(((alpha + beta + 1)^12)^12)*M")


@malformed
def a_remark(c: Data) -> None:
    c["pieces"][0]["sample"] = ["1", "1"]


@malformed
def deep_cases(c: Data) -> None:
    by: Data = {"products": []}
    for _ in range(200):
        by = {"split": "alpha", "positive": by, "negative": {"products": []}}
    c["pieces"][0]["signs"][0]["by"] = by


@malformed
def a_hidden_power(c: Data) -> None:
    """Written so that no fixed probe point is generic for the exponent before its power."""
    probes = "*".join(f"(97*alpha - {a})" for a in (31, 139, 61, 17, 223))
    c["law_text"] = c["law_text"].replace("gamma^2*M", f"gamma^((4 + 0*max(0, {probes}))^(1/2))*M")


@malformed
def a_name_of_two_lines(c: Data) -> None:
    c["phases"][0]["name"] = "A\na"


@malformed
def half_a_character(c: Data) -> None:
    c["phases"][0]["name"] = "\ud800"


@malformed
def a_curve_of_high_degree(c: Data) -> None:
    c["cover"]["polys"].append("beta^25 + alpha^24*beta^7 + 1")


@malformed
def many_curves(c: Data) -> None:
    c["cover"]["polys"] += [f"alpha^12 + beta^12 - {k}" for k in range(1, 20)]


@malformed
def many_products(c: Data) -> None:
    summand = first_products(c)["by"]["products"][0]
    first_products(c)["by"]["products"] = [[summand[0], [20] * len(summand[1])]] * 3000


@malformed
def two_phases_of_one_name(c: Data) -> None:
    c["phases"].insert(0, c["phases"][0] | {"slope": "1000*alpha"})


@pytest.mark.parametrize("change", NO_CERTIFICATES, ids=lambda f: f.__name__)
def test_what_is_no_certificate_is_refused_at_once(change: Callable[[Data], None]) -> None:
    data = certificate("kim2026/signsgd")
    change(data)
    start = time.monotonic()
    with pytest.raises(BadCertificate, match="expected"):
        check(data)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("data", [{}, [], 3, {"format": "other"}, {"format": "phaselaws-certificate/2"}])
def test_other_data_is_refused(data: Any) -> None:
    with pytest.raises(BadCertificate):
        check(data)


@pytest.mark.parametrize(
    "text", ['{"format": 1, "format": 1}', '{"a": 0.5}', '{"a": NaN}', "[" * 100_000, "{", '{"a": ' + "9" * 5000 + "}"]
)
def test_what_is_not_plain_json_is_refused(text: str) -> None:
    with pytest.raises(BadCertificate, match="expected"):
        read_json(text)
