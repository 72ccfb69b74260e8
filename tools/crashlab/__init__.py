"""Crashes on purpose: kills and power cuts at chosen points, recovery, and an audit of what is left."""
