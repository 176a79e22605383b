# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that every releasing module has: what the service should be; its name alone; its scheduled tasks."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  environment:
    description: Name of the environment; its cluster has the same name.
    type: str
    required: true
  service:
    description: Name of the service.
    type: str
    required: true
  kind:
    description:
      - V(web) gets its requests from a load balancer, V(network) its connections from a network load balancer. V(worker) gets none and has
        one ECS service, C(SERVICE-blue), which is released and rolled back in place.
    type: str
    choices: [web, network, worker]
    default: web
  cluster:
    description: Name of the cluster that a worker is in. The environment's if omitted.
    type: str
  listener_arn:
    description: The https listener that holds the service's rules. Empty only in check mode.
    type: str
  subnet_ids:
    description: Private subnets of the tasks, one per availability zone.
    type: list
    elements: str
    required: true
  security_group_ids:
    description: Security groups of the tasks.
    type: list
    elements: str
    required: true
  assign_public_ip:
    description: Whether tasks get public addresses, for public subnets without NAT.
    type: bool
    default: false
  container:
    description: Name of the service's own container, whose image is the version. It receives traffic unless O(target_container) does.
    type: str
    default: app
  target_container:
    description:
      - Name of the container that requests are sent to, such as a proxy in front of O(container). It has O(port) among its ports.
      - O(container) if omitted.
    type: str
    version_added: 0.2.0
  port:
    description: Port that requests are sent to. Required unless O(kind=worker).
    type: int
  further_target_groups:
    description:
      - Target groups of M(pear.fargate.service_further_target_groups) in which the tasks of the live colour are registered too. The only
        strategy is C(rolling) then, and a rollback replaces tasks, since no weight moves the traffic of these target groups.
    type: list
    elements: dict
    default: []
    version_added: 0.2.0
    suboptions:
      name:
        description: Name of the target group in the inventory.
        type: str
        required: true
      container:
        description: Container that takes the traffic. The one that requests go to if omitted.
        type: str
      port:
        description: Port of the container, which is among its port mappings from then on.
        type: int
        required: true
      protocol:
        description: Protocol of the target group, by which the port is one of TCP or UDP.
        type: str
        choices: [HTTP, HTTPS, TCP, TLS, UDP, TCP_UDP]
        default: HTTP
  cpu:
    description: CPU units of a task, 1024 to the vCPU; Fargate offers V(256), V(512), V(1024), V(2048), V(4096), V(8192), V(16384).
    type: int
    required: true
  memory:
    description: Memory of a task in MiB; which values are valid depends on O(cpu).
    type: int
    required: true
  architecture:
    description: CPU architecture of the image.
    type: str
    choices: [X86_64, ARM64]
    default: X86_64
  ephemeral_storage_gib:
    description: Scratch disk of a task in GiB, V(20) to V(200).
    type: int
    default: 20
  execution_role_arn:
    description: Role that pulls the image, reads the secrets and writes the log.
    type: str
  task_role_arn:
    description: Role that the containers have.
    type: str
  containers:
    description: The containers of a task.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the container.
        type: str
        required: true
      image:
        description: Image reference, best by digest.
        type: str
        required: true
      essential:
        description: Whether the task ends when this container ends.
        type: bool
        default: true
      cpu:
        description: CPU units kept for this container.
        type: int
      memory:
        description: Hard limit of memory in MiB.
        type: int
      memory_reservation:
        description: Memory in MiB kept for this container.
        type: int
      ports:
        description: Ports that it listens on.
        type: list
        elements: int
        default: []
      entry_point:
        description: Replaces the image's entry point. A list of words, or a text that is split into words. ECS starts no shell.
        type: raw
      command:
        description: Replaces the image's command. A list of words, or a text that is split into words. ECS starts no shell.
        type: raw
      environment:
        description: Environment variables; what is no string is passed as JSON. Secrets do not belong here.
        type: dict
        default: {}
      secrets:
        description: ARNs of Secrets Manager secrets or SSM parameters, by the environment variable that gets the value.
        type: dict
        default: {}
      user:
        description: User that it runs as, such as V(1000:1000).
        type: str
      working_directory:
        description: Working directory of the command.
        type: str
      read_only_root:
        description: Whether its root file system is read-only.
        type: bool
        default: false
      scratch_paths:
        description: Writable directories that are empty at the start and removed with the task.
        type: list
        elements: str
        default: []
      mounts:
        description: Where volumes of the task appear.
        type: list
        elements: dict
        default: []
        suboptions:
          volume:
            description: Name of one of O(volumes).
            type: str
            required: true
          path:
            description: Directory in the container.
            type: str
            required: true
          read_only:
            description: Whether it can only be read.
            type: bool
            default: false
      stop_timeout_seconds:
        description: Time between SIGTERM and SIGKILL, at most V(120).
        type: int
      ulimits:
        description: Resource limits.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name, such as V(nofile).
            type: str
            required: true
          soft:
            description: Soft limit.
            type: int
            required: true
          hard:
            description: Hard limit.
            type: int
            required: true
      depends_on:
        description: >-
          Containers that come first. ECS stops them in the opposite order, this container before those that it depends on.
        type: list
        elements: dict
        default: []
        suboptions:
          container:
            description: Name of the other container.
            type: str
            required: true
          condition:
            description: What it must have reached.
            type: str
            choices: [START, COMPLETE, SUCCESS, HEALTHY]
            default: START
      health_check:
        description: A command that tells ECS whether the container is healthy.
        type: dict
        suboptions:
          command:
            description: A string for the container's shell, or a list that is executed as it stands.
            type: raw
            required: true
          interval_seconds:
            description: Time between two checks.
            type: int
          timeout_seconds:
            description: How long a check may take.
            type: int
          retries:
            description: Failures in a row that make it unhealthy.
            type: int
          start_period_seconds:
            description: Time after the start in which failures do not count.
            type: int
      labels:
        description: Docker labels.
        type: dict
        default: {}
      init_process:
        description: Whether an init process reaps zombies and passes signals on.
        type: bool
        default: false
      repository_credentials:
        description: ARN of the secret with the user name and the password of a private registry. Not for Amazon ECR.
        type: str
      environment_files:
        description:
          - ARNs of S3 objects that end in C(.env), with a C(NAME=VALUE) in each line. What O(containers[].environment) has goes first.
        type: list
        elements: str
        default: []
      tmpfs:
        description: Directories in memory. They count towards the memory of the container. C(/dev/shm) is one of them.
        type: list
        elements: dict
        default: []
        suboptions:
          path:
            description: Directory in the container.
            type: str
            required: true
          size_mib:
            description: Size in MiB.
            type: int
            required: true
          mount_options:
            description: Options of the mount, such as V(noexec).
            type: list
            elements: str
            default: []
      start_timeout_seconds:
        description: How long others wait for this container's condition of O(containers[].depends_on), V(2) to V(120). Then the task stops.
        type: int
      restart_policy:
        description:
          - Has ECS restart the container within its task when it ends, instead of replacing the task. If omitted, a container that ends
            stays ended, and an essential one ends the task.
        type: dict
        suboptions:
          after_seconds:
            description: How long it must have run to be restarted, V(60) to V(1800).
            type: int
            default: 300
          ignored_exit_codes:
            description: Exit codes after which it is not restarted.
            type: list
            elements: int
            default: []
      capabilities_add:
        description: Linux capabilities to add; Fargate adds V(SYS_PTRACE) only.
        type: list
        elements: str
        default: []
      capabilities_drop:
        description: Linux capabilities to take away, such as V(ALL).
        type: list
        elements: str
        default: []
      log:
        description: Where the container's output goes. The log group of the service if omitted.
        type: dict
        suboptions:
          driver:
            description: The log driver; V(awsfirelens) needs a container with O(containers[].firelens).
            type: str
            choices: [awslogs, awsfirelens, splunk]
            default: awslogs
          options:
            description: Options of the driver. Those of V(awslogs) are added to the log group, region and stream prefix of the service.
            type: dict
            default: {}
          secret_options:
            description: Options whose values are read from a secret or an SSM parameter, each its ARN or name.
            type: dict
            default: {}
      firelens:
        description: Makes this container the log router of the task.
        type: dict
        suboptions:
          type:
            description: The program of the router.
            type: str
            choices: [fluentbit, fluentd]
            default: fluentbit
          options:
            description: Options, such as C(enable-ecs-log-metadata) or C(config-file-type).
            type: dict
            default: {}
  volumes:
    description: Volumes of a task.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name that O(containers[].mounts[].volume) uses.
        type: str
        required: true
      file_system_id:
        description: EFS file system; without it the volume is empty and gone with the task.
        type: str
      access_point_id:
        description: Access point of the file system; access by it uses the task role.
        type: str
      root_directory:
        description: Directory of the file system, where no access point is used.
        type: str
      ebs:
        description:
          - An EBS volume of each task, encrypted, made with the task and deleted with it. One volume of a service can have it.
          - What a version was released with is in a label of the container O(container), so that a rollback has it too.
        type: dict
        suboptions:
          size_gib:
            description: Size of the volume. Required without O(volumes[].ebs.snapshot_id).
            type: int
          type:
            description: Type of the volume.
            type: str
            choices: [gp2, gp3, io1, io2, sc1, st1]
            default: gp3
          iops:
            description: Operations a second. Required for V(io1) and V(io2); what EBS gives a V(gp3) volume if omitted.
            type: int
          throughput_mib:
            description: Throughput of a V(gp3) volume in MiB/s. What EBS gives it if omitted.
            type: int
          snapshot_id:
            description: Snapshot that the volume begins with. It is empty if omitted.
            type: str
          kms_key_arn:
            description: KMS key of the volume. The account's default key for EBS if omitted.
            type: str
          file_system:
            description: File system of the volume, for a snapshot the one that it has.
            type: str
            choices: [ext3, ext4, xfs]
            default: xfs
          role_arn:
            description: Infrastructure role, by which ECS makes, attaches and deletes the volume.
            type: str
            required: true
  desired_count:
    description: Number of tasks, V(0) for none. Where autoscaling owns it, it is written at creation only.
    type: int
    required: true
  autoscaling:
    description:
      - Whether M(pear.fargate.autoscaling_service) scales the service after this release. V(false) writes O(desired_count) also while
        policies of an earlier inventory are still there. If omitted, whatever scales the service owns the count.
    type: bool
  health_check_grace_seconds:
    description: Time after a task's start in which failing health checks do not stop it.
    type: int
    default: 30
  minimum_healthy_percent:
    description: Share of the desired count that keeps running while a deployment rolls.
    type: int
    default: 100
  maximum_percent:
    description: Share of the desired count that may run while a deployment rolls.
    type: int
    default: 200
  availability_zone_rebalancing:
    description: Whether ECS rebalances tasks across availability zones.
    type: bool
    default: true
  single_writer:
    description:
      - Whether only one task may write at a time. A release then stops every task of the old version before one of the new version starts,
        and a rollback does the same the other way round. In between requests are answered with 503, and no old task stays warm.
      - Sets O(minimum_healthy_percent) to 0 and O(maximum_percent) to 100, and turns O(availability_zone_rebalancing) off.
      - Needs O(desired_count) 1 at most, and a plan without shares below 100 percent.
      - ECS replaces a task that has become unhealthy by itself, and may start the new one while the old one is still stopping.
    type: bool
    default: false
  platform_version:
    description: Fargate platform version.
    type: str
    default: LATEST
  enable_execute_command:
    description: Whether C(aws ecs execute-command) is allowed.
    type: bool
    default: false
  deployment_alarms:
    description:
      - Names of CloudWatch alarms by which ECS itself ends a deployment in place (strategy C(rolling)) and returns the version before, also
        while no controller runs. The alarms of O(gates) are among them.
      - Unlike those they hold no release back. ECS takes no notice of one that is firing already when the deployment begins.
      - ECS completes the deployment some minutes later, for it watches the alarms for as long as they look back.
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  capacity_providers:
    description: Capacity provider strategy. The default is Fargate On-Demand.
    type: list
    elements: dict
    default: []
    suboptions:
      capacity_provider:
        description: Name, such as V(FARGATE_SPOT).
        type: str
        required: true
      weight:
        description: Relative share of the tasks beyond the base.
        type: int
        default: 0
      base:
        description: Minimum number of tasks on this provider.
        type: int
        default: 0
  service_connect:
    description:
      - Service Connect of ECS. Other services in the namespace reach the tasks through the proxies that ECS adds to them.
      - Switched off if omitted.
      - With O(service_connect.services) for the strategy V(rolling) only, since tasks of a candidate would be reached before it has passed
        anything.
    type: dict
    suboptions:
      namespace_arn:
        description: ARN of the namespace of Cloud Map.
        type: str
        required: true
      services:
        description: Ports that others may reach. Without any the tasks are clients only.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Discovery name, unique in the namespace.
            type: str
            required: true
          port:
            description: Port of the container O(container). The default is O(port).
            type: int
          dns_name:
            description: Name that clients use. The default is the discovery name.
            type: str
          client_port:
            description: Port that clients use. The default is the container's.
            type: int
          protocol:
            description: >-
              Protocol, which gives metrics and retries of it. TCP if omitted. ECS changes it for a new ECS service only.
            type: str
            choices: [http, http2, grpc]
          request_timeout_seconds:
            description:
              - Time for a request, after which the proxy of the caller answers 504. V(0) is no limit.
              - ECS's own 15 seconds if omitted. Not with TCP.
            type: int
            version_added: 0.2.0
          idle_timeout_seconds:
            description:
              - Time that a connection without traffic is kept. V(0) is no limit.
              - ECS's own if omitted, 5 minutes, and 1 hour with TCP.
            type: int
            version_added: 0.2.0
          tls:
            description: Encrypts the traffic between the proxies, with certificates that ECS gets and renews. Off if omitted.
            type: dict
            version_added: 0.2.0
            suboptions:
              authority_arn:
                description: ARN of the certificate authority of AWS Private CA.
                type: str
                required: true
              role_arn:
                description:
                  - ARN of a role that ECS may assume.
                  - Its managed policy is C(AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity).
                type: str
                required: true
              kms_key_arn:
                description: ARN of the KMS key that encrypts the private keys. The default is that of Secrets Manager.
                type: str
  service_registries:
    description:
      - Services of Cloud Map that ECS registers the tasks in, so that their names lead to them. None if empty.
      - For the strategy V(rolling) only, since tasks of a candidate would be registered before it has passed anything.
    type: list
    elements: dict
    default: []
    suboptions:
      arn:
        description: ARN of the service of Cloud Map.
        type: str
        required: true
      port:
        description: Port of the container O(container), for SRV records only.
        type: int
  log_group:
    description: Log group of the containers. The service's own, C(/pear/ENVIRONMENT/SERVICE), if omitted.
    type: str
  tags:
    description: Tags of services, tasks and revisions; other tags are left unchanged.
    type: dict
    default: {}
