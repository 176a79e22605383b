#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_routing
short_description: Manage the target groups and listener rules of a service
version_added: 0.1.0
description:
  - Creates a target group per colour, a production rule that forwards to both by weight, and a test rule that
    forwards requests with the header C(X-Release=candidate) to the candidate, or with a secret value of this header.
  - Weights belong to releases. They are written when a rule is created (blue 100, green 0; the test rule the other way
    round) and never again, so that running this at any time moves no traffic.
  - O(state=absent) removes the rules that forward to the service's target groups alone, then the target groups. It is refused while
    an ECS service of the service exists.
  - Never changes the rules of other services. Fails if one of them has the priority already, or if one of two rules would leave the
    other nothing.
seealso:
  - module: pear.fargate.application_load_balancer
  - module: pear.fargate.bluegreen_cutover
author:
  - pear.fargate contributors (@pear-fargate)
options:
  vpc_id:
    description: VPC of the target groups. Empty only in check mode, where the VPC would be created too.
    type: str
  listener_arn:
    description: The https listener that gets the rules. Empty only in check mode.
    type: str
  port:
    description: Port that the service's container listens on. Required with O(state=present).
    type: int
  protocol_version:
    description: Protocol version between load balancer and containers. Cannot be changed later.
    type: str
    choices: [HTTP1, HTTP2, GRPC]
    default: HTTP1
  hosts:
    description: Host names of the service. An empty list matches any host.
    type: list
    elements: str
    default: []
  paths:
    description: Path patterns of the service.
    type: list
    elements: str
    default: ["/*"]
  headers:
    description:
      - Header conditions, each a header's name with its values (one text, or a list). Every header has to fit; of its values one is enough.
      - V(*) and V(?) stand for any characters and for one.
    type: dict
    default: {}
  query_strings:
    description: Query conditions. A request fits if one of them does.
    type: list
    elements: dict
    default: []
    suboptions:
      key:
        description: Name of the parameter. Any if omitted.
        type: str
      value:
        description: Its value, with V(*) and V(?) for any characters and for one.
        type: str
        required: true
  source_ips:
    description: Networks of the clients that the service answers, such as V(203.0.113.0/24). Every client if empty.
    type: list
    elements: str
    default: []
  test_source_ips:
    description: Networks of the clients that reach the candidate by the test rule. Those of O(source_ips) if empty.
    type: list
    elements: str
    default: []
  further_rules:
    description:
      - Further requests of the service, each with a production rule of its own, since a rule holds five values. All production rules have
        the same weights, and a release writes them together.
      - Login and stickiness are those of the service. There is one test rule, with the conditions of O(hosts), O(paths) and so on.
    type: list
    elements: dict
    default: []
    version_added: 0.2.0
    suboptions:
      name:
        description: Name of the rule, kept in its tag C(pear:rule). A rule whose name is not listed any more is removed.
        type: str
        required: true
      hosts:
        description: Host names. An empty list matches any host.
        type: list
        elements: str
        default: []
      paths:
        description: Path patterns. An empty list matches any path.
        type: list
        elements: str
        default: []
      headers:
        description: Header conditions, as in O(headers).
        type: dict
        default: {}
      query_strings:
        description: Query conditions, as in O(query_strings).
        type: list
        elements: dict
        default: []
        suboptions:
          key:
            description: Name of the parameter. Any if omitted.
            type: str
          value:
            description: Its value, with V(*) and V(?) for any characters and for one.
            type: str
            required: true
      source_ips:
        description: Networks of the clients. Every client if empty.
        type: list
        elements: str
        default: []
      priority:
        description: Priority of the rule, V(1) to V(50000). The one that it has if omitted, and at first the first free one that fits.
        type: int
  login:
    description:
      - A login in front of the service. The rules keep the login that they have if omitted; an empty mapping removes it.
      - The load balancer's security group needs a way out to the provider's endpoints (port 443).
    type: dict
    suboptions:
      oidc:
        description: A provider of OpenID Connect.
        type: dict
        suboptions:
          issuer:
            description: Issuer of the provider.
            type: str
            required: true
          authorization_endpoint:
            description: Where browsers are sent to log in.
            type: str
            required: true
          token_endpoint:
            description: Where the load balancer gets tokens.
            type: str
            required: true
          user_info_endpoint:
            description: Where the load balancer gets the user's claims.
            type: str
            required: true
          client_id:
            description: Client that the provider knows the load balancer by.
            type: str
            required: true
          client_secret_arn:
            description:
              - ARN of the Secrets Manager secret that holds the client secret. Its value is read when the login is written, and again
                when the secret has a new version.
              - The deployer's role may read secrets with the tag C(pear:component=login).
            type: str
            required: true
          client_secret_key:
            description: Key of the client secret where the secret holds JSON. The whole text is the client secret if omitted.
            type: str
      cognito:
        description: A user pool of Amazon Cognito.
        type: dict
        suboptions:
          user_pool_arn:
            description: ARN of the user pool.
            type: str
            required: true
          user_pool_client_id:
            description: ID of the client of the user pool.
            type: str
            required: true
          user_pool_domain:
            description: Domain prefix, or the domain of its own, of the user pool.
            type: str
            required: true
      scope:
        description: Claims that are asked for.
        type: str
        default: openid
      session_seconds:
        description: How long a login lasts, V(1) to V(604800).
        type: int
        default: 604800
      session_cookie:
        description: Name of the cookie that keeps the session.
        type: str
        default: AWSELBAuthSessionCookie
      extra_parameters:
        description: Further query parameters of the request to the authorization endpoint, ten at most.
        type: dict
        default: {}
      unauthenticated:
        description:
          - What happens to a request without a session. V(authenticate) sends it to the login, V(deny) answers 401, V(allow) lets it
            through.
        type: str
        choices: [authenticate, allow, deny]
        default: authenticate
      test_rule:
        description:
          - Whether the test rule asks for the login too. With V(false) checks reach the candidate, and so does everybody who sends the test
            rule's header from one of O(test_source_ips).
        type: bool
        default: true
  stickiness:
    description:
      - How long a client stays with the task that answered it, by the load balancer's cookie. Left unchanged if omitted.
      - While a release splits traffic a client may change the colour, and then its task.
    type: dict
    suboptions:
      seconds:
        description: Duration of the cookie that names the task, V(1) to V(604800). V(0) disables it.
        type: int
        required: true
      colour_seconds:
        description:
          - Duration of the cookie that names the colour, V(1) to V(604800). ELB demands one.
          - A client follows changed weights, and so a return of traffic, only when this is over.
        type: int
        default: 1
  existing:
    description:
      - What of others the service uses. The target groups carry it as tags, by which every playbook finds the service.
      - Resources of the environment's own where omitted.
    type: dict
    suboptions:
      cluster:
        description: Name of the cluster.
        type: str
      listener_arn:
        description: ARN of the listener.
        type: str
      log_group:
        description: Name of the log group.
        type: str
  priority:
    description:
      - Priority of the production rule, V(2) to V(50000); the lowest number is evaluated first.
      - The test rule gets the number before it.
      - If omitted, the rule keeps the priority that it has, and a new one gets the first free one at which no rule of the listener
        leaves another one nothing.
    type: int
  test_secret:
    description:
      - Whether the test rule wants a secret value of the header C(X-Release) instead of C(candidate), which anybody can send.
      - The value is made once, and kept in the rule, where releases read it. Set V(false), and then V(true) again, to have another one.
    type: bool
    default: false
    version_added: 0.2.0
  health_check:
    description: Health check of the target groups.
    type: dict
    default: {}
    suboptions:
      port:
        description: Port to request, such as one of a management server beside the app. The port of the traffic if omitted.
        type: int
      path:
        description: Path to request.
        type: str
        default: /
      matcher:
        description:
          - Status codes of a healthy target, such as V(200) or V(200-299).
          - The default is V(200), and with O(protocol_version=GRPC) V(0).
        type: str
      interval_seconds:
        description: Interval of the checks, V(5) to V(300).
        type: int
        default: 10
      timeout_seconds:
        description: Timeout of a check, V(2) to V(120); less than the interval.
        type: int
        default: 5
      healthy_threshold:
        description: Consecutive successes that make a target healthy, V(2) to V(10).
        type: int
        default: 2
      unhealthy_threshold:
        description: Consecutive failures that make a target unhealthy, V(2) to V(10).
        type: int
        default: 3
  deregistration_delay_seconds:
    description: Time for requests in flight when a target is deregistered, V(0) to V(3600).
    type: int
    default: 30
  slow_start_seconds:
    description: Slow start of new targets, V(30) to V(900). V(0) disables it.
    type: int
    default: 0
  algorithm:
    description: Load balancing algorithm among the targets of a colour.
    type: str
    choices: [round_robin, least_outstanding_requests]
    default: round_robin
