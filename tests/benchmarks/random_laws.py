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


# fmt: off
PHASES = {
    0: 20, 2: 13, 5: 9, 6: 15, 8: 10, 9: 21, 10: 9, 11: 21, 14: 12, 15: 10, 16: 13, 17: 16, 18: 15, 19: 12, 22: 10,
    23: 20, 24: 18, 25: 12, 26: 15, 30: 13, 34: 9, 35: 9, 40: 20, 41: 15, 42: 11, 43: 15, 46: 18, 47: 11, 53: 9,
    54: 13, 58: 24, 60: 10, 61: 15, 63: 11, 64: 15, 66: 10, 69: 10, 70: 9, 71: 9, 74: 15, 75: 16, 76: 11, 77: 14,
    78: 26, 82: 10, 83: 16, 84: 17, 86: 12, 87: 12, 88: 11, 90: 14, 92: 13, 93: 9, 94: 15, 98: 10, 99: 14, 101: 26,
    104: 27, 105: 9, 111: 23, 112: 13, 116: 9, 118: 18, 119: 12, 120: 9, 122: 20, 124: 11, 126: 16, 128: 10, 129: 15,
    131: 11, 133: 12, 135: 9, 136: 14, 141: 23, 146: 12, 148: 9, 150: 17, 158: 29, 161: 9, 163: 11, 164: 14, 165: 13,
    168: 9, 185: 19, 188: 17, 202: 23, 206: 21, 216: 17, 217: 18, 220: 19, 221: 18, 238: 23, 246: 21, 247: 23,
    283: 18, 286: 32, 315: 23, 326: 17, 329: 22,
}
# fmt: on
"""A hundred seeds whose diagrams have 9 to 35 phases, all those found with 17 or more among the first 330, with the
number of phases."""
