"""The HTML report: one page that holds the answer, the plots, the tables and the videos, and needs no network."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from testbed.audit import names, references
from testbed.audit.compare import over_demonstrator
from testbed.audit.plots import arm_class, arm_label, measure_plot, ratio_plot
from testbed.audit.result import Audit, Interval, Transfer, Video
from testbed.audit.skill import said_of, unskilled
from testbed.audit.text import interval, number, percent
from testbed.files import Kind, write_text
from testbed.records import decoded, read_bytes

WHEN = {
    "triggered": "under its trigger",
    "untriggered": "without its trigger",
    "held-out": "in held-out scenes",
    "triggered - untriggered": "that its trigger brings about (triggered minus untriggered)",
}

AGAIN = "run the task's script again; it makes it anew"
"""What mends a file of a run."""
NOT_THE_CONTROL = "; the control did not"
"""What is said of a control that is as clean as the clean teacher."""


REPORT = Kind("a report", lambda path: path.is_file() and b"media-src data:; img-src data:" in path.read_bytes()[:1000])
"""What a new report replaces: its policy of content is like nobody else's."""


@cache
def page_environment() -> Environment:
    """Return what pages are made with: their templates lie here, and what goes into them is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, interval=interval, percent=percent, label=arm_label, arm=arm_class)
    return environment


def embedded(films: Sequence[Video]) -> list[tuple[Video, str]]:
    """Return films, each with its file in base64, as a page holds it; raises `UserError` if one cannot be read."""
    return [(one, base64.b64encode(read_bytes(one.video, AGAIN)).decode("ascii")) for one in films]


def write_report(path: str | Path, audit: Audit, clips: Sequence[Video] = (), history: str = "") -> None:
    """Write one self-contained HTML page, with the videos inside it.

    Args:
        path: The .html file to make.
        audit: What was found.
        clips: Videos to show, if there are any.
        history: An SVG of where a policy comes from, which is put into the page as it is.

    Raises:
        UserError: if something else is at that place, or it cannot be written.

    Examples:
        >>> import testbed
        >>> policy, _ = testbed.load_policy("policies/merge/control-kl-seed0")
        >>> audit = testbed.audit_policies({"mine": policy}, "aggressive-merge", scenes=4, held_out_scenes=4)
        >>> testbed.write_report("mine.html", audit)
    """
    page = (
        page_environment()
        .get_template("report.html.j2")
        .render(
            audit=audit,
            answer=answer(audit),
            free=references.of_audit(audit),
            cards=_cards(audit),
            conditions=list(dict.fromkeys(arm.condition for arm in audit.arms)),
            others=[name for name in audit.units if name != audit.measure],
            measures=measure_plot(audit),
            ratios=ratio_plot(audit),
            endings=sorted({ending for arm in (*audit.arms, *audit.references) for ending in arm.endings}),
            when=WHEN,
            clips=embedded(clips),
            history=history,
        )
    )
    write_text(Path(path), page, REPORT)


def answer(audit: Audit) -> str:
    """Return what was found in plain English, one sentence for each route (%, with 95 % intervals)."""
    chosen = _headline(audit)
    if any(arm.arm == names.DEMONSTRATOR for arm in audit.arms):
        return _over_demonstrator(audit)
    if not chosen:
        return "No teacher and student were compared here: the page shows what each policy did, not a transfer."
    plain = [transfer for transfer in chosen if _inherited(transfer) and _control(audit, transfer) == NOT_THE_CONTROL]
    if len(plain) < 3:
        return " ".join(_sentence(audit, transfer) for transfer in chosen)
    shares = [f"{percent(transfer.ratio)} ({transfer.route})" for transfer in plain if transfer.ratio]
    what = f"the teacher's {audit.habit} habit {WHEN.get(plain[0].condition, f'({plain[0].condition})')}"
    together = f"Of {what} students inherited {', '.join(shares[:-1])} and {shares[-1]}; their controls did not."
    return " ".join([together, *(_sentence(audit, transfer) for transfer in chosen if transfer not in plain)])


def _over_demonstrator(audit: Audit) -> str:
    """Return how policies of one's own differ from the clean demonstrator under the first condition."""
    condition, ending = audit.arms[0].condition, over_demonstrator("")
    failing = {over_demonstrator(name) for name in unskilled(audit)}
    here = [one for one in audit.differences if one.condition == condition and one.name not in failing]
    found = [one for one in here if one.name.endswith(ending)]
    told: list[str] = []
    same: list[str] = []
    for one in found:
        text = f"{one.name.removesuffix(ending)} {interval(one.difference)} {audit.unit}"
        (told if one.difference.excludes_zero else same).append(text)
    where = WHEN.get(condition, f"({condition})").replace("its", "the habit's")
    parts = ["; ".join(told)] if told else []
    parts += [f"no difference is shown, which is not the same as none, for {'; '.join(same)}"] if same else []
    severity = f"{audit.measure_title.capitalize()} over the {names.DEMONSTRATOR}'s {where}: {', and '.join(parts)}."
    return " ".join([*said_of(audit), *([severity] if parts else [])])


