"""The report of ``phases check --all``: both papers' laws and the crucial cases, as Markdown with figures.

Every measurement is a task kept in ``report.sqlite`` beside the report, so an interrupted report goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

from derivations.numeric.pool import processes
from derivations.numeric.store import Json, Store
from derivations.numeric.sweep import Outcome, run
from phases import referee_figures as figures
from phases import referee_work as work
from phases.arguments import folder_of, workers_of
from phases.output import made_folder, staged_folder
from phases.progress import Progress, waiting
from phases.referee import worst

Results = dict[str, Json]
"""Results by the canonical text of their task."""


def command(args: argparse.Namespace) -> int:
    """Run what is missing, write the report; exit code 1 if a law disagrees with the dynamics."""
    folder = folder_of("--out", "referee" if args.out is None else args.out)
    workers = workers_of(args.workers)
    tasks = work.all_tasks()
    store = Store(made_folder(folder) / "report.sqlite", waiting)
    try:
        _measure(tasks, store, workers)
        report = Report(store)
        with staged_folder(folder) as scratch:
            (scratch / "report.md").write_text(report.text(), encoding="utf-8")
            report.draw(scratch)
        verdicts = report.verdicts()
    finally:
        store.close()
    overall = worst(verdicts.values())
    if args.json:
        print(json.dumps({"report": str(folder / "report.md"), "verdict": overall, "laws": verdicts}, indent=1))
    else:
        for law, verdict in verdicts.items():
            print(f"{law}: {verdict}")
        print(f"wrote {folder / 'report.md'}")
    return {"agrees": 0, "disagrees": 1}.get(overall, 3)


def _measure(tasks: Sequence[Json], store: Store, workers: int) -> Outcome:
    if all(store.get(t) is not None for t in tasks):
        return run(tasks, work.work, store, None, 0)
    progress = Progress("report", sys.stderr)

    def report(finished: int, failed: int, total: int) -> None:
        progress(finished / total, f"{finished} of {total}" + (f", {failed} failed" if failed else ""))

    with processes(workers) as pool:
        outcome = run(tasks, work.work, store, pool, 2 * workers, report)
    progress.end()
    return outcome


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table.

    >>> print(table(("a", "b"), [(1, "x")]))
    | a | b |
    |---|---|
    | 1 | x |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("|" + "|".join(str(c) if set(str(c)) == {"-"} else f" {c} " for c in line) + "|" for line in lines)


class Report:
    """Reads finished measurements; measures nothing."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def result(self, task: Json) -> Json | None:
        """A task's result, None if it failed."""
        found = self.store.get(task)
        return None if found is None else found[0]

    def _results(self, tasks: Iterable[Json]) -> list[tuple[Json, Json]]:
        return [(t, r) for t in tasks if (r := self.result(t)) is not None]

    def verdicts(self) -> dict[str, str]:
        """By law: what the engines that can tell say at one point a phase."""
        out: dict[str, list[str]] = {}
        for task, result in self._results(work.law_tasks()):
            if result["verdict"] != "cannot tell":
                out.setdefault(task["law"], []).append(result["verdict"])
        return {law: worst(said) for law, said in out.items()}

    def text(self) -> str:
        """The whole report."""
        return (
            "\n\n".join(
                (
                    _HEAD,
                    self._laws(),
                    self._crucial(),
                    self._derived(),
                    self._noise(),
                    self._transients(),
                    self._sgd(),
                    self._stationary(),
                )
            )
            + "\n"
        )

    def draw(self, folder: Path) -> None:
        """All figures."""
        figures.draw_envelopes(
            [(t, r) for t, r in self._results(work.law_tasks()) if work.is_crucial(t) and t["engine"] != "montecarlo"],
            folder / "crucial.png",
        )
        figures.draw_noise(self._results(work.noise_tasks()), folder / "noise.png")
        figures.draw_transients(self._results(work.transient_tasks()), folder / "transients.png")
        figures.draw_sgd(self._results(work.sgd_tasks()), folder / "sgd.png")

    def _laws(self) -> str:
        published = [t for t in work.law_tasks() if not work.is_crucial(t) and t["engine"] != "montecarlo"]
        against = [
            f"* {t['law']} at ({t['alpha']}, {t['beta']}), phase {'/'.join(r['rows'][0]['phase'])}: {t['engine']}"
            for t, r in self._results(published)
            if r["verdict"] == "disagrees"
        ]
        said = "The dynamics disagree with:\n\n" + "\n".join(against) if against else "No law disagrees."
        return f"## Both papers' laws, one point a phase\n\n{self._law_table(published)}\n\n{said}\n\n{_LAWS}"

    def _law_table(self, tasks: Sequence[Json]) -> str:
        rows = []
        for task in tasks:
            found = self.store.get(task)
            place = f"({task['alpha']}, {task['beta']})"
            if found is None or found[0] is None:
                reason = "not run" if found is None else found[1]
                rows.append([task["law"], "", place, task["engine"], reason, "", "", "cannot tell"])
                continue
            cells = {r["quantity"]: _cell(r) for r in found[0]["rows"]}
            phase = "/".join(found[0]["rows"][0]["phase"])
            columns = [cells.get(q, "") for q in ("slope", "model_exponent", "rate_exponent")]
            rows.append([task["law"], phase, place, task["engine"], *columns, f"**{found[0]['verdict']}**"])
        return table(("law", "phase", "(α, β)", "engine", "slope", "x*", "e*", "verdict"), rows)

    def _crucial(self) -> str:
        sampled = [t for t in work.law_tasks() if t["engine"] == "montecarlo"]
        tasks = [t for t in work.law_tasks() if work.is_crucial(t) and t not in sampled]
        return f"## Crucial cases\n\n{_CRUCIAL}\n\n{self._law_table([*tasks, *sampled])}\n\n![Envelopes](crucial.png)"

    def _derived(self) -> str:
        rows: dict[str, list[Json]] = {}
        for task, result in self._results(work.derived_tasks()):
            rows.setdefault(task["law"], []).append(result)
        lines = []
        for law, results in rows.items():
            said = [r["verdict"] for r in results]
            slopes = [r["rows"][0] for r in results]
            gap = max(abs(row["fitted"] - float(Fraction(row["predicted"]))) for row in slopes)
            counts = [str(said.count(v)) for v in ("agrees", "cannot tell", "disagrees")]
            lines.append((law, len(results), *counts, f"{gap:.4f}"))
        head = ("law", "phases", "agrees", "cannot tell", "disagrees", "largest distance of a slope")
        return f"## Every derived law\n\n{_DERIVED}\n\n{table(head, lines)}"

    def _noise(self) -> str:
        rows = []
        for task, r in self._results(work.noise_tasks()):
            gap = max(abs(x / y - 1) for x, y in zip(r["linearised"][3:], r["risk"][3:], strict=True))
            bar = max(s / y for s, y in zip(r["stderr"][3:], r["risk"][3:], strict=True))
            rows.append((task["M"], f"{r['steps'][-1]:.0f}", task["runs"], f"{100 * gap:.1f} %", f"{100 * bar:.1f} %"))
        sampled = table(("M", "N up to", "runs", "largest gap of the linearised ODE", "sampling error"), rows)
        found = self.result(work.exponent_task())
        far = ""
        if found is not None:
            columns = zip(work.EQUIVALENT_SIZES, found["in_N"], found["in_M"], strict=True)
            far = table(
                ("M", "d log L/d log N at N = √M", "d log L/d log M"),
                [
                    *((f"2^{len(bin(int(M))) - 3}", f"{n:.3f}", f"{m:.3f}") for M, n, m in columns),
                    ("derived", "2 - 4α = 0.4", "2α = 0.8"),
                    ("printed", "0", "2 - 2α = 1.2"),
                ],
            )
        return f"## Noise before it saturates\n\n{_NOISE}\n\n{sampled}\n\n{far}\n\n![Noise](noise.png)"

    def _transients(self) -> str:
        rows = [
            (
                f"({t['alpha']}, {t['beta']})",
                t["noise"],
                f"{100 * r['gap']:.1f} %",
                f"{100 * r['linearised_gap']:.1f} %",
                f"{100 * r['sampling']:.1f} %",
            )
            for t, r in self._results(work.transient_tasks())
        ]
        head = ("(α, β)", "label noise", "mean-field ODE", "linearised ODE", "sampling error")
        return f"## signSGD's ODEs against Monte-Carlo\n\n{_TRANSIENTS}\n\n{table(head, rows)}\n\n![](transients.png)"

    def _sgd(self) -> str:
        rows = [
            (
                f"({t['alpha']}, {t['beta']})",
                f"{r['rate']:.4f}",
                f"{100 * r['gap']:.1f} %",
                f"{100 * r['sampling']:.1f} %",
                f"{r['deviation']:.1f}",
            )
            for t, r in self._results(work.sgd_tasks())
        ]
        head = ("(α, β)", "rate", "largest gap", "sampling error", "largest deviation in standard errors")
        return f"## SGD's recurrence against Monte-Carlo\n\n{_SGD}\n\n{table(head, rows)}\n\n![](sgd.png)"

    def _stationary(self) -> str:
        rows = [
            (f"({t['alpha']}, {t['beta']})", t["noise"], f"{r['level']:.10g}", *(f"{d:.1e}" for d in r["distances"]))
            for t, r in self._results(work.stationary_tasks())
        ]
        head = ("(α, β)", "label noise", "closed form", "linearised ODE, relative distance", "mean-field ODE")
        return f"## Stationary risks\n\n{_STATIONARY}\n\n{table(head, rows)}"


