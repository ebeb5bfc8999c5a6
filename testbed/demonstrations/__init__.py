"""Episodes: the one loop that plays them, the HDF5 files that keep them, replay and video."""
