"""Random laws for measuring: exponents in two variables, nested min and max, denominators.

A law is a function of its seed alone, on every Python: of the generator only ``random()`` is used, the one method
whose sequence is promised never to change.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random


class _Dice:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def below(self, n: int) -> int:
        return int(self.random.random() * n)

    def pick(self, options: Sequence[str]) -> str:
        return options[self.below(len(options))]

    def linear(self) -> str:
        a, b = self.below(5) - 2, self.below(5) - 2
        c = self.pick(("-1", "-1/2", "0", "1/2", "1", "3/2"))
        return f"({a}*alpha + {b}*beta + {c})"

    def exponent(self, depth: int = 2) -> str:
        kind = self.below(10)
        if depth and kind < 3:
            return f"{self.pick(('min', 'max'))}({self.exponent(depth - 1)}, {self.exponent(depth - 1)})"
        if kind < 5:
            return f"({self.linear()}/({self.pick(('alpha', 'beta', 'alpha + beta'))} + {1 + self.below(2)}))"
        return self.linear()


def random_law(seed: int) -> str:
    """The text of a law file: three to six terms, a stability limit, sometimes a least rate.

    The first two terms keep the slope finite everywhere.
    """
    dice = _Dice(seed)
    lines = ["[law]", f'name = "random/{seed}"', "[domain]", 'where = ["alpha > 0", "beta > 0"]']
    forms = ["M^(-alpha)", "(gamma*N)^(-beta)"]
    for _ in range(2 + dice.below(3)):
        rate = dice.pick(("", "*gamma", "*gamma^2", "*gamma^(-1)"))
        forms.append(f"M^{_braced(dice.exponent())}*N^{_braced(dice.exponent())}{rate}")
    for k, form in enumerate(forms):
        lines += ["[[term]]", f'name = "T{k}"', f'form = "{form}"']
    lines += ["[[constraint]]", 'name = "largest"', 'form = "gamma <= 1"']
    if dice.below(2):
        lines += ["[[constraint]]", 'name = "smallest"', 'form = "gamma >= M^(-3)"']
    return "\n".join(lines) + "\n"


def _braced(exponent: str) -> str:
    return exponent if exponent.startswith("(") else f"({exponent})"
