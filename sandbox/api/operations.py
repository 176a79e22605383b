"""The operation of a request whose protocol says it by method and path, from botocore's own service models."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

_MODEL_OF = {"elasticfilesystem": "efs"}


def rest_operation(service: str, method: str, path: str) -> str | None:
    """The name of the operation, such as DescribeFileSystems; None where the service or the path is unknown.

    S3 is left out: there the query says as much as the path.
    """
    if service == "s3":
        return None
    for name, wanted, matches in _paths(_MODEL_OF.get(service, service)):
        if wanted == method and matches(path):
            return name
    return None


@functools.cache
def _paths(model_name: str) -> list[tuple[str, str, Callable[[str], object]]]:
    """Every operation's method and path, those with the most literal text first."""
    import botocore.exceptions
    from botocore.session import Session

    try:
        model = Session().get_service_model(model_name)
    except botocore.exceptions.UnknownServiceError:
        return []
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        if http:
            literal = re.sub(r"\{[^}]*\}", "", http["requestUri"])
            found.append((len(literal), name, http["method"], _pattern(http["requestUri"])))
    return [(name, method, pattern.fullmatch) for _, name, method, pattern in sorted(found, reverse=True, key=_length)]


def _length(operation: tuple[int, str, str, re.Pattern[str]]) -> int:
    return operation[0]


def _pattern(uri: str) -> re.Pattern[str]:
    """A path template as a pattern: {Name} is one part, {Name+} the rest."""
    parts = re.split(r"(\{[^}]*\})", uri.partition("?")[0])
    text = "".join(
        (".+" if part.endswith("+}") else "[^/]+") if part.startswith("{") else re.escape(part) for part in parts
    )
    return re.compile(text.rstrip("/") + "/?")
