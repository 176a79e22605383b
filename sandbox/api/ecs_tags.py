"""The tags of ECS resources, whatever keeps them."""

from __future__ import annotations

from typing import Any

from ..errors import ApiError
from .ecs_calls import EcsCalls
from .overlay import Context, Handler


class TagCalls(EcsCalls):
    """The calls about tags."""

    def handlers(self) -> dict[str, Handler]:
        return {
            "ListTagsForResource": self.list_tags,
            "TagResource": self.tag,
            "UntagResource": self.untag,
        }

    def list_tags(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        with self._store.lock:
            return {"tags": list(self._tags_of(request["resourceArn"]))}

    def tag(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        with self._store.lock:
            tags = self._tags_of(request["resourceArn"])
            new = {tag["key"] for tag in request["tags"]}
            tags[:] = [tag for tag in tags if tag["key"] not in new] + request["tags"]
            return {}

    def untag(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        with self._store.lock:
            tags = self._tags_of(request["resourceArn"])
            tags[:] = [tag for tag in tags if tag["key"] not in request["tagKeys"]]
            return {}

    def _tags_of(self, arn: str) -> list[dict[str, str]]:
        """The list of tags of a resource, itself: to read and to change."""
        kind, _, rest = arn.rpartition(":")[2].partition("/")
        if ":task-definition/" in arn:
            found = self._store.definition(arn.partition(":task-definition/")[2])
            if found is not None:
                return found["tags"]
        elif kind == "service":
            cluster_name, _, name = rest.rpartition("/")
            service = self._store.services.get((cluster_name, name))
            if service is not None:
                return service.tags
        elif kind == "task":
            task = self._store.tasks.get(rest.rpartition("/")[2])
            if task is not None:
                return task.tags
        elif kind == "cluster":
            cluster = self._sandbox.backend("ecs").clusters.get(rest)
            if cluster is not None:
                cluster.tags = cluster.tags if cluster.tags is not None else []
                return cluster.tags
        raise ApiError("InvalidParameterException", "The specified resource is not found.")
