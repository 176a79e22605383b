# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A frozen value of the model as plain data, and back: what the ledger and the JSON report hold."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
_PLAIN = (str, int, float, bool, type(None))


def to_plain(value: Any) -> Any:
    """Dataclasses become dicts, enumerations their values, tuples lists."""
    if type(value) in _PLAIN:
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: to_plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_plain(element) for key, element in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(element) for element in value]
    return value


def from_plain(kind: type[T], plain: Any) -> T:
    """The value of this type that to_plain made the data from.

    Fields that the type does not have are passed over, and missing ones take their defaults: a ledger outlives them.
    """
    made: T = _read(kind, plain)
    return made


def _read(kind: Any, plain: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return plain
    if origin in (Union, types.UnionType):
        if plain is None:
            return None
        return _read(next(argument for argument in arguments if argument is not types.NoneType), plain)
    if origin is tuple:
        return tuple(_read(arguments[0], element) for element in plain)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: _read(arguments[1], element) for key, element in plain.items()}
    if isinstance(kind, type) and is_dataclass(kind):
        return _read_dataclass(kind, plain)
    return kind(plain)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _read_dataclass(kind: Any, plain: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    missing = [
        item.name
        for item in fields(kind)
        if item.name not in plain and item.default is MISSING and item.default_factory is MISSING
    ]
    if missing:
        raise ValueError(f"the record of a {kind.__name__} lacks {', '.join(missing)}")
    return kind(**{item.name: _read(hints[item.name], plain[item.name]) for item in fields(kind) if item.name in plain})
