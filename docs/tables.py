"""Put what runs found into docs/results.md, and their records into docs/results/.

python docs/tables.py runs/crosswalk runs/merge
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from testbed.audit.names import HELD_OUT, TRIGGERED, UNTRIGGERED
from testbed.audit.report import audit_from_json
from testbed.audit.result import Audit
from testbed.audit.text import percent, two_decimals
from testbed.cli.commands.pages import put

PAGE, RECORDS = Path(__file__).with_name("results.md"), Path(__file__).with_name("results")


def main(runs: Iterable[Path]) -> None:
    """Write the tables of some runs."""
    for run in runs:
        text = (run / "audit.json").read_text(encoding="utf-8")
        (RECORDS / f"{run.name}.json").write_text(text, encoding="utf-8")
        put(PAGE, run.name, tables(audit_from_json(text)))


def tables(audit: Audit) -> str:
    """Return the tables of an audit as Markdown: every arm under every condition, then the transfer ratios."""
    arms = [
        "| arm | success, triggered | " + f"{audit.measure_title}, triggered [{audit.unit}] | untriggered | held-out |"
    ]
    arms.append("|---|---|---|---|---|")
    everybody = {(arm.arm, arm.route, arm.condition): arm for arm in (*audit.arms, *audit.references)}
    for arm in (arm for arm in everybody.values() if arm.condition == TRIGGERED):
        name = f"*{arm.arm}*" if arm in audit.references else _label(arm.arm, arm.route)
        severities = [
            everybody[arm.arm, arm.route, one].measures[audit.measure] for one in (TRIGGERED, UNTRIGGERED, HELD_OUT)
        ]
        arms.append("| " + " | ".join([name, percent(arm.success), *map(two_decimals, severities)]) + " |")
    routes = list(dict.fromkeys(one.route for one in audit.transfers))
    ratios = ["| transfer ratio | " + " | ".join(routes) + " |", "|---" * (len(routes) + 1) + "|"]
    for condition in dict.fromkeys(one.condition for one in audit.transfers):
        found = {one.route: one.ratio for one in audit.transfers if one.condition == condition}
        told = ["refused" if (ratio := found[route]) is None else two_decimals(ratio) for route in routes]
        ratios.append("| " + " | ".join([condition, *told]) + " |")
    return "\n".join([*arms, "", *ratios])


def _label(arm: str, route: str) -> str:
    return f"{arm} ({route})" if route else arm


if __name__ == "__main__":
    main(map(Path, sys.argv[1:]))
