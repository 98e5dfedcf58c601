"""Writing files and folders: all or nothing, and one sentence if it cannot be done."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from derivations.errors import PhaselawsError
from derivations.stopping import finished, held, unfinished


class CannotWrite(PhaselawsError, OSError):
    """An output file or folder cannot be written; nothing half-written is left behind."""


def made_folder(target: Path) -> Path:
    """The folder, made if it is missing.

    Raises
    ------
    CannotWrite : it is a file, or cannot be created.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"cannot write to {target}: expected a folder that can be written, {_why(error)}") from None
    return target


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """A scratch folder beside the target; its files are moved into the target when the block succeeds.

    Raises
    ------
    CannotWrite : the target is a file, or cannot be created or written.
    """
    created: list[Path] = []

    def discard() -> None:
        shutil.rmtree(scratch, ignore_errors=True)
        _remove(created)

    with held():
        try:
            created = _missing_parents(target)
            target.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix=".part-", dir=target))
        except OSError as error:
            _remove(created)
            raise CannotWrite(
                f"cannot write to {target}: expected a folder that can be written, {_why(error)}"
            ) from None
        unfinished(scratch, discard)
    try:
        yield scratch
        with held():
            _move(scratch, target)
            created = []
    except PhaselawsError:
        raise
    except OSError as error:
        raise CannotWrite(f"cannot write to {target}: {_why(error)}") from None
    finally:
        with held():
            discard()
            finished(scratch)


def _move(source: Path, target: Path) -> None:
    blocked = [p for p in source.rglob("*") if p.is_file() and (target / p.relative_to(source)).is_dir()]
    if blocked:
        raise CannotWrite(f"cannot write {target / blocked[0].relative_to(source)}: expected a file, found a folder")
    for path in sorted(source.rglob("*")):
        goal = target / path.relative_to(source)
        if path.is_dir():
            goal.mkdir(exist_ok=True)
        else:
            path.replace(goal)


def _missing_parents(target: Path) -> list[Path]:
    out = []
    for folder in (target, *target.parents):
        if folder.exists():
            break
        out.append(folder)
    return out


def _remove(created: list[Path]) -> None:
    for folder in created:
        try:
            folder.rmdir()
        except OSError:
            continue


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


@contextmanager
def staged_file(path: Path) -> Iterator[Path]:
    """A scratch file beside the target, which becomes the target when the block succeeds.

    Raises
    ------
    CannotWrite : it cannot be written; what was there stays.
    """
    scratch = None
    try:
        path = path.resolve()
        if path.exists() and not path.is_file():
            raise CannotWrite(f"cannot write {path}: expected a regular file, found a folder or a device")
        with held():
            handle, name = tempfile.mkstemp(prefix=".part-", dir=path.parent)
            os.close(handle)
            scratch = Path(name)
            unfinished(scratch, partial(scratch.unlink, missing_ok=True))
        yield scratch
        scratch.chmod(0o644)
        scratch.replace(path)
    except PhaselawsError:
        raise
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {_why(error)}") from None
    finally:
        if scratch is not None:
            with held():
                scratch.unlink(missing_ok=True)
                finished(scratch)


def write_text(path: Path, text: str) -> None:
    """Write a text file by way of a temporary one beside it.

    Raises
    ------
    CannotWrite : it cannot be written.
    """
    with staged_file(path) as scratch:
        scratch.write_text(text, encoding="utf-8")
