"""What all parts of the API process share: settings, engine, lock, clock, faults, metrics, and who is saved and started."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .config import ACCESS_KEY, SECRET_KEY, Settings
from .engine import Engine
from .faults.model import Faults
from .lateness import Lateness
from .laws.rates import Rates
from .metrics.store import Regions

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# moto reads these when it is first imported.
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

# Faults are for the users of the sandbox: calls that carry this agent meet none.
OWN_AGENT = "pear-sandbox-itself"


@dataclass(frozen=True)
class Kept:
    """Attributes of a part that are in the snapshots. What only grows is saved less often."""

    name: str
    owner: Any
    attributes: tuple[str, ...]
    growing: bool = False


def _not_serving(environ: Any, start_response: Any) -> Any:
    raise RuntimeError("the API process has no application yet")


def _nothing_saved(service: str, operation: str) -> None:
    """Until the process serves, nothing is saved."""


class Clients:
    """boto3 clients of this API. A session reads the models of a service once, but makes clients for one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._own: dict[str, Any] = {}
        self._session: Any = None
        self._lock = threading.Lock()

    def of(self, service: str, credentials: Any) -> Any:
        """The account's own client, which is kept, or one of somebody's credentials, which end."""
        if credentials is None and (own := self._own.get(service)) is not None:
            return own
        with self._lock:
            client = self._made(service, credentials)
            if credentials is None:
                self._own[service] = client
            return client

    def _made(self, service: str, credentials: Any) -> Any:
        import boto3
        from botocore.config import Config

        if self._session is None:
            self._session = boto3.Session()
        return self._session.client(
            service,
            endpoint_url=self._settings.endpoint,
            region_name=self._settings.region,
            aws_access_key_id=credentials.access_key_id if credentials else ACCESS_KEY,
            aws_secret_access_key=credentials.secret_access_key if credentials else SECRET_KEY,
            aws_session_token=credentials.session_token if credentials else None,
            config=Config(user_agent_extra=OWN_AGENT),
        )


@dataclass
class Core:
    """`lock` guards moto's state, which is not safe for threads by itself."""

    settings: Settings
    engine: Engine
    lock: threading.RLock = field(default_factory=threading.RLock)
    stopping: threading.Event = field(default_factory=threading.Event)
    lateness: Lateness = field(default_factory=lambda: Lateness(time.time))
    faults: Faults = field(default_factory=Faults)
    rates: Rates = field(default_factory=Rates)
    kept: list[Kept] = field(default_factory=list)
    starts: list[Callable[[], None]] = field(default_factory=list)
    # Called after a call or a tick that has changed something.
    after_change: Callable[[str, str], None] = _nothing_saved
    # What answers API calls; containers reach it on the bridge's gateway.
    application: WSGIApplication = _not_serving
    metrics: Regions = field(init=False)
    clients: Clients = field(init=False)

    def __post_init__(self) -> None:
        self.metrics = Regions(self.settings.time_factor)
        self.clients = Clients(self.settings)
        self.keep("faults", self.faults, "_on", "_met", "_made")
        self.keep("metrics", self.metrics, "_stores", growing=True)

    def keep(self, name: str, owner: Any, *attributes: str, growing: bool = False) -> None:
        """Have the snapshots save these attributes: what is in memory beside moto is lost with the process otherwise."""
        self.kept.append(Kept(name, owner, attributes, growing))

    def client(self, service: str, credentials: Any = None) -> Any:
        """A boto3 client of this very API, for parts that use it as any caller would; the account's own without credentials."""
        return self.clients.of(service, credentials)

    def backend(self, service: str, region: str | None = None) -> Any:
        """moto's state of a service; hold `lock` while touching it."""
        from moto.backends import get_backend

        name = (
            "aws" if service == "sts" else "global" if service in {"iam", "route53"} else region or self.settings.region
        )
        return get_backend(service)[self.settings.account][name]  # type: ignore[call-overload]
