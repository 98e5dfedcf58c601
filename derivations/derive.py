"""From an optimizer to its risk law, with the derivation written down step by step.

In intrinsic time tau the risk solves L = F + (1/c) int_0^tau k(tau - s) gamma L(s)^(1 - kappa) ds with
F = floor + aligned + distorted bias and k(u) = sum_j lambda_j w_j exp(-2 lambda_j u); steps are
N = int L^kappa/(gamma c) dtau. Two lemmas carry everything:

* power sums (`derivations.sums`): each sum is its dominant end;
* convolution: (k * G)(tau) = G(tau) int_0^tau k + k(tau) int_0^tau G, up to constants. L is a maximum of powers of tau,
  so tau * L^p is log-convex in tau, and every integral of a power of L is its value at one of the ends tau = 1, tau.

Beyond tau = M^(2 alpha) every mode is learned: bias and early noise vanish, the noise is saturated and only the clock
goes on, so nothing is gained there (early noise at tau = M^(2 alpha) is below floor^(1 - kappa) times saturated noise).
Hence 1 <= tau <= M^(2 alpha), and the law is a set of inequalities linear in (x, g, t, eta). A step is never longer
than the fastest mode's time; where the noise implies it, the row is left out, by proof (`derivations.pruning`).

No published formula is consulted. What is assumed is in the data: `derivations.features`, `derivations.optimizers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from derivations import leading
from derivations.algebra import ALPHA, Poly, factor, sort_key, total_degree
from derivations.exponents import PARAMETERS, is_piecewise, negative, plain_ratio, plus, times
from derivations.features import ALIGNED, DISTORTED, DOMAIN, FLOOR_BULK, TARGET_NORM
from derivations.grammar import Extremum, Node, Number, parse, parse_relations, to_text
from derivations.law import Constraint, Monomial, RiskLaw, Term
from derivations.lawfile import constraint_monomial, term_monomial, write_law
from derivations.optimizers import DERIVED, NoiseComponent, NotAnOptimizer, Optimizer, effects_named, registered
from derivations.optimizers.lookup import remember
from derivations.polygons import half_planes, height, line_of, polygon
from derivations.pruning import Chamber, Dominance, Draft, chambers, kinks, prune, relations_of
from derivations.sums import PowerSum

_ZERO = Number(Fraction(0))
_BASES = ("gamma", "M", "N", "tau", "L")


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a derivation: what is computed, the sums it meets, and the monomial that comes out."""

    title: str
    quantity: str
    sums: tuple[PowerSum, ...]
    result: str
    reason: str


@dataclass(frozen=True, slots=True)
class Derivation:
    """A law and how it came about."""

    optimizer: Optimizer
    law: RiskLaw
    steps: tuple[Step, ...]
    thresholds: tuple[Poly, ...]
    chambers: tuple[Chamber, ...]
    dominated: tuple[Dominance, ...]


def _plain(node: Node) -> Node:
    """The same exponent in lowest terms where it has no min or max."""
    if is_piecewise(node):
        return node
    return parse(str(plain_ratio(node)), PARAMETERS)


def _combine(*factors: dict[str, Node], power: Fraction = Fraction(1)) -> dict[str, Node]:
    out: dict[str, Node] = {}
    for f in factors:
        for base, node in f.items():
            out[base] = plus(out.get(base, _ZERO), node)
    return {base: _plain(times(Number(power), node)) for base, node in out.items()}


def _exponent(text: str) -> Node:
    return parse(text, PARAMETERS)


