"""Asked by the benchmark in another interpreter: semialg on implications read from standard input as JSON."""

from __future__ import annotations

import json
import sys
import time

import sympy


def main() -> None:
    from semialg import is_satisfiable

    questions = json.load(sys.stdin)
    alpha, beta = sympy.symbols("alpha beta", real=True)
    names = {"alpha": alpha, "beta": beta}
    out = []
    for hypotheses, conclusion in questions:
        system = sympy.And(
            *[sympy.sympify(h.replace("^", "**"), names) for h in hypotheses],
            sympy.sympify(conclusion.replace("^", "**"), names),
        )
        start = time.perf_counter()
        answer = is_satisfiable(system, [alpha, beta])
        out.append([time.perf_counter() - start, not bool(answer)])
    json.dump(out, sys.stdout)


if __name__ == "__main__":
    main()
