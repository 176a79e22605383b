"""Services, tasks and deployments in the shapes that ECS answers with."""

from __future__ import annotations

from typing import Any

from ..config import Settings
from ..fargate.model import ContainerState, Deployment, Service, Task
from ..fargate.store import Store

_SETTINGS = (
    "loadBalancers",
    "networkConfiguration",
    "platformVersion",
    "capacityProviderStrategy",
    "deploymentConfiguration",
    "healthCheckGracePeriodSeconds",
    "schedulingStrategy",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "availabilityZoneRebalancing",
    "serviceRegistries",
)
_OF_DEPLOYMENT = (
    "volumeConfigurations",
    "capacityProviderStrategy",
    "networkConfiguration",
    "platformVersion",
    "serviceConnectConfiguration",
)
_OF_REVISION = (
    "volumeConfigurations",
    "capacityProviderStrategy",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
)


class Answers:
    """Needs the account and region for ARNs, and the store for counts."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store

    def arn(self, kind: str, rest: str) -> str:
        return f"arn:aws:ecs:{self._settings.region}:{self._settings.account}:{kind}/{rest}"

    def revision_arn(self, service: Service, revision: str) -> str:
        return self.arn("service-revision", f"{service.cluster}/{service.name}/{revision}")

    def deployment_arn(self, service: Service, deployment: Deployment) -> str:
        return self.arn("service-deployment", f"{service.cluster}/{service.name}/{deployment.record}")

    def service(self, service: Service, with_tags: bool = False) -> dict[str, Any]:
        tasks = self._store.tasks_of(service)
        answer: dict[str, Any] = {
            "serviceArn": service.arn,
            "serviceName": service.name,
            "clusterArn": self.arn("cluster", service.cluster),
            "status": service.status,
            "desiredCount": service.desired,
            "runningCount": sum(task.status in {"RUNNING", "DEACTIVATING"} for task in tasks),
            "pendingCount": sum(task.status in {"PROVISIONING", "PENDING"} for task in tasks),
            "taskDefinition": service.settings["taskDefinition"],
            "launchType": "FARGATE",
            "platformFamily": "Linux",
            "roleArn": f"arn:aws:iam::{self._settings.account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
            "createdAt": service.created_at,
            "createdBy": service.created_by,
            "deploymentController": {"type": "ECS"},
            "deployments": [self._deployment(service, deployment) for deployment in service.deployments],
            "events": [
                {"id": event.id, "createdAt": event.created_at, "message": event.message} for event in service.events
            ],
            "placementConstraints": [],
            "placementStrategy": [],
            **{key: service.settings[key] for key in _SETTINGS if service.settings.get(key) is not None},
        }
        if service.history:
            running = service.history[-1]
            answer["currentServiceDeployment"] = self.deployment_arn(service, running)
            answer["currentServiceRevisions"] = [
                {
                    "arn": self.revision_arn(service, deployment.revision),
                    "requestedTaskCount": service.desired,
                    "runningTaskCount": sum(
                        task.status == "RUNNING" and task.deployment_id == deployment.id for task in tasks
                    ),
                    "pendingTaskCount": 0,
                }
                for deployment in service.deployments
            ]
        if with_tags:
            answer["tags"] = service.tags
        if "capacityProviderStrategy" in answer:
            del answer["launchType"]
        return answer

    def _deployment(self, service: Service, deployment: Deployment) -> dict[str, Any]:
        tasks = [task for task in self._store.tasks_of(service) if task.deployment_id == deployment.id]
        return {
            "id": deployment.id,
            "status": deployment.status,
            "taskDefinition": deployment.task_definition,
            "desiredCount": service.desired if deployment.status == "PRIMARY" else 0,
            "pendingCount": sum(task.status in {"PROVISIONING", "PENDING"} for task in tasks),
            "runningCount": sum(task.status in {"RUNNING", "DEACTIVATING"} for task in tasks),
            "failedTasks": deployment.failed_tasks,
            "createdAt": deployment.created_at,
            "updatedAt": deployment.updated_at,
            "launchType": "FARGATE",
            "platformFamily": "Linux",
            "platformVersion": "1.4.0",
            "rolloutState": deployment.rollout_state,
            "rolloutStateReason": deployment.reason or f"ECS deployment {deployment.id} in progress.",
            **{key: deployment.settings[key] for key in _OF_DEPLOYMENT if deployment.settings.get(key) is not None},
        }

    def service_deployment(self, service: Service, deployment: Deployment) -> dict[str, Any]:
        tasks = [task for task in self._store.tasks_of(service) if task.deployment_id == deployment.id]
        answer: dict[str, Any] = {
            "serviceDeploymentArn": self.deployment_arn(service, deployment),
            "serviceArn": service.arn,
            "clusterArn": self.arn("cluster", service.cluster),
            "createdAt": deployment.created_at,
            "startedAt": deployment.created_at,
            "updatedAt": deployment.updated_at,
            "status": deployment.record_status,
            "statusReason": deployment.record_reason or deployment.reason,
            "deploymentConfiguration": deployment.settings.get("deploymentConfiguration", {}),
            "sourceServiceRevisions": [
                {"arn": self.revision_arn(service, revision), "requestedTaskCount": service.desired}
                for revision in deployment.source_revisions
            ],
            "targetServiceRevision": {
                "arn": self.revision_arn(service, deployment.revision),
                "requestedTaskCount": service.desired,
                "runningTaskCount": sum(task.status == "RUNNING" for task in tasks),
                "pendingTaskCount": sum(task.status in {"PROVISIONING", "PENDING"} for task in tasks),
            },
            "deploymentCircuitBreaker": {
                "status": self._breaker_status(deployment, service.desired),
                "failureCount": deployment.breaker.failures,
                "threshold": deployment.breaker.threshold(service.desired),
            },
            "alarms": self._alarms(deployment),
        }
        if deployment.finished_at is not None:
            answer["finishedAt"] = deployment.finished_at
        if deployment.rollback is not None:
            revision = self.revision_arn(service, deployment.rollback["serviceRevisionArn"])
            answer["rollback"] = {**deployment.rollback, "serviceRevisionArn": revision}
        return answer

    def _breaker_status(self, deployment: Deployment, desired: int) -> str:
        if not deployment.breaker.enabled:
            return "DISABLED"
        if deployment.breaker.tripped(desired):
            return "TRIGGERED"
        return "MONITORING" if deployment.rollout_state == "IN_PROGRESS" else "MONITORING_COMPLETE"

    def _alarms(self, deployment: Deployment) -> dict[str, Any]:
        alarms = deployment.settings.get("deploymentConfiguration", {}).get("alarms") or {}
        if not alarms.get("enable"):
            return {"status": "DISABLED", "alarmNames": [], "triggeredAlarmNames": []}
        watching = "MONITORING" if deployment.rollout_state == "IN_PROGRESS" else "MONITORING_COMPLETE"
        return {
            "status": "TRIGGERED" if deployment.triggered_alarms else watching,
            "alarmNames": list(alarms["alarmNames"]),
            "triggeredAlarmNames": deployment.triggered_alarms,
        }

    def service_revision(self, service: Service, deployment: Deployment) -> dict[str, Any]:
        """What a deployment deploys, with the digests that its tasks found behind their images."""
        tasks = [task for task in self._store.tasks_of(service) if task.deployment_id == deployment.id]
        digests = {name: state.image_digest for task in tasks for name, state in task.containers.items()}
        containers = self._store.definitions[deployment.task_definition]["containerDefinitions"]
        images = [
            {"containerName": container["name"], "image": container["image"]}
            | ({"imageDigest": digests[container["name"]]} if digests.get(container["name"]) else {})
            for container in containers
        ]
        launched = {} if deployment.settings.get("capacityProviderStrategy") else {"launchType": "FARGATE"}
        return {
            "serviceRevisionArn": self.revision_arn(service, deployment.revision),
            "serviceArn": service.arn,
            "clusterArn": self.arn("cluster", service.cluster),
            "taskDefinition": deployment.task_definition,
            "platformFamily": "Linux",
            "platformVersion": "1.4.0",
            "containerImages": images,
            "guardDutyEnabled": False,
            "createdAt": deployment.created_at,
            **launched,
            **{key: deployment.settings[key] for key in _OF_REVISION if deployment.settings.get(key)},
        }

    def task(self, task: Task, with_tags: bool = False) -> dict[str, Any]:
        arn = self.arn("task", f"{task.cluster}/{task.id}")
        definition = task.definition
        answer: dict[str, Any] = {
            "taskArn": arn,
            "clusterArn": self.arn("cluster", task.cluster),
            "taskDefinitionArn": definition["taskDefinitionArn"],
            "group": task.group,
            "startedBy": task.started_by,
            "lastStatus": task.status,
            "desiredStatus": task.desired,
            "healthStatus": task.health,
            "cpu": definition["cpu"],
            "memory": definition["memory"],
            "availabilityZone": task.zone,
            "launchType": task.launch_type,
            "platformVersion": task.platform_version,
            "platformFamily": "Linux",
            "connectivity": "CONNECTED",
            "connectivityAt": task.created_at,
            "createdAt": task.created_at,
            "version": 1,
            "enableExecuteCommand": task.execute_command,
            "overrides": task.overrides or {"containerOverrides": [], "inferenceAcceleratorOverrides": []},
            "attachments": [self._interface(task)],
            "containers": [self._container(task, arn, container) for container in definition["containerDefinitions"]],
        }
        times = {
            "startedAt": task.started_at,
            "stoppingAt": task.stopping_at,
            "stoppedAt": task.stopped_at,
            "executionStoppedAt": task.stopped_at,
        }
        answer |= {key: at for key, at in times.items() if at is not None}
        if task.stop_code:
            answer |= {"stopCode": task.stop_code, "stoppedReason": task.stopped_reason}
        if task.capacity_provider:
            answer["capacityProviderName"] = task.capacity_provider
        if with_tags:
            answer["tags"] = task.tags
        return answer

    def _interface(self, task: Task) -> dict[str, Any]:
        details = {
            "subnetId": task.subnet_id,
            "networkInterfaceId": task.eni,
            "macAddress": f"0a:{':'.join(task.id[i : i + 2] for i in range(0, 10, 2))}",
            "privateIPv4Address": task.address,
        }
        return {
            "id": f"{task.id[:8]}-{task.id[8:12]}-4{task.id[13:16]}-a{task.id[17:20]}-{task.id[20:]}",
            "type": "ElasticNetworkInterface",
            "status": "ATTACHED" if task.status != "STOPPED" else "DELETED",
            "details": [{"name": name, "value": value} for name, value in details.items()],
        }

    def _container(self, task: Task, task_arn: str, definition: dict[str, Any]) -> dict[str, Any]:
        state = task.containers[definition["name"]]
        answer: dict[str, Any] = {
            "containerArn": self.arn("container", f"{task.cluster}/{task.id}/{state.name}"),
            "taskArn": task_arn,
            "name": state.name,
            "image": definition["image"],
            "lastStatus": state.status,
            "healthStatus": state.health,
            "cpu": str(definition.get("cpu", 0)),
            "networkInterfaces": [{"attachmentId": task.eni, "privateIpv4Address": task.address}],
        }
        optional = {
            "imageDigest": state.image_digest,
            "runtimeId": state.runtime_id,
            "reason": state.reason,
            "exitCode": state.exit_code,
            "memory": str(definition["memory"]) if definition.get("memory") else None,
            "managedAgents": [_exec_agent(state, definition)] if task.execute_command else None,
        }
        return answer | {key: value for key, value in optional.items() if value not in (None, "")}


def _exec_agent(state: ContainerState, definition: dict[str, Any]) -> dict[str, Any]:
    """The agent of ECS Exec: it runs with its container, and not where it cannot write its own files.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
    """
    stopped = definition.get("readonlyRootFilesystem") or state.status == "STOPPED"
    answer = {"name": "ExecuteCommandAgent", "lastStatus": "STOPPED" if stopped else state.status}
    return answer | ({"lastStartedAt": state.started_at} if state.started_at and not stopped else {})
