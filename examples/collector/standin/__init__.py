"""A stand-in for AWS's OpenTelemetry collector, for sandboxes: what it does of the real one is in its README."""
