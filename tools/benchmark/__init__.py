"""Measurements of sweepq beside what does the same work."""
