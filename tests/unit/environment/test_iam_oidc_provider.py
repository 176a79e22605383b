"""The account's identity provider: ours is managed and shared by environments, that of others is used and never changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.environment import iam_oidc_provider, teardown_deployers
from ansible_collections.pear.fargate.plugins.module_utils.environment.teardown_order import plan
from ansible_collections.pear.fargate.plugins.module_utils.environment.teardown_remove import remove
from ansible_collections.pear.fargate.plugins.modules import iam_oidc_provider as module
from moto import mock_aws
from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.responses import IamResponse

from sandbox.api.iam import CALLS, require_controls

from ..clocks import QuickClock
from ..progress import Lines

REGION, ACCOUNT = "eu-central-1", "123456789012"
HOST = "token.actions.githubusercontent.com"
ARN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{HOST}"
OURS = {"pear:component": "deployer"}
AWS = Aws({"region": REGION})


@pytest.fixture(autouse=True)
def iam(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """IAM with the calls of audiences, which moto lacks."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    for name, call in CALLS.items():
        monkeypatch.setattr(IamResponse, name, call, raising=False)
    with mock_aws():
        yield boto3.client("iam", REGION)


def invoke(check_mode: bool = False, progress: Lines | None = None, **options: Any) -> dict[str, Any]:
    validated = ArgumentSpecValidator(module.ARGUMENT_SPEC).validate({"tags": OURS, **options})
    assert not validated.error_messages, validated.error_messages
    call = Invocation(validated.validated_parameters, AWS, check_mode, QuickClock(), progress or Lines())
    return iam_oidc_provider.run(call)


def provider(iam: Any) -> dict[str, Any]:
    return dict(iam.get_open_id_connect_provider(OpenIDConnectProviderArn=ARN))


def role(iam: Any, name: str, tags: dict[str, str] | None = None) -> None:
    """A role that trusts GitHub's tokens of one repository."""
    subject = {f"{HOST}:sub": "repo:example/scores:environment:live", f"{HOST}:aud": "sts.amazonaws.com"}
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": ARN},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": subject},
    }
    document = {"Version": "2012-10-17", "Statement": [trust]}
    listed = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document), Tags=listed)


def test_it_is_made_once_and_check_mode_makes_nothing(iam: Any) -> None:
    predicted = invoke(check_mode=True)
    assert predicted["changed"] and predicted["arn"] is None
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
    made = invoke()
    assert made["changed"] and made["arn"] == ARN and made["managed"]
    assert made["diff"] == predicted["diff"]
    found = provider(iam)
    assert found["Url"] == HOST and found["ClientIDList"] == ["sts.amazonaws.com"]
    assert found["Tags"] == [{"Key": "pear:component", "Value": "deployer"}]
    assert not invoke()["changed"]


def test_ours_gets_a_missing_audience_and_its_tags_and_keeps_other_audiences(iam: Any) -> None:
    invoke()
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=ARN, ClientID="sts.amazonaws.com")
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=ARN, ClientID="https://github.com/example")
    wanted = {"tags": {**OURS, "team": "games"}}
    assert invoke(check_mode=True, **wanted)["changed"]
    assert provider(iam)["ClientIDList"] == ["https://github.com/example"]
    repaired = invoke(**wanted)
    assert repaired["diff"]["after"] == {"audience sts.amazonaws.com": "sts.amazonaws.com", "tags": {"team": "games"}}
    assert provider(iam)["ClientIDList"] == ["https://github.com/example", "sts.amazonaws.com"]
    assert not invoke(**wanted)["changed"]
    assert invoke(purge_tags=True)["diff"]["after"] == {"tags": {"team": None}}


def test_one_of_others_is_used_and_never_changed(iam: Any) -> None:
    iam.create_open_id_connect_provider(Url=f"https://{HOST}", ClientIDList=["sts.amazonaws.com"])
    before, progress = provider(iam), Lines()
    used = invoke(progress=progress)
    assert (used["changed"], used["managed"], used["arn"]) == (False, False, ARN)
    assert progress.lines == [f"identity provider {HOST}, which others made, is used as it is"]
    assert not invoke(state="absent")["changed"]
    assert provider(iam)["ClientIDList"] == before["ClientIDList"]
    assert not provider(iam).get("Tags")