extends_documentation_fragment:
  - pear.fargate.resource
  - pear.fargate.resource.tags
  - pear.fargate.service.name
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
  - pear.fargate.ownership
"""

EXAMPLES = r"""
- name: Route the scoreboard's host name to it
  pear.fargate.service_routing:
    environment: production
    service: scoreboard
    vpc_id: vpc-0123456789abcdef0
    listener_arn: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/production/50dc6c495c0c9188/f2f7dc8efc522ab2
    port: 8080
    hosts: [scores.example.com]
    priority: 10
    health_check:
      path: /healthz

- name: Staff only, from the office, behind a login, and with the same task for a quarter of an hour
  pear.fargate.service_routing:
    environment: production
    service: backoffice
    vpc_id: vpc-0123456789abcdef0
    listener_arn: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/production/50dc6c495c0c9188/f2f7dc8efc522ab2
    port: 8080
    hosts: [backoffice.example.com]
    paths: []
    source_ips: [203.0.113.0/24]
    login:
      oidc:
        issuer: https://id.example.com
        authorization_endpoint: https://id.example.com/authorize
        token_endpoint: https://id.example.com/token
        user_info_endpoint: https://id.example.com/userinfo
        client_id: backoffice
        client_secret_arn: arn:aws:secretsmanager:eu-central-1:123456789012:secret:backoffice-login-AbCdEf
    stickiness:
      seconds: 900

