# %% [markdown]
# # Two papers in twenty minutes
#
# *4+3 phases of compute-optimal neural scaling laws* (arXiv:2405.15074) gives SGD's risk on power-law random features;
# *Scaling laws of signSGD in linear regression* (arXiv:2603.02069) does the same for signSGD. Both have model size $M$,
# steps $N$, learning rate $\gamma$, a feature decay $\alpha$ and a target decay $\beta$, and ask: with compute
# $f = M N$, how fast does the best risk fall, $L^* = f^{-\text{slope}}$? Here is the answer of both, where signSGD
# wins, and what the dynamics say about it.

# %%
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np

import phases
from derivations.numeric.curve import curve
from derivations.numeric.engine_checks import pure_noise
from derivations.numeric.request import Request
from derivations.registry import load
from phases.compare import compare
from phases.plot import default_window, draw_phases, label_spots, palette
from phases.proof.prove import prove
from phases.referee import check
from phases.report import comparison_json, phase_json, verdict_text

sgd, signsgd = phases.diagram("paquette2024/sgd"), phases.diagram("kim2026/signsgd")

# %% [markdown]
# ## The laws
#
# A law is a sum of monomials with exponents rational in $\alpha, \beta$. These are the printed ones; where a term is
# not from the paper's own words, its provenance says so.

# %%
for name in ("paquette2024/sgd", "kim2026/signsgd"):
    law = load(name)
    print(f"{law.title} ({law.source})")
    for term in law.terms:
        print(f"  {term.name:<6} {term.role:<28} {term.form}   [{term.provenance}]")

# %% [markdown]
# ## The diagrams
#
# At each point the optimum is a linear programme in the exponents of $M$ and $\gamma$. Solved exactly, its regions are
# the phases. Every wall and every formula below comes out of the solver, with a proof that it can check.

# %%

for found in (sgd, signsgd):
    print(f"{found.law.title}: {verdict_text(prove(found))}")
    for phase in map(phase_json, found.phases):
        print(f"  {phase['name']:<4} slope {phase['slope']}   binding {', '.join(phase['active'])}")

# %%
figure, panels = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
for axes, found in zip(panels, (sgd, signsgd), strict=True):
    window = default_window(found)
    draw_phases(axes, found, window, palette(len(found.phases)))
    for k, spot in label_spots(found, window).items():
        axes.text(*spot, found.phases[k].name, ha="center", va="center")
    axes.set(xlim=window.alpha, ylim=window.beta, title=found.law.title, xlabel=r"$\alpha$", ylabel=r"$\beta$")
plt.show()

# %% [markdown]
# ## Where signSGD wins
#
# `compare` cuts the plane where one slope overtakes the other; margins are exact.

# %%

for zone in comparison_json(compare(signsgd, sgd))["zones"]:
    pair, margin = " / ".join(zone["phases"]), zone["margin"]
    print(
        f"signSGD {pair:<11} steeper: {zone['steeper']:<16} by {margin}" if margin != "0" else f"signSGD {pair}: equal"
    )

# %% [markdown]
# ## The predicted slope against the dynamics
#
# The referee integrates the dynamics themselves (here on power-law modes, to compute $10^{24}$), optimises $M$ and
# $\gamma$ at each compute, and fits slope, $x^*$ and $e^*$. First a point where nobody doubts the law.

# %%


def show(law: str, alpha: str, beta: str) -> None:
    found = check(phases.diagram(law), Fraction(alpha), Fraction(beta))
    print(f"{law} at ({alpha}, {beta}): {found.verdict}")
    for c in found.comparisons:
        print(
            f"  {c.quantity:<15} predicted {c.predicted[0]!s:<6} fitted {c.fit.value:.4f} +- {c.error:.4f}  {c.verdict}"
        )


show("paquette2024/sgd", "1", "1/4")
show("kim2026/signsgd", "1", "1")

# %% [markdown]
# ## What the printed law misses
#
# For $\alpha < 1/2 < \beta$ the printed noise $\gamma^2 M^{2 - 2\alpha}$ is the stationary level, which noise reaches
# only after about $M$ steps. At the optimum there are fewer. The law *derived* from the dynamics knows, and the slope
# changes from 6/13 to 12/25 at (2/5, 7/10):

# %%
show("kim2026/signsgd", "2/5", "7/10")
show("derived/signsgd", "2/5", "7/10")

# %% [markdown]
# The noise itself, sampled: signSGD started at an optimum that predicts perfectly. The printed term is a horizontal
# line.

# %%

figure, axes = plt.subplots(figsize=(5.5, 3.8), layout="constrained")
for M in (64, 128, 256):
    r = pure_noise(0.4, M, 6.0, 64, 1)
    x = np.array(r["steps"]) / M
    axes.loglog(x, np.array(r["linearised"]) / M**1.2, label=f"M = {M}, ODE")
    axes.loglog(x, np.array(r["risk"]) / M**1.2, "k.", ms=4)
axes.set_xlabel("N / M")
axes.set_ylabel(r"noise / ($\gamma^2 M^{1.2}$)")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Risk curves
#
# One sketch of $M = 256$ features at (0.8, 0.6): signSGD sampled, by its arcsine mean-field ODE, and by the linearised
# ODE all scaling laws rest on. The linearised one is off by a third in the transient, and right at the end.

# %%

figure, axes = plt.subplots(figsize=(5.5, 3.8), layout="constrained")
for engine, style in (("montecarlo", "k."), ("meanfield", "-"), ("ode", "--")):
    r = curve(
        Request("signsgd", Fraction(4, 5), Fraction(3, 5), 256, 2e-3, 2000, engine=engine, runs=128, points=25, seed=1)
    )
    axes.loglog(r.steps, r.risk, style, label=r.model)
axes.set_xlabel("steps N")
axes.set_ylabel("risk L")
axes.legend(frameon=False, fontsize=8)
plt.show()

# %% [markdown]
# ## A law of your own
#
# Ten lines of TOML; see the README. `phases diagram mine.toml --out here` draws and proves it, `phases tex mine.toml`
# writes the LaTeX, `phases at --rate` says what a wrong learning rate costs.
