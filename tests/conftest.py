"""Versions and backends in the header; hypothesis profiles."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("default")


def pytest_report_header() -> str:
    import numpy
    import sympy
    from sympy.external.gmpy import GROUND_TYPES

    from derivations.algebra import backend

    return (
        f"sympy {sympy.__version__} (ground types {GROUND_TYPES}), numpy {numpy.__version__}, factoring by {backend()}"
    )
