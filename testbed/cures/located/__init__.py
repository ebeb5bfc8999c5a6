"""Cures that are told where it happens."""