def _cell(row: Json) -> str:
    predicted = row["predicted"] if isinstance(row["predicted"], str) else " to ".join(row["predicted"])
    if row["fitted"] is None:
        return f"{predicted}: no fit"
    mark = {"agrees": "✓", "disagrees": "✗"}.get(row["verdict"], "?")
    bar = "unknown" if row["error"] is None else f"{row['error']:.4f}"
    return f"{predicted}: {row['fitted']:.4f} ± {bar} {mark}"


_HEAD = """# The referee's report

Written by `phases check --all --out DIR`. The referee runs the dynamics, traces the best risk over model size M and
learning rate γ at growing compute f = M N, and fits the slope (L* = f^-slope), x* (M* = f^x*) and e* (γ* = M*^-e*).

* engine `mode`: the linearised ODE on power-law modes without a sketch, f up to 10^24;
* engine `ode`: power-law random features with v = 4 M by their deterministic equivalent, f up to 10^20: for SGD the
  exact recurrence, for signSGD the linearised ODE with the diagonal of K at its mean;
* engine `montecarlo`: the algorithm itself on sampled sketches, f up to 10^5: far too little for exponents.

An entry reads *predicted: fitted ± error*. The error bar holds half the drift of local slopes over the fit, their
scatter, and the law's own correction to scaling at that compute with unknown constants up to a factor ten. A quantity
agrees (✓) within two error bars, if they are at most 0.02, and disagrees (✗) beyond four; otherwise the referee
cannot tell (?). A law agrees at a point if its slope does and nothing disagrees."""

