"""`testbed/SharedBench-v0`: a robot carries units across a zone into which a coworker reaches."""
