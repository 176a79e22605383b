"""AWS's calls in memory, behind an address: for playbooks, which are processes of their own."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto.cloudwatch.responses import CloudWatchResponse
from moto.server import ThreadedMotoServer

from .dashboards import with_tags
from .saved_queries import QueryStore
from .xray_settings import TraceStore


@contextmanager
def calls_in_memory() -> Iterator[str]:
    """The address of moto's server, with what moto lacks of the calls that playbooks make."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    with pytest.MonkeyPatch.context() as patched:
        QueryStore().install(patched)
        TraceStore().installed_for(patched)
        with_tags(patched)
        # moto stores composite alarms, and lacks the call that puts them.
        patched.setattr(CloudWatchResponse, "put_composite_alarm", CloudWatchResponse.put_metric_alarm, raising=False)
        server.start()
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        # moto keeps its state in the process: what another test of it left there goes.
        urllib.request.urlopen(urllib.request.Request(f"{address}/moto-api/reset", method="POST")).close()
        yield address
        server.stop()
