"""What ECS tells of the deployments of a service and of its revisions."""

from __future__ import annotations

from typing import Any

from ..fargate.model import Deployment, Service
from .ecs_calls import EcsCalls
from .overlay import Context, Handler

_BRIEF = ("serviceDeploymentArn", "serviceArn", "clusterArn", "startedAt", "createdAt", "finishedAt", "status")
_PAGE = 100


class DeploymentCalls(EcsCalls):
    """The calls that only read deployments and revisions."""

    def handlers(self) -> dict[str, Handler]:
        return {
            "ListServiceDeployments": self.list_deployments,
            "DescribeServiceDeployments": self.describe_deployments,
            "DescribeServiceRevisions": self.describe_revisions,
        }

    def list_deployments(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        """The newest first, by pages."""
        with self._store.lock:
            service = self._lookup.service(request)
            wanted, span = request.get("status") or [], request.get("createdAt") or {}
            found = [
                self._answers.service_deployment(service, deployment)
                for deployment in reversed(service.history)
                if span.get("after", 0) <= deployment.created_at <= span.get("before", float("inf"))
            ]
            found = [deployment for deployment in found if not wanted or deployment["status"] in wanted]
            first, size = int(request.get("nextToken") or 0), int(request.get("maxResults") or _PAGE)
            answer: dict[str, Any] = {
                "serviceDeployments": [_brief(deployment) for deployment in found[first : first + size]]
            }
            if len(found) > first + size:
                answer["nextToken"] = str(first + size)
            return answer

    def describe_deployments(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        with self._store.lock:
            found, failures = [], []
            for arn in request["serviceDeploymentArns"]:
                known = self._find(arn, "record")
                if known is None:
                    failures.append({"arn": arn, "reason": "MISSING"})
                else:
                    found.append(self._answers.service_deployment(*known))
            return {"serviceDeployments": found, "failures": failures}

    def describe_revisions(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        with self._store.lock:
            found, failures = [], []
            for arn in request["serviceRevisionArns"]:
                known = self._find(arn, "revision")
                if known is None:
                    failures.append({"arn": arn, "reason": "MISSING"})
                else:
                    found.append(self._answers.service_revision(*known))
            return {"serviceRevisions": found, "failures": failures}

    def _find(self, arn: str, part: str) -> tuple[Service, Deployment] | None:
        """The first deployment that has this record or revision: a rollback has the revision that it returns to."""
        cluster, name, wanted = arn.rpartition(":")[2].split("/")[1:]
        service = self._store.services.get((cluster, name)) or self._store.inactive.get((cluster, name))
        found = (
            next((deployment for deployment in service.history if getattr(deployment, part) == wanted), None)
            if service
            else None
        )
        return (service, found) if service and found else None


def _brief(deployment: dict[str, Any]) -> dict[str, Any]:
    kept = {key: deployment[key] for key in (*_BRIEF, "statusReason") if key in deployment}
    return {**kept, "targetServiceRevisionArn": deployment["targetServiceRevision"]["arn"]}
