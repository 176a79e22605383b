"""HTTP/1.1 on the wire: heads, body framing, strict enough that two parties never read one message two ways."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

# ALB's limits: 16 KiB for a request line or a single header, 64 KiB for a whole request head.
HEAD_LIMIT = 64 * 1024
LINE_LIMIT = 16 * 1024
CHUNK = 64 * 1024

NONE, LENGTH, CHUNKED, UNTIL_CLOSE = "none", "length", "chunked", "until-close"

# Connection-specific fields (RFC 9110, 7.6.1): they end at each hop.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_DIGITS = re.compile(r"[0-9]+").fullmatch
_HEX = re.compile(r"[0-9A-Fa-f]{1,15}").fullmatch


class MalformedMessage(ValueError):
    """A message that does not keep to the protocol; `status` is what ALB answers a client for it."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(slots=True)
class Head:
    """A start line in its three parts, and the header fields: in order as sent, and by lower-case name."""

    start: tuple[str, str, str]
    headers: list[tuple[str, str]]
    fields: dict[str, str]

    def tokens(self, name: str) -> frozenset[str]:
        value = self.fields.get(name)
        return frozenset(part.strip().lower() for part in value.split(",")) if value else frozenset()


@dataclass(frozen=True, slots=True)
class Framing:
    kind: str
    length: int = 0


NO_BODY = Framing(NONE)


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The next head; None if the peer closed between messages."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise MalformedMessage(f"the head is larger than {HEAD_LIMIT} bytes") from error
    except asyncio.IncompleteReadError as error:
        if not error.partial.strip():
            return None
        raise
    return parse_head(raw)


def parse_head(raw: bytes) -> Head:
    # A stray empty line before a request is to be ignored (RFC 9112, 2.2).
    lines = raw.decode("latin-1").lstrip("\r\n")[:-4].split("\r\n")
    start = lines[0].split(" ", 2)
    if len(lines[0]) > LINE_LIMIT:
        raise MalformedMessage("the start line is too long", 414 if len(start) == 3 else 400)
    if len(start) == 2:
        start.append("")
    if len(start) != 3:
        raise MalformedMessage("the start line does not have three parts")
    headers: list[tuple[str, str]] = []
    fields: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN(name) or len(line) > LINE_LIMIT or "\0" in line or "\r" in line or "\n" in line:
            raise MalformedMessage(f"a header line is malformed: {line[:80]!r}")
        value = value.strip(" \t")
        lower = name.lower()
        headers.append((name, value))
        if lower in fields:
            if lower == "host" or (lower == "content-length" and fields[lower] != value):
                raise MalformedMessage(f"the header {lower} comes twice")
            if lower != "content-length":
                value = f"{fields[lower]}{'; ' if lower == 'cookie' else ', '}{value}"
        fields[lower] = value
    return Head((start[0], start[1], start[2]), headers, fields)


def request_framing(head: Head) -> Framing:
    encoding = head.fields.get("transfer-encoding")
    length = head.fields.get("content-length")
    if encoding is not None:
        if length is not None:
            raise MalformedMessage("Content-Length together with Transfer-Encoding")
        if encoding.lower() == "identity":
            return NO_BODY
        if encoding.lower() != "chunked":
            raise MalformedMessage(f"Transfer-Encoding {encoding!r} is not supported", 501)
        return Framing(CHUNKED)
    return _length_framing(length) if length is not None else NO_BODY


def response_framing(head: Head, method: str, status: int) -> Framing:
    if method == "HEAD" or status < 200 or status in (204, 304):
        return NO_BODY
    encoding = head.fields.get("transfer-encoding")
    if encoding is not None:
        return Framing(CHUNKED) if encoding.lower().split(",")[-1].strip() == "chunked" else Framing(UNTIL_CLOSE)
    length = head.fields.get("content-length")
    return _length_framing(length) if length is not None else Framing(UNTIL_CLOSE)


def _length_framing(value: str) -> Framing:
    if not _DIGITS(value):
        raise MalformedMessage(f"Content-Length {value!r} is not a number")
    length = int(value)
    return Framing(LENGTH, length) if length else NO_BODY


async def read_body(reader: asyncio.StreamReader, framing: Framing) -> AsyncIterator[bytes]:
    """The body's payload in pieces. A peer that stops short raises IncompleteReadError."""
    if framing.kind == LENGTH:
        async for piece in _read_length(reader, framing.length):
            yield piece
    elif framing.kind == CHUNKED:
        while size := await _chunk_size(reader):
            async for piece in _read_length(reader, size):
                yield piece
            if await reader.readexactly(2) != b"\r\n":
                raise MalformedMessage("a chunk is longer than it said")
        while (await reader.readuntil(b"\r\n")) != b"\r\n":
            pass  # trailer fields end at this hop
    elif framing.kind == UNTIL_CLOSE:
        while piece := await reader.read(CHUNK):
            yield piece


async def _read_length(reader: asyncio.StreamReader, length: int) -> AsyncIterator[bytes]:
    left = length
    while left:
        piece = await reader.read(min(left, CHUNK))
        if not piece:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(piece)
        yield piece


async def _chunk_size(reader: asyncio.StreamReader) -> int:
    try:
        line = (await reader.readuntil(b"\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError as error:
        raise MalformedMessage("a chunk's size line is too long") from error
    size = line.partition(";")[0].strip()
    if not _HEX(size):
        raise MalformedMessage(f"a chunk's size is not a number: {size[:20]!r}")
    return int(size, 16)


def encode_head(start: str, headers: list[tuple[str, str]]) -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def encode_chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


LAST_CHUNK = b"0\r\n\r\n"


def end_to_end(head: Head) -> list[tuple[str, str]]:
    """The header fields that travel on: without the hop's own and without those that Connection names."""
    gone = HOP_BY_HOP | head.tokens("connection")
    return [(name, value) for name, value in head.headers if name.lower() not in gone]
