"""The one step loop, and what uses it: replays, and transitions to learn from."""
