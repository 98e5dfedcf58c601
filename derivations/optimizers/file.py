"""The optimizer file: an optimizer of one's own as data, read, checked and written.

    [optimizer]
    name = "mine"
    title = "SGD normalised by the fourth root of the risk"
    [drift]
    normalisation = "1/4"       # the step is divided by L^kappa
    [preconditioner]
    power = "0"                 # the drift is multiplied by D^-power, D = diag K; 1/2 is the sign's
    [[noise]]
    scale = "0"                 # w_j = M^scale j^-decay, summed over all tables
    decay = "2*alpha"           # 2*alpha is SGD's own, lambda_j; 0 is flat
    [rate]
    choice = "free"             # or "largest": the largest stable one, for normalisation 0

A file is untrusted input, as law files are. K_ii ~ M^-min(1, 2 alpha), so that D^-power speeds the clock up by
c = M^(power*min(1, 2 alpha)).
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from derivations.algebra import total_degree
from derivations.exponents import PARAMETERS, constant, is_piecewise, plain_ratio
from derivations.grammar import ExpressionError, parse, to_text
from derivations.lawfile import check_exponent
from derivations.optimizers import LINEAR, NoiseComponent, NotAnOptimizer, Optimizer, registered
from derivations.tomlfile import FileError, Reader, Table, parse_toml, quote, read_file

_KEYS = {
    "optimizer": {"name", "title"},
    "drift": {"normalisation"},
    "preconditioner": {"power"},
    "noise": {"scale", "decay"},
    "rate": {"choice"},
}
MAX_NOISE = 6
SIGN_CLOCK = "min(alpha, 1/2)"
"""The clock of preconditioning with power 1/2, in the form that the sign's has."""


class OptimizerFileError(FileError):
    """An optimizer file that cannot be used; the message names file, line and what was expected."""


class _Reader(Reader):
    error = OptimizerFileError
    kind, short = "an optimizer file with [optimizer] and [[noise]]", "optimizer file"
    first_table = "optimizer"

    def number(self, data: Table, table: str, key: str, low: Fraction, high: Fraction) -> Fraction:
        """An exact number between bounds, zero if it is not given."""
        text = self.string(data, table, 0, key, "0")
        value = self.guarded(lambda: constant(parse(text, PARAMETERS)), table, 0, key)
        if not low <= value <= high:
            self.fail(f"expected a number from {low} to {high} for {key!r}, got {value}", table, 0, key)
        return value

    def exponent(self, data: Table, index: int, key: str, default: str) -> str:
        """An exponent in alpha and beta, as text."""
        text = self.string(data, "noise", index, key, default)

        def build() -> str:
            node = parse(text, PARAMETERS)
            check_exponent(node)
            if key == "decay":
                ratio = None if is_piecewise(node) else plain_ratio(node)
                if ratio is None or ratio.den != 1 or total_degree(ratio.num) > 1:
                    raise ExpressionError("expected a decay linear in alpha and beta, such as 2*alpha")
            return to_text(node)

        return self.guarded(build, "noise", index, key)


