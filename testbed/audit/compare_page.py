"""The page of a comparison: is the newer policy worse, and where do both part?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testbed.audit.pairs import Changed
from testbed.audit.report import REPORT, embedded, page_environment
from testbed.audit.result import Interval, Video
from testbed.files import write_text


def write_compare_page(
    path: Path, environment: str, policies: tuple[str, str], found: Sequence[Changed], films: Sequence[Video]
) -> None:
    """Write one self-contained HTML page, with its video inside.

    Args:
        path: The .html file to make.
        environment: Gymnasium id.
        policies: The older and the newer one.
        found: What changed, by condition.
        films: The scene in which they part most, or nothing.

    Raises:
        UserError: if something else is at that place, or it cannot be written.
    """
    page = page_environment().get_template("compare.html.j2").render(
        environment=environment, old=policies[0], new=policies[1], found=found, films=embedded(films),
        answer=answer(policies, found), lost=lambda one: Interval(-one.value, -one.high, -one.low),
    )  # fmt: skip
    write_text(path, page, REPORT)


def answer(policies: tuple[str, str], found: Sequence[Changed]) -> str:
    """Return what is said first, in plain English: where the newer one is worse, or that it is not."""
    words = [(f"{what} in {one.condition} scenes", word) for one in found
             for what, word in (("success", one.success.word), (one.severity.measure, one.severity.word))]  # fmt: skip
    old, new = policies
    parts = [f"{word}: {', '.join(where for where, said in words if said == word)}"
             for word in ("worse", "undecided") if any(said == word for _, said in words)]  # fmt: skip
    if not parts:
        return f"{new} is not worse than {old}."
    return f"{new} beside {old}: {'; '.join(parts)}."
