"""Logs of traffic that nobody here simulated: read, measured encounter by encounter, and turned into traces."""
