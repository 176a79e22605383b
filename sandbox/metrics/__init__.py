"""CloudWatch's arithmetic: samples, periods, metric math and alarm states. Values and rules only, no I/O."""
