"""What `benchmarks/fuzz.py` is made of: valid files, ways to alter them, and a warm parent that runs commands on them.

`bases` makes the valid files; `raw`, `hdf5`, `texts`, `tensors` and `arguments` alter them; `kinds` says which kind of
input is altered how and run by which command; `child` runs a command in a process of its own; `decoys` are a stranger's
files around it; `endings` judges; `server` is the parent that has imported everything.
"""
