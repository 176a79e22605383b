# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of blue/green releases: how traffic moves, what is judged, what is checked; policy; the service; services of others."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  plan:
    description: How traffic moves to the candidate.
    type: dict
    default: {}
    suboptions:
      strategy:
        description: V(steps) takes O(plan.steps), V(canary) a share and then all, V(linear) equal steps.
        type: str
        choices: [all_at_once, linear, canary, steps]
        default: all_at_once
      percent:
        description: Share of the canary, 1 to 100.
        type: int
      duration_seconds:
        description: How long the canary is watched.
        type: int
      step_percent:
        description: Share that each linear step adds.
        type: int
      interval_seconds:
        description: How long each linear step is watched.
        type: int
      bake_seconds:
        description: How long the candidate is watched with all traffic, before the release is called a success.
        type: int
      steps:
        description: Steps one by one.
        type: list
        elements: dict
        suboptions:
          weight:
            description: The candidate's share in whole percents; each larger than the one before, the last 100.
            type: int
            required: true
          duration_seconds:
            description: How long the step is watched.
            type: int
          approval:
            description: Whether the step waits until a person promotes it.
            type: bool
          approval_timeout_seconds:
            description: After how long without approval traffic returns.
            type: int
  gates:
    description: What is judged while the candidate has production traffic. Target health always is. No data never passes.
    type: dict
    default: {}
    suboptions:
      alarms:
        description: CloudWatch alarms, metric or composite, that must be OK.
        type: list
        elements: str
        default: []
      errors:
        description:
          - The candidate's share of 5xx answers against live's, by an exact one-sided test.
          - A request that no target answered counts as one. The load balancer answers 502 or 504 then, and CloudWatch counts
            that for the load balancer only, so it is taken from the requests that no target's answer accounts for.
        type: dict
        suboptions:
          tolerance_percent:
            description: Points by which it may be worse.
            type: float
            default: 1.0
          significance:
            description: Probability of a false alarm per step.
            type: float
            default: 0.01
          minimum_requests:
            description: Requests needed to judge.
            type: int
            default: 100
          ceiling_percent:
            description:
              - A share that is never right, whatever live's is. Requests that no target answered are not held against it,
                since a client that leaves before the answer is counted as one of them too.
            type: float
      latency:
        description: The candidate's p99 against live's.
        type: dict
        suboptions:
          maximum_ratio:
            description: How many times slower it may be.
            type: float
            default: 1.5
          significance:
            description: Probability of a false alarm per step.
            type: float
            default: 0.01
          minimum_requests:
            description: Requests needed to judge.
            type: int
            default: 100
          ceiling_seconds:
            description: A p99 that is never right.
            type: float
      metrics:
        description: Further CloudWatch metrics with bounds.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: What it is called in messages.
            type: str
            required: true
          namespace:
            description: Namespace.
            type: str
            required: true
          metric:
            description: Name of the metric.
            type: str
            required: true
          statistic:
            description: Statistic, such as V(Sum) or V(p95).
            type: str
            default: Average
          dimensions:
            description: Dimensions.
            type: dict
            default: {}
          minimum:
            description: The least that is right.
            type: float
          maximum:
            description: The most that is right.
            type: float
          missing:
            description:
              - What it means that a metric has no data point in the whole step. Many metrics have one only where something
                happened, such as V(HTTPCode_Target_5XX_Count).
              - V(inconclusive) cannot tell, V(zero) judges the value 0, V(pass) passes.
            type: str
            choices: [inconclusive, zero, pass]
            default: inconclusive
      period_seconds:
        description: Period of the metrics; those of a load balancer come once a minute.
        type: int
        default: 60
      delay_seconds:
        description: How long after its end a period is complete in CloudWatch. Those of a load balancer take up to two minutes.
        type: int
        default: 120
  checks:
    description:
      - Checks of the candidate before it has any production traffic, in order; requests go through the test rule, or the test listener.
    type: list
    elements: dict
    default: []
    suboptions: &check
      name:
        description: Name of the check.
        type: str
        required: true
      method:
        description: HTTP method.
        type: str
        default: GET
      path:
        description: Path and query.
        type: str
        default: /
      body:
        description: Body of the request.
        type: str
      headers:
        description: Further headers of the request.
        type: dict
        default: {}
      status:
        description: Statuses that are right.
        type: list
        elements: int
        default: [200]
      expect_headers:
        description: Headers that the answer must have.
        type: dict
        default: {}
      expect_json:
        description: Values that the answer's JSON must have, by dotted path, such as C(checks.0.status).
        type: dict
        default: {}
      expect_body:
        description: Text that the answer must hold.
        type: str
      maximum_milliseconds:
        description: How long an answer may take. Of ten answers, nine must keep to it.
        type: int
      tries:
        description:
          - How often it is asked until an answer is right for the first time. From then on one wrong answer fails the check.
          - Answers that are right but too slow are asked for again as often.
        type: int
        default: 5
      attempts:
        description: How often every target is asked, C(interval_seconds) apart.
        type: int
        default: 1
      every_target:
        description:
          - Whether every healthy target is asked. The load balancer chooses the target of a request, so the number of requests
            is such that none is left out, but for one case in a thousand. Two targets take 11 requests, three 20, ten 88.
          - V(false) asks once, for a request that must not be repeated. C(tries), C(attempts) and C(identity) mean nothing then.
        type: bool
        default: true
      identity:
        description:
          - A header of the answer, or a dotted path in its JSON, whose value differs from task to task, such as the task's ID.
            The check then counts targets instead of requests, and says which target answered what.
          - If omitted, targets are covered by the number of requests.
        type: str
      interval_seconds:
        description: Pause between tries and between attempts.
        type: float
        default: 2.0
      timeout_seconds:
        description: How long one request, or the whole task, may take.
        type: int
        default: 10
      command:
        description:
          - Makes the check a task of the candidate's definition that runs once with this command, such as a migration. A list of words, or
            a text that is split into words.
          - Of the other options such a check has its name, C(timeout_seconds) and C(container). Those of a request are refused.
          - A version probe is a request, and has no command.
        type: raw
        default: []
      container:
        description: The container that gets the command, and whose exit code is the verdict.
        type: str
        default: app
  version_probe:
    description: A request to the production rule after the last step whose expected answer only this version gives.
    type: dict
    suboptions: *check
  verify_tls:
    description: Whether checks verify the load balancer's certificate.
    type: bool
    default: true
  adopt:
    description:
      - Kinds of what others made under names of this service, and that a release may take over.
      - V(task_definition) registers the version in their family. By default that is refused, since whoever starts tasks of the family
        would start this version. V(schedule_group) makes schedules in their group.
      - An ECS service of others that has the name of one of this service's is refused always.
    type: list
    elements: str
    choices: [schedule_group, task_definition]
    default: []
  restart:
    description:
      - Releases the version that serves once more, with new tasks, such as for a secret that was rotated. A rollback passes over it.
    type: bool
    default: false
  contract:
    description:
      - Marks a release that the versions before it cannot follow, such as the end of a database migration.
      - A rollback across it wants C(force).
    type: bool
    default: false
  version:
    description:
      - What people call the version, such as the image's tag. Messages, status and history show it, and a rollback accepts it.
      - If omitted, they show the digest.
    type: str
