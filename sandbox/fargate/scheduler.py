"""The service scheduler: one loop that brings what runs to what is wanted, and says what it does in ECS's words."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from ..laws import fargate as quota
from ..periodic import Periodic
from .model import Breaker, Deployment, Runtime, Service, StartFailed, TargetHealth, Task
from .network import Network, NoAddress
from .planning import plan
from .store import Store
from .timers import Timers

_TICK_SECONDS = 0.2
_WORKERS = 6
_KEEP_STOPPED_SECONDS = 3600.0
_LONGEST_BACKOFF = 60.0
_STEADY = "has reached a steady state."


class Scheduler:
    """Owns the lives of tasks. The API only states wishes; everything else happens here, under the store's lock."""

    def __init__(self, store: Store, runtime: Runtime, targets: TargetHealth, network: Network, timers: Timers) -> None:
        self._store = store
        self._runtime = runtime
        self._targets = targets
        self._network = network
        self._timers = timers
        # Starts may wait for each other; no end of a task waits for them.
        self._starters = ThreadPoolExecutor(_WORKERS, thread_name_prefix="start")
        self._enders = ThreadPoolExecutor(_WORKERS, thread_name_prefix="end")
        self._ended = threading.Event()
        # Which of these alarms are in ALARM.
        self.firing: Callable[[list[str]], list[str]] = lambda names: []
        # How far the one of these alarms looks back that looks back farthest, in machine seconds.
        self.looks_back: Callable[[list[str]], float] = lambda names: 0.0
        # Called after a tick that has found or made something new.
        self.changed: Callable[[], None] = lambda: None
        self._known: tuple[object, ...] = ()
        self._loop = Periodic("scheduler", _TICK_SECONDS, self._round, timers.lateness)

    def start(self) -> None:
        self._go_on()
        self._known = self._state()
        self._loop.start(self._ended)

    def _go_on(self) -> None:
        """What an API process before this one was about when it was killed: starts begin anew, ends are carried through."""
        for task in self._store.tasks.values():
            if task.status == "STOPPING":
                self._enders.submit(self._end, task)
            elif task.status in {"PROVISIONING", "PENDING"} and task.desired == "RUNNING":
                self._starters.submit(self._launch, task)

    def stop(self) -> None:
        self._ended.set()
        self._loop.join(timeout=5)
        for workers in (self._starters, self._enders):
            workers.shutdown(wait=False, cancel_futures=True)

    def _round(self) -> None:
        self.tick()
        if (state := self._state()) != self._known:
            self._known = state
            self.changed()

    def _state(self) -> tuple[object, ...]:
        """Differs where a task or a deployment has come to another state."""
        with self._store.lock:
            tasks = [
                (task.id, task.status, task.desired, task.health, task.registered)
                for task in self._store.tasks.values()
            ]
            services = [
                (
                    service.arn,
                    service.status,
                    service.desired,
                    len(service.history),
                    [d.rollout_state for d in service.deployments],
                )
                for service in self._store.services.values()
            ]
        return tuple(tasks), repr(services)

    def tick(self) -> None:
        with self._store.lock:
            for task in list(self._store.tasks.values()):
                self._observe(task)
            for service in list(self._store.services.values()):
                self._reconcile(service)
            self._forget_old()

    # Tasks

    def start_task(self, task: Task) -> None:
        """Begin to bring a task up; the caller holds the lock."""
        self._store.tasks[task.id] = task
        self._starters.submit(self._launch, task)

    def _launch(self, task: Task) -> None:
        try:
            task.status = "PENDING"
            self._runtime.launch(task)
        except StartFailed as failed:
            with self._store.lock:
                if failed.container:
                    task.containers[failed.container].reason = failed.reason
                self.stop_task(task, failed.stop_code, failed.reason)
            return
        except Exception as broken:  # noqa: BLE001 - becomes the task's stopped reason, and is in the log
            traceback.print_exc(file=sys.stderr)
            with self._store.lock:
                self.stop_task(task, "TaskFailedToStart", f"The sandbox failed: {broken}")
            return
        with self._store.lock:
            if task.desired == "STOPPED":
                return
            task.status, task.started_at = "RUNNING", time.time()
            self._register(task)

    def _register(self, task: Task) -> None:
        for arn, port in task.target_places:
            self._targets.register(arn, task.address, port)
        task.registered = bool(task.target_places)
        service = self._store.service_of(task)
        if service is not None and task.registered:
            for arn, _ in task.target_places:
                service.say(f"registered 1 targets in (target-group {arn})")

    def stop_task(self, task: Task, code: str, reason: str) -> None:
        """Take a task out of the load balancer, wait until it is drained, then end it. The caller holds the lock."""
        if task.desired == "STOPPED":
            return
        task.desired, task.stop_code, task.stopped_reason, task.stopping_at = "STOPPED", code, reason, time.time()
        task.status = "DEACTIVATING" if task.registered else "STOPPING"
        service = self._store.service_of(task)
        if task.registered:
            for arn, port in task.target_places:
                if self._targets.health(arn, task.address, port) is not None:
                    self._targets.deregister(arn, task.address, port)
            if service is not None:
                service.say("has begun draining connections on 1 tasks.")
        self._end_where_drained(task)

    def _end_where_drained(self, task: Task) -> None:
        """A draining task waits for a later tick, in which it is asked again. The caller holds the lock."""
        dead = all(state.status == "STOPPED" for state in task.containers.values())
        if dead or not self._draining(task):
            task.status = "STOPPING"
            self._enders.submit(self._end, task)

    def _end(self, task: Task) -> None:
        self._runtime.stop(task)
        with self._store.lock:
            for state in task.containers.values():
                state.status = "STOPPED"
            task.status, task.stopped_at = "STOPPED", time.time()
            self._network.release(task)

    def _draining(self, task: Task) -> bool:
        return any(self._targets.health(arn, task.address, port) is not None for arn, port in task.target_places)

    def _observe(self, task: Task) -> None:
        if task.status == "DEACTIVATING":
            self._end_where_drained(task)
        if task.status != "RUNNING" or task.desired == "STOPPED":
            return
        self._runtime.poll(task)
        over = next(
            (
                container
                for container in task.containers.values()
                if container.essential and container.status == "STOPPED"
            ),
            None,
        )
        if over is not None:
            reason = "Essential container in task exited" if not over.reason else over.reason
            self.stop_task(task, "EssentialContainerExited", reason)
            return
        service = self._store.service_of(task)
        grace = float((service.settings.get("healthCheckGracePeriodSeconds") or 0) if service else 0)
        in_grace = self._timers.in_grace(task.started_at or 0, grace)
        if task.health == "UNHEALTHY" and service is not None:
            service.say(f"(task {task.id}) failed container health checks.")
            self.stop_task(task, "ServiceSchedulerInitiated", "Task failed container health checks")
            return
        for arn, port in task.target_places:
            health = self._targets.health(arn, task.address, port)
            if health is not None and health[0] == "unhealthy" and not in_grace and service is not None:
                service.say(f"(port {port}) is unhealthy in (target-group {arn}) due to (reason {health[2]}).")
                self.stop_task(
                    task, "ServiceSchedulerInitiated", f"Task failed ELB health checks in (target-group {arn})"
                )
                return
        task.been_healthy = task.been_healthy or self.is_healthy(task)

    def is_healthy(self, task: Task) -> bool:
        """Runs, its essential containers are healthy where they are checked, and its targets where it has any."""
        checked = any(container.checked and container.essential for container in task.containers.values())
        if not task.running or (checked and task.health != "HEALTHY"):
            return False
        for arn, port in task.target_places:
            health = self._targets.health(arn, task.address, port)
            if health is not None and health[0] == "unavailable":
                # The edge has not reported, as when the API has just been started again: what was known of the task holds.
                return task.been_healthy
            # A target group that no rule uses checks nothing, so ECS does not wait for it.
            if health is None or health[0] not in {"healthy", "unused"}:
                return False
        return True

    # Services

    def _reconcile(self, service: Service) -> None:
        tasks = self._store.tasks_of(service)
        alive = [task for task in tasks if task.alive]
        primary = service.primary
        self._count_failures(service, tasks)
        failure = self._failure(service, primary) if primary.rollout_state == "IN_PROGRESS" else None
        if failure is not None:
            self._fail(service, primary, *failure)
            primary = service.primary
        new = [task for task in alive if task.deployment_id == primary.id]
        old = [task for task in alive if task.deployment_id != primary.id]
        may_start = primary.rollout_state != "FAILED" and time.time() >= primary.retry_at and service.status == "ACTIVE"
        what = plan(service.desired, service.limits, new, old, self.is_healthy, may_start)
        started = [task for _ in range(what.start) if (task := self._start_one(service, primary)) is not None]
        if started:
            service.say(f"has started {len(started)} tasks: {_named(started)}.")
        for task in what.stop:
            cause = f"Scaling activity initiated by (deployment {primary.id})"
            self.stop_task(task, "ServiceSchedulerInitiated", cause)
        if what.stop:
            service.say(f"has stopped {len(what.stop)} running tasks: {_named(what.stop)}.")
        self._conclude(service, primary)

    def _start_one(self, service: Service, deployment: Deployment) -> Task | None:
        try:
            task = self._store.new_task(service, deployment, self._network)
        except NoAddress as none:
            self._say_unplaced(service, deployment, str(none))
            return None
        others = [known.definition for known in self._store.tasks.values() if known.alive and known.on_demand]
        if task.on_demand and not quota.has_room(others, task.definition):
            self._network.release(task)
            self._say_unplaced(service, deployment, quota.REACHED)
            return None
        self.start_task(task)
        return task

    def _say_unplaced(self, service: Service, deployment: Deployment, reason: str) -> None:
        if reason not in deployment.events_said:
            deployment.events_said.add(reason)
            service.say(f"was unable to place a task. Reason: {reason}")

    def _count_failures(self, service: Service, tasks: Iterable[Task]) -> None:
        """A task that ended by itself before it was ever healthy is a failed one; a healthy one begins the count anew."""
        by_id = {deployment.id: deployment for deployment in service.deployments}
        for task in tasks:
            deployment = by_id.get(task.deployment_id)
            if deployment is None or task.counted:
                continue
            if task.been_healthy:
                task.counted = True
                deployment.failed_tasks = 0
                deployment.breaker.saw_healthy_task()
                deployment.retry_at = 0.0
            elif task.desired == "STOPPED" and not task.stopped_reason.startswith("Scaling activity"):
                task.counted = True
                deployment.failed_tasks += 1
                deployment.updated_at = time.time()
                if deployment.rollout_state == "IN_PROGRESS":
                    deployment.breaker.failures += 1
                pause = (
                    min(_LONGEST_BACKOFF, 2.0 ** (deployment.failed_tasks - 3)) if deployment.failed_tasks > 2 else 0.0
                )
                deployment.retry_at = time.time() + pause / self._timers.factor

    def _failure(self, service: Service, deployment: Deployment) -> tuple[str, str, bool] | None:
        """What fails a deployment and how, and whether the one before comes back; None while nothing does."""
        if deployment.breaker.tripped(service.desired):
            return "circuit breaker", "tasks failed to start", deployment.breaker.rollback
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html, and for those that fire already:
        # https://aws.amazon.com/blogs/containers/automate-rollbacks-for-amazon-ecs-rolling-deployments-with-cloudwatch-alarms/
        alarms = deployment.alarms
        firing = self.firing(alarms.get("alarmNames") or []) if alarms else []
        if deployment.unwatched_alarms is None:
            deployment.unwatched_alarms = firing
        firing = [name for name in firing if name not in deployment.unwatched_alarms]
        deployment.triggered_alarms = firing
        return ("alarm", f"alarm detected: {', '.join(firing)}", bool(alarms.get("rollback"))) if firing else None

    def _fail(self, service: Service, failed: Deployment, detector: str, why: str, rollback: bool) -> None:
        failed.finish("FAILED", "STOPPED", f"ECS deployment {detector}: {why}.")
        failed.record_reason = failed.reason
        service.say(f"(deployment {failed.id}) deployment failed: {why}.")
        good = service.last_completed() if rollback else None
        if good is None:
            return
        failed.record_status = "ROLLBACK_IN_PROGRESS"
        failed.rollback = {
            "reason": f"Service deployment rolled back because of failures. {failed.reason}",
            "startedAt": time.time(),
            "serviceRevisionArn": good.revision,
        }
        back = Deployment(
            task_definition=good.task_definition,
            settings=good.settings,
            breaker=Breaker(False, False),
            revision=good.revision,
            reason=f"ECS deployment {detector}: rolling back to deploymentId {good.id}.",
            rolls_back=failed.id,
        )
        service.say(f"rolling back to (deployment {good.id}).")
        service.begin(back)
        service.settings = {**service.settings, **good.settings, "taskDefinition": good.task_definition}

    def _conclude(self, service: Service, primary: Deployment) -> None:
        """Old deployments end with their last task; the PRIMARY one is completed when all is as wanted."""
        present = [task for task in self._store.tasks_of(service) if task.status != "STOPPED"]
        mine = [task for task in present if task.deployment_id == primary.id]
        replaced = len(mine) == service.desired == len(present) and all(self.is_healthy(task) for task in mine)
        baking = primary.rollout_state == "IN_PROGRESS" and self._bakes(primary, replaced)
        for old in service.deployments[1:]:
            if not baking and not any(task.deployment_id == old.id for task in present):
                old.status = "INACTIVE"
                service.deployments.remove(old)
        if not replaced or baking:
            primary.events_said.discard(_STEADY)
            return
        if primary.rollout_state == "IN_PROGRESS":
            primary.finish("COMPLETED", "SUCCESSFUL", f"ECS deployment {primary.id} completed.")
            service.say(f"(deployment {primary.id}) deployment completed.")
            if primary.rolls_back:
                failed = next(deployment for deployment in service.history if deployment.id == primary.rolls_back)
                failed.record_status = "ROLLBACK_SUCCESSFUL"
                failed.finished_at = time.time()
        if _STEADY not in primary.events_said:
            primary.events_said.add(_STEADY)
            service.say(_STEADY)

    def _bakes(self, deployment: Deployment, replaced: bool) -> bool:
        """Whether a deployment still waits for its alarms: once its tasks have replaced all others, for as long as those look back.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html says that ECS computes the time
        from the alarms; that it is the longest evaluation time, https://github.com/aws/copilot-cli/pull/4294.
        """
        alarms = deployment.alarms
        if not alarms:
            return False
        if deployment.replaced_at is None:
            deployment.replaced_at = time.time() if replaced else None
        watched = [name for name in alarms.get("alarmNames") or [] if name not in (deployment.unwatched_alarms or [])]
        return deployment.replaced_at is None or time.time() - deployment.replaced_at < self.looks_back(watched)

    def _forget_old(self) -> None:
        limit = time.time() - _KEEP_STOPPED_SECONDS
        for task in [task for task in self._store.tasks.values() if task.stopped_at and task.stopped_at < limit]:
            del self._store.tasks[task.id]
        for key, service in list(self._store.services.items()):
            if service.status == "DRAINING" and all(task.status == "STOPPED" for task in self._store.tasks_of(service)):
                service.status = "INACTIVE"
                self._store.inactive[key] = self._store.services.pop(key)


def _named(tasks: Iterable[Task]) -> str:
    return " ".join(f"(task {task.id})" for task in tasks)
