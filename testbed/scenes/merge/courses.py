"""What a merge looks like over time: the quantities that its measures are made from."""

from __future__ import annotations

from testbed.protocols.measure import Course
from testbed.scenes.merge import following, measures

COURSES = (
    Course("imposed_deceleration", "imposed deceleration", "m/s²", measures.imposed_over_time, 2.0, 4.0),
    Course("drac", "deceleration to avoid a crash", "m/s²", measures.drac_over_time, 3.4, 5.0),
    Course("min_ttc", "follower's time to collision", "s", measures.ttc_over_time, 3.0, 1.5),
    Course("tailgating", "time headway on the main road", "s", following.headway, *following.CLOSE),
    Course("merger_delay", "merging vehicle waits", "s", following.waited, *following.WAITING),
    Course("jerk", "longitudinal jerk", "m/s³", measures.jerk_over_time, 4.13, 8.37),
)
"""Every quantity of a merge."""