"""

    SLOS = r"""
options:
  slos:
    description:
      - Service level objectives. Their error budget is the share of the requests that may fail, or take too long.
      - The requests of both colours count, as the load balancer counts them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the objective, at most 30 lower case letters, digits and hyphens.
        type: str
        required: true
      target_percent:
        description: Share of the requests that has to be good.
        type: float
        required: true
      threshold_seconds:
        description:
          - Response time that a good request does not exceed. Requests that no target answers are not counted then.
          - If omitted, a good request is one that does not fail by a 5xx or a refused connection.
        type: float
      window_days:
        description: Days that the objective is about, from 1 to 90.
        type: int
        default: 28
      minimum_requests:
        description: Fewer requests than these say nothing. They neither spend a budget nor fire an alarm.
        type: int
        default: 100
"""

    BUDGET = r"""
options:
  budget:
    description:
      - What happens where an error budget of O(slos) is spent. V(enforce) refuses the release before anything is changed.
      - V(override) releases all the same, such as what mends the service, and needs O(budget_reason).
      - A rollback is never refused for it.
    type: str
    choices: [enforce, override]
    default: enforce
  budget_reason:
    description:
      - Why it is released all the same. The ledger keeps it with the release.
      - A reason that the ledger has of another version does not count.
    type: str
    default: ""
"""

    NOTICES = r"""
options:
  release_topics:
    description:
      - SNS topics that get notifications of the release. Each is the ARN of a standard topic of the region, or the name of one
        in the account of the credentials.
      - A notification says that it began, waits for approval, succeeded, was returned and why, ended otherwise, or was left unfinished.
        A run that resumes a release does not send one again.
      - A notification that cannot be sent is a warning. It neither ends the release nor holds it up for more than seconds.
    type: list
    elements: str
    default: []
  report_url:
    description:
      - Address of the report in notifications. C({environment}), C({service}) and C({release}) are filled in.
      - Notifications name none if it is empty.
    type: str
    default: ""
  dashboard:
    description:
      - Name of the CloudWatch dashboard whose graphs get a vertical line where each of the newest releases began, with its outcome.
        They are written when a release has ended.
      - Nothing is marked if it is empty, or if there is no such dashboard. That it cannot be written is a warning.
    type: str
    default: ""
"""

    POLICY = r"""
