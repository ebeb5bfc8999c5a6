"""The habits that can be injected into a demonstrator: one declared table, and what applies a row of it."""
