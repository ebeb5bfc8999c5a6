"""How a command may end on an altered input, and which of the endings are good."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fuzzing.child import Outcome

ACCEPTED = "accepted"
REFUSED = "refused"
TOLD = "told"
PARSER = "usage"
TRACEBACK = "traceback"
DIED = "died"
HANG = "hang"
MEMORY = "memory"
OUTSIDE = "outside"
LINES = "lines"
NOISE = "noise"
CODE = "exit code"
JUDGE = "judge"
UNMADE = "not made"
MEANING = {
    ACCEPTED: "exit code 0, nothing on the standard error",
    REFUSED: "exit code 2, one line that begins with 'error:'",
    TOLD: "exit code 1 of validate or replay --verify, which say what is wrong",
    PARSER: "exit code 2, the box of the parser of arguments",
    TRACEBACK: "an exception that nobody caught",
    DIED: "ended by a signal",
    HANG: "20 s of processor time, or of waiting",
    MEMORY: "more than 1 GB resident",
    OUTSIDE: "a stranger's file changed, or something was written outside the folder",
    LINES: "refused in no line, or in more than one",
    NOISE: "accepted, with something on the standard error",
    CODE: "another exit code",
    JUDGE: "the command before it accepted what this one refuses",
    UNMADE: "the input could not be made: a fault of the benchmark",
}
"""Every ending -> what it is."""
GOOD = ACCEPTED, REFUSED, TOLD, PARSER
TELLERS = "validate", "replay"
"""Commands that exit with 1 where they find something wrong."""


@dataclass(frozen=True)
class Ending:
    """How one command ended."""

    number: int
    """Of the input."""
    kind: str
    """What was altered."""
    what: str
    """How."""
    command: str
    """Name of the command."""
    arguments: Sequence[str]
    """What it was given."""
    ending: str
    """A name of `MEANING`."""
    why: str
    """The line that tells most."""
    seconds: float
    """[s]."""
    peak: float
    """[B]."""

    @property
    def bad(self) -> bool:
        """Whether it is none that a stranger should see."""
        return self.ending not in GOOD


def judge(command: str, outcome: Outcome, changed: Sequence[str], accepted: bool) -> tuple[str, str]:
    """Return the name of an ending, and the line that tells most.

    Args:
        command: What was run.
        outcome: What became of it.
        changed: What is no longer as it was around its folder.
        accepted: Whether a command that was run before, and is the judge, accepted the same input.
    """
    said = [line.strip() for line in outcome.err.splitlines() if line.strip()]
    last = said[-1] if said else ""
    if changed:
        return OUTSIDE, ", ".join(changed[:3])
    if outcome.stopped:
        return {"hang": HANG, "memory": MEMORY}[
            outcome.stopped
        ], f"{outcome.seconds:.0f} s, {outcome.peak / 1e6:.0f} MB"
    if outcome.code < 0:
        return DIED, f"signal {-outcome.code}"
    if "Traceback (most recent call last)" in outcome.err + outcome.out:
        return TRACEBACK, f"{last} ({_place(outcome.err)})"
    if outcome.code == 0:
        return (NOISE, last) if said else (ACCEPTED, "")
    if outcome.code == 1 and command in TELLERS and "✗" in outcome.out and not said:
        return (JUDGE if accepted else TOLD), outcome.out.strip().splitlines()[0]
    if outcome.code != 2:
        return CODE, f"exit code {outcome.code}: {last}"
    if last.startswith("╰") and said[0].startswith("╭"):
        return PARSER, ""
    if len(said) != 1 or not said[0].startswith("error:"):
        return LINES, f"{len(said)} lines: {last}"
    return (JUDGE if accepted else REFUSED), last


def _place(text: str) -> str:
    """Return where the last line of the testbed's own is, of a traceback."""
    found = re.findall(r'File "[^"]*?/(testbed|tasks)/([^"]+)", line \d+, in (\S+)', text)
    return "/".join(found[-1][1:]) if found else "elsewhere"
