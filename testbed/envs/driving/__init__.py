"""Driving scenes on highway-env: the scene, its observation, its state and its scripted expert."""
