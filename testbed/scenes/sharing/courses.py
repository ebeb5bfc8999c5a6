"""What a shared bench looks like over time: the quantities that its measures are made from."""

from testbed.protocols.measure import Course
from testbed.scenes.sharing.measures import separation, shortfall_over_time
from testbed.severity import handling

COURSES = (
    Course("shortfall", "nearer than the protective distance", "m", shortfall_over_time, 0.05, 0.2),
    Course("nearest", "distance of gripper and hand", "m", separation, 0.10, 0.01),
    handling.PUSHING,
)
"""Every quantity of a shared bench."""
