"""A task as real containers: one network namespace, the containers in their order, their health, their end."""

from __future__ import annotations

import math
import os
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core import Core
from ..engine import ContainerSpec, EngineError
from ..errors import ApiError
from ..registry_login import token
from ..roles import RoleRefused
from . import block_volumes, inputs
from .access import Access
from .admission import Admission, allowed
from .health import ContainerHealth, HealthCheck
from .inside import Inside, Place, TookTooLong
from .logs import LogShipper
from .metadata import PORT, Metadata
from .model import ContainerState, StartFailed, Task

_TASK_FAILED = "TaskFailedToStart"
_WAIT_SECONDS = 0.1
_DEFAULT_STOP_SECONDS = 30
_RESTART_SECONDS = 300
# Stand-in process that holds a task's network namespace, as Fargate's own pause container does.
_PAUSE_IMAGE = "localhost/pear/pause:1"
_PAUSE_PROGRAM = Path("/usr/bin/catatonit")


class ContainerRuntime:
    """Runs tasks on the sandbox's engine."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._engine = core.engine
        self.shipper = LogShipper(core)
        self._metadata = Metadata(core.settings.region, core.settings.account)
        self._gateway = core.settings.subnet.rpartition(".")[0] + ".1"
        self._access = Access(core, self._gateway)
        self._addresses: dict[str, str] = {}
        self._pids: dict[str, int] = {}
        self._lateness = core.lateness
        self._admission = Admission(lambda: allowed(self._lateness.stretch()))
        self._inside = Inside(core.engine, core.lateness)
        self._pause_lock = threading.Lock()
        self._pause_ready = False

    def start(self) -> None:
        self.shipper.start()

    def address(self, task: Task) -> str:
        return self._addresses.get(task.id, "")

    def processes(self, task: Task) -> list[int]:
        """The first process of each running container."""
        running = [state.runtime_id for state in task.containers.values() if state.status == "RUNNING"]
        return [pid for runtime_id in running if (pid := self._pids.get(runtime_id))]

    # Launch

    def launch(self, task: Task) -> None:
        inputs.require_network(self._core, task)
        definitions = {container["name"]: container for container in task.definition["containerDefinitions"]}
        block_volumes.make(self._core, task)
        streams = {
            name: inputs.prepare_log_stream(self._core, task, definition) for name, definition in definitions.items()
        }
        secrets = {name: inputs.secret_values(self._core, task, definition) for name, definition in definitions.items()}
        with self._admission.start():
            for name, definition in definitions.items():
                task.containers[name].image_digest = self._pull(task, name, definition["image"])
            pause = self._start_pause(task)
        for name in launch_order(task.definition["containerDefinitions"]):
            if task.desired == "STOPPED":
                return
            self._await_dependencies(task, definitions[name])
            with self._admission.start():
                self._start_container(task, definitions[name], pause, secrets[name], streams[name])

    def _pull(self, task: Task, container: str, image: str) -> str:
        registry = self._core.settings.registry
        credentials = None
        if image.startswith(f"{registry}/"):
            inputs.require_image(self._core, task, image.removeprefix(f"{registry}/"))
            credentials = ("AWS", token(self._core.settings))
        try:
            if not (image.startswith("localhost/") and self._engine.attempt("image", "inspect", image).returncode == 0):
                self._engine.pull(image, credentials)
            return self._engine.call("image", "inspect", "--format", "{{.Digest}}", image).strip()
        except EngineError as refused:
            reason = f"CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {refused}"
            raise StartFailed(_TASK_FAILED, reason[:1000], container) from refused

    def _start_pause(self, task: Task) -> str:
        with self._pause_lock:
            if not self._pause_ready and self._engine.attempt("image", "inspect", _PAUSE_IMAGE).returncode != 0:
                self._import_pause()
            self._pause_ready = True
        spec = ContainerSpec(
            image=_PAUSE_IMAGE,
            name=f"{self._core.settings.network}-{task.id}",
            entry_point=["/catatonit", "-P"],
            labels={"pear.task": task.id, "pear.pause": "true"},
            network=self._core.settings.network,
        )
        try:
            pause = self._engine.run(spec)
            self._addresses[task.id] = self._engine.address(pause)
        except EngineError as refused:
            raise StartFailed(_TASK_FAILED, f"ResourceInitializationError: {refused}") from refused
        self._metadata.ensure(self._gateway)
        self._access.ensure()
        return pause

    def _import_pause(self) -> None:
        import tarfile

        archive = self._core.settings.home / "pause.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(_PAUSE_PROGRAM, arcname="catatonit")
        self._engine.call("import", str(archive), _PAUSE_IMAGE)
        archive.unlink()

    def _await_dependencies(self, task: Task, definition: Mapping[str, Any]) -> None:
        for dependency in definition.get("dependsOn") or []:
            name, condition = dependency["containerName"], dependency["condition"]
            while not satisfied(task.containers[name], condition):
                if task.desired == "STOPPED":
                    return
                state = task.containers[name]
                if state.status == "STOPPED" and condition in {"HEALTHY", "SUCCESS"}:
                    raise StartFailed(
                        _TASK_FAILED,
                        f"Container dependency failed: {name} is not {condition.lower()}: it stopped with exit code {state.exit_code}",
                        name,
                    )
                time.sleep(_WAIT_SECONDS)
                self.poll(task)

    def _start_container(
        self,
        task: Task,
        definition: Mapping[str, Any],
        pause: str,
        secrets: Mapping[str, str],
        stream: tuple[str, str] | None,
    ) -> None:
        name = definition["name"]
        state = task.containers[name]
        spec = self._spec(task, definition, pause, secrets)
        try:
            state.runtime_id = self._engine.run(spec)
            inspected = self._engine.inspect(state.runtime_id)
        except EngineError as refused:
            state.status, state.exit_code, state.reason = "STOPPED", 1, f"CannotStartContainerError: {refused}"
            raise StartFailed(_TASK_FAILED, state.reason[:1000], name) from refused
        if not inspected:
            # Its task was stopped meanwhile.
            state.status, state.exit_code, state.reason = "STOPPED", 1, "CannotStartContainerError: it was removed"
            raise StartFailed(_TASK_FAILED, state.reason, name)
        (found,) = inspected
        self._pids[state.runtime_id] = int(found["State"]["Pid"])
        state.status, state.started_at = "RUNNING", time.time()
        if stream is not None:
            path = spec.log_path or Path(found["LogPath"])
            self.shipper.follow(state.runtime_id, path, *stream)
        self._begin_checks(task, state, definition, found)

    def _begin_checks(
        self, task: Task, state: ContainerState, definition: Mapping[str, Any], found: Mapping[str, Any]
    ) -> None:
        if definition.get("healthCheck"):
            state.checked = True
            check, place = HealthCheck.of(definition["healthCheck"]), Place.of(found)
            threading.Thread(target=self._check_health, args=(task, state, check, place), daemon=True).start()

    # Going on where another process was killed

    def adopt(self, tasks: Sequence[Task]) -> None:
        """Take up the containers of running tasks; what belongs to no task, or to one whose start was cut off, is removed."""
        found = self._engine.inspect(*self._engine.containers())
        by_task: dict[str, list[dict[str, Any]]] = {}
        for container in found:
            by_task.setdefault(container["Config"]["Labels"].get("pear.task", ""), []).append(container)
        kept = {task.id: task for task in tasks if task.status not in {"PROVISIONING", "PENDING", "STOPPED"}}
        lost = [container["Id"] for task_id, group in by_task.items() if task_id not in kept for container in group]
        self._engine.remove(*lost)
        for task in tasks:
            if task.id in kept:
                self._adopt(task, by_task.get(task.id, []))
            elif task.status != "STOPPED":
                for state in task.containers.values():
                    task.containers[state.name] = ContainerState(state.name, state.essential)

    def _adopt(self, task: Task, containers: Sequence[Mapping[str, Any]]) -> None:
        running = {container["Id"]: container for container in containers if container["State"]["Pid"]}
        pause = next((container for container in containers if "pear.pause" in container["Config"]["Labels"]), None)
        if pause is not None:
            self._addresses[task.id] = pause["NetworkSettings"]["Networks"][self._core.settings.network]["IPAddress"]
            self._metadata.ensure(self._gateway)
            self._access.ensure()
        for definition in task.definition["containerDefinitions"]:
            state = task.containers[definition["name"]]
            self._metadata.add(task, state.name)
            if state.status == "RUNNING" and state.runtime_id in running:
                self._pids[state.runtime_id] = int(running[state.runtime_id]["State"]["Pid"])
                self._begin_checks(task, state, definition, running[state.runtime_id])

    def _spec(self, task: Task, definition: Mapping[str, Any], pause: str, secrets: Mapping[str, str]) -> ContainerSpec:
        name, settings = definition["name"], self._core.settings
        override: dict[str, Any] = next(
            (given for given in task.overrides.get("containerOverrides", []) if given.get("name") == name), {}
        )
        try:
            environment = self._access.variables(task)
        except RoleRefused as refused:
            raise StartFailed(_TASK_FAILED, str(refused)) from refused
        environment |= inputs.environment_files(self._core, task, definition)
        environment |= {variable["name"]: variable["value"] for variable in definition.get("environment") or []}
        environment |= {variable["name"]: variable["value"] for variable in override.get("environment") or []}
        environment |= {
            "ECS_CONTAINER_METADATA_URI_V4": f"http://{self._gateway}:{PORT}{self._metadata.add(task, name)}",
            "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        }
        log_path = settings.home / "tasks" / task.id / f"{name}.log"
        log_path.parent.mkdir(parents=True, exist_ok=True)
        memory = definition.get("memory") or int(task.definition["memory"])
        linux = definition.get("linuxParameters") or {}
        capabilities = linux.get("capabilities") or {}
        share = definition.get("cpu") or int(task.definition["cpu"])
        return ContainerSpec(
            image=definition["image"],
            name=f"{settings.network}-{task.id}-{name}",
            entry_point=definition.get("entryPoint") or None,
            command=override.get("command") or definition.get("command") or None,
            environment={**environment, **secrets},
            labels={"pear.task": task.id, "pear.container": name},
            mounts=inputs.mounts(self._core, task, definition),
            network=f"container:{pause}",
            user=definition.get("user"),
            working_directory=definition.get("workingDirectory"),
            read_only=bool(definition.get("readonlyRootFilesystem")),
            memory_mib=int(memory),
            cpu_shares=max(2, int(share)),
            log_path=log_path if settings.engine == "podman" else None,
            init=bool(linux.get("initProcessEnabled")),
            tmpfs=[
                f"{mount_point['containerPath']}:size={mount_point['size']}m"
                for mount_point in linux.get("tmpfs") or []
            ],
            capabilities_add=capabilities.get("add") or [],
            capabilities_drop=capabilities.get("drop") or [],
            ulimits={
                ulimit["name"]: (ulimit["softLimit"], ulimit["hardLimit"]) for ulimit in definition.get("ulimits") or []
            },
        )

    # Life

    def poll(self, task: Task) -> None:
        """A process that is gone is asked for its exit code; one that lives costs a look into /proc."""
        for state in task.containers.values():
            if state.status == "RUNNING" and not _lives(self._pids.get(state.runtime_id, 0)):
                self._ended(state)
                self._restart(task, state)

    def _restart(self, task: Task, state: ContainerState) -> None:
        """Start a container again within its task, where its restart policy says so.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-restart-policy.html
        """
        definition = next(
            container for container in task.definition["containerDefinitions"] if container["name"] == state.name
        )
        policy = definition.get("restartPolicy") or {}
        ran = time.time() - (state.started_at or 0.0)
        enough = policy.get("restartAttemptPeriod", _RESTART_SECONDS) / self._core.settings.time_factor
        ignored = state.exit_code in (policy.get("ignoredExitCodes") or [])
        if (
            not policy.get("enabled")
            or state.status != "STOPPED"
            or ignored
            or ran < enough
            or task.desired == "STOPPED"
        ):
            return
        try:
            self._engine.start(state.runtime_id)
            found = self._engine.inspect(state.runtime_id)[0]
        except EngineError as refused:
            state.reason = f"CannotStartContainerError: {refused}"[:1000]
            return
        self._pids[state.runtime_id] = int(found["State"]["Pid"])
        state.status, state.exit_code, state.reason, state.started_at = "RUNNING", None, "", time.time()
        self._begin_checks(task, state, definition, found)

    def _ended(self, state: ContainerState) -> None:
        found = self._engine.inspect(state.runtime_id)
        if found and found[0]["State"]["Status"] in {"running", "stopping"}:
            return  # the engine has not noticed yet
        state.status = "STOPPED"
        state.exit_code = int(found[0]["State"]["ExitCode"]) if found else 137
        if found and found[0]["State"].get("OOMKilled"):
            state.reason = "OutOfMemoryError: Container killed due to memory usage"

    def _check_health(self, task: Task, state: ContainerState, check: HealthCheck, place: Place) -> None:
        """Run the command at its interval, as long as the container runs."""
        began, health = state.started_at or time.time(), ContainerHealth(state.health)
        while task.desired == "RUNNING" and state.status == "RUNNING" and not self._core.stopping.is_set():
            try:
                status = self._inside.run(place, check.command, check.timeout)
                passed = None if status is None else status == 0
            except TookTooLong:
                passed = False
            health = health.after(passed, check, self._lateness.elapsed(began))
            state.health = health.status
            due = time.monotonic() + check.interval
            if not self._core.stopping.wait(check.interval):
                self._lateness.loop_ran("health checks", check.interval, check.interval + time.monotonic() - due)

    # End

    def kill(self, task: Task) -> None:
        """SIGKILL to every container: what follows is seen as any death is."""
        for state in task.containers.values():
            if state.status == "RUNNING":
                try:
                    self._engine.kill(state.runtime_id)
                except EngineError as refused:
                    if self._engine.inspect(state.runtime_id):
                        raise ApiError("TaskNotKilled", f"{task.id}: {refused}") from refused

    def stop(self, task: Task) -> None:
        definitions = {container["name"]: container for container in task.definition["containerDefinitions"]}
        for name in reversed(launch_order(task.definition["containerDefinitions"])):
            state = task.containers[name]
            if state.status == "RUNNING":
                wait = int(definitions[name].get("stopTimeout") or _DEFAULT_STOP_SECONDS)
                wait = math.ceil(wait * self._lateness.stretch())
                try:
                    self._engine.stop(state.runtime_id, wait)
                except EngineError as refused:
                    state.reason = state.reason or str(refused)[:200]
                self._ended(state)
        self._remove(task)

    def _remove(self, task: Task) -> None:
        """Ship what is left of the logs only here: it calls the API, so no caller may hold the lock."""
        containers = [state.runtime_id for state in task.containers.values() if state.runtime_id]
        for runtime_id in containers:
            self.shipper.finish(runtime_id)
            self._pids.pop(runtime_id, None)
        self._engine.remove(*containers)
        self._engine.remove(*self._engine.containers(**{"pear.task": task.id}))
        self._addresses.pop(task.id, None)
        self._metadata.forget(task)
        shutil.rmtree(self._core.settings.home / "tasks" / task.id, ignore_errors=True)
        block_volumes.delete(self._core, task)


def _lives(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def satisfied(state: ContainerState, condition: str) -> bool:
    """Whether a dependency on a container is met."""
    if condition == "START":
        return state.status in {"RUNNING", "STOPPED"}
    if condition == "HEALTHY":
        return state.health == "HEALTHY"
    if condition == "SUCCESS":
        return state.status == "STOPPED" and state.exit_code == 0
    return state.status == "STOPPED"


def launch_order(definitions: list[dict[str, Any]]) -> list[str]:
    """Names, each after those it depends on."""
    waiting = {
        definition["name"]: {dep["containerName"] for dep in definition.get("dependsOn") or []}
        for definition in definitions
    }
    ordered: list[str] = []
    while waiting:
        ready = [name for name, needs in waiting.items() if needs <= set(ordered)]
        if not ready:
            raise StartFailed(
                _TASK_FAILED, f"Containers depend on each other in a circle: {', '.join(sorted(waiting))}"
            )
        ordered += ready
        for name in ready:
            del waiting[name]
    return ordered
