"""Policies: small networks that act without torch, and the folders that keep them."""
