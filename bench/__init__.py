"""Measurements behind every figure in the docs: ratios of interleaved runs on one sandbox, in one session."""
