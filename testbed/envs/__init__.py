"""The machinery that scenes are made from: highway-env's equations compiled, and the two forms of both domains.

Every scene of a domain has both of its forms, a single one and a batch.
"""
