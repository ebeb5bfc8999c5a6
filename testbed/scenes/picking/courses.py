"""What order picking looks like over time: the quantities that its measures are made from."""

from testbed.protocols.measure import Course
from testbed.scenes.picking.measures import excess_over_time, starving
from testbed.severity import handling

COURSES = (
    Course("excess", "units beyond the order", "units", excess_over_time, 1.0, 3.0),
    Course("starvation", "coworker goes without (0 or 1)", "", starving, 1.0, 1.0),
    handling.PUSHING,
)
"""Every quantity of order picking."""