def parse_optimizer(text: str, path: str = "<optimizer>") -> Optimizer:
    """An optimizer from the text of an optimizer file.

    Raises
    ------
    OptimizerFileError : one sentence with file, line and what was expected.

    >>> parts = ('[optimizer]', 'name = "mine"', '[drift]', 'normalisation = "1/4"', '[[noise]]', 'decay = "2*alpha"')
    >>> mine = parse_optimizer("\\n".join(parts))
    >>> mine.kappa, mine.clock, mine.noise[0].decay
    (Fraction(1, 4), '0', '2*alpha')
    """
    data, read = parse_toml(text, path, _Reader), _Reader(text, path)
    tables = read.tables(data, _KEYS, ("optimizer", "drift", "preconditioner", "rate"), {"noise": MAX_NOISE})
    head = tables["optimizer"][0]
    if not head:
        read.fail("expected a table [optimizer] with a name", "optimizer")
    name = read.name(head, "optimizer", 0)
    if name in registered() or name.startswith("effects/"):
        read.fail(f"expected a name of your own, {name!r} is a registered optimizer", "optimizer", 0, "name")
    if not tables["noise"]:
        read.fail("expected at least one [[noise]] with scale and decay", "noise")
    power = read.number(tables["preconditioner"][0], "preconditioner", "power", Fraction(0), Fraction(1))
    noise = tuple(
        NoiseComponent(
            read.exponent(entry, k, "scale", "0"), read.exponent(entry, k, "decay", "2*alpha"), f"part{k + 1}"
        )
        for k, entry in enumerate(tables["noise"])
    )
    if len({(n.scale, n.decay) for n in noise}) < len(noise):
        read.fail("expected different parts of the noise", "noise", len(noise) - 1)
    try:
        return Optimizer(
            name=name,
            title=read.prose(head, "optimizer", 0, "title", name) or name,
            kappa=read.number(tables["drift"][0], "drift", "normalisation", Fraction(0), Fraction(99, 100)),
            clock=clock_of_power(power),
            noise=LINEAR if len(noise) == 1 and _is_plain(noise[0]) else noise,
            rate=read.string(tables["rate"][0], "rate", 0, "choice", "free"),
        )
    except NotAnOptimizer as error:
        read.fail(str(error), "rate" if "largest" in str(error) else "optimizer")


def _is_plain(part: NoiseComponent) -> bool:
    """Whether a part is SGD's own noise, lambda_j, the constants of whose sums are known."""
    return (part.scale, part.decay) == (LINEAR[0].scale, LINEAR[0].decay)


def clock_of_power(power: Fraction) -> str:
    """The exponent of M in the clock of a drift that is multiplied by D^-power."""
    if power == Fraction(1, 2):
        return SIGN_CLOCK
    return f"{power}*min(1, 2*alpha)" if power else "0"


def power_of_clock(clock: str) -> Fraction | None:
    """The power of D that gives this clock; None for a clock that is no preconditioner's.

    >>> power_of_clock(clock_of_power(Fraction(1, 4))), power_of_clock("min(alpha, 1/2)"), power_of_clock("alpha")
    (Fraction(1, 4), Fraction(1, 2), None)
    """
    if clock == SIGN_CLOCK:
        return Fraction(1, 2)
    head = clock.removesuffix("*min(1, 2*alpha)")
    try:
        power = constant(parse(head, PARAMETERS))
    except ExpressionError:
        return None
    return power if clock_of_power(power) == clock else None


def read_optimizer_file(path: Path) -> Optimizer:
    """Read an optimizer file.

    Raises
    ------
    OptimizerFileError : it cannot be read, is too large, not text, or not an optimizer.
    """
    return parse_optimizer(*read_file(path, _Reader))


def write_optimizer(optimizer: Optimizer) -> str:
    """The text of an optimizer file; reading it back gives an equal optimizer.

    Raises
    ------
    NotAnOptimizer : a clock that is no preconditioner's, label noise, or a saturated law's assumption.
    """
    power = power_of_clock(optimizer.clock)
    if power is None or optimizer.saturated or optimizer.label_noise is not None:
        raise NotAnOptimizer(f"expected an optimizer that its parts describe, {optimizer.name} assumes more")
    lines = ["[optimizer]", f"name = {quote(optimizer.name)}", f"title = {quote(optimizer.title)}"]
    lines += ["[drift]", f'normalisation = "{optimizer.kappa}"', "[preconditioner]", f'power = "{power}"']
    for part in optimizer.noise:
        lines += ["[[noise]]", f"scale = {quote(part.scale)}", f"decay = {quote(part.decay)}"]
    return "\n".join([*lines, "[rate]", f"choice = {quote(optimizer.rate)}"]) + "\n"
