"""What reference drivers say of an audit: whether its success is free, so that it tells nobody's skill."""

from __future__ import annotations

from collections.abc import Mapping

from testbed.audit import names
from testbed.audit.result import Audit, Interval
from testbed.audit.text import percent

ENOUGH = 0.5
"""A reference driver that succeeds less often than this is none for whom success is free."""


def free_success(who: str, success: Interval, beside: Mapping[str, Interval]) -> str:
    """Return which reference drivers succeed about as often as somebody clean, in one sentence, or nothing.

    That is, whose interval reaches the other's.

    Args:
        who: The clean one, for example `the clean teacher`.
        success: Its share of tasks done.
        beside: Those of the reference drivers, by name.
    """
    free = [
        f"{name} ({percent(one)})" for name, one in beside.items() if one.value >= ENOUGH and one.high >= success.low
    ]
    if not free:
        return ""
    names = " and ".join(filter(None, (", ".join(free[:-1]), free[-1])))
    succeed = "succeed" if len(free) > 1 else "succeeds"
    return f"Success says little here: {names} {succeed} about as often as {who} ({percent(success)})."


def of_audit(audit: Audit) -> str:
    """Return `free_success` of an audit, under its first condition, or nothing if nobody in it is known to be clean."""
    clean = next((arm for arm in audit.arms if arm.arm in (names.CLEAN, names.DEMONSTRATOR)), None)
    if clean is None:
        return ""
    beside = {one.arm: one.success for one in audit.references if one.condition == clean.condition}
    return free_success(f"the {clean.arm}", clean.success, beside)