def test_one_of_others_without_the_audience_is_an_error_that_says_what_to_do(iam: Any) -> None:
    iam.create_open_id_connect_provider(Url=f"https://{HOST}", ClientIDList=["elsewhere"])
    with pytest.raises(
        Failure, match=r"without the audience sts.amazonaws.com.*add-client-id-to-open-id-connect-provider"
    ):
        invoke()
    assert provider(iam)["ClientIDList"] == ["elsewhere"]


def test_an_issuer_whose_name_goes_on_is_another_one(iam: Any) -> None:
    iam.create_open_id_connect_provider(Url=f"https://{HOST}/enterprise", ClientIDList=["sts.amazonaws.com"])
    assert invoke()["changed"]
    assert len(iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]) == 2
    with pytest.raises(Failure, match="must begin with https://"):
        invoke(url=HOST)


def test_it_stays_while_a_role_trusts_it(iam: Any) -> None:
    invoke()
    role(iam, "another-teams")
    kept = invoke(state="absent")
    assert not kept["changed"] and kept["trusted_by"] == ["another-teams"]
    iam.delete_role(RoleName="another-teams")
    assert invoke(state="absent", check_mode=True)["changed"] and provider(iam)
    assert invoke(state="absent")["changed"]
    assert not invoke(state="absent")["changed"]


def deployers(environment: str = "staging", prefix: str = "") -> list[str]:
    return [str(thing) for thing in teardown_deployers.find(AWS, environment, prefix)]


def test_a_teardown_finds_the_deployers_of_its_environment_and_region_alone(iam: Any) -> None:
    invoke()
    own = f"pear-deployer-staging-{REGION}"
    role(iam, f"{own}-release", OURS)
    role(iam, f"{own}-rollback")
    role(iam, "games-release", OURS)
    for name, tags in ((f"{own}-provision-data", OURS), (f"{own}-provision-network", {})):
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document), Tags=listed)
    # A role of others trusts the provider: it is not this environment's alone.
    expected = [f"deployer role {own}-release", f"deployer policy {own}-provision-data"]
    assert deployers() == expected
    assert deployers("production") == []
    assert deployers(prefix="games") == ["deployer role games-release"]
    iam.delete_role(RoleName=f"{own}-rollback")
    iam.delete_role(RoleName="games-release")
    assert deployers() == [*expected, f"identity provider {HOST}"]


def test_they_stay_unless_they_are_named_and_go_after_everything_else(iam: Any) -> None:
    invoke()
    own = f"pear-deployer-staging-{REGION}"
    role(iam, f"{own}-provision", OURS)
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    policy = iam.create_policy(
        PolicyName=f"{own}-provision-data",
        PolicyDocument=json.dumps(document),
        Tags=[{"Key": "pear:component", "Value": "deployer"}],
    )["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=f"{own}-provision", PolicyArn=policy)
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=json.dumps(document), SetAsDefault=True)
    found = teardown_deployers.find(AWS, "staging", "")
    assert plan(found).remove == () and len(plan(found).keep) == 3
    going = plan(found, ["deployers"]).remove
    assert [thing.kind for thing in going] == ["deployer role", "deployer policy", "identity provider"]
    for thing in going:
        remove(AWS, thing)
    assert deployers() == []
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []


def test_iam_takes_no_trust_in_github_that_asks_for_no_subject() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html"""

    def document(conditions: dict[str, Any], **more: Any) -> str:
        statement = {"Effect": "Allow", "Principal": {"Federated": ARN}, "Condition": conditions, **more}
        return json.dumps({"Statement": statement})

    require_controls(document({"StringLike": {f"{HOST}:sub": "repo:example/*"}}))
    require_controls(document({}, Principal={"AWS": ACCOUNT}))
    require_controls(document({}, Effect="Deny"))
    for conditions in (
        {},
        {"StringEquals": {f"{HOST}:aud": "sts.amazonaws.com"}},
        {"StringLike": {f"{HOST}:sub": "*"}},
    ):
        with pytest.raises(MalformedPolicyDocument, match=r"actions.githubusercontent.com:sub"):
            require_controls(document(conditions))
