"""How long it takes until something that was made or changed is in effect, in seconds on AWS; and how long here."""

from __future__ import annotations

# AWS publishes no figure; it takes two to three minutes. States of a load balancer:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#load-balancer-state
LOAD_BALANCER_SECONDS = 120.0
# https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
DNS_SECONDS = 60.0
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
ROLE_SECONDS = 60.0
_LONGEST_SECONDS = 5.0


def lasts(seconds: float, time_factor: float) -> float:
    """A few seconds show that somebody waits as well as minutes do."""
    return min(seconds / time_factor, _LONGEST_SECONDS)
