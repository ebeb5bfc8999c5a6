"""Measures that several scenes share; like every measure, they read the trace alone."""