- name: A service with more hosts than one rule holds
  pear.fargate.service_routing:
    environment: production
    service: website
    vpc_id: vpc-0123456789abcdef0
    listener_arn: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/production/50dc6c495c0c9188/f2f7dc8efc522ab2
    port: 80
    hosts: [www.example.com, example.com]
    further_rules:
      - name: countries
        hosts: [www.example.de, www.example.fr, www.example.it, www.example.es, www.example.pt]
      - name: legacy
        hosts: [old.example.com]
        paths: [/shop/*]

# Priority 10 is held by the scoreboard: the task fails, names the rule that holds it and some that are free.
- name: A second service with the same priority
  pear.fargate.service_routing:
    environment: production
    service: website
    vpc_id: vpc-0123456789abcdef0
    listener_arn: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/production/50dc6c495c0c9188/f2f7dc8efc522ab2
    port: 80
    hosts: [www.example.com]
    priority: 10

- name: Remove the routing of a service whose ECS services are gone
  pear.fargate.service_routing:
    environment: production
    service: website
    state: absent
    tags: {pear:environment: production}
"""

RETURN = r"""
target_groups:
  description: Target group ARNs by colour; null where there is none.
  returned: always
  type: dict
  sample:
    blue: arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/production-scoreboard-blue/73e2d6bc24d8a067
    green: arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/production-scoreboard-green/2453ed029918f21f
rules:
  description: Rule ARNs, C(production) and C(test); null in check mode where one would be created. Empty with O(state=absent).
  returned: always
  type: dict
  sample:
    production: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/production/50dc6c/f2f7dc/9683b2
    test: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/production/50dc6c/f2f7dc/8683b2
further_rules:
  description: ARNs of further production rules by their names; null in check mode where one would be created.
  returned: always
  type: dict
  sample:
    legacy: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/production/50dc6c/f2f7dc/7683b2
weights:
  description: Current weights of the production rule by colour.
  returned: always
  type: dict
  sample: {blue: 100, green: 0}
conflicts:
  description: A sentence per priority that another service's rule has.
  returned: when a priority is taken
  type: list
  elements: str
  sample: []
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.login import LOGIN_ARGUMENTS, STICKINESS_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.service_routing import run

QUERY_ARGUMENTS = {
    "type": "list",
    "elements": "dict",
    "default": [],
    # The name of a parameter, and no secret.
    "options": {"key": {"type": "str", "no_log": False}, "value": {"type": "str", "required": True}},
}
FURTHER_RULE_ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "paths": {"type": "list", "elements": "str", "default": []},
    "headers": {"type": "dict", "default": {}},
    "query_strings": QUERY_ARGUMENTS,
    "source_ips": {"type": "list", "elements": "str", "default": []},
    "priority": {"type": "int"},
}

ARGUMENT_SPEC = {
    **STATE_ARGUMENTS,
    "environment": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "vpc_id": {"type": "str"},
    "listener_arn": {"type": "str"},
    "port": {"type": "int"},
    "protocol_version": {"type": "str", "choices": ["HTTP1", "HTTP2", "GRPC"], "default": "HTTP1"},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "paths": {"type": "list", "elements": "str", "default": ["/*"]},
    "headers": {"type": "dict", "default": {}},
    "query_strings": QUERY_ARGUMENTS,
    "source_ips": {"type": "list", "elements": "str", "default": []},
    "test_source_ips": {"type": "list", "elements": "str", "default": []},
    "further_rules": {"type": "list", "elements": "dict", "default": [], "options": FURTHER_RULE_ARGUMENTS},
    "login": {"type": "dict", "options": LOGIN_ARGUMENTS},
    "stickiness": {"type": "dict", "options": STICKINESS_ARGUMENTS},
    "existing": {
        "type": "dict",
        "options": {"cluster": {"type": "str"}, "listener_arn": {"type": "str"}, "log_group": {"type": "str"}},
    },
    "priority": {"type": "int"},
    "test_secret": {"type": "bool", "default": False, "no_log": False},
    "health_check": {
        "type": "dict",
        "default": {},
        "options": {
            "path": {"type": "str", "default": "/"},
            "matcher": {"type": "str"},
            "interval_seconds": {"type": "int", "default": 10},
            "timeout_seconds": {"type": "int", "default": 5},
            "healthy_threshold": {"type": "int", "default": 2},
            "unhealthy_threshold": {"type": "int", "default": 3},
            "port": {"type": "int"},
        },
    },
    "deregistration_delay_seconds": {"type": "int", "default": 30},
    "slow_start_seconds": {"type": "int", "default": 0},
    "algorithm": {"type": "str", "choices": ["round_robin", "least_outstanding_requests"], "default": "round_robin"},
    "adopt": {"type": "bool", "default": False},
    **TAG_ARGUMENTS,
}

CONSTRAINTS = {"required_if": [("state", "present", ("port",))]}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
