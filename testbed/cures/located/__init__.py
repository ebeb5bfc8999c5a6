"""Cures that are told which episodes are bad."""