class _Engine:
    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.domain = half_planes(relations_of(DOMAIN))
        self.steps: list[Step] = []
        self.drafts: list[Draft] = []
        self.rows: list[Draft] = []
        """Constraints that others may imply, in the form of drafts."""
        self.sums: list[PowerSum] = []

    def step(self, title: str, quantity: str, sums: Sequence[PowerSum], result: str, reason: str) -> None:
        self.steps.append(Step(title, quantity, tuple(sums), result, reason))
        self.sums.extend(sums)

    def term(self, name: str, role: str, exponents: dict[str, Node], constants: leading.Constants = ()) -> Draft:
        draft = Draft(name, role, exponents, constants)
        self.drafts.append(draft)
        return draft

    def bias(self) -> None:
        bulk = FLOOR_BULK.exponents(self.domain)
        floor = self.term("F_0", "finite size", _combine({"M": _exponent("-2*alpha")}, bulk), leading.floor())
        self.step(
            "floor",
            "M^(-2*alpha) * sum_(j=1)^M j^(-2*beta) + sum_(j>M) j^(-2*alpha-2*beta)",
            [FLOOR_BULK],
            floor.form,
            "modes above M are missed whole (the tail M^(1-2*alpha-2*beta) is never more than the bulk); "
            "modes below M by the fraction M^(-2*alpha)/lambda_j",
        )
        aligned = self.term("F_pp", "bias", ALIGNED.exponents(self.domain), leading.aligned())
        self.step(
            "aligned bias",
            "sum_j j^(-2*alpha-2*beta) exp(-2*lambda_j*tau)",
            [ALIGNED],
            aligned.form,
            "modes below J = tau^(1/(2*alpha)) have decayed",
        )
        mixed = (TARGET_NORM.exponents(self.domain), DISTORTED.exponents(self.domain))
        exponents = _combine({"M": _exponent("-1")}, *mixed)
        distorted = self.term("F_ac", "bias, distorted by finite size", exponents, leading.distorted(self.optimizer))
        self.step(
            "distorted bias",
            "(1/M) (sum_(i<=J) i^(-2*beta)) sum_j lambda_j exp(-2*lambda_j*tau)",
            [TARGET_NORM, DISTORTED],
            distorted.form,
            "the sketch mixes a part 1/M of every learned coefficient into every mode",
        )

    def noise(self) -> None:
        for component in self.optimizer.noise:
            suffix = "" if component.name == "linear" else f"_{component.name}"
            self.early_noise(component, suffix)
            if not self.optimizer.kappa:
                continue
            if self.optimizer.saturated:
                self.saturated_noise(component, suffix)
            else:
                self.late_noise(component, suffix)

    def _prefactor(self, component: NoiseComponent) -> dict[str, Node]:
        clock = times(Number(Fraction(-1)), _exponent(self.optimizer.clock))
        return {"gamma": Number(Fraction(1)), "M": plus(_exponent(component.scale), clock)}

    def _stationary(self, component: NoiseComponent, *factors: dict[str, Node]) -> dict[str, Node]:
        """Exponents of the L that solves L^kappa = (gamma/c) * factors."""
        return _combine(self._prefactor(component), *factors, power=1 / self.optimizer.kappa)

    def early_noise(self, component: NoiseComponent, suffix: str) -> None:
        kernel = PowerSum(2 * ALPHA + _decay(component), "J", "M")
        exponents = _combine(self._prefactor(component), kernel.exponents(self.domain))
        constants = leading.early(self.optimizer, component)
        draft = self.term(f"K_early{suffix}", _role(component), exponents, constants)
        self.step(
            f"early noise, {component.name} part",
            "(gamma/c) k(tau) int_0^tau L^(1-kappa)",
            [kernel],
            draft.form,
            "the first unit of intrinsic time, where L is of order one, left noise that modes above J keep",
        )

    def late_noise(self, component: NoiseComponent, suffix: str) -> None:
        learned = PowerSum(_decay(component), "1", "J")
        waiting = PowerSum(2 * ALPHA + _decay(component), "J", "M")
        exponents = self._stationary(component, learned.exponents(self.domain))
        constants = () if suffix else leading.stationary(self.optimizer, (component,))
        first = self.term(f"K_learned{suffix}", _role(component), exponents, constants)
        self.step(
            f"late noise of learned modes, {component.name} part",
            "L^kappa >= (gamma/c) sum_(j<=J) w_j",
            [learned],
            first.form,
            "a learned mode holds its stationary share w_j/2",
        )
        exponents = self._stationary(component, waiting.exponents(self.domain), {"tau": Number(Fraction(1))})
        second = self.term(f"K_waiting{suffix}", _role(component), exponents)
        self.step(
            f"late noise of waiting modes, {component.name} part",
            "L^kappa >= (gamma/c) tau sum_(j>J) lambda_j w_j",
            [waiting],
            second.form,
            "a mode not yet learned has gathered noise in proportion to tau",
        )

    def saturated_noise(self, component: NoiseComponent, suffix: str) -> None:
        total = PowerSum(_decay(component), "1", "M")
        exponents = self._stationary(component, total.exponents(self.domain))
        constants = () if suffix else leading.stationary(self.optimizer, self.optimizer.noise)
        draft = self.term(f"K_saturated{suffix}", _role(component), exponents, constants)
        self.step(
            f"late noise, {component.name} part, ASSUMED saturated",
            "L^kappa >= (gamma/c) sum_(j<=M) w_j",
            [total],
            draft.form,
            "assumption, not derived: every mode already holds its stationary share, true only for tau >= M^(2*alpha)",
        )

    def constraints(self) -> list[Constraint]:
        o = self.optimizer
        out = [
            _constraint(
                "clock", f"tau*L^({o.kappa}) <= gamma*M^({o.clock})*N" if o.kappa else f"tau <= gamma*M^({o.clock})*N"
            ),
            _constraint("start", f"1 <= gamma*M^({o.clock})*N"),
            _constraint("first unit", "tau >= 1"),
            _constraint("all modes learned", "tau <= M^(2*alpha)"),
        ]
        self.step(
            "clock",
            "N = int_0^tau L^kappa/(gamma*c) dtau",
            [],
            f"N >= tau*L^({o.kappa})/(gamma*M^({o.clock})), N >= 1/(gamma*M^({o.clock}))",
            "tau*L^kappa is log-convex in tau, so the integral is its value at one end; where L^kappa decays faster "
            "than 1/tau the early end is the larger one and the bias vanishes in finitely many steps",
        )
        if not o.kappa:
            out.append(self.stability())
        self.longest_step()
        return out

    def stability(self) -> Constraint:
        o = self.optimizer
        totals = [PowerSum(_decay(c), "1", "M") for c in o.noise]
        sizes = [
            _plain(plus(_exponent(c.scale), total.exponents(self.domain).get("M", _ZERO)))
            for c, total in zip(o.noise, totals, strict=True)
        ]
        largest = sizes[0] if len(sizes) == 1 else Extremum("max", tuple(sizes))
        exponents = {"gamma": Number(Fraction(1)), "M": plus(largest, negative(_exponent(o.clock)))}
        self.rows.append(Draft("stability", "stability", exponents, bounds="1"))
        limit = _constraint("stability", f"gamma <= M^({o.clock} - ({to_text(largest)}))")
        self.step(
            "stability",
            "(gamma/c) int_0^oo k = (gamma/2c) sum_j w_j < 1",
            totals,
            limit.form,
            "for kappa = 0 the stationary equation is linear in L: it has a solution only below this rate"
            + (", and the rate is chosen at this limit" if o.rate == "largest" else ""),
        )
        return limit

    def longest_step(self) -> None:
        """gamma c L^(-kappa) <= 1, as a lower bound of L, or of one where kappa = 0."""
        o = self.optimizer
        power = Fraction(1) if not o.kappa else 1 / o.kappa
        exponents = _combine({"gamma": Number(Fraction(1)), "M": _exponent(o.clock)}, power=power)
        self.rows.append(Draft(STEP, "longest step", exponents, bounds="L" if o.kappa else "1"))
        self.step(
            STEP,
            "gamma*c*L^(-kappa) lambda_1 <= 1",
            [],
            _longest_step(o).form,
            "a step in intrinsic time that is longer than the fastest mode's own time overshoots: the mode's error "
            "grows " + ("until L^kappa is as large as gamma*c again" if o.kappa else "without bound"),
        )


