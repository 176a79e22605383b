"""What makes hundreds of tests on moto quick: nothing loaded that no test looks at, nothing read from disk twice."""

from __future__ import annotations

import functools
import gc
import os

import botocore.loaders
from hypothesis import settings

# Fifteen hundred machine images, created for each test; no role of ours starts a machine.
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
# Thirteen hundred policies of AWS for each of seven partitions, each time a test begins; a test that needs them makes them.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "false"
# Each client of each test would read its service's model from disk.
botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)
# Models that stay in memory are many objects: looking for garbage among them every few hundred takes half of the time.
gc.set_threshold(100_000, 50, 1000)
# On a busy machine an example may take longer than hypothesis expects, which says nothing about what is tested.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
