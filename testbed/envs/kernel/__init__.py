"""highway-env's equations, compiled (Numba): many worlds a call, the same numbers.

Names follow highway-env's, so that the two can be read side by side; `tests/test_parity.py` holds
them together. Every function works on one world; only `step` knows that there are many.
"""
