# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An action plugin that runs a module's own run() inside the controller, with progress lines while it works.

Where the task does not run on the controller itself (another connection, become, async, environment), the ordinary
module of the same name is executed instead, with the same result and no progress.

Every task of the collection passes here first: credentials of another account than environment_account are refused.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import filter_loader, test_loader
from ansible.utils.display import Display

from ..module_utils.aws.errors import Failure
from ..module_utils.aws.options import AWS_OPTIONS
from ..module_utils.aws.session import Aws, warm
from ..module_utils.common.account import VARIABLE, account_of, refuse_other_account, refuse_unless
from ..module_utils.common.clock import SystemClock
from ..module_utils.common.invocation import Invocation, Run, failed_result, waits_for_quotas, with_aws_options
from ..module_utils.common.progress import Progress, SilentProgress, WrittenProgress
from .module_services import SERVICES
from .plain import plain

# Ansible forks a worker for each task and host from the process that imports this. What every worker would read from disk
# again is read here once: filters and tests, Ansible's own and ours, which are loaded together.
filter_loader.get("ansible.builtin.combine")
filter_loader.get("pear.fargate.service_urls")
test_loader.get("ansible.builtin.truthy")

# The json callback prints one document: progress lines before it would make it unreadable.
PROGRESS_SWITCH = "PEAR_PROGRESS"


class InProcessAction(ActionBase):
    """Runs the module that has the name of the subclass's file: plugins/action/NAME.py runs plugins/modules/NAME.py.

    The module is imported, and the models of its AWS services are read, when the class is made: once for all workers.
    """

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True

    argument_spec: ClassVar[Mapping[str, Any]]
    constraints: ClassVar[Mapping[str, Any]] = {}
    # A staticmethod: a plain function as a class attribute would be bound to the instance.
    module_run: ClassVar[Run]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        folder, name = cls.__module__.rsplit(".", 1)
        plugins, kind = folder.rsplit(".", 1)
        # The file that the links of plugins/action lead to is imported by its own name only by tests and checks.
        if kind == "action":
            module = importlib.import_module(f"{plugins}.modules.{name}")
            cls.argument_spec = module.ARGUMENT_SPEC
            cls.constraints = getattr(module, "CONSTRAINTS", {})
            cls.module_run = staticmethod(module.run)
            warm(SERVICES[name])

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            account = self._account(task_vars or {})
            if not self._in_controller():
                refused = self._refused_elsewhere(account, task_vars)
                ran = refused or self._execute_module(task_vars=task_vars, wrap_async=bool(self._task.async_val))
                return {**result, **ran}
            return {**result, **self._run_here(account, task_vars or {})}
        except Failure as failure:
            return {**result, **failed_result(failure, Display().verbosity)}

    def _run_here(self, account: str, task_vars: dict[str, Any]) -> dict[str, Any]:
        validator = ArgumentSpecValidator(with_aws_options(self.argument_spec), **self.constraints)
        validated = validator.validate(self._task.args)
        if validated.error_messages:
            raise AnsibleActionFail("; ".join(validated.error_messages))
        params = plain(validated.validated_parameters)
        clock = SystemClock()
        aws = Aws(params)
        refuse_other_account(aws, account)
        progress = self._progress(clock, task_vars)
        if waits_for_quotas(type(self).module_run):
            aws.wait_for_quotas(progress.heartbeat)
        return type(self).module_run(
            Invocation(params, aws, self._task.check_mode, clock, progress, Display().verbosity)
        )

    def _account(self, task_vars: Mapping[str, Any]) -> str:
        return account_of(self._templar.template(task_vars.get(VARIABLE)))

    def _refused_elsewhere(self, account: str, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """The same refusal where the module runs elsewhere: its credentials are found there. Empty where nothing is refused."""
        if not account:
            return {}
        credentials = {name: value for name, value in self._task.args.items() if name in AWS_OPTIONS}
        found: dict[str, Any] = self._execute_module(
            module_name="pear.fargate.environment_info",
            module_args={**credentials, "environment": "any", "parts": ["identity"]},
            task_vars=task_vars,
        )
        if found.get("failed"):
            return found
        identity = found["environment"]
        refuse_unless(account, {"account": identity["account"], "arn": identity["caller"]})
        return {}

    def _in_controller(self) -> bool:
        return (
            self._connection.transport == "local"
            and not self._play_context.become
            and not self._task.async_val
            and not any(self._task.environment or [])
        )

    def _progress(self, clock: SystemClock, task_vars: dict[str, Any]) -> Progress:
        if os.environ.get(PROGRESS_SWITCH, "1") == "0":
            return SilentProgress()
        host = task_vars.get("inventory_hostname", "")
        return WrittenProgress(lambda text: Display().display(f"  {host} | {text}"), clock)