STEP = "longest step"


def _longest_step(o: Optimizer) -> Constraint:
    return _constraint(STEP, f"gamma*M^({o.clock}) <= " + (f"L^({o.kappa})" if o.kappa else "1"))


def _limits(o: Optimizer, given: Sequence[Constraint], rows: Sequence[Draft]) -> tuple[Constraint, ...]:
    """The constraints with the longest step where no other row implies it; the largest rate obeys both limits."""
    step = next((r for r in rows if r.name == STEP), None)
    out = list(given)
    if o.rate == "largest":
        (stable,) = [c for c in given if c.name == "stability"]
        right = parse_relations(stable.form, (*PARAMETERS, "gamma", "M"))[0].right
        limit = to_text(Monomial.from_node(right).exponent("M"))
        if step is not None:
            limit = f"min({limit}, -({o.clock}))"
        out[out.index(stable)] = _constraint("largest stable rate", f"gamma = M^({limit})")
    elif step is not None:
        out.append(replace(_longest_step(o), where=relations_of(step.where)))
    return tuple(out)


def _role(component: NoiseComponent) -> str:
    return "reshaped noise" if component.name == "flat" else "noise"


def _decay(component: NoiseComponent) -> Poly:
    """The decay of a noise component: a linear form in alpha and beta, not negative in the domain.

    Raises
    ------
    derivations.optimizers.NotAnOptimizer : it is something else.
    """
    ratio = plain_ratio(_exponent(component.decay))
    if ratio.den == 1 and total_degree(ratio.num) <= 1:
        line = line_of(ratio.num, 1)
        heights = (
            [height(line, v) for v in polygon(half_planes(relations_of(DOMAIN)))]
            if line is not None
            else [int(ratio.num.LC)]
        )
        if min(heights) >= 0:
            return ratio.num
    raise NotAnOptimizer(
        f"expected a noise spectrum that decays as a power linear in alpha, beta; j^-({component.decay}) does not decay"
    )


