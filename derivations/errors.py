"""The base of all errors that a user can cause: the command line catches these and nothing else.

Each subclass is one cause and also derives from the nearest builtin; its message is one sentence that says what was
expected. Any other exception that reaches the command line is a mistake in this program and shows its traceback.
"""

from __future__ import annotations


class PhaselawsError(Exception):
    """Something the user gave, or the machine it runs on, makes the work impossible."""


class NotDecided(PhaselawsError):
    """A bound was reached before the answer: neither yes nor no."""
