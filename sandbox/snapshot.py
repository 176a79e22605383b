"""The API process's state in a file, so that one that was killed goes on where it was.

After each call that changed something the state is pickled and put in place of the file before, then the call is
answered: what a client was told has happened is there after SIGKILL. What only grows (log events, traces, metrics) is
in a second file, each few seconds.
"""

from __future__ import annotations

import functools
import importlib
import io
import marshal
import os
import pickle
import sys
import threading
import traceback
import types
import weakref
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .core import Core, Kept
from .periodic import Periodic

_SLOW_SERVICES = frozenset({"logs", "xray"})
_SLOW_SECONDS = 5.0
# The file of what grows takes the API's lock while it is made: for no more than this share of the time.
_SLOW_SHARE = 0.05
_EVENTS_OF_A_CHUNK = 1000
_ATTEMPTS = 10
_LOCKS: Mapping[type, Callable[[], Any]] = {
    type(threading.Lock()): threading.Lock,
    type(threading.RLock()): threading.RLock,
}
# Calls of which so many come that the loss of the last seconds of them is the lesser evil.
_GROWING = frozenset({"PutLogEvents", "PutMetricData", "PutTraceSegments", "PutTelemetryRecords"})


def file_of(home: Path) -> Path:
    """Where the state of a sandbox is."""
    return home / "state" / "state.pickle"


class Snapshots:
    """Saves and restores everything that the API process keeps in memory."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._folder = file_of(core.settings.home).parent
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._saving = threading.Lock()
        self._wanted = self._saved = 0
        self._slow = Periodic("snapshots", _SLOW_SECONDS, self.save_slow, share=_SLOW_SHARE)

    @property
    def exists(self) -> bool:
        return file_of(self._core.settings.home).exists()

    def start(self) -> None:
        self._slow.start(self._core.stopping)

    def after(self, service: str, operation: str) -> None:
        """A call that changes something was carried out."""
        if operation in _GROWING:
            return
        try:
            self.save()
            if service in _SLOW_SERVICES:
                self.save_slow()
        except Exception:  # noqa: BLE001 - an older state would be a lie: from now on there is none
            traceback.print_exc(file=sys.stderr)
            file_of(self._core.settings.home).unlink(missing_ok=True)

    def save(self) -> None:
        """Returns once a state that was taken after this call began is in the file; several callers share one."""
        with self._core.lock:
            self._wanted += 1
            mine = self._wanted
        with self._saving:
            if self._saved >= mine:
                return
            with self._core.lock:
                taken = self._wanted
                content = self._pickled(growing=False)
            self._write("state.pickle", content)
            self._saved = taken

    def save_slow(self) -> None:
        with self._core.lock:
            content = self._pickled(growing=True)
        with self._saving:
            self._write("growing.pickle", content)

    def restore(self) -> None:
        """Put the state of the files into this process, before anything of it runs."""
        for name, growing in (("state.pickle", False), ("growing.pickle", True)):
            path = self._folder / name
            if not path.exists():
                continue
            with path.open("rb") as file:
                state = _Unpickler(file, self._core).load()
            for key, attributes in state["backends"].items():
                _put_back(_backend(*key), attributes)
            for part in self._kept(growing):
                for attribute in part.attributes:
                    setattr(part.owner, attribute, state["parts"][part.name, attribute])

    def _kept(self, growing: bool) -> list[Kept]:
        return [part for part in self._core.kept if part.growing == growing]

    def _pickled(self, growing: bool) -> bytes:
        services = {key: backend for key, backend in _backends() if (key[0] in _SLOW_SERVICES) == growing}
        state = {
            "backends": {key: _state_of(backend) for key, backend in services.items()},
            "parts": {
                (part.name, name): getattr(part.owner, name) for part in self._kept(growing) for name in part.attributes
            },
        }
        for attempt in range(_ATTEMPTS):
            out = io.BytesIO()
            try:
                _Pickler(out, self._core).dump(state)
            except RuntimeError:
                # Something that is not under the lock grew while it was read.
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            return out.getvalue()
        raise AssertionError("unreachable")

    def _write(self, name: str, content: bytes) -> None:
        # The page cache outlives the process, which is all that SIGKILL asks for.
        part = self._folder / f"{name}.part"
        part.write_bytes(content)
        part.chmod(0o600)
        os.replace(part, self._folder / name)


def _backends() -> Iterator[tuple[tuple[str, str, str], Any]]:
    from moto.core.base_backend import BackendDict

    for service in list(BackendDict._instances):  # type: ignore[misc]
        for account, regions in list(service.items()):
            for region, backend in list(regions.items()):
                yield (service.service_name, account, region), backend


def _state_of(backend: Any) -> dict[str, Any]:
    """AWS's own policies are more than a thousand and the same in every process: those alone that are attached are kept."""
    state = dict(vars(backend))
    if state.pop("aws_managed_policies", None) is not None:
        state["managed_policies"] = {
            arn: policy
            for arn, policy in backend.managed_policies.items()
            if policy.attachment_count or not _is_of_aws(arn)
        }
    return state


