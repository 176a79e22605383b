# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The botocore session of a task, and its clients, created on first use.

botocore, not boto3 on top of it: clients are the same, and boto3 brings S3 transfers along, a fifth of a second at each start.
"""

from __future__ import annotations

import difflib
import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import missing_required_lib

from . import answers
from .errors import AwsError, Failure, NotSentError
from .throttling import Patience

try:
    import botocore.loaders
    import botocore.session
    from botocore import exceptions as boto
    from botocore.config import Config

    _HAS_BOTOCORE = True
except ImportError:
    _HAS_BOTOCORE = False

_KEYS = {"access_key": "access_key", "secret_key": "secret_key", "token": "session_token"}
# Retry mode standard: exponential backoff with jitter, throttling and transient errors only.
_NORMAL = {"connect_timeout": 5, "read_timeout": 30, "retries": {"mode": "standard", "total_max_attempts": 4}}
# The first call must fail within seconds if the endpoint does not answer.
_PROBE = {"connect_timeout": 3, "read_timeout": 5, "retries": {"mode": "standard", "total_max_attempts": 2}}

# For who waits at a terminal: a call that is not answered is given up, and said to be.
_BRIEF = {"connect_timeout": 2, "read_timeout": 4, "retries": {"mode": "standard", "total_max_attempts": 2}}
_QUICK = {"connect_timeout": 3, "read_timeout": 9, "retries": {"mode": "standard", "total_max_attempts": 3}}


def _session(profile: str | None = None) -> Any:
    """A session that shares the service models of the process, and of the process it was forked from."""
    session = botocore.session.Session(profile=profile)
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    return session


@functools.cache
def _loader(data_path: str | None) -> Any:
    return botocore.loaders.create_loader(data_path)


# A session created before the fork: the worker takes it over.
_prepared: list[Any] = []


def warm(services: Sequence[str]) -> None:
    """Create a session and read the models of services, before the process forks a worker per task. Sends nothing."""
    if not _HAS_BOTOCORE or not services:
        return
    try:
        if not _prepared:
            _prepared.append(_session())
    except boto.BotoCoreError:
        # Such as a mistyped profile. Here it would end ansible-playbook with a traceback; the task says it in a sentence.
        return
    for service in services:
        _prepared[0].create_client(service, region_name="us-east-1", aws_access_key_id="-", aws_secret_access_key="-")


class _Guard:
    """Keeps a request back that comes too late. botocore asks when it has signed it: credentials may take long to come."""

    def __init__(self, may_send: Callable[[], bool], reason: str) -> None:
        self.may_send = may_send
        self.reason = reason

    def __call__(self, event_name: str, **_request: Any) -> None:
        if not self.may_send():
            raise NotSentError(f"{event_name.rpartition('.')[2]} was not sent: {self.reason}.")


class Aws:
    """Access to one account and region, from the options of amazon.aws's common and region fragments."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        if not _HAS_BOTOCORE:
            raise Failure(missing_required_lib("boto3", url="https://boto3.amazonaws.com/"))
        self._params = params
        self._patience: Patience | None = None
        self._clients: dict[tuple[str, bool], Any] = {}
        # Creating a client is not thread-safe; clients are.
        self._lock = threading.Lock()
        profile = params.get("profile")
        # Keys from the process's environment must not override the profile option.
        keys = {} if profile else {name: params.get(option) for name, option in _KEYS.items()}
        try:
            self._session = _prepared.pop() if _prepared and not profile else _session(profile)
            region = params.get("region") or self._session.get_config_variable("region")
        except (boto.BotoCoreError, boto.ClientError) as cause:
            raise AwsError("open an AWS session", cause) from cause
        if bool(keys.get("access_key")) != bool(keys.get("secret_key")):
            raise Failure(
                "Of access_key and secret_key one is given: give both, or neither, and a profile or a role is used."
            )
        if keys.get("access_key"):
            self._session.set_credentials(**keys)
        if not region:
            raise Failure(
                "No AWS region is set. Set environment_region in the inventory (the playbooks pass it on), "
                "the option region, or AWS_REGION."
            )
        self._refuse_unknown(region)
        self.region: str = region

    def fenced(self, connect_timeout: float, read_timeout: float, may_send: Callable[[], bool]) -> Aws:
        """The same account for writes that must not arrive late: sent once, not waited for long, and only in time."""
        once = {"mode": "standard", "total_max_attempts": 1}
        config = {"connect_timeout": connect_timeout, "read_timeout": read_timeout, "retries": once}
        return _ConfiguredAws(self, config, _Guard(may_send, "its time was over. Looking again first"))

    def quick(self, may_send: Callable[[], bool] | None = None) -> Aws:
        """The same account for a caller that holds a lease: every call ends within 40 seconds, repetitions included.

        Nothing is sent, not even the repetition of a call, where `may_send` says no.
        """
        slow = "the calls before it took all the time that the lease leaves for a look"
        return _ConfiguredAws(self, _QUICK, _Guard(may_send, slow) if may_send else None)

    def brief(self) -> Aws:
        """The same account for a person who waits: every call ends within 15 seconds, its one repetition included."""
        return _ConfiguredAws(self, _BRIEF)

    def elsewhere(self, region: str) -> Aws:
        """The same account in another region."""
        if region == self.region:
            return self
        other = Aws({**self._params, "region": region})
        other._patience = self._patience
        return other

    def wait_for_quotas(self, say: Callable[[str], None]) -> None:
        """Send throttled calls again until AWS takes them, and say so: from here on, and not those of `fenced`, `quick` and `brief`."""
        self._patience = Patience(say)

    def client(self, service: str, probe: bool = False) -> Any:
        """Return the client of a service. A probe fails within seconds if the endpoint does not answer."""
        with self._lock:
            if (service, probe) not in self._clients:
                self._clients[service, probe] = self._make(service, _PROBE if probe else _NORMAL)
            return self._clients[service, probe]

    def _config(self, config: Mapping[str, Any]) -> Config:
        return Config(**config).merge(Config(**(self._params.get("aws_config") or {})))

    def _make(self, service: str, config: Mapping[str, Any]) -> Any:
        bundle = self._params.get("aws_ca_bundle")
        verify = bundle if bundle and self._params.get("validate_certs", True) else self._params.get("validate_certs")
        try:
            client = self._session.create_client(
                service,
                region_name=self.region,
                endpoint_url=self._params.get("endpoint_url"),
                verify=verify,
                config=self._config(config),
            )
            answers.watch(client)
            if self._patience is not None:
                self._patience.watch(client)
            return client
        except (boto.BotoCoreError, boto.ClientError, ValueError) as cause:
            if isinstance(cause, ValueError):
                raise Failure(f"Failed to reach {service}: {cause}. Check endpoint_url or AWS_ENDPOINT_URL.") from cause
            raise AwsError(f"open a client of {service}", cause) from cause

    def _refuse_unknown(self, region: str) -> None:
        """Otherwise an unknown region ends, after long retries, in a host name that does not resolve."""
        # Not by get_available_regions, which reads the whole model of a service to learn its prefix.
        partitions = self._session.get_data("endpoints")["partitions"]
        known = sorted({name for partition in partitions for name in partition["regions"]})
        if region not in known:
            near = ", ".join(difflib.get_close_matches(region, known, n=3)) or "eu-west-1"
            raise Failure(
                f"AWS has no region {region!r} that the installed botocore knows. Did you mean {near}? "
                "If the region is newer than the installed botocore, upgrade boto3."
            )


class _ConfiguredAws(Aws):
    """Clients with timeouts and repetitions of their own, which win over those of aws_config."""

    def __init__(self, aws: Aws, config: Mapping[str, Any], guard: _Guard | None = None) -> None:
        self._params = aws._params
        self._patience = None
        self._session = aws._session
        self._lock = aws._lock
        self._clients = {}
        self.region = aws.region
        self._own = config
        self._guard = guard

    def _config(self, config: Mapping[str, Any]) -> Config:
        return super()._config(config).merge(Config(**self._own))

    def _make(self, service: str, config: Mapping[str, Any]) -> Any:
        client = super()._make(service, config)
        if self._guard is not None:
            client.meta.events.register("before-send", self._guard)
        return client
