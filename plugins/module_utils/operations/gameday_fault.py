# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults that Fault Injection Service has no action for, made by the services' own APIs: mount targets that let nobody in, and calls."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from ..aws import ec2, efs, elbv2
from ..aws.errors import AwsError, Failure
from ..aws.naming import TAG_ENVIRONMENT, EnvironmentNames
from ..aws.session import Aws
from ..aws.tags import tags_of
from ..common.changes import Changes
from ..common.invocation import Invocation

MOUNT_TARGETS, CALLS = "mount_targets", "calls"
PRESENT = "present"
_AT_ONCE = 16
_CONNECT_SECONDS, _READ_SECONDS = 3.0, 9.0


def run(call: Invocation) -> dict[str, Any]:
    """Make the fault, or take it back."""
    return _mount_targets(call) if call.params["fault"] == MOUNT_TARGETS else _calls(call)


# --- mount targets ---


def _mount_targets(call: Invocation) -> dict[str, Any]:
    """Give the environment's mount targets the security group of its tasks, which lets in no NFS, or their own again.

    What has mounted the file system goes on: tracked connections outlive a change of security groups.
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
    """
    aws, environment = call.aws, call.params["environment"]
    file_system = efs.find_file_system(aws, environment)
    if file_system is None or tags_of(file_system).get(TAG_ENVIRONMENT) != environment:
        raise Failure(
            f"Environment {environment} has no file system of its own; that of others is not taken away from them."
        )
    own, closed = _groups(aws, environment)
    desired = [closed] if call.params["state"] == PRESENT else [own]
    changes = Changes(call.check_mode)
    current = {
        target["MountTargetId"]: efs.mount_target_security_groups(aws, target["MountTargetId"])
        for target in efs.mount_targets(aws, file_system["FileSystemId"])
    }
    other = [target for target, groups in current.items() if groups not in ([own], [closed])]
    if other:
        raise Failure(
            f"Mount targets have other security groups than the environment's own: {', '.join(other)}. drift.yml shows them, deploy.yml "
            "puts them right. Nothing was changed."
        )
    for target, groups in current.items():
        changes.want(
            f"mount_target {target}",
            groups,
            desired,
            partial(efs.set_mount_target_security_groups, aws, target, desired),
        )
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "mount_targets": list(current),
    }


def _groups(aws: Aws, environment: str) -> tuple[str, str]:
    """The security group of the file system, and that of tasks."""
    names = EnvironmentNames(environment)
    found = {group["GroupName"]: group["GroupId"] for group in ec2.environment_security_groups(aws, environment)}
    try:
        return found[names.file_system_security_group], found[names.task_security_group]
    except KeyError as missing:
        raise Failure(f"Environment {environment} has no security group {missing}.") from missing


# --- calls ---


def _calls(call: Invocation) -> dict[str, Any]:
    """Call what waits of releases call, more often than AWS takes it, and count what was throttled."""
    if call.check_mode or call.params["state"] != PRESENT:
        return {"changed": False, "calls": 0, "throttled": 0}
    # Sent once each: a repetition would wait.
    aws, clock = call.aws.fenced(_CONNECT_SECONDS, _READ_SECONDS, lambda: True), call.clock
    count: Counter[str] = Counter()
    until = clock.now() + call.params["seconds"]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        running: list[Any] = []
        while clock.now() < until:
            running = [future for future in running if not future.done()]
            if len(running) < _AT_ONCE:
                future = pool.submit(_describe, aws, call.params["environment"])
                future.add_done_callback(lambda done: count.update([done.result()]))
                running.append(future)
            clock.sleep(1 / call.params["calls_per_second"])
    return {"changed": False, "calls": count.total(), "throttled": count["throttled"]}


def _describe(aws: Aws, environment: str) -> str:
    """How the call ended."""
    try:
        elbv2.load_balancer(aws, EnvironmentNames(environment).load_balancer)
    except AwsError as failed:
        return "throttled" if failed.throttled else "failed"
    return "answered"
