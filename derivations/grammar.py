"""The grammar of law files: text to a small syntax tree, and nothing else.

A law file is untrusted input. Its expressions are read by this recursive-descent parser over a fixed set of names;
nothing is evaluated, and length, nesting, digits and powers are bounded before any arithmetic happens::

    condition := sum ('<' | '<=' | '>' | '>=' | '=') sum ...
    sum       := product (('+' | '-') product)*
    product   := signed (('*' | '/') signed)*
    signed    := '-' signed | power
    power     := atom (('^' | '**') signed)?
    atom      := number | name | ('min' | 'max') '(' sum (',' sum)+ ')' | '(' sum ')'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn, TypeAlias

from derivations.errors import PhaselawsError

MAX_LENGTH = 2000
MAX_DEPTH = 60
MAX_DIGITS = 18
MAX_TOKENS = 300


class ExpressionError(PhaselawsError, ValueError):
    """Text that is not in the grammar; the message says what was expected and where."""


@dataclass(frozen=True, slots=True)
class Number:
    """An exact rational constant."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Name:
    """One of the allowed names, such as ``alpha`` or ``M``."""

    id: str


@dataclass(frozen=True, slots=True)
class Binary:
    """``left op right`` with op one of ``+ - * / ^``."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negative:
    """``-operand``."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Extremum:
    """``min(args)`` or ``max(args)``."""

    function: str
    args: tuple[Node, ...]


Node: TypeAlias = Number | Name | Binary | Negative | Extremum


@dataclass(frozen=True, slots=True)
class Relation:
    """``left op right`` with op one of ``< <= > >= =``."""

    op: str
    left: Node
    right: Node


_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?|\.\d+)|([A-Za-z_]\w*)|(\*\*|<=|>=|==|[-+*/^(),<>=]))", re.ASCII)
_RATIONAL = re.compile(r"\s*([+-]?)(?:(\d+)\s*/\s*(\d+)|(\d+\.\d*|\.\d+|\d+))\s*\Z", re.ASCII)
_REAL = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf|nan)\Z", re.ASCII)


def parse_rational(text: str) -> Fraction:
    """An exact number from the command line: ``3/4``, ``0.75``, ``-2``.

    Raises
    ------
    ExpressionError : anything else, including ``nan``, ``1/2/3`` and a zero denominator.

    >>> parse_rational("0.75")
    Fraction(3, 4)
    """
    match = _RATIONAL.match(text)
    if not match or len(text) > 60:
        shown = text if len(text) <= 40 else text[:37] + "..."
        raise ExpressionError(f"expected an exact number such as 3/4 or 0.75, got {shown!r}")
    sign, num, den, decimal = match.groups()
    if den is not None and int(den) == 0:
        raise ExpressionError(f"expected an exact number, got {text!r} with denominator zero")
    value = Fraction(decimal) if decimal is not None else Fraction(int(num), int(den))
    return -value if sign == "-" else value


def parse_real(text: str) -> float:
    """A floating-point number: ``0.5``, ``1e-3``, ``inf`` or ``nan`` (for others to refuse); the digits are ASCII's.

    Raises
    ------
    ExpressionError : anything else, including ``1_000`` and digits of other scripts.

    >>> parse_real(" 1e-3"), parse_real("inf")
    (0.001, inf)
    """
    stripped = text.strip(" \t")
    if len(text) > 60 or not _REAL.match(stripped):
        raise ExpressionError(f"expected a number such as 0.5 or 1e-3, got {text[:40]!r}")
    return float(stripped)