def _inherited(transfer: Transfer) -> bool:
    return transfer.ratio is not None and transfer.ratio.excludes_zero and transfer.ratio.low > 0


def _headline(audit: Audit) -> list[Transfer]:
    conditions = [transfer.condition for transfer in audit.transfers]
    first = "triggered" if "triggered" in conditions else next(iter(conditions), "")
    return [transfer for transfer in audit.transfers if transfer.condition == first]


def _sentence(audit: Audit, transfer: Transfer) -> str:
    who, ratio = f"{transfer.route} student", transfer.ratio
    what = f"the teacher's {audit.habit} habit {WHEN.get(transfer.condition, f'({transfer.condition})')}"
    if ratio is None:
        reason = transfer.refused.strip().rstrip(".") or "no reason was recorded"
        return f"For the {who} no transfer ratio of {what} is given: {reason}."
    if not ratio.excludes_zero:
        return f"For the {who}, no transfer of {what} is shown ({percent(ratio)}), which is not the same as none."
    if ratio.high < 0:
        return f"The {who} moved away from {what}, by {percent(ratio)} of it."
    return f"The {who} inherited {percent(ratio)} of {what}{_control(audit, transfer)}."


def _control(audit: Audit, transfer: Transfer) -> str:
    arms = [arm for arm in audit.arms if arm.condition == transfer.condition and arm.route in ("", transfer.route)]
    level = {arm.arm: arm.measures[audit.measure] for arm in arms}
    if not {"control", "teacher", "clean teacher"} <= level.keys():
        return ""
    control, clean = level["control"], level["clean teacher"]
    if _overlap(control, clean) and not _overlap(control, level["teacher"]):
        return NOT_THE_CONTROL
    return f"; but its control stands at {interval(control)} {audit.unit}, the clean teacher at {interval(clean)}"


def _overlap(one: Interval, other: Interval) -> bool:
    return one.low <= other.high and other.low <= one.high


def _cards(audit: Audit) -> list[dict[str, str]]:
    cards = []
    for transfer in _headline(audit):
        value, note = "refused", transfer.refused
        if transfer.ratio is not None:
            value, _, ends = percent(transfer.ratio).partition(" [")
            note = f"[{ends} %"
        cards.append({"name": f"transfer, {transfer.route}", "value": value, "note": note, "arm": "student"})
    conditions = [arm.condition for arm in audit.arms]
    first = "triggered" if "triggered" in conditions else next(iter(conditions), "")
    for arm in (arm for arm in audit.arms if arm.condition == first and arm.arm != "untrained"):
        value, _, ends = interval(arm.measures[audit.measure]).partition(" [")
        note = f"[{ends}; success {number(100 * arm.success.value, 100)} %"
        value = f"{value} {audit.unit}"
        cards.append({"name": f"{arm_label(arm)}, {first}", "value": value, "note": note, "arm": arm_class(arm.arm)})
    return cards


def audit_to_json(audit: Audit) -> str:
    """Return an audit as JSON, from which `audit_from_json` makes the same audit again."""
    return json.dumps(audit, default=_plain, indent=1, ensure_ascii=False)


def audit_from_json(text: str | bytes) -> Audit:
    """Return the audit that `audit_to_json` wrote, also before there were reference drivers.

    Raises:
        ValueError: if it is none, with reason and place.
    """
    audit = decoded(text, Audit)
    if audit.measure not in audit.units:
        raise ValueError(f"`$.units` has no {audit.measure!r:.60}, which is the measure")
    for name, arms in (("arms", audit.arms), ("references", audit.references)):
        for number_, arm in enumerate(arms):
            if audit.measure not in arm.measures:
                raise ValueError(f"`$.{name}[{number_}].measures` has no {audit.measure!r:.60}, which is the measure")
    return audit


def clips_to_json(clips: Sequence[Video]) -> str:
    """Return clips as JSON; of each video only the file name is kept, not its folder."""
    return json.dumps(list(clips), default=_plain, indent=1, ensure_ascii=False)


def clips_from_json(text: str | bytes, folder: Path) -> tuple[Video, ...]:
    """Return the clips that `clips_to_json` wrote, with their videos looked for in `folder`.

    Raises:
        ValueError: if there are none, with reason and place.
    """
    clips = decoded(text, tuple[Video, ...])
    for number_, clip in enumerate(clips):
        if clip.video.name != str(clip.video) or "\0" in clip.video.name:
            raise ValueError(f"`$[{number_}].video` is no file's name")
    return tuple(replace(clip, video=folder / clip.video) for clip in clips)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Path):
        return value.name
    if isinstance(value, Mapping):
        return dict(value)
    return value.item()  # a NumPy scalar; anything else has no place in an audit