def _constraint(name: str, text: str) -> Constraint:
    monomial, equality = constraint_monomial(text, _BASES)
    return Constraint(name, text, monomial, equality, (), "derived")


def derive(optimizer: Optimizer) -> Derivation:
    """The risk law of an optimizer on power-law random features, with its derivation.

    Raises
    ------
    NotAnOptimizer : a noise spectrum that does not decay, or other parts under a registered name.

    >>> from derivations.optimizers import registered
    >>> [t.name for t in derive(registered()["sgd"]).law.terms]
    ['F_0', 'F_pp', 'F_ac', 'K_early']
    """
    engine = _Engine(optimizer)
    engine.bias()
    engine.noise()
    known = effects_named(optimizer.name) or registered().get(optimizer.name)
    if known is None:
        remember(optimizer)
    elif known != optimizer:
        raise NotAnOptimizer(f"expected a name of its own for an optimizer that is not the registered {optimizer.name}")
    constraints = engine.constraints()
    forms = {factor(s.threshold)[1][0][0] for s in engine.sums if not s.fixed_sign(engine.domain)}
    for text in (optimizer.clock, *(c.scale for c in optimizer.noise)):
        forms |= kinks(_exponent(text))
    thresholds = sorted(forms, key=sort_key)
    found = tuple(chambers(thresholds))
    drafts, rows, notes = prune(engine.drafts, engine.rows, found, thresholds)
    terms = tuple(
        Term(d.name, d.role, d.form, term_monomial(d.form, _BASES), relations_of(d.where), "derived", d.constants)
        for d in drafts
    )
    law = RiskLaw(
        name=f"derived/{optimizer.name}",
        title=f"{optimizer.title}, derived",
        source=DERIVED,
        provenance="derived",
        domain=relations_of(DOMAIN),
        terms=terms,
        constraints=_limits(optimizer, constraints, rows),
        auxiliary=("tau",),
        note="Intrinsic time tau is eliminated by the solver; see phases derive.",
    )
    return Derivation(
        optimizer, replace(law, text=write_law(law)), tuple(engine.steps), tuple(thresholds), found, tuple(notes)
    )