_LAWS = """The point of a phase is the one nearest to its sample (`phases diagram --json`) where the law's own
corrections to scaling are small at f = 10^20 to 10^24. Some phases are thin: in IVb two terms of the SGD law fall at
almost the same rate (at (2/7, 1) one multiplier of the optimum is 1/56, and x* drifts over more than twenty decades of
compute)."""

_CRUCIAL = """At (2/5, 7/10) the same dynamics meet two laws: the derived slope 12/25 and the printed 6/13. (1, 2) lies
beyond β = α + ½, where nothing is printed; (1/5, 1) has α < ¼. Engine `mode` goes to f = 10^30 here."""

_DERIVED = """The law of each optimizer given as data, each subset of the sign's effects among them, against its own
dynamics: engine `mode` at one point a phase, f up to 10^24."""

_NOISE = """signSGD started at an optimum that predicts perfectly: all risk is noise, and it is proportional to γ². At
α = 0.4 the printed term γ² M^(2 - 2α) does not depend on N; the derived one is γ² M^(2α) N^(2 - 4α) until N = M. The
first table holds the linearised ODE against samples up to N = 8 M: the largest of some forty gaps. Exponents are still
far from their limits at such M; the second table follows them on the same ODE to sizes that cannot be sampled."""

_TRANSIENTS = f"""Largest relative gap to the sampled mean over steps 1 to 4000 at γ = 10^-3, M = {work.WIDTH}, one
sketch, 768 runs. The linearised ODE is expected to fail where single coordinates are strongly correlated with the
residual (large α); the arcsine mean-field ODE where fluctuations about the mean path are not small."""

_SGD = f"""The exact recurrence at 0.3 of the largest stable rate, M = {work.WIDTH}, 4096 runs. Single runs scatter by
as much as their mean."""

_STATIONARY = """signSGD's closed-form stationary risk (M = 256, γ = 10^-3) against both ODEs after 10^12 steps."""
