"""The API process: one endpoint for every service. Internal routes, then overlays, then moto."""

from __future__ import annotations

import importlib
import json
import re
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any
from urllib.parse import parse_qs

from ..config import Settings
from ..core import OWN_AGENT
from ..engine import Engine
from ..errors import ApiError
from ..lateness import start_heart
from ..snapshot import Snapshots
from ..wsgi import listen
from . import refusals
from .authorization import Authorization
from .operations import rest_operation
from .overlay import Context, Document, internal, registered
from .requests import body_of
from .state import Call, Sandbox

OVERLAY_MODULES = (
    "iam",
    "ec2",
    "acm",
    "dynamodb",
    "efs",
    "rds",
    "backup",
    "ecr",
    "logs",
    "logs_insights",
    "xray",
    "xray_settings",
    "elbv2",
    "elbv2_rules",
    "elbv2_network",
    "cloudwatch",
    "alarm_actions",
    "sns",
    "fis",
    "ecs",
    "sqs",
    "autoscaling",
    "target_tracking",
    "tracking_alarms",
    "step_scaling",
    "scheduler",
    "first_calls",
    "faults",
    "console",
    "route53",
    "service_quotas",
    "wafv2",
)
# Calls that a token vouches for: no signature says which service they are for.
_UNSIGNED = {"AssumeRoleWithWebIdentity": "sts", "AssumeRoleWithSAML": "sts"}
_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_JSON_SERVICES = {
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "AmazonEC2ContainerRegistry_V20150921": "ecr",
    "AnyScaleFrontendService": "application-autoscaling",
    "Logs_20140328": "logs",
    "CertificateManager": "acm",
    "DynamoDB_20120810": "dynamodb",
    "GraniteServiceVersion20100801": "cloudwatch",
    "secretsmanager": "secretsmanager",
    "AmazonSSM": "ssm",
    "AWSEvents": "events",
    "TrentService": "kms",
    "AmazonSQS": "sqs",
}

_SEEN_BY_THE_EDGE = {"elasticloadbalancing", "acm"}

StartResponse = Callable[..., Any]


def create_sandbox(settings: Settings) -> Sandbox:
    """Make the shared state and install every overlay; OverlayMismatch where moto is not the expected one."""
    sandbox = Sandbox(settings, Engine(settings))
    sandbox.engine.clock = sandbox.lateness.now
    for name in OVERLAY_MODULES:
        importlib.import_module(f"sandbox.api.{name}").install(sandbox)
    return sandbox