"""

    NAME = r"""
options:
  environment:
    description: Name of the environment.
    type: str
    required: true
  service:
    description: Name of the service.
    type: str
    required: true
"""

    KIND = r"""
options:
  kind:
    description:
      - V(web) gets its requests from a load balancer, V(network) its connections from a network load balancer. V(worker) gets none and has
        one ECS service, C(SERVICE-blue), which is released and rolled back in place.
    type: str
    choices: [web, network, worker]
    default: web
  cluster:
    description: Name of the cluster that a worker is in. The environment's if omitted.
    type: str
"""

    SCHEDULES = r"""
options:
  schedules:
    description: Scheduled tasks of the service.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the schedule.
        type: str
        required: true
      expression:
        description: V(rate(1 hour\)), V(cron(0 3 * * ? *\)) or V(at(2026-12-24T18:00:00\)).
        type: str
        required: true
      timezone:
        description: Time zone of the expression, including daylight saving time.
        type: str
        default: UTC
      command:
        description: The command and its arguments, a list or a text that is split into words. The image's entry point is kept.
        type: raw
        required: true
      container:
        description: Container that runs the command.
        type: str
        default: app
      variables:
        description: Additional environment variables of that container; no secrets.
        type: dict
        default: {}
      enabled:
        description: Whether the schedule is enabled.
        type: bool
        default: true
"""
