"""Cleaning of mixed data, judged by who is found and by what students do who learn from the rest."""
