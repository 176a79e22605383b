# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The variables that the collection's roles know, read from the roles themselves, and what of a host's is not among them."""

from __future__ import annotations

import difflib
import functools
import inspect
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader

# PyYAML's safe loader, the one in C where it is there.
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
ROLES = Path(__file__).parents[2] / "roles"
# environment_* is every role's; no role has this name.
_SHARED_PREFIX = "environment_"
# Beside something of others, which stays as it is: what says how our own would be made.
OF_OUR_OWN: Mapping[str, tuple[str, ...]] = {
    "cluster_existing": ("container_insights", "capacity_provider_strategy"),
    "file_system_existing": (
        *("throughput_mode", "provisioned_throughput_mibps", "infrequent_access_after_days", "kms_key_arn"),
        *("backup", "backup_plan", "backup_kms_key_arn"),
    ),
    "load_balancer_existing": (
        *("access_logs_bucket", "access_logs_create", "access_logs_days", "access_logs_prefix", "certificate_pem"),
        *("deletion_protection", "idle_timeout_seconds", "ip_address_type", "tls_policy"),
    ),
    "network_existing": (
        *("cidr", "data_subnets", "endpoints", "flow_log_days", "ipv6", "nat", "zone_count", "zones"),
    ),
    "registry_existing": (
        *("immutable_tags", "keep_images", "keep_released", "kms_key_arn", "scan_on_push", "untagged_days"),
    ),
    "service_log_group": ("log_kms_key_arn", "log_retention_days"),
}
# Our own defaults are templates; from ansible-core 2.19 on that has to be said.
_TRUSTED = {
    name: True for name in ("trusted_as_template",) if name in inspect.signature(DataLoader.load_from_file).parameters
}


@dataclass(frozen=True)
class RoleVariables:
    """What one role takes: its options with their types, its defaults, and the names its own tasks set."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    # What its tasks and vars leave behind.
    facts: frozenset[str] = frozenset()

    @property
    def known(self) -> set[str]:
        return {*self.options, *self.defaults, *self.facts}


@functools.cache
def roles_of_the_collection() -> dict[str, RoleVariables]:
    """Read once in a process, and not again in those forked from it."""
    return read_roles(DataLoader())


def read_roles(loader: DataLoader, folder: Path = ROLES) -> dict[str, RoleVariables]:
    return {role.name: _read(loader, role) for role in sorted(folder.iterdir()) if role.is_dir()}


def _read(loader: DataLoader, role: Path) -> RoleVariables:
    specs = _plain(role / "meta" / "argument_specs.yml").get("argument_specs", {})
    options = {name: option for entry in specs.values() for name, option in entry.get("options", {}).items()}
    facts = {name for file in sorted((role / "tasks").glob("*.yml")) for name in _set_by(_plain(file))}
    facts |= set(_plain(role / "vars" / "main.yml"))
    return RoleVariables(role.name, options, _templates(loader, role / "defaults" / "main.yml"), frozenset(facts))


def _plain(file: Path) -> Any:
    """What has no templates that matter here, without Ansible's marks on each value: ten times as fast."""
    return (yaml.load(file.read_bytes(), _YAML) if file.exists() else None) or {}  # a SafeLoader


def _templates(loader: DataLoader, file: Path) -> Any:
    # Not through the loader's cache: it copies deeply what it hands out, which takes longer than reading.
    return (loader.load_from_file(str(file), cache="none", **_TRUSTED) if file.exists() else None) or {}


def _set_by(tasks: Any) -> Iterator[str]:
    """Names that tasks register or set: they appear among a host's variables once a role has run."""
    for task in tasks if isinstance(tasks, list) else ():
        if "register" in task:
            yield task["register"]
        yield from task.get("ansible.builtin.set_fact", {})
        for block in ("block", "rescue", "always"):
            yield from _set_by(task.get(block, []))


def unknown(names: Iterable[str], roles: Mapping[str, RoleVariables]) -> list[str]:
    """Return a sentence for each variable that has the prefix of one of our roles, but is none of its variables."""
    known = {name for role in roles.values() for name in role.known}
    prefixes = (*(f"{role}_" for role in roles), _SHARED_PREFIX)
    return [
        f"{name} is no variable of pear.fargate{_nearest(name, known)}"
        for name in sorted(names)
        if name.startswith(prefixes) and name not in known and "__" not in name
    ]


def without_effect(role: RoleVariables, values: Mapping[str, Any], variables: Mapping[str, Any]) -> list[str]:
    """Return a sentence for what a host sets of how our own would be made, while something of others is used.

    `values` are the role's, templated; `variables` the host's, without the role's defaults.
    """
    found = []
    for existing, options in OF_OUR_OWN.items():
        named = values.get(existing)
        # The specification fills a dictionary with the options that were left out.
        is_used = any(named.values()) if isinstance(named, Mapping) else named
        names = [f"{role.name}_{option}" for option in options if existing in role.options and is_used]
        idle = [name for name in names if name in variables and variables[name] != role.defaults.get(name)]
        if idle:
            found.append(
                f"{', '.join(idle)} {'have' if idle[1:] else 'has'} no effect: {existing} names something of others, which stays as it is"
            )
    return found


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def rivals(services: Mapping[str, Mapping[str, Any]], default: Any = None) -> list[str]:
    """A sentence for each two services, neighbours by priority in one listener, that ask for the same number; by their variables."""
    listeners: dict[tuple[str, ...], list[tuple[int, str]]] = {}
    for host, own in services.items():
        priority = own.get("service_priority", default)
        if isinstance(priority, int):
            listeners.setdefault(_listener(own), []).append((priority, host))
    return [sentence for priorities in listeners.values() for sentence in _rivals(priorities)]


def _listener(own: Mapping[str, Any]) -> tuple[str, ...]:
    """What tells listeners apart. Environments may share one of others."""
    existing = own.get("load_balancer_existing")
    return (str(existing),) if existing else (str(own.get("environment_name")), str(own.get("environment_region")))


def _rivals(priorities: Iterable[tuple[int, str]]) -> list[str]:
    return [
        f"service_priority of {host} is {lower}, and that of {other} is {upper}; each service needs two numbers, its "
        "priority and the one before it: use steps of 10"
        for (lower, host), (upper, other) in itertools.pairwise(sorted(priorities))
        if upper - lower <= 1
    ]


def validate(role: RoleVariables, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the role's values with their types, and a sentence for each that does not fit."""
    ours = {name: value for name, value in values.items() if name in role.options and value is not None}
    checked = ArgumentSpecValidator(dict(role.options)).validate(ours)
    return checked.validated_parameters, list(checked.error_messages)
