"""Settings of a whole registry: one rule of ours among those of others, and caches that are made once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.image import ecr_registry_settings as registry_settings
from ansible_collections.pear.fargate.plugins.modules.ecr_registry_settings import ARGUMENT_SPEC
from botocore.stub import Stubber

REGION, ACCOUNT = "eu-central-1", "123456789012"


def rule(prefix: str, *regions: str) -> dict[str, Any]:
    return {
        "destinations": [{"region": region, "registryId": ACCOUNT} for region in regions],
        "repositoryFilters": [{"filter": prefix, "filterType": "PREFIX_MATCH"}],
    }


# Of everything, to another account: it has no filter.
SOMEBODYS = {"destinations": [{"region": "us-east-1", "registryId": "210987654321"}]}
PUBLIC = {"ecrRepositoryPrefix": "public", "upstreamRegistryUrl": "upstream.example"}


@pytest.fixture
def ecr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    client = Aws({"region": REGION}).client("ecr")
    monkeypatch.setattr(Aws, "client", lambda *_: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def has(ecr: Stubber, *rules: dict[str, Any]) -> None:
    answer = {"registryId": ACCOUNT, "replicationConfiguration": {"rules": list(rules)}}
    ecr.add_response("describe_registry", answer, {})


def takes(ecr: Stubber, *rules: dict[str, Any]) -> None:
    desired = {"replicationConfiguration": {"rules": list(rules)}}
    ecr.add_response("put_replication_configuration", desired, desired)


def invoke(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"repository_prefix": "scores", **options})
    assert not validated.error_messages
    return registry_settings.run(Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode))


def test_our_rule_stands_beside_those_of_others(ecr: Stubber) -> None:
    has(ecr, SOMEBODYS, rule("other", "eu-west-1"))
    takes(ecr, SOMEBODYS, rule("other", "eu-west-1"), rule("scores", "eu-west-1", "eu-north-1"))
    assert invoke(replication_regions=["eu-west-1", "eu-north-1"])["changed"]


def test_what_is_so_already_is_not_written_and_check_mode_writes_nothing(ecr: Stubber) -> None:
    has(ecr, SOMEBODYS, rule("scores", "eu-west-1"))
    assert not invoke(replication_regions=["eu-west-1"])["changed"]
    has(ecr, SOMEBODYS, rule("scores", "eu-west-1"))
    assert invoke(True, replication_regions=["eu-north-1"])["changed"]


def test_copies_for_another_account_stay_whatever_our_regions_are(ecr: Stubber) -> None:
    """A platform team's rule for the same repositories: rules have no tags that could say whose they are."""
    abroad = {"region": "eu-west-1", "registryId": "210987654321"}
    theirs = {**rule("scores"), "destinations": [abroad]}
    has(ecr, theirs)
    takes(ecr, {**theirs, "destinations": [*rule("scores", "eu-north-1")["destinations"], abroad]})
    assert invoke(replication_regions=["eu-north-1"])["changed"]
    has(ecr, {**theirs, "destinations": [*rule("scores", "eu-north-1")["destinations"], abroad]})
    takes(ecr, theirs)
    assert invoke(replication_regions=[])["changed"]
    has(ecr, theirs)
    assert not invoke(replication_regions=[])["changed"]


def test_an_empty_list_takes_our_rule_away(ecr: Stubber) -> None:
    has(ecr, rule("scores", "eu-west-1"), SOMEBODYS)
    takes(ecr, SOMEBODYS)
    assert invoke(replication_regions=[])["changed"]


def test_a_region_to_itself_and_one_rule_too_many_are_refused(ecr: Stubber) -> None:
    has(ecr)
    with pytest.raises(Failure, match="eu-central-1 is where the repository is"):
        invoke(replication_regions=[REGION])
    has(ecr, *(rule(f"r{number}", "eu-west-1") for number in range(10)))
    with pytest.raises(Failure, match="10 rules"):
        invoke(replication_regions=["eu-west-1"])


def test_a_cache_is_made_once_and_never_moved(ecr: Stubber) -> None:
    desired = [{"prefix": "public", "upstream": "upstream.example"}]
    ecr.add_response("describe_pull_through_cache_rules", {"pullThroughCacheRules": []}, {})
    ecr.add_response("create_pull_through_cache_rule", PUBLIC, PUBLIC)
    assert invoke(pull_through_caches=desired)["changed"]
    ecr.add_response("describe_pull_through_cache_rules", {"pullThroughCacheRules": [PUBLIC]}, {})
    assert not invoke(pull_through_caches=desired)["changed"]
    ecr.add_response("describe_pull_through_cache_rules", {"pullThroughCacheRules": [PUBLIC]}, {})
    with pytest.raises(Failure, match=r"public is a cache of upstream\.example"):
        invoke(pull_through_caches=[{"prefix": "public", "upstream": "elsewhere.example"}])


def test_new_credentials_of_a_cache_are_set(ecr: Stubber) -> None:
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/hub"
    ecr.add_response("describe_pull_through_cache_rules", {"pullThroughCacheRules": [PUBLIC]}, {})
    given = {"ecrRepositoryPrefix": "public", "credentialArn": secret}
    ecr.add_response("update_pull_through_cache_rule", given, given)
    desired = {"prefix": "public", "upstream": "upstream.example", "credential_arn": secret}
    assert invoke(pull_through_caches=[desired])["changed"]
