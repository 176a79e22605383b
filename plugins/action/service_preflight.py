# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""service_preflight on the controller: it sees all of a host's variables, which a module does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError

from ..module_utils.service_preflight import run
from ..modules.service_preflight import ARGUMENT_SPEC
from ..plugin_utils.in_process import InProcessAction
from ..plugin_utils.role_variables import RoleVariables, rivals, roles_of_the_collection, unknown, validate

_SERVICE_ROLES = ("registry", "service", "autoscaling")
# In the process that Ansible forks a worker from for each host.
roles_of_the_collection()


class ActionModule(InProcessAction):
    services = ("sts", "elbv2")
    argument_spec = ARGUMENT_SPEC
    module_run = staticmethod(run)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        roles = roles_of_the_collection()
        found = unknown(variables, roles)
        values: dict[str, Any] = {}
        groups = variables.get("group_names") or ()
        if "environment" in groups:
            for name in sorted(set(roles) - set(_SERVICE_ROLES)):
                found += self._checked(roles[name], variables)[1]
        if "services" in groups:
            for name in _SERVICE_ROLES:
                checked, problems = self._checked(roles[name], variables)
                values |= checked
                found += problems
            found += self._database(roles["database"], values, variables)
            found += self._rivals(roles["service"], variables)
        # The environment's variables are validated with both roles: what both say is one finding.
        own = {"variables": values, "findings": list(dict.fromkeys(found))}
        self._task.args = {**self._task.args, **own}
        return super().run(tmp, task_vars)

    def _checked(self, role: RoleVariables, variables: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The role's variables with their types, and what is wrong with them."""
        templated, problems = self._values(role, variables)
        values, mistyped = validate(role, templated)
        return values, [*problems, *mistyped]

    def _values(self, role: RoleVariables, variables: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The role's variables as it will see them: the host's, or else its defaults, templated."""
        merged = {**role.defaults, **variables}
        self._templar.available_variables = merged
        values: dict[str, Any] = {}
        problems: list[str] = []
        for name in role.options:
            if name not in merged:
                continue
            try:
                # Within a dictionary, since a value that is omitted cannot stand by itself.
                templated = self._templar.template({name: merged[name]})
            except AnsibleError as failed:
                problems.append(f"{name} cannot be evaluated: {failed.message}")
                continue
            values |= {key: value for key, value in templated.items() if value != variables.get("omit")}
        return values, problems

    def _database(self, role: RoleVariables, values: Mapping[str, Any], variables: Mapping[str, Any]) -> list[str]:
        """A service cannot be given what its environment does not have."""
        if not values.get("service_database") or self._checked(role, variables)[0].get("database_enabled"):
            return []
        return ["service_database is true, but database_enabled is not: the environment has no database to hand over"]

    def _rivals(self, role: RoleVariables, variables: Mapping[str, Any]) -> list[str]:
        """Services of the same inventory that ask for the same priorities; the first host of the play says it for all."""
        services = variables["groups"]["services"]
        first = next((host for host in variables["ansible_play_hosts_all"] if host in services), None)
        if variables["inventory_hostname"] != first:
            return []
        default = role.defaults.get("service_priority")
        return rivals({host: variables["hostvars"][host].get("service_priority", default) for host in services})