options:
  policy:
    description: What happens otherwise.
    type: dict
    default: {}
    suboptions:
      minimum_healthy:
        description: Healthy targets that a colour needs before it gets traffic, and while it has any.
        type: int
        default: 1
      capacity_percent:
        description: Share of its part of live's tasks that the candidate must have healthy before each step.
        type: int
        default: 100
      stage_timeout_seconds:
        description: How long the candidate may take to come up.
        type: int
        default: 900
      inconclusive:
        description: What follows when the gates cannot tell.
        type: str
        choices: [return, approval, continue]
        default: return
      patience_seconds:
        description: How long a step is prolonged until the gates can tell.
        type: int
        default: 300
      pause_timeout_seconds:
        description: How long a pause, or the wait for an approval of what is inconclusive, may last.
        type: int
        default: 3600
      return_timeout_seconds:
        description: How long a return waits for a live colour that is not healthy, or that has too few healthy targets for all traffic.
        type: int
        default: 600
      window_seconds:
        description:
          - How long the old colour stays warm after a success. AWS scales it in by itself afterwards.
          - A release with the strategy V(rolling) leaves no old colour. A rollback of it does, and reads this.
        type: int
        default: 3600
      old_colour:
        description:
          - Whether the colour without traffic is scaled in at the end. That is the old one after a success, the candidate after a failure.
            V(scale_in) sets its desired count to 0, after a success once O(policy.window_seconds) have passed.
            V(keep) leaves its tasks running.
          - V(auto) is V(scale_in), but V(keep) where the ECS services were named, as others set the desired counts of theirs.
            With both, V(scale_in) registers the ECS service with Application Auto Scaling, whose scheduled action sets the count.
        type: str
        choices: [auto, scale_in, keep]
        default: auto
      settle_seconds:
        description: How long each step is watched at least.
        type: int
        default: 0
      hold_when_interrupted:
        description: Whether Ctrl-C leaves traffic where it is, instead of returning it.
        type: bool
        default: false
      when_stable_is_down:
        description:
          - What happens when the live colour loses all its healthy targets while the candidate has some.
          - V(promote) gives all traffic to the candidate, since it has passed its checks and the other choice is errors;
            the release is judged on as before. V(ask) waits for a person's promote. V(hold) goes on with the plan.
        type: str
        choices: [promote, hold, ask]
        default: promote
  report:
    description:
      - Files for a report of the release. A name that ends in C(.html) gets a page, which needs the Python package pygal; one that ends in
        C(.md) gets a summary in Markdown, such as for the page of a pipeline's run. Any other gets the whole result as JSON.
      - Without pygal a release that asks for a page is refused before anything is changed; a rollback is done, and says so then.
      - No report is written if omitted.
    type: list
    elements: path
"""

    PLACE = r"""
options:
  environment:
    description: Name of the environment. Required unless O(services) names a service that others made.
    type: str
  service:
    description: Name of the service; its releases are on record under it.
    type: str
    required: true
  by:
    description: Who asks, as history and lease show it. The default is user@host.
    type: str
  kind:
    description:
      - V(web) gets its requests from a load balancer, V(network) its connections from a network load balancer. V(worker) gets none and has
        one ECS service, C(SERVICE-blue), which is released and rolled back in place.
    type: str
    choices: [web, network, worker]
    default: web
"""

    EXISTING = r"""
options:
  services:
    description:
      - Both ECS services and their target groups, where others made them, such as Terraform, with names of their own.
      - O(rule_arn) or O(production_listener_arn), O(cluster) and O(ledger_table) are required with it. Only weights of the named rules or
        listeners, and desired counts and task definitions of the named ECS services, are written. Nothing is created, tagged or removed.
      - If omitted, they have the names that C(playbooks/provision.yml) gives them.
    type: dict
    suboptions:
      blue:
        description: The first of the two.
        type: dict
        required: true
        suboptions: &colour
          name:
            description: Name of the ECS service. Its deployment controller is C(ECS), its strategy C(ROLLING).
            type: str
            required: true
          target_group_arn:
            description: Target group that the ECS service registers its tasks in.
            type: str
            required: true
      green:
        description: The second of the two.
        type: dict
        required: true
        suboptions: *colour
  rule_arn:
    description:
      - Listener rule that forwards production traffic to both target groups of O(services), and to no other. Weights of 100 and 0
        say which one is live. Its other actions and its stickiness stay.
    type: str
  test_rule_arn:
    description:
      - Listener rule that forwards requests of testers to both target groups. It is set to the candidate when that is brought up;
        requests of checks have the headers that it asks for. If omitted, there can be no requests among the checks.
    type: str
  production_listener_arn:
    description:
      - Listener of a network load balancer (TCP, TLS, UDP or TCP_UDP) whose default action forwards to both target groups of O(services),
        and to no other. It takes the place of O(rule_arn), since such a listener has no rules.
      - Weights distribute new connections; existing ones stay with the target that they have.
      - The gates C(errors) and C(latency), and C(slos), are refused. For the gate C(metrics) CloudWatch has resets and flows of the load
        balancer as a whole (C(TCP_Target_Reset_Count), C(TCP_ELB_Reset_Count)), and of a target group C(UnHealthyHostCount).
    type: str
  test_listener_arn:
    description:
      - Another listener of the same load balancer for testers, whose default action forwards to both target groups. It is set to the
        candidate when that is brought up, and gets the requests of checks, which are HTTP, over TLS where the listener's protocol is TLS.
        If omitted, there can be no requests among the checks.
    type: str
  cluster:
    description: Name of the cluster that O(services), or a worker, are in. That of the environment if a worker's is omitted.
    type: str
  ledger_table:
    description: Name of the table for leases and releases, as M(pear.fargate.release_ledger) makes it.
    type: str
"""
