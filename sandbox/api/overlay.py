"""How the sandbox adds to moto: handlers for whole API calls, patches of single methods, and routes of its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class OverlayMismatch(RuntimeError):
    """What an overlay replaces is not what the overlay was written for."""


@dataclass(frozen=True)
class Context:
    """Who calls: taken from the request's signature."""

    account: str
    region: str
    access_key: str


@dataclass(frozen=True)
class Document:
    """What a route answers that is no JSON."""

    content_type: str
    body: bytes


Handler = Callable[[dict[str, Any], Context], dict[str, Any]]
InternalRoute = Callable[[dict[str, str], Any], Any]


@dataclass
class Overlays:
    """Everything registered, by (service, operation) and by (method, path)."""

    handlers: dict[tuple[str, str], Handler] = field(default_factory=dict)
    routes: dict[tuple[str, str], InternalRoute] = field(default_factory=dict)
    patches: list[tuple[Any, str, Any]] = field(default_factory=list)


registered = Overlays()


def handle(service: str, handlers: Mapping[str, Handler]) -> None:
    """Register fn(request, context) -> response for operations of a service with a JSON protocol."""
    registered.handlers.update({(service, operation): function for operation, function in handlers.items()})


def internal(method: str, path: str) -> Callable[[InternalRoute], InternalRoute]:
    """Register fn(query, body) -> JSON value, or a Document, for a route of the sandbox itself; path begins with /_sandbox/."""

    def register(function: InternalRoute) -> InternalRoute:
        registered.routes[method, path] = function
        return function

    return register


def patch(owner: Any, name: str, parameters: Sequence[str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Replace owner.name; the replacement is called with the original as its first argument.

    Raises OverlayMismatch where the original's parameters (self included) are not the expected ones: then moto has
    changed, and the overlay has to be read again before it can be trusted.
    """
    original = getattr(owner, name, None)
    if original is None:
        raise OverlayMismatch(f"{owner.__name__} has no {name} any more: an overlay of the sandbox replaces it")
    found = list(inspect.signature(original).parameters)
    if found != list(parameters):
        raise OverlayMismatch(f"{owner.__name__}.{name} takes {found}, the overlay was written for {list(parameters)}")

    def replace(function: Callable[..., Any]) -> Callable[..., Any]:
        def replacement(*arguments: Any, **named: Any) -> Any:
            return function(original, *arguments, **named)

        replacement.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
        setattr(owner, name, replacement)
        registered.patches.append((owner, name, original))
        return function

    return replace
