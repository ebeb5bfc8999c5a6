"""Audit: what policies did to others, compared by the rules of the experiment, and shown to people."""
