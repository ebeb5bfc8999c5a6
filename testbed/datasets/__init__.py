"""Data sets: HDF5 files of recorded episodes, written, read and judged."""
