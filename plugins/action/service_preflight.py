# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""service_preflight on the controller: it sees all of a host's variables, which a module does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible.errors import AnsibleError

from ..module_utils.service import existing_fit, foreign
from ..module_utils.service.location import WORKER
from ..module_utils.service.service_preflight import ENVIRONMENT_VARIABLES
from ..module_utils.service.uncovered_hosts import PEM
from ..plugin_utils import nested_options
from ..plugin_utils.in_process import InProcessAction
from ..plugin_utils.release_order import Disorder, Node, batches, waves
from ..plugin_utils.role_variables import (
    RoleVariables,
    rivals,
    roles_of_the_collection,
    unknown,
    validate,
    without_effect,
)

SHARED_VARIABLES = (*foreign.VARIABLES, *existing_fit.VARIABLES)
_SERVICE_ROLES = ("registry", "service", "autoscaling")
# Read once, before Ansible forks a worker for each host.
roles_of_the_collection()


class ActionModule(InProcessAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        roles = roles_of_the_collection()
        found, idle = unknown(variables, roles), list[str]()
        values: dict[str, Any] = {}
        environment: dict[str, Any] = {}
        shared: dict[str, Any] = {}
        order: dict[str, Any] = {}
        groups = variables.get("group_names") or ()
        if "environment" in groups:
            for name in sorted(set(roles) - set(_SERVICE_ROLES)):
                checked, problems = self._checked(roles[name], variables)
                shared |= {name: checked[name] for name in SHARED_VARIABLES if name in checked}
                found += problems
                idle += without_effect(roles[name], checked, variables)
        if "services" in groups:
            for name in _SERVICE_ROLES:
                checked, problems = self._checked(roles[name], variables)
                # A role that only takes a name leaves it null: the role that has its default knows it.
                values |= {
                    option: value for option, value in checked.items() if value is not None or option not in values
                }
                found += problems
                idle += without_effect(roles[name], checked, variables)
            values |= self._of_other_roles(roles, variables)
            found += nested_options.findings(values)
            found += self._database(roles["database"], values, variables)
            environment = self._of_environment(roles, variables)
            problems, order = self._together(roles["service"], variables)
            found += problems
        # The environment's variables are validated with each role: the same finding is reported once.
        own = {
            "variables": values,
            "environment": environment,
            "shared": shared,
            "findings": list(dict.fromkeys(found)),
        }
        self._task.args = {**self._task.args, **own}
        result = super().run(tmp, task_vars)
        if idle:
            result["warnings"] = [*result.get("warnings", []), *idle]
        return {**result, **order}

    def _checked(self, role: RoleVariables, variables: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The role's variables with their types, and the findings."""
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

    def _of_other_roles(self, roles: Mapping[str, RoleVariables], variables: Mapping[str, Any]) -> dict[str, Any]:
        """What decides which resources the service has. The environment's host tells what is wrong with these variables."""
        found: dict[str, Any] = {}
        for role in roles.values():
            options = {name: role.options[name] for name in foreign.SERVICE_VARIABLES if name in role.options}
            if options and role.name not in _SERVICE_ROLES:
                found |= self._checked(replace(role, options=options), variables)[0]
        return {name: found[name] for name in foreign.SERVICE_VARIABLES if name in found}

    def _of_environment(self, roles: Mapping[str, RoleVariables], variables: Mapping[str, Any]) -> dict[str, Any]:
        """What a service stands on, as the inventory says it: by the variables of its environment's host where there is one."""
        named = (variables.get("environment_name"), variables.get("environment_region"))
        for host in variables["groups"].get("environment", ()):
            own = variables["hostvars"][host]
            if (own.get("environment_name"), own.get("environment_region")) == named:
                break
        else:
            return {}
        found: dict[str, Any] = {}
        for role in ("file_system", "load_balancer", "network"):
            options = {name: own[name] for name in roles[role].options if name in own}
            found |= self._checked(roles[role], {**variables, **options})[0]
        pem = found.get("load_balancer_certificate_pem") or {}
        found[PEM] = pem.get("certificate") if isinstance(pem, Mapping) else None
        return {name: found[name] for name in ENVIRONMENT_VARIABLES if name in found}

    def _database(self, role: RoleVariables, values: Mapping[str, Any], variables: Mapping[str, Any]) -> list[str]:
        """Refuse service_database where the environment has no database."""
        if not values.get("service_database") or self._checked(role, variables)[0].get("database_enabled"):
            return []
        return ["service_database is true, but database_enabled is not: the environment has no database to hand over"]

    def _together(self, role: RoleVariables, variables: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
        """Findings about all services of an inventory together, reported by the first host of the play.

        Services with the same priorities, and the release order where services depend on each other.
        """
        services = variables["groups"]["services"]
        playing = [host for host in services if host in variables["ansible_play_hosts_all"]]
        if variables["inventory_hostname"] != playing[0]:
            return [], {}
        every = {host: variables["hostvars"][host] for host in services}
        default = role.defaults.get("service_priority")
        routed = {host: own for host, own in every.items() if own.get("service_kind") != WORKER}
        found = rivals(routed, default)
        if not any(own.get("service_depends_on") for own in every.values()):
            return found, {}
        nodes = {host: _node(host, own) for host, own in every.items()}
        try:
            ordered = waves(nodes, playing)
        except Disorder as none:
            return [*found, *none.sentences], {}
        serial = variables.get("release_serial", "100%")
        sizes = batches([len(wave) for wave in ordered], serial, len(playing))
        return found, {"order": {"hosts": [host for wave in ordered for host in wave], "serial": sizes}}


def _node(host: str, own: Mapping[str, Any]) -> Node:
    depends_on = own.get("service_depends_on") or []
    names = depends_on.split(",") if isinstance(depends_on, str) else depends_on
    place = (str(own.get("environment_name")), str(own.get("environment_region")))
    return Node(place, own.get("service_name", host), [str(name).strip() for name in names])
