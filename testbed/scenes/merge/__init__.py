"""`testbed/Merge-v0`: two main lanes and an on-ramp whose acceleration lane ends in a barrier."""
