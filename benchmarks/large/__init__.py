"""A data set larger than the memory: made, killed on the way, and worked with."""
