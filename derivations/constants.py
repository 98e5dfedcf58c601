"""Leading constants as text: the grammar in which law files carry them, and nothing else.

    sum      := product (('+' | '-') product)*
    product  := signed (('*' | '/') signed)*
    signed   := '-' signed | power
    power    := atom (('^' | '**') signed)?
    atom     := number | 'alpha' | 'beta' | 'pi' | function '(' sum (',' sum)* ')' | '(' sum ')'
    function := gamma | zeta | sin | sqrt | mean_sigma | mean_inverse_sigma | ...   (`derivations.sigma_means`)

A file is untrusted: the expression is built by this parser from a fixed set of names. What sympy would work out on the
way, powers of numbers and functions of numbers, is bounded before it is built.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn

from sympy import Expr, Integer, Rational, gamma, nan, oo, pi, sin, zeta, zoo

from derivations.grammar import ExpressionError
from derivations.sigma_means import MEANS
from derivations.sums import ALPHA_SYMBOL, BETA_SYMBOL

MAX_LENGTH = 2000
MAX_TOKENS = 600
MAX_DEPTH = 60
MAX_DIGITS = 18
MAX_ARGUMENT = 50
"""Largest number that a function may be taken of: sympy works it out."""
MAX_BITS = 200
"""Largest power of numbers, in bits."""

_NAMES: dict[str, Expr] = {"alpha": ALPHA_SYMBOL, "beta": BETA_SYMBOL, "pi": pi}
_FUNCTIONS: dict[str, tuple[Callable[..., Expr], int]] = {
    "gamma": (gamma, 1),
    "zeta": (zeta, 1),
    "sin": (sin, 1),
    "sqrt": (lambda x: _power(x, Rational(1, 2)), 1),
    **{name: (mean, int(mean.nargs.args[0])) for name, mean in MEANS.items()},
}
_TOKEN = re.compile(r"[ ]*(?:([0-9]+)|([A-Za-z_][A-Za-z_0-9]*)|(\*\*|[-+*/^(),]))", re.ASCII)


def parse_constant(text: str) -> Expr:
    """A constant in alpha and beta from text.

    Raises
    ------
    ExpressionError : the text is not in the grammar, is too large, or has no finite value anywhere.

    >>> parse_constant("zeta(2*alpha)/4*sqrt(pi)")
    sqrt(pi)*zeta(2*alpha)/4
    """
    parser = _Parser(text)
    value = parser.sum()
    if parser.token != "":
        parser.fail("an operator or the end")
    if value.has(zoo, nan, oo, -oo):
        raise ExpressionError("expected a constant with a finite value, found a division by zero or a pole")
    return value


class _Parser:
    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise ExpressionError(f"expected a constant of at most {MAX_LENGTH} characters, got {len(text)}")
        self.tokens: list[tuple[str, int]] = []
        position, end = 0, len(text.rstrip(" "))
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                column = position + len(text[position:]) - len(text[position:].lstrip(" "))
                raise ExpressionError(f"unexpected character {text[column]!r} at column {column + 1}")
            token = match.group(match.lastindex or 0)
            if match.lastindex == 1 and len(token) > MAX_DIGITS:
                raise ExpressionError(f"expected numbers of at most {MAX_DIGITS} digits")
            self.tokens.append((token, match.end() - len(token) + 1))
            position = match.end()
        if len(self.tokens) > MAX_TOKENS:
            raise ExpressionError(f"expected a constant of at most {MAX_TOKENS} symbols, got {len(self.tokens)}")
        self.tokens.append(("", end + 1))
        self.k = self.depth = 0

    @property
    def token(self) -> str:
        return self.tokens[self.k][0]

    def advance(self) -> str:
        self.k += 1
        return self.tokens[self.k - 1][0]

    def fail(self, expected: str) -> NoReturn:
        token, column = self.tokens[self.k]
        raise ExpressionError(f"expected {expected} at column {column}, found {repr(token) if token else 'the end'}")

    def expect(self, token: str) -> None:
        if self.token != token:
            self.fail(repr(token))
        self.advance()

    def sum(self) -> Expr:
        value = self.product()
        while self.token in ("+", "-"):
            value = value + self.product() if self.advance() == "+" else value - self.product()
        return value

    def product(self) -> Expr:
        value = self.signed()
        while self.token in ("*", "/"):
            value = _small(value * self.signed() if self.advance() == "*" else value / self.signed())
        return value

    def signed(self) -> Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(f"at most {MAX_DEPTH} nested levels")
        try:
            if self.token == "-":
                self.advance()
                return -self.signed()
            base = self.atom()
            if self.token in ("^", "**"):
                self.advance()
                return _power(base, self.signed())
            return base
        finally:
            self.depth -= 1

    def atom(self) -> Expr:
        token = self.token
        if token.isdigit():
            return Integer(int(self.advance()))
        if token == "(":
            self.advance()
            value = self.sum()
            self.expect(")")
            return value
        if token in _NAMES and self.tokens[self.k + 1][0] != "(":
            self.advance()
            return _NAMES[token]
        if token in _FUNCTIONS:
            function, count = _FUNCTIONS[token]
            self.advance()
            self.expect("(")
            args = [self.sum()]
            while self.token == ",":
                self.advance()
                args.append(self.sum())
            self.expect(")")
            if len(args) != count:
                raise ExpressionError(f"expected {token}(...) of {count}, got {len(args)} arguments")
            if any(_is_large(a) for a in args):
                raise ExpressionError(f"expected {token}(...) of a number of at most {MAX_ARGUMENT} and few digits")
            return function(*args)
        self.fail(f"a number, '(' or a name among {', '.join((*_NAMES, *_FUNCTIONS))}")


def _is_large(argument: Any) -> bool:
    """Whether a function of this would be worked out at length."""
    numbers = () if argument.free_symbols else argument.atoms(Rational)
    return any(abs(n) > MAX_ARGUMENT or int(n.q).bit_length() > 10 for n in numbers)


def _small(value: Any) -> Expr:
    numbers = value.atoms(Rational)
    if any(max(abs(int(n.p)), int(n.q)).bit_length() > 4 * MAX_BITS for n in numbers):
        raise ExpressionError("expected a constant with numbers of fewer digits")
    return value


def _power(base: Any, exponent: Any) -> Expr:
    """base^exponent; sympy works out numbers to a number, products to whole powers, and roots by factoring."""
    if not exponent.free_symbols:
        if not exponent.is_Rational or abs(exponent) > MAX_ARGUMENT or int(exponent.q) > 12:
            raise ExpressionError(f"expected a power of at most {MAX_ARGUMENT}, or one in alpha and beta")
        bits = sum(max(abs(int(n.p)), int(n.q)).bit_length() for n in base.atoms(Rational))
        if bits * max(1, abs(exponent)) > MAX_BITS:
            raise ExpressionError("expected a power of smaller numbers")
    return base**exponent
