"""Protobuf's wire format, as far as OTLP's traces need it: bytes to the same shape as OTLP's JSON. Pure.

Numbers of fields: https://github.com/open-telemetry/opentelemetry-proto, trace/v1, common/v1, resource/v1. What is not
listed is skipped, as any reader of protobuf does.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Numbers and values of a message's fields. ValueError where it ends too early."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        length, at = _varint(message, at) if wire == _BYTES else ({_FIXED64: 8, _FIXED32: 4}.get(wire, -1), at)
        if length < 0 or at + length > len(message):
            raise ValueError("this is not protobuf, or not all of it")
        yield number, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 70:
        byte = message[at]
        value, at, shift = value | (byte & 0x7F) << shift, at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("this is not protobuf, or not all of it")


def trace_request(message: bytes) -> dict[str, Any]:
    return {"resourceSpans": [_resource_spans(value) for number, value in fields(message) if number == 1]}


def _resource_spans(message: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {"resource": {}, "scopeSpans": []}
    for number, value in fields(message):
        if number == 1:
            found["resource"] = {"attributes": [_pair(entry) for part, entry in fields(value) if part == 1]}
        elif number == 2:
            found["scopeSpans"].append({"spans": [_span(entry) for part, entry in fields(value) if part == 2]})
    return found


def _span(message: bytes) -> dict[str, Any]:
    span: dict[str, Any] = {"attributes": []}
    for number, value in fields(message):
        if number in (1, 2, 4):
            span[{1: "traceId", 2: "spanId", 4: "parentSpanId"}[number]] = value.hex()
        elif number == 5:
            span["name"] = value.decode()
        elif number == 6:
            span["kind"] = value
        elif number in (7, 8):
            span["startTimeUnixNano" if number == 7 else "endTimeUnixNano"] = int.from_bytes(value, "little")
        elif number == 9:
            span["attributes"].append(_pair(value))
        elif number == 15:
            span["status"] = {"code": dict(fields(value)).get(3, 0)}
    return span


def _pair(message: bytes) -> dict[str, Any]:
    pair: dict[str, Any] = {"key": "", "value": {}}
    for number, value in fields(message):
        if number == 1:
            pair["key"] = value.decode()
        elif number == 2:
            pair["value"] = _value(value)
    return pair


def _value(message: bytes) -> dict[str, Any]:
    for number, value in fields(message):
        if number == 1:
            return {"stringValue": value.decode()}
        if number == 2:
            return {"boolValue": bool(value)}
        if number == 3:
            return {"intValue": value - (1 << 64) if value >= 1 << 63 else value}
        if number == 4:
            return {"doubleValue": struct.unpack("<d", value)[0]}
        if number == 5:
            return {"arrayValue": {"values": [_value(entry) for part, entry in fields(value) if part == 1]}}
        if number == 6:
            return {"kvlistValue": {"values": [_pair(entry) for part, entry in fields(value) if part == 1]}}
        if number == 7:
            return {"bytesValue": value.hex()}
    return {}
