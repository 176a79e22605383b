# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The input of a module's run(), the same in a module and in an action plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..aws.errors import Failure
from ..aws.options import AWS_OPTIONS
from ..aws.session import Aws
from .clock import Clock, SystemClock
from .progress import Progress, SilentProgress

# Options of modules that are tags.
_TAGS = ("tags", "first_tags", "select_by_tags")


@dataclass(frozen=True)
class Invocation:
    params: Mapping[str, Any]
    aws: Aws
    check_mode: bool = False
    clock: Clock = field(default_factory=SystemClock)
    progress: Progress = field(default_factory=SilentProgress)
    # How often -v was given: a failed task's result is printed, so it is short without.
    verbosity: int = 0

    def __post_init__(self) -> None:
        """Tags are texts on AWS, and numbers, truth values and dates in an inventory: from here on they are texts."""
        texts = {name: tag_texts(self.params[name]) for name in _TAGS if self.params.get(name)}
        if texts:
            object.__setattr__(self, "params", {**self.params, **texts})


def tag_texts(tags: Mapping[Any, Any]) -> dict[str, str]:
    """Truth values as YAML and JSON write them; nothing is an empty text, which AWS takes."""
    return {str(key): _text(value) for key, value in tags.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


Run = Callable[[Invocation], dict[str, Any]]


def with_aws_options(argument_spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the argument spec with region, profile and credentials, as every AWS module has them."""
    return {**AWS_OPTIONS, **argument_spec}


def failed_result(failure: Failure, verbosity: int) -> dict[str, Any]:
    """Result of a failed task. Ansible prints all of it, so the findings, which the message holds already, come with -v only."""
    more = {key: value for key, value in failure.result.items() if verbosity or key != "findings"}
    return {"failed": True, "msg": str(failure), **more}


def waits_for_quotas(run: Run) -> bool:
    """Whether calls that AWS throttles are sent again for minutes. Those of the release room wait in their own way, within their lease."""
    return ".release." not in run.__module__


def run_as_module(argument_spec: Mapping[str, Any], run: Run, constraints: Mapping[str, Any] | None = None) -> None:
    """Run in the module's own process. `constraints` are those of AnsibleModule, such as required_one_of."""
    module = AnsibleModule(
        argument_spec=with_aws_options(argument_spec), supports_check_mode=True, **(constraints or {})
    )
    verbosity = getattr(module, "_verbosity", 0)
    try:
        call = Invocation(module.params, Aws(module.params), module.check_mode, verbosity=verbosity)
        if waits_for_quotas(run):
            call.aws.wait_for_quotas(call.progress.heartbeat)
        result = run(call)
    except Failure as failure:
        module.fail_json(**failed_result(failure, verbosity))
    module.exit_json(**result)
