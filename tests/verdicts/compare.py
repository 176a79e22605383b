"""The sandbox's verdicts on our policies beside those of another engine: python -m tests.verdicts.compare PACKAGE_DIRECTORY.

A request is made of each statement of each policy, and requests that differ from it in one thing; and one for every condition operator.
"""

from __future__ import annotations

import base64
import itertools
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.pear.fargate.plugins.module_utils.aws.arns import ArnScope
from ansible_collections.pear.fargate.plugins.module_utils.environment.deployer import render

from sandbox.laws.iam import conditions
from sandbox.laws.iam.actions import action as reference
from sandbox.laws.iam.policies import Effect, Request, effect_of

HERE = Path(__file__).resolve().parent
FILES = HERE.parents[1] / "roles/deployer/files"
PLACE = ArnScope("eu-central-1", "123456789012")
# In the words of the other engine.
VERDICTS = {Effect.ALLOW: "Allowed", Effect.DENY: "ExplicitlyDenied", Effect.NEITHER: "ImplicitlyDenied"}
# By the kind of operator: what a policy says, a value that is so, and one that is not.
VALUES = {
    "String": ("live", "live", "other"),
    "StringLike": ("l*v?", "live", "other"),
    "StringNotLike": ("l*v?", "live", "other"),
    "Numeric": ("5", "5", "7"),
    "Date": ("2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z", "2026-03-04T00:00:00Z"),
    "Bool": ("true", "true", "false"),
    "Binary": (base64.b64encode(b"live").decode(), base64.b64encode(b"live").decode(), base64.b64encode(b"x").decode()),
    "IpAddress": ("10.0.0.0/8", "10.1.2.3", "192.168.0.1"),
    "NotIpAddress": ("10.0.0.0/8", "10.1.2.3", "192.168.0.1"),
    "Arn": ("arn:aws:ecs:*:1:cluster/l*", "arn:aws:ecs:eu-central-1:1:cluster/live", "arn:aws:ecs:x:2:cluster/live"),
}


@dataclass(frozen=True)
class Case:
    """A request, and the policy that it is decided by."""

    policy: str
    action: str
    resource: str
    context: Mapping[str, list[str]]

    @property
    def kind(self) -> str:
        """The type of the resource, where its ARN has one before a slash."""
        return self.resource.rpartition(":")[2].partition("/")[0]

    def plain(self) -> dict[str, Any]:
        # A key of one value is no list for the other engine.
        context = {key: values if len(values) != 1 else values[0] for key, values in self.context.items()}
        return {
            "policy": f"{self.policy} for {self.kind}",
            "action": self.action,
            "resource": self.resource,
            "context": context,
        }

    def ours(self, documents: Mapping[str, Any]) -> str:
        context = {key.lower(): values for key, values in self.context.items()}
        return VERDICTS[effect_of([documents[self.policy]], Request(self.action, self.resource, context))]


# A key has a policy of its own, which lets the account's policies decide; the sandbox's keys have none but that.
KEY_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{PLACE.account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ],
}


def concrete(pattern: str) -> str:
    """A value that a pattern matches."""
    return pattern.replace("*", "x").replace("?", "y")


def resource_of(action: str, pattern: str, context: Mapping[str, list[str]]) -> str:
    """A resource that a pattern matches: of a type that the action takes, with tags where the context has some."""
    if pattern == "*":
        return f"arn:aws:ecs:{PLACE.region}:{PLACE.account}:service/x"
    known = reference(action)
    assert known is not None, action
    needed = {key.lower().partition("/")[0] for key in context} & {"aws:resourcetag"}
    kinds = [kind.arn.rpartition(":")[2].partition("/")[0] for kind in known.types if needed <= kind.keys]
    return concrete(pattern.replace(":*/*", f":{kinds[0]}/*") if kinds else pattern)


def context_of(statement: Mapping[str, Any]) -> dict[str, list[str]]:
    """Values by which all conditions of a statement hold."""
    found = {}
    for operator, keys in statement.get("Condition", {}).items():
        for key, wanted in keys.items():
            if operator != "Null":
                found[key] = [concrete(conditions.listed(wanted)[0])]
            elif conditions.listed(wanted) == ["false"]:
                found[key] = ["x"]
    return found