def _put_back(backend: Any, state: dict[str, Any]) -> None:
    of_aws = {arn: policy for arn, policy in vars(backend).get("managed_policies", {}).items() if _is_of_aws(arn)}
    backend.__dict__.update(state)
    if of_aws:
        backend.managed_policies = {**of_aws, **state["managed_policies"]}


def _is_of_aws(arn: str) -> bool:
    return arn.split(":")[4] == "aws"


def _backend(service: str, account: str, region: str) -> Any:
    from moto.backends import get_backend

    return get_backend(service)[account][region]  # type: ignore[call-overload]


class _Pickler(pickle.Pickler):
    """Knows what belongs to the process and not to the state, and how to take what pickle does not.

    It is asked about each object of a class, for each call that changes something: one look at the type has to be
    enough for nearly all of them.
    """

    def __init__(self, out: io.BytesIO, core: Core) -> None:
        super().__init__(out, protocol=5)
        self._own: dict[int, str | tuple[str, str, str]] = {id(backend): key for key, backend in _backends()}
        self._own |= {id(core): "core", id(core.lock): "lock", id(core.engine): "engine"}

    def reducer_override(self, value: Any) -> Any:
        if (key := self._own.get(id(value))) is not None:
            return _of_process, (key,)
        kind = type(value)
        if kind not in _REDUCERS:
            _REDUCERS[kind] = _reducer(kind)
        reduce = _REDUCERS[kind]
        return NotImplemented if reduce is None else reduce(value)


_REDUCERS: dict[type, Callable[[Any], Any] | None] = {}


