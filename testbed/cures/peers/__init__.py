"""Cures that are given other teachers, most of which are clean."""
