"""Times diagrams, each in a fresh state: law texts as JSON on standard input, seconds and phases on standard output.

It runs in a process of its own so that another checkout can be measured beside this one, by its PYTHONPATH.
"""

from __future__ import annotations

import json
import sys
import time

from derivations import algebra, polygons
from derivations.lawfile import parse_law
from phases import planar, roots
from phases.phase_diagram import diagram


def forget() -> None:
    """Empty every cache."""
    modules = [algebra, roots, planar, polygons, sys.modules.get("phases.strands")]
    for module in modules:
        for value in vars(module).values() if module is not None else ():
            clear = getattr(value, "cache_clear", None)
            if clear is not None:
                clear()


def main() -> None:
    """Measure."""
    for text in json.load(sys.stdin):
        law = parse_law(text)
        forget()
        start = time.perf_counter()
        found = diagram(law)
        print(json.dumps([time.perf_counter() - start, len(found.phases)]), flush=True)


if __name__ == "__main__":
    main()