def requests_of(policy: str, document: Mapping[str, Any]) -> Iterator[Case]:
    """What each statement is about; and that at another place, of another owner, without a key, and with another value of it."""
    for statement in document["Statement"]:
        context = context_of(statement)
        for action, pattern in itertools.product(statement["Action"], statement["Resource"]):
            resource = resource_of(action, pattern, context)
            yield Case(policy, action, resource, context)
            yield Case(policy, action.swapcase(), resource, {key.upper(): value for key, value in context.items()})
            yield Case(policy, f"{action}s", resource, context)
            yield Case(policy, action, resource.replace(PLACE.region, "us-east-1"), context)
            yield Case(policy, action, resource.replace(PLACE.account, "210987654321"), context)
            yield Case(policy, action, resource.replace("staging", "production"), context)
            yield Case(policy, action, f"{resource}/more", context)
            for key in context:
                yield Case(policy, action, resource, {name: context[name] for name in context if name != key})
                yield Case(policy, action, resource, {**context, key: ["other"]})
            for key in {key for keys in statement.get("Condition", {}).values() for key in keys} - {*context}:
                yield Case(policy, action, resource, {**context, key: ["x"]})


def operators() -> Iterator[tuple[str, Mapping[str, Any], Case]]:
    """A policy for every operator, with every prefix and suffix, and requests with its key and without."""
    action, resource = "ecs:UpdateService", f"arn:aws:ecs:{PLACE.region}:{PLACE.account}:service/staging/web"
    for name, scope, suffix in itertools.product(
        sorted({*conditions._POSITIVE, *conditions._NEGATED}), ("", "ForAllValues:", "ForAnyValue:"), ("", "IfExists")
    ):
        wanted, so, other = VALUES.get(name) or next(VALUES[kind] for kind in VALUES if name.startswith(kind))
        operator = f"{scope}{name}{suffix}"
        several = [[so, other], [other, so]] if scope else []
        statement = {
            "Effect": "Allow", "Action": [action], "Resource": ["*"],
            "Condition": {operator: {"aws:TagKeys" if scope else "ecs:key": [wanted]}},
        }  # fmt: skip
        document = {"Version": "2012-10-17", "Statement": [statement]}
        for values in (None, [so], [other], *several):
            (key,) = statement["Condition"][operator]  # type: ignore[index]
            yield operator, document, Case(operator, action, resource, {} if values is None else {key: values})


def of_kind(document: Mapping[str, Any], kind: str) -> Any:
    """The document with the type of the resource in place of a wildcard for it, which to the other engine matches nothing.

    AWS has that in policies of its own, such as SageMakerStudioProjectUserRolePolicy.
    """
    return json.loads(json.dumps(document).replace(":*/*", f":{kind}/*"))


def is_known(case: Case) -> bool:
    """Of a key that the request does not have AWS says that IfExists is true and that ForAnyValue is false, and not which of them wins.

    The other engine takes ForAnyValue. No policy of ours has both.
    """
    return case.policy.startswith("ForAnyValue:") and case.policy.endswith("IfExists") and not case.context


def simulated(package: str, documents: Mapping[str, Any], cases: list[Case]) -> list[str]:
    given = {
        "account": PLACE.account,
        "policies": {case.plain()["policy"]: of_kind(documents[case.policy], case.kind) for case in cases},
        "keyPolicy": KEY_POLICY,
        "requests": [case.plain() for case in cases],
    }
    answer = subprocess.run(
        ["node", str(HERE / "simulate.mjs"), package],
        input=json.dumps(given),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(answer.stdout)
    return found


def main(package: str) -> int:
    documents: dict[str, Any] = {}
    cases: list[Case] = []
    for path in sorted(FILES.glob("*.json")):
        document = render(path.read_text(), PLACE, "staging")
        # A trust policy is no policy of an identity.
        if all("Principal" not in statement for statement in document["Statement"]):
            documents[path.stem] = document
            cases += requests_of(path.stem, document)
    for name, document, case in operators():
        documents[name] = document
        cases.append(case)
    ours = [case.ours(documents) for case in cases]
    theirs = simulated(package, documents, cases)
    differ = [
        (case, own, other)
        for case, own, other in zip(cases, ours, theirs, strict=True)
        if own != other and not is_known(case)
    ]
    for case, own, other in differ:
        print(f"{case.policy}: {case.action} on {case.resource} with {dict(case.context)}: {own} here, {other} there")
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(Counter(ours).items()))
    print(f"{len(documents)} policies, {len(cases)} requests ({counts}): {len(differ)} verdicts differ")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
