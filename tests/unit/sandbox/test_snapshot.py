"""What pickle alone does not take: locks, functions within functions, certificates, moto's own kinds of dictionaries."""

from __future__ import annotations

import io
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.api.state import Sandbox
from sandbox.config import Settings
from sandbox.metrics.balancers import sampled
from sandbox.metrics.samples import Samples
from sandbox.metrics.store import Metric
from sandbox.snapshot import Snapshots, _Pickler, _put_back, _state_of, _Unpickler


class Named(defaultdict[str, Any]):
    """Made with an argument of its own, as moto's dictionary of parameters is."""

    def __init__(self, name: str) -> None:
        super().__init__(lambda: defaultdict(dict))
        self.name = name


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(Settings(Path("/nowhere"), "127.77", "podman", "none"), Mock())


def through(sandbox: Sandbox, value: Any) -> Any:
    out = io.BytesIO()
    _Pickler(out, sandbox).dump(value)
    return _Unpickler(io.BytesIO(out.getvalue()), sandbox).load()


def test_what_belongs_to_the_process_is_not_copied(sandbox: Sandbox) -> None:
    found = through(sandbox, {"sandbox": sandbox, "lock": sandbox.lock, "own": threading.RLock()})
    assert found["sandbox"] is sandbox
    assert found["lock"] is sandbox.lock
    assert found["own"].acquire(blocking=False)


def test_dictionaries_with_makers_of_their_own_go_on_making(sandbox: Sandbox) -> None:
    kept = Named("parameters")
    kept["a"]["b"]["c"] = 1
    found = through(sandbox, kept)
    assert (type(found), found.name, found["a"]["b"]) == (Named, "parameters", {"c": 1})
    found["new"]["x"]["y"] = 2
    assert found["new"] == {"x": {"y": 2}}


def test_keys_are_kept(sandbox: Sandbox) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    assert through(sandbox, key).private_numbers() == key.private_numbers()


def test_an_object_that_two_parts_share_stays_one(sandbox: Sandbox) -> None:
    backend, other = sandbox.backend("ec2"), ["shared"]
    found = through(sandbox, {"backends": [backend, backend], "left": other, "right": other})
    assert found["backends"] == [backend, backend]
    assert found["left"] is found["right"]


def test_of_the_policies_of_aws_only_those_that_are_attached_are_kept(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    iam = sandbox.backend("iam")
    iam.reset()
    total, arn = len(iam.managed_policies), "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam.create_role("kept", "{}", "/", None, "", [], "3600")
    iam.attach_role_policy(arn, "kept")
    state = through(sandbox, _state_of(iam))
    assert list(state["managed_policies"]) == [arn]
    iam.detach_role_policy(arn, "kept")
    _put_back(iam, state)
    assert len(iam.managed_policies) == total
    assert list(iam.get_role("kept").managed_policies) == [arn]
    monkeypatch.undo()
    iam.reset()


def test_what_is_measured_after_a_restore_joins_what_was_restored(tmp_path: Path) -> None:
    sandbox = Sandbox(Settings(tmp_path, "127.77", "podman", "none"), Mock())
    metric, region = Metric.of("Shop", "Orders", {}), sandbox.settings.region
    sandbox.metrics.of(region).add(metric, time.time(), sampled(1.0))
    snapshots = Snapshots(sandbox)
    snapshots.save_slow()
    snapshots.restore()
    assert list(sandbox.metrics.of(region).metrics()) == [metric]
    sandbox.fargate.usage.sample(1234.0)
    assert sandbox.metrics.of(region)._told_until == {"AWS/ECS": 1234.0, "AWS/Usage": 1234.0}


def test_a_name_is_kept_once(tmp_path: Path) -> None:
    sandbox = Sandbox(Settings(tmp_path, "127.77", "podman", "none"), Mock())
    names = [part.name for part in sandbox.kept]
    assert len(names) == len(set(names)) and {"targets", "store", "network", "shipper", "faults", "metrics"} <= set(
        names
    )


def test_log_events_are_kept_in_their_order_also_those_that_came_after_the_first_save(sandbox: Sandbox) -> None:
    logs = sandbox.backend("logs")
    logs.create_log_group("group", {})
    logs.create_log_stream("group", "stream")
    for first, last in ((0, 2500), (2500, 4100)):
        events = [{"timestamp": 1_700_000_000_000 + n, "message": f"line {n}"} for n in range(first, last)]
        logs.groups["group"].streams["stream"].put_log_events(events)
        found = through(sandbox, logs.groups["group"]).streams["stream"]
        assert [event.message for event in found.events] == [f"line {n}" for n in range(last)]
    assert vars(found.events[-1]) == vars(logs.groups["group"].streams["stream"].events[-1])
    assert found.log_group.streams["stream"] is found
    logs.reset()


def test_samples_are_kept_with_their_distribution(sandbox: Sandbox) -> None:
    samples = Samples()
    for value in (0.1, 0.1, 7.0):
        samples.add(value)
    found = through(sandbox, [samples, Samples()])
    assert found == [samples, Samples()]
    found[0].add(0.1)
    assert found[0].statistic("p50") == 0.1
