"""Cures that are given a little data of somebody who is known to be clean."""
