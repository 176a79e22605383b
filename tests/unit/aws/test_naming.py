"""Names fit AWS's limits, stay stable, and never meet."""

from __future__ import annotations

from ansible_collections.pear.fargate.plugins.module_utils.aws.naming import (
    EnvironmentNames,
    HealthCheckNames,
    RoleNames,
    ServiceNames,
    fit,
)
from hypothesis import given
from hypothesis import strategies as st

names = st.from_regex(r"[a-z][a-z0-9-]{0,60}", fullmatch=True)


def test_a_short_name_stays_as_it_is() -> None:
    assert fit("production", 32) == "production"


@given(names, names)
def test_target_group_names_fit_and_differ_by_colour(environment: str, service: str) -> None:
    made = ServiceNames(environment, service)
    blue, green = made.target_group("blue"), made.target_group("green")
    assert len(blue) <= 32
    assert len(green) <= 32
    assert blue != green
    assert blue.endswith("-blue")
    assert green.endswith("-green")


def test_the_longest_environment_stays_whole_in_the_names_of_target_groups() -> None:
    """Teardown, orphans and the deployers' policies know them by it."""
    made = ServiceNames("e" * 20, "s" * 60)
    assert made.target_group("green").startswith("e" * 20 + "-")
    assert made.target_group("green").removesuffix("-green") != ServiceNames("e" * 20, "s" * 61).target_group("green")


@given(st.text("ab-", min_size=30, max_size=40), st.text("ab-", min_size=30, max_size=40))
def test_two_long_names_never_meet(one: str, other: str) -> None:
    assert (fit(one, 20) == fit(other, 20)) == (one == other)


def test_roles_are_named_within_iams_64_characters() -> None:
    made = RoleNames("e" * 20, "ap-southeast-1")
    for service in ("s", "s" * 60):
        names = made.of_service(service)
        assert all(len(name) <= 64 for name in [*names.values(), *made.as_dict().values()])
        # Policies of deployers know a role's kind by the end of its name.
        assert names["schedule_role"].endswith("-schedule")


def test_one_environment_name_in_two_regions_has_roles_of_its_own_in_each() -> None:
    one, other = (RoleNames("corp", region) for region in ("eu-west-1", "eu-central-1"))
    assert not {*one.as_dict().values(), *one.of_service("web").values()} & {
        *other.as_dict().values(),
        *other.of_service("web").values(),
    }
    assert one.task("web") == "corp-eu-west-1-web-task"


def test_no_name_of_health_checks_is_one_of_another_region_or_of_the_environments_own() -> None:
    one, other = (HealthCheckNames("corp", region) for region in ("eu-west-1", "us-east-1"))
    for names in (one, other):
        assert names.alarm_prefix.startswith(one.of_every_region)
        assert not names.alarm_prefix.startswith(EnvironmentNames("corp").alarm_prefix)
    assert one.alarm_prefix != other.alarm_prefix
    assert not one.reference_prefix.startswith(other.reference_prefix)
    assert one.topic == "corp-eu-west-1-alarms" != EnvironmentNames("corp").alarm_topic


def test_an_environments_load_balancer_fits_32_characters() -> None:
    assert len(EnvironmentNames("e" * 50).load_balancer) <= 32
