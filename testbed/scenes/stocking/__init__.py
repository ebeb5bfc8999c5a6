"""`testbed/ShelfStocking-v0`: a robot puts units into its own slots between a coworker's units."""
