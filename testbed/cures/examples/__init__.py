"""Cures by counter-examples: a few clean decisions where a habit shows."""