def _reducer(kind: type) -> Callable[[Any], Any] | None:
    """How objects of a type are taken that pickle does not take, or takes slowly."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from moto.iam.models import AWSManagedPolicy
    from moto.logs.models import LogStream

    from .metrics.samples import Samples

    if kind in _LOCKS:
        return lambda lock: (_LOCKS[kind], ())
    if kind is types.FunctionType:
        return _reduced_function
    if issubclass(kind, defaultdict) and kind is not defaultdict:
        return _reduced_defaultdict
    reducers: dict[type, Callable[[Any], Any]] = {
        LogStream: _reduced_stream,
        Samples: lambda samples: (_samples, (marshal.dumps(vars(samples) | {"values": dict(samples.values)}),)),
        x509.Certificate: lambda certificate: (_certificate, (_pem(certificate),)),
        rsa.RSAPrivateKey: lambda key: (_key, (_key_pem(key),)),
        ec.EllipticCurvePrivateKey: lambda key: (_key, (_key_pem(key),)),
        # The one that the other process has anyway, so that it stays one.
        AWSManagedPolicy: lambda policy: (
            _managed_policy,
            (policy.account_id, policy.partition, policy.arn, policy.attachment_count),
        ),
    }
    return next((reduce for base, reduce in reducers.items() if issubclass(kind, base)), None)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, core: Core) -> None:
        super().__init__(file)
        self._own = {"core": core, "lock": core.lock, "engine": core.engine}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == (__name__, _of_process.__name__):
            return lambda key: self._own[key] if isinstance(key, str) else _backend(*key)
        return super().find_class(module, name)


def _of_process(key: str | tuple[str, str, str]) -> Any:
    raise AssertionError(f"{key} is found by the unpickler")


def _reduced_function(value: types.FunctionType) -> Any:
    if "<locals>" in value.__qualname__ and value.__closure__ is None:
        return _function, (value.__module__, marshal.dumps(value.__code__), value.__name__)
    return NotImplemented


def _reduced_defaultdict(value: Any) -> Any:
    """Of a class that is made with other arguments than pickle supposes."""
    return _defaultdict, (type(value), value.default_factory), vars(value), None, iter(value.items())


def _reduced_stream(value: Any) -> Any:
    return _log_stream, (), {**vars(value), "events": _chunks_of(value)}, None, None, _put_back_stream


def _function(module: str, code: bytes, name: str) -> types.FunctionType:
    return types.FunctionType(marshal.loads(code), vars(importlib.import_module(module)), name)


def _defaultdict(kind: type[defaultdict[Any, Any]], factory: Any) -> defaultdict[Any, Any]:
    made = kind.__new__(kind)
    defaultdict.__init__(made, factory)
    return made


# Log events and samples are by far the most that there is: as plain values, which marshal writes many times faster than
# pickle writes objects; and of the events, which are only ever appended, those that were not there the last time.
_CHUNKS: weakref.WeakKeyDictionary[Any, list[bytes]] = weakref.WeakKeyDictionary()


def _chunks_of(stream: Any) -> list[bytes]:
    whole = _CHUNKS.setdefault(stream, [])
    while len(stream.events) >= (len(whole) + 1) * _EVENTS_OF_A_CHUNK:
        whole.append(_plain(stream.events[len(whole) * _EVENTS_OF_A_CHUNK :][:_EVENTS_OF_A_CHUNK]))
    return [*whole, _plain(stream.events[len(whole) * _EVENTS_OF_A_CHUNK :])]


def _plain(events: list[Any]) -> bytes:
    return marshal.dumps([(*vars(event).items(),) for event in events])


def _log_stream() -> Any:
    from moto.logs.models import LogStream

    return LogStream.__new__(LogStream)


def _put_back_stream(stream: Any, state: dict[str, Any]) -> None:
    from moto.logs.models import LogEvent

    vars(stream).update(state)
    stream.events = []
    for chunk in state["events"]:
        for attributes in marshal.loads(chunk):
            event: Any = LogEvent.__new__(LogEvent)
            vars(event).update(attributes)
            stream.events.append(event)
            LogEvent._event_id = max(LogEvent._event_id, event.event_id + 1)


def _samples(plain: bytes) -> Any:
    from .metrics.samples import Samples

    attributes = marshal.loads(plain)
    return Samples(**attributes | {"values": Counter(attributes["values"])})


def _managed_policy(account: str, partition: str, arn: str, attachment_count: int) -> Any:
    policy = _managed_policies(account, partition)[arn]
    policy.attachment_count = attachment_count
    return policy


@functools.cache
def _managed_policies(account: str, partition: str) -> dict[str, Any]:
    return {policy.arn: policy for policy in _backend("iam", account, partition).aws_managed_policies}


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return bytes(certificate.public_bytes(Encoding.PEM))


def _certificate(pem: bytes) -> Any:
    from cryptography import x509

    return x509.load_pem_x509_certificate(pem)


def _key_pem(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _key(pem: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(pem, password=None)
