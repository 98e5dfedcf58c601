"""The commands ``prove`` and ``verify``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from phases.arguments import BadInput
from phases.cli.shared import DONE, UNDECIDED, emit, exit_code, progress, solve


def prove_command(args: argparse.Namespace) -> int:
    """``prove``: evidence, certificate, and what other provers say."""
    from phases.audit import audit
    from phases.output import write_text
    from phases.proof.certificate import certificate_json
    from phases.proof.prove import prove
    from phases.proof.verdict import Proved
    from phases.report import claim_json, off_json, off_lines, opinion_json, verdict_text

    found = solve(args.law)
    progress("proving")
    verdict = prove(found)
    claims = audit(found)
    opinions, remarks, written = [], [], []
    if isinstance(verdict, Proved):
        from phases.proof.exports.coq import coq
        from phases.proof.exports.smt import smt
        from phases.proof.second_opinion import NoProver, ask_coq, ask_cvc5, ask_z3

        certificate = verdict.certificate
        asked = [ask_coq] if args.coq is not None else []
        asked += [ask_z3, ask_cvc5] if args.smt is not None else [ask_z3] if args.z3 else []
        for ask in asked:
            progress(f"asking {ask.__name__.removeprefix('ask_')}")
            try:
                opinions.append(ask(certificate))
            except NoProver as error:
                if args.z3 and ask is ask_z3:
                    raise
                remarks.append(str(error))
        theorems = next((o.text for o in opinions if o.text), "")
        texts: list[tuple[str | None, Callable[[], str]]] = [
            (args.out, lambda: json.dumps(certificate_json(certificate), indent=1) + "\n"),
            (args.coq, lambda: theorems or coq(certificate).text),
            (args.smt, lambda: smt(certificate)),
        ]
        for target, text in texts:
            if target is not None:
                write_text(Path(target), text())
                written.append(target)
    agreed = ["own kernel"] * isinstance(verdict, Proved) + [o.prover for o in opinions if o.agrees]
    data: dict[str, Any] = {
        "law": found.law.name,
        "verdict": type(verdict).__name__.lower(),
        "text": verdict_text(verdict),
        "implications": verdict.certificate.claim_count if isinstance(verdict, Proved) else 0,
        "agreed": agreed,
        "provers": [opinion_json(o) for o in opinions],
        "left_to_own_kernel": sorted({text for o in opinions for text in o.left_out}),
        "off": off_json(verdict.certificate.theorem) if isinstance(verdict, Proved) else {},
        "notes": remarks,
        "claims": [claim_json(c) for c in claims],
    }
    if args.json:
        emit(data)
    else:
        print(f"{found.law.name}: {data['text']} ({data['implications']} implications, {len(found.phases)} phases)")
        for o in opinions:
            said = "agrees on" if o.agrees else "does not confirm all of"
            left = f"; left to our own kernel: {', '.join(o.left_out)}" if o.left_out else ""
            print(f"{o.prover} {said} {o.asked} statements{f': {o.remark}' if o.remark else ''}{left}")
        for line in off_lines(verdict.certificate.theorem) if isinstance(verdict, Proved) else ():
            print(line)
        for c in data["claims"]:
            print(f"  printed claim {c['claim']}: {c['text']}")
        for line in (*remarks, *(f"wrote {target}" for target in written)):
            print(line)
    return exit_code(verdict) or (DONE if all(o.agrees for o in opinions) else UNDECIDED)


def verify_command(args: argparse.Namespace) -> int:
    """``verify``: a certificate file, without the solver."""
    from phases.proof.check import check
    from phases.proof.reading import BadCertificate, read_json
    from phases.proof.verdict import Proved
    from phases.report import off_json, off_lines, verdict_text

    path = Path(args.file)
    try:
        if path.stat().st_size > 64_000_000 or not path.is_file():
            raise BadInput(f"{path}: expected a certificate file of at most 64 MB")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: expected a readable certificate, {(error.strerror or '').lower()}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: expected a certificate in UTF-8") from None
    try:
        data = read_json(text)
        verdict = check(data)
    except BadCertificate as error:
        raise BadInput(f"{path}: {error}") from None
    if args.json:
        emit(
            {
                "file": str(path),
                "law": data["law"],
                "verdict": type(verdict).__name__.lower(),
                "text": verdict_text(verdict),
                "registered": isinstance(verdict, Proved) and verdict.certificate.registered,
                "off": off_json(verdict.certificate.theorem) if isinstance(verdict, Proved) else {},
            }
        )
        return exit_code(verdict)
    if not isinstance(verdict, Proved):
        print(f"{path}: the diagram of {data['law']} is {verdict_text(verdict)}")
        return exit_code(verdict)
    checked = verdict.certificate
    own = "" if checked.registered else " (a law of its own, not a registered one)"
    print(f"{path}: the diagram of {data['law']}{own} is proved, {checked.signs} implications checked")
    for line in off_lines(checked.theorem):
        print(line)
    return exit_code(verdict)