class Application:
    """The WSGI application: internal routes, faults that are on, overlays, moto, in this order."""

    def __init__(self, sandbox: Sandbox) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self.sandbox = sandbox
        self._authorization = Authorization(sandbox)
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path.startswith("/_sandbox/"):
            return self._internal(environ, start_response, path)
        service, operation, context = identify(environ, self.sandbox.settings)
        call = Call(service, operation, time.time())
        self.sandbox.calls.append(call)
        protocol = refusals.protocol_of_request(environ, service)
        own = OWN_AGENT in environ.get("HTTP_USER_AGENT", "")
        met = [] if own else self.sandbox.faults.met_by(service, operation)
        try:
            if not own and not self.sandbox.rates.takes(context.region, service, operation, call.at):
                raise refusals.throttled(protocol, service)
            self._authorization.require(environ, service, operation, context)
            refusals.delay(met)
            fault = refusals.refusal(met, protocol, service, operation, context)
            if fault is None:
                return self._answer(environ, start_response, call, context)
            if any(fault.after for fault in met):
                # Carried out, and nobody hears of it.
                self._answer(environ, lambda *arguments: None, call, context)
            raise fault
        except ApiError as refused:
            return _refuse(start_response, refusals.encode(refused, protocol, service))
        finally:
            if call.mutating and service in _SEEN_BY_THE_EDGE:
                self.sandbox.targets.touch()

    def _answer(
        self, environ: dict[str, Any], start_response: StartResponse, call: Call, context: Context
    ) -> Iterable[bytes]:
        answer = registered.handlers.get((call.service, call.operation))
        if answer is not None:
            done = _json(start_response, answer(_body_json(environ), context))
        else:
            with self.sandbox.lock:
                done = iter(list(self._moto(environ, start_response)))
        if call.mutating:
            self.sandbox.after_change(call.service, call.operation)
        return done

    def _internal(self, environ: dict[str, Any], start_response: StartResponse, path: str) -> Iterable[bytes]:
        route = registered.routes.get((environ["REQUEST_METHOD"], path))
        if route is None:
            return _json(start_response, {"message": f"no such route: {path}"}, 404)
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and origin != self.sandbox.settings.endpoint:
            # A page from elsewhere, in a browser of this machine, must not be able to add faults here.
            return _json(start_response, {"message": f"pages from {origin} may not ask this sandbox"}, 403)
        query = {key: values[-1] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        try:
            answer = route(query, _body_json(environ))
        except ApiError as refused:
            return _refuse(start_response, refusals.encode(refused, refusals.JSON))
        return _document(start_response, answer) if isinstance(answer, Document) else _json(start_response, answer)


def identify(environ: dict[str, Any], settings: Settings) -> tuple[str, str, Context]:
    """Service, operation and caller of a request; the body of form-encoded requests is read and put back."""
    signed = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    access_key, region, service = signed.groups() if signed else ("", settings.region, "")
    context = Context(settings.account, region, access_key)
    target, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
    if operation:
        return _JSON_SERVICES.get(target, service or target.lower()), operation, context
    if cbor := re.match(r"^/service/(\w+)/operation/(\w+)$", environ.get("PATH_INFO", "")):
        return _JSON_SERVICES.get(cbor[1], service), cbor[2], context
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        action = parse_qs(body_of(environ).decode()).get("Action", [""])[0]
        return service or _UNSIGNED.get(action, ""), action, context
    method = environ["REQUEST_METHOD"]
    if named := rest_operation(service, method, environ.get("PATH_INFO", "/")):
        return service, named, context
    return service, ("Get" if method in {"GET", "HEAD"} else method.title()) + environ.get("PATH_INFO", ""), context


def _body_json(environ: dict[str, Any]) -> Any:
    text = body_of(environ)
    return json.loads(text) if text else {}


def _json(start_response: StartResponse, answer: Any, status: int = 200) -> Iterator[bytes]:
    text = json.dumps(answer, default=_encode).encode()
    headers = [
        ("Content-Type", "application/x-amz-json-1.1"),
        ("Content-Length", str(len(text))),
        ("x-amzn-RequestId", str(uuid.uuid4())),
    ]
    start_response(f"{status} {'OK' if status < 400 else 'Error'}", headers)
    return iter([text])


def _document(start_response: StartResponse, document: Document) -> Iterator[bytes]:
    headers = [
        ("Content-Type", document.content_type),
        ("Content-Length", str(len(document.body))),
        ("Content-Security-Policy", "default-src 'self'; img-src data:; frame-ancestors 'none'"),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    start_response("200 OK", headers)
    return iter([document.body])


def _refuse(start_response: StartResponse, refusal: refusals.Refusal) -> Iterator[bytes]:
    start_response(f"{refusal.status} Error", refusal.headers)
    return iter([refusal.body])


def _encode(value: Any) -> Any:
    """Times go out as epoch seconds, as AWS's JSON protocols have them."""
    if hasattr(value, "timestamp"):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} cannot be answered as JSON")


def serve(settings: Settings) -> None:
    """Run the API process until SIGTERM: the server, the scheduler and the clocks."""
    sandbox = create_sandbox(settings)
    sandbox.application = Application(sandbox)
    _internal_routes(sandbox)
    server = listen(sandbox.application, settings.api_address, settings.api_port)

    def end(number: int, frame: FrameType | None) -> None:
        sandbox.stopping.set()
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, end)
    start_heart(sandbox.lateness, sandbox.stopping)
    _restore(sandbox)
    sandbox.fargate.start()
    for start in sandbox.starts:
        start()
    try:
        server.serve_forever()
    finally:
        sandbox.fargate.stop()


def _restore(sandbox: Sandbox) -> None:
    """Continue from the state that a killed process left, and save this one's from now on."""
    snapshots = Snapshots(sandbox)
    sandbox.after_change = snapshots.after
    if snapshots.exists:
        snapshots.restore()
        sandbox.fargate.adopt()
        sandbox.targets.touch()
    snapshots.start()


def _internal_routes(sandbox: Sandbox) -> None:
    started = time.time()

    @internal("GET", "/_sandbox/health")
    def health(query: dict[str, str], body: Any) -> Any:
        return {"started": started, "edge_reported": sandbox.targets.reported_at > 0, "slower": sandbox.slower}

    @internal("GET", "/_sandbox/calls")
    def calls(query: dict[str, str], body: Any) -> Any:
        since = float(query.get("since", 0))
        return {"calls": [{**vars(call), "mutating": call.mutating} for call in sandbox.calls if call.at >= since]}

    @internal("GET", "/_sandbox/throttled")
    def throttled(query: dict[str, str], body: Any) -> Any:
        return {"throttled": sandbox.rates.refused()}

    @internal("DELETE", "/_sandbox/calls")
    def forget_calls(query: dict[str, str], body: Any) -> Any:
        sandbox.calls.clear()
        return {}
