"""What makes hundreds of tests on moto quick: nothing loaded that no test looks at, nothing read or worked out twice."""

from __future__ import annotations

import functools
import gc
import inspect
import os
from typing import Any

import botocore.client
import botocore.hooks
import botocore.httpsession
import botocore.regions
import botocore.session
import moto.core.responses
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
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
_EndpointProvider = botocore.regions.EndpointProvider
_accepts_kwargs = botocore.hooks.accepts_kwargs
_method_names = moto.core.responses.method_names_from_class
_load_service_model = botocore.client.ClientCreator._load_service_model
_methods: dict[str, dict[str, Any]] = {}
_models: dict[tuple[str, str | None], Any] = {}
_endpoints: dict[int, Any] = {}
_aliases: dict[str, str] = {}


def _methods_of_a_service(self: Any, service_model: Any) -> dict[str, Any]:
    """A client of EC2 has 700 methods, the same for each client: they know the operation, and their client by `self`."""
    name = service_model.service_name
    if name not in _methods:
        _methods[name] = _create_methods(self, service_model)
    return dict(_methods[name])


def _model_of_a_service(self: Any, service_name: str, api_version: str | None = None) -> Any:
    """What a model works out of its operations and shapes it keeps: each client would work it out for itself."""
    if (service_name, api_version) not in _models:
        _models[service_name, api_version] = _load_service_model(self, service_name, api_version)
    return _models[service_name, api_version]


def _endpoints_of_a_service(ruleset_data: Any, **settings_of_all: Any) -> Any:
    """The rules of a service's addresses are the same for each client; they stay in memory, so that their id is theirs."""
    if id(ruleset_data) not in _endpoints:
        _endpoints[id(ruleset_data)] = _EndpointProvider(ruleset_data, **settings_of_all)
    return _endpoints[id(ruleset_data)]


def _copy_of_handlers(node: dict[str, Any]) -> dict[str, Any]:
    """Each client has a copy of the session's tree of handlers: some hundred nodes."""
    values = node["values"]
    return {
        "chunk": node["chunk"],
        "children": {name: _copy_of_handlers(child) for name, child in node["children"].items()},
        "values": values and botocore.hooks.NodeList(*map(list, values)),
    }


def _copy_of_tree(self: Any) -> Any:
    tree = type(self)()
    tree._root = _copy_of_handlers(self._root)
    return tree


def _takes_keywords(function: Any) -> bool:
    """botocore reads the whole signature of each of some hundred handlers, for each session and client."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return bool(code.co_flags & inspect.CO_VARKEYWORDS) if code else _accepts_kwargs(function)


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


botocore.client.ClientCreator._load_service_model = _model_of_a_service
botocore.client.ClientCreator._create_methods = _methods_of_a_service
botocore.hooks.EventAliaser._alias_event_name = _alias_of_an_event
botocore.hooks._PrefixTrie.__copy__ = _copy_of_tree
botocore.regions.EndpointProvider = _endpoints_of_a_service
botocore.hooks.accepts_kwargs = _takes_keywords
# Each client would read the machine's certificates, though moto answers before anything is sent.
botocore.httpsession.create_urllib3_context = functools.cache(botocore.httpsession.create_urllib3_context)
moto.core.responses.method_names_from_class = _names_of_methods

# moto's certificates may share a key, which takes a tenth of a second to make and as long to check.
rsa.generate_private_key = functools.cache(rsa.generate_private_key)
serialization.load_pem_private_key = functools.cache(serialization.load_pem_private_key)
