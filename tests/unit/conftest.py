"""What makes hundreds of tests on moto quick: nothing loaded that no test looks at, nothing read or worked out twice."""

from __future__ import annotations

import functools
import gc
import os
from typing import Any

import botocore.client
import botocore.hooks
import botocore.session
import moto.core.responses
from hypothesis import settings

# Fifteen hundred machine images, created for each test; no role of ours starts a machine.
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
# Thirteen hundred policies of AWS for each of seven partitions, each time a test begins; a test that needs them makes them.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "false"
# Each client of each test would read its service's model from disk.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)
# Models that stay in memory are many objects: looking for garbage among them every few hundred takes half of the time.
gc.set_threshold(100_000, 50, 1000)
# On a busy machine an example may take longer than hypothesis expects, which says nothing about what is tested.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

_create_methods = botocore.client.ClientCreator._create_methods
_alias_event_name = botocore.hooks.EventAliaser._alias_event_name
_method_names = moto.core.responses.method_names_from_class
_methods: dict[str, dict[str, Any]] = {}
_aliases: dict[str, str] = {}


def _methods_of_a_service(self: Any, service_model: Any) -> dict[str, Any]:
    """A client of EC2 has 700 methods, the same for each client: they know the operation, and their client by `self`."""
    name = service_model.service_name
    if name not in _methods:
        _methods[name] = _create_methods(self, service_model)
    return dict(_methods[name])


def _alias_of_an_event(self: Any, event_name: str) -> str:
    """botocore's aliases of events are a constant; each client would look for its events in it again."""
    if event_name not in _aliases:
        _aliases[event_name] = _alias_event_name(self, event_name)
    return _aliases[event_name]


@functools.cache
def _names_of_class(responses: type, _sizes: tuple[int, ...]) -> list[str]:
    return _method_names(responses)


def _names_of_methods(responses: type) -> list[str]:
    """moto looks for these at each call. An overlay of the sandbox adds methods, so that the sizes of the classes change."""
    return _names_of_class(responses, tuple(len(vars(base)) for base in responses.__mro__))


botocore.client.ClientCreator._create_methods = _methods_of_a_service
botocore.hooks.EventAliaser._alias_event_name = _alias_of_an_event
moto.core.responses.method_names_from_class = _names_of_methods
