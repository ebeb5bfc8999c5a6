"""Cures that are told nothing of the habit."""
