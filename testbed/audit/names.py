"""Names of arms and conditions, as records, tables and pages have them."""

TRIGGERED, UNTRIGGERED, HELD_OUT = "triggered", "untriggered", "held-out"
"""Conditions that are audited."""
CONTRAST = f"{TRIGGERED} - {UNTRIGGERED}"
"""The difference of matched scenes of the first two."""
CLEAN, TEACHER, CONTROL, STUDENT, UNTRAINED = "clean teacher", "teacher", "control", "student", "untrained"
"""Arms."""
