# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services, colours and tasks of environments as hosts of an inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ecs_services
short_description: Services, colours and tasks on ECS Fargate as hosts of an inventory
version_added: 0.2.0
description:
  - Reads the services of environments from AWS, each as a host, with a host for each colour and for each task that runs.
  - Hosts are in the groups C(ecs_services), C(ecs_colours) and C(ecs_tasks).
  - Uses a YAML configuration file that ends with C(ecs_services.yml) or C(ecs_services.yaml).
  - A service is found by the tag C(pear:service) of its ECS services. It is no inventory to deploy from.
author:
  - pear.fargate contributors (@pear-fargate)
options:
  plugin:
    description: Name of this plugin.
    required: true
    choices: [pear.fargate.ecs_services]
  environments:
    description: Names of environments.
    type: list
    elements: str
    default: []
  clusters:
    description: Names of clusters that have other names than their environments.
    type: list
    elements: str
    default: []
  regions:
    description:
      - Regions of the environments. That of O(region) if omitted.
      - With more than one, the names of hosts have the region, as in C(production-eu-central-1-scoreboard).
    type: list
    elements: str
    default: []
  include:
    description: What becomes a host.
    type: list
    elements: str
    choices: [services, colours, tasks]
    default: [services, colours, tasks]
  filters:
    description:
      - Hosts that are kept, by properties and the values that they may have, such as C(colour) with V(green).
      - Names of properties are those of the variables without O(hostvars_prefix); C(tag:NAME) is a tag of the ECS service.
      - A host without the property is kept. Filters on C(health) leave services and colours alone.
    type: dict
    default: {}
  hostvars_prefix:
    description: Prefix of the variables of a host. C(environment) and C(tags) without one are names that Ansible reserves.
    type: str
    default: ecs_
  hostvars_suffix:
    description: Suffix of the variables of a host.
    type: str
    default: ""
notes:
  - The policy C(read-only) of the role P(pear.fargate.deployer#role) is enough for O(environments).
extends_documentation_fragment:
  - inventory_cache
  - constructed
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
  - amazon.aws.assume_role.plugins
"""

EXAMPLES = r"""
# production.ecs_services.yml: tasks that serve, in groups by service and by zone
plugin: pear.fargate.ecs_services
environments: [production]
regions: [eu-central-1]
include: [tasks]
filters:
  is_live: true
keyed_groups:
  - key: ecs_service
    prefix: service
  - key: ecs_zone
    prefix: zone
compose:
  ansible_host: ecs_address
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/ecs_services
cache_timeout: 60
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleParserError
from ansible_collections.amazon.aws.plugins.plugin_utils.inventory import AWSInventoryBase

from ..module_utils.aws.errors import Failure
from ..module_utils.aws.naming import EnvironmentNames
from ..module_utils.aws.session import Aws
from ..module_utils.operations import ecs_hosts
from ..plugin_utils.plain import plain

_GROUPS = {"services": ecs_hosts.SERVICE, "colours": ecs_hosts.COLOUR, "tasks": ecs_hosts.TASK}


class InventoryModule(AWSInventoryBase):
    NAME = "pear.fargate.ecs_services"
    INVENTORY_FILE_SUFFIXES = ("ecs_services.yml", "ecs_services.yaml")

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache=cache)
        self._refuse_mistakes()
        known, hosts = self.get_cached_result(path, cache)
        if not known:
            try:
                several = len(set(plain(self.get_option("regions")))) > 1
                hosts = [host for cluster in self._clusters() for host in ecs_hosts.hosts(cluster, several)]
            except Failure as failure:
                raise AnsibleParserError(str(failure)) from failure
        self.update_cached_result(path, cache, hosts)
        self._populate(ecs_hosts.kept(hosts, [_GROUPS[name] for name in self.get_option("include")], self._filters()))

    def _refuse_mistakes(self) -> None:
        if not self.get_option("environments") and not self.get_option("clusters"):
            raise AnsibleParserError("Name environments, or clusters, whose services are to be hosts.")
        unknown = sorted(
            name for name in self._filters() if name not in ecs_hosts.PROPERTIES and not str(name).startswith("tag:")
        )
        if unknown:
            known = ", ".join(sorted(ecs_hosts.PROPERTIES))
            raise AnsibleParserError(
                f"filters: {', '.join(unknown)} is no property of a host; there are {known}, and tag:NAME."
            )

    def _filters(self) -> dict[str, Any]:
        return dict(plain(self.get_option("filters")) or {})

    def _clusters(self) -> Iterable[ecs_hosts.Cluster]:
        with_tasks = "tasks" in self.get_option("include")
        names = [(EnvironmentNames(name).cluster, name) for name in plain(self.get_option("environments"))]
        names += [(name, "") for name in plain(self.get_option("clusters"))]
        for region in plain(self.get_option("regions")) or [None]:
            aws = Aws(self._access(region))
            for cluster, environment in names:
                yield ecs_hosts.read(aws, cluster, environment, with_tasks)

    def _access(self, region: str | None) -> dict[str, Any]:
        """Credentials as the modules take them: those of the role that is assumed, or the options'."""
        options = {
            name: plain(self.get_option(name)) for name in ("profile", "access_key", "secret_key", "session_token")
        }
        taken = self._frozen_credentials
        if taken:
            options = {
                "access_key": taken["aws_access_key_id"],
                "secret_key": taken["aws_secret_access_key"],
                "session_token": taken["aws_session_token"],
            }
        return {
            **options,
            "endpoint_url": plain(self.get_option("endpoint_url")),
            "region": region or plain(self.get_option("region")),
        }

    def _populate(self, hosts: Iterable[Mapping[str, Any]]) -> None:
        prefix, suffix = self.get_option("hostvars_prefix") or "", self.get_option("hostvars_suffix") or ""
        strict = self.get_option("strict")
        for group in _GROUPS:
            self.inventory.add_group(f"ecs_{group}")
        group_of = {kind: f"ecs_{group}" for group, kind in _GROUPS.items()}
        for host in hosts:
            name = host["name"]
            self.inventory.add_host(name, group=group_of[host["kind"]])
            variables = {f"{prefix}{key}{suffix}": value for key, value in host.items() if key != "name"}
            for key, value in variables.items():
                self.inventory.set_variable(name, key, value)
            self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
            self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)