def _tokens(text: str, digits: int) -> Iterator[tuple[str, str, int]]:
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match:
            bad = text[position:].lstrip()[:1]
            column = len(text) - len(text[position:].lstrip()) + 1
            raise ExpressionError(f"unexpected character {bad!r} at column {column}")
        number, name, symbol = match.groups()
        start = match.end() - len(number or name or symbol) + 1
        if number:
            if len(number) > digits:
                raise ExpressionError(f"expected numbers of at most {digits} digits at column {start}")
            yield "number", number, start
        elif name:
            yield "name", name, start
        else:
            yield symbol, symbol, start
        position = match.end()
    yield "end", "", len(text) + 1


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on an expression: characters, symbols, digits of a number."""

    length: int = MAX_LENGTH
    tokens: int = MAX_TOKENS
    digits: int = MAX_DIGITS


DEFAULT = Limits()


class _Parser:
    def __init__(self, text: str, names: Iterable[str], limits: Limits) -> None:
        if len(text) > limits.length:
            raise ExpressionError(f"expected an expression of at most {limits.length} characters, got {len(text)}")
        self.names = tuple(names)
        self.tokens = list(_tokens(text, limits.digits))
        if len(self.tokens) > limits.tokens:
            raise ExpressionError(f"expected an expression of at most {limits.tokens} symbols, got {len(self.tokens)}")
        self.k = 0
        self.depth = 0

    @property
    def kind(self) -> str:
        return self.tokens[self.k][0]

    def advance(self) -> str:
        self.k += 1
        return self.tokens[self.k - 1][1]

    def fail(self, expected: str) -> NoReturn:
        kind, text, column = self.tokens[self.k]
        found = "the end" if kind == "end" else repr(text)
        raise ExpressionError(f"expected {expected} at column {column}, found {found}")

    def expect(self, kind: str) -> None:
        if self.kind != kind:
            self.fail(repr(kind))
        self.advance()

    def sum(self) -> Node:
        node = self.product()
        while self.kind in ("+", "-"):
            node = Binary(self.advance(), node, self.product())
        return node

    def product(self) -> Node:
        node = self.signed()
        while self.kind in ("*", "/"):
            node = Binary(self.advance(), node, self.signed())
        return node

    def signed(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(f"at most {MAX_DEPTH} nested levels")
        try:
            if self.kind == "-":
                self.advance()
                operand = self.signed()
                return Number(-operand.value) if isinstance(operand, Number) else Negative(operand)
            base = self.atom()
            if self.kind in ("^", "**"):
                self.advance()
                return Binary("^", base, self.signed())
            return base
        finally:
            self.depth -= 1

    def atom(self) -> Node:
        kind = self.kind
        if kind == "number":
            return Number(Fraction(self.advance()))
        if kind == "(":
            self.advance()
            node = self.sum()
            self.expect(")")
            return node
        if kind == "name":
            name = self.tokens[self.k][1]
            if name in ("min", "max"):
                self.advance()
                self.expect("(")
                args = [self.sum()]
                while self.kind == ",":
                    self.advance()
                    args.append(self.sum())
                self.expect(")")
                if len(args) < 2:
                    raise ExpressionError(f"expected at least two arguments in {name}(...)")
                return Extremum(name, tuple(args))
            if self.tokens[self.k + 1][0] == "(":
                self.fail("a function among min, max")
            if name not in self.names:
                self.fail(f"a name among {', '.join(self.names)}")
            self.advance()
            return Name(name)
        self.fail("a number, a name or '('")


def parse(text: str, names: Iterable[str], limits: Limits = DEFAULT) -> Node:
    """The syntax tree of one expression over ``names``.

    Raises
    ------
    ExpressionError : the text is not in the grammar.

    >>> parse("1 - 2*alpha", ["alpha"])  # doctest: +ELLIPSIS
    Binary(op='-', left=Number(value=Fraction(1, 1)), right=Binary(op='*', ...
    """
    parser = _Parser(text, names, limits)
    node = parser.sum()
    if parser.kind != "end":
        parser.fail("an operator or the end")
    return node


def parse_relations(text: str, names: Iterable[str], limits: Limits = DEFAULT) -> tuple[Relation, ...]:
    """One condition, possibly chained: ``0 < alpha <= 1/2`` gives two relations.

    Raises
    ------
    ExpressionError : the text is not a condition.
    """
    parser = _Parser(text, names, limits)
    left = parser.sum()
    out = []
    while parser.kind in ("<", "<=", ">", ">=", "=", "=="):
        op = parser.advance()
        right = parser.sum()
        out.append(Relation("=" if op == "==" else op, left, right))
        left = right
    if parser.kind != "end" or not out:
        parser.fail("a comparison such as 'alpha > 1/2'" if not out else "an operator or the end")
    return tuple(out)


def names_in(node: Node) -> frozenset[str]:
    """All names that occur in an expression."""
    match node:
        case Name(id):
            return frozenset((id,))
        case Binary(_, left, right):
            return names_in(left) | names_in(right)
        case Negative(operand):
            return names_in(operand)
        case Extremum(_, args):
            return frozenset().union(*(names_in(a) for a in args))
        case _:
            return frozenset()


_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 4}


def to_text(node: Node, level: int = 0) -> str:
    """Text that parses back to the same value.

    >>> to_text(parse("2*(alpha+1)/3", ["alpha"]))
    '2*(alpha + 1)/3'
    """
    match node:
        case Number(value):
            tight = 2 if value.denominator != 1 or value < 0 else 9
            text = str(value)
            return f"({text})" if level > tight else text
        case Name(id):
            return id
        case Negative(operand):
            text = "-" + to_text(operand, 3)
            return f"({text})" if level > 2 else text
        case Extremum(function, args):
            return f"{function}({', '.join(to_text(a) for a in args)})"
        case Binary("+" | "-" as op, left, Negative(operand)):
            return to_text(Binary("-" if op == "+" else "+", left, operand), level)
        case Binary("+" | "-" as op, left, Number(value)) if value < 0:
            return to_text(Binary("-" if op == "+" else "+", left, Number(-value)), level)
        case Binary(op, left, right):
            p = _PRECEDENCE[op]
            if op == "^":
                text = f"{to_text(left, 5)}^{to_text(right, 5)}"
            else:
                space = " " if p == 1 else ""
                text = f"{to_text(left, p)}{space}{op}{space}{to_text(right, p + 1)}"
            return f"({text})" if level > p else text
