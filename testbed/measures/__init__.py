"""Severity: what an episode did to others, as one number with a unit, from its trace alone."""
