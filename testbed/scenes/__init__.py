"""The scenes: each folder is a whole one, `scene.py` declares it, and `registry` finds it."""
