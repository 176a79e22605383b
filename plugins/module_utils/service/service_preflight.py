# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look before anything is changed: every finding about a service's variables at once, AWS asked only to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from ..aws import elbv2, secretsmanager, ssm, sts
from ..aws.arns import ArnScope
from ..aws.elbv2_states import Conditions
from ..aws.errors import AwsError, Failure
from ..aws.naming import COLOURS, EnvironmentNames, ServiceNames
from ..common.invocation import Invocation
from ..image import container_image
from .policies import secret_arn
from .routing import DesiredRules, conflicts
from .variables import findings, warnings

# ELB takes no ARN here: what does not exist yet owns no rule.
_NONE = "(none)"


def run(call: Invocation) -> dict[str, Any]:
    """Return nothing to complain of, or raise Failure with all findings."""
    # First by itself: wrong credentials or a dead endpoint end here, with one clear sentence, within seconds.
    identity = sts.caller(call.aws)
    values: Mapping[str, Any] = call.params["variables"]
    # A host that is no service has no variables here: the types of its roles' variables are all there is to check.
    found = [*call.params["findings"], *(findings(values) if values else ())]
    place = ArnScope(call.aws.region, identity["account"], identity["arn"].split(":")[1])
    unchecked: list[str] = []
    for check in (_priorities, _image, _secrets) if values else ():
        found += _careful(partial(check, call, values, place), unchecked)
    if found:
        text = "\n".join(f"  - {finding}" for finding in found)
        count = "1 finding" if len(found) == 1 else f"{len(found)} findings"
        raise Failure(f"{count}, and nothing was changed:\n{text}", findings=found, unchecked=unchecked)
    told_only = [*warnings(values), *(f"Not looked at before the release: {failed}" for failed in unchecked)]
    return {"changed": False, "findings": [], "unchecked": unchecked, "warnings": told_only}


def _careful(check: Callable[[], Iterator[str]], unchecked: list[str]) -> list[str]:
    """A caller who may deploy need not be allowed to read everything: say what could not be looked at."""
    try:
        return list(check())
    except AwsError as failed:
        unchecked.append(str(failed))
        return []


def _priorities(call: Invocation, values: Mapping[str, Any], place: ArnScope) -> Iterator[str]:
    name, service, priority = (values.get(key) for key in ("environment_name", "service_name", "service_priority"))
    if not (isinstance(name, str) and isinstance(service, str) and isinstance(priority, int)):
        return
    balancer = elbv2.load_balancer(call.aws, EnvironmentNames(name).load_balancer)
    listeners = elbv2.listeners(call.aws, balancer["LoadBalancerArn"]) if balancer else []
    https = next((listener["ListenerArn"] for listener in listeners if listener["Protocol"] == "HTTPS"), None)
    if https is None:
        return
    names = [ServiceNames(name, service).target_group(colour) for colour in COLOURS]
    groups = elbv2.target_groups(call.aws, names)
    blue, green = (groups[name].arn if name in groups else f"{_NONE} {name}" for name in names)
    hosts, paths = (values.get(key) or [] for key in ("service_hosts", "service_paths"))
    if not all(isinstance(one, list) and all(isinstance(item, str) for item in one) for one in (hosts, paths)):
        return
    for taken in conflicts(
        elbv2.rules(call.aws, https), DesiredRules(Conditions.of(hosts, paths), priority, blue, green)
    ):
        yield f"service_priority is {priority}: {taken}"


def _image(call: Invocation, values: Mapping[str, Any], place: ArnScope) -> Iterator[str]:
    """A prebuilt image is looked up as a release would; what is built has nothing to be looked up yet."""
    image = values.get("service_image")
    if not image:
        if not (values.get("registry_build") or {}).get("context"):
            yield "neither service_image nor registry_build.context is set: there is nothing to run"
        return
    desired = {"image": image, "tag": values.get("registry_tag") or None}
    try:
        container_image.run(Invocation(desired, call.aws, True, call.clock, call.progress))
    except AwsError:
        raise
    except Failure as missing:
        yield f"service_image is {image!r}: {missing}"


def _secrets(call: Invocation, values: Mapping[str, Any], place: ArnScope) -> Iterator[str]:
    named = values.get("service_secrets")
    for variable, source in (named or {}).items() if isinstance(named, Mapping) else ():
        if not isinstance(source, str):
            continue
        arn = secret_arn(source, place)
        # What is named here may be a pasted secret: it is not repeated.
        if ":secretsmanager:" in arn and not secretsmanager.secret_exists(call.aws, arn):
            yield f"service_secrets.{variable} names a secret that Secrets Manager does not have in {call.aws.region}"
        if ":ssm:" in arn and not ssm.parameter_exists(call.aws, _parameter(arn, source)):
            yield f"service_secrets.{variable} names a parameter that SSM does not have in {call.aws.region}"


def _parameter(arn: str, source: str) -> str:
    """SSM lists a parameter by its name, which begins with / where it has a path; its ARN has one slash either way."""
    if not source.startswith("arn:"):
        return source
    name = arn.partition(":parameter/")[2]
    return f"/{name}" if "/" in name else name
