"""Policies that other people made, read without running any code of theirs: one file a format."""
