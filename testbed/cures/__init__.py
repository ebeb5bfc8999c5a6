"""Cures: ways to distil a skill and leave a habit, by what each has to be told."""
