"""Faults on demand: what may go wrong, for which calls, targets and zones, and how AWS words it."""
