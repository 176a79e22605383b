"""SNS: moto keeps topics and subscriptions; here what is published is really delivered, and counted as AWS/SNS."""

from __future__ import annotations

import json
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from dataclasses import dataclass
from typing import Any

from moto.sns.models import SNSBackend, Subscription
from moto.sns.responses import SNSResponse

from ..errors import ApiError
from ..metrics.balancers import sampled
from ..metrics.store import Metric
from ..periodic import Periodic
from .overlay import internal, patch
from .state import Sandbox

NAMESPACE = "AWS/SNS"
PENDING = "PendingConfirmation"
_HTTP = ("http", "https")
_MAIL = ("email", "email-json")
_TICK_SECONDS = 0.2
_TIMEOUT_SECONDS = 15
# AWS's policy for endpoints over http: three attempts more, twenty seconds apart.
# https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
_ATTEMPTS, _PAUSE_SECONDS = 4, 20.0


@dataclass
class _Post:
    """A message on its way to an endpoint over http."""

    subscription: Any
    body: dict[str, Any]
    due: float = 0.0
    attempts: int = 0


class Deliveries:
    """Carries messages to endpoints: over http, as a file for an address, into queues by moto."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._waiting: deque[_Post] = deque()
        self._tokens: dict[str, str] = {}
        self._mails = 0
        self._loop = Periodic("notifications", _TICK_SECONDS, lambda: self.carry(time.time()))
        sandbox.keep("notifications", self, "_tokens", "_mails")

    def install(self) -> None:
        patch(SNSBackend, "subscribe", ("self", "topic_arn", "endpoint", "protocol"))(self._subscribe)
        parameters = ("self", "message", "message_id", "subject", "message_attributes", "group_id", "deduplication_id")
        patch(Subscription, "publish", (*parameters, "message_structure"))(self._publish)
        patch(SNSResponse, "list_subscriptions_by_topic", ("self",))(_listed)
        published = ("self", "message", "arn", "phone_number", "subject", "message_attributes", "group_id")
        patch(SNSBackend, "publish", (*published, "deduplication_id", "message_structure"))(_publish_checked)
        internal("GET", "/_sandbox/sns/confirm")(self._confirm)
        self._sandbox.starts.append(lambda: self._loop.start(self._sandbox.stopping))

    def carry(self, now: float) -> None:
        """Post what is due. A thread of its own: endpoints may be slow, and the API is not to wait for them."""
        for _ in range(len(self._waiting)):
            post = self._waiting.popleft()
            if post.due > now:
                self._waiting.append(post)
            else:
                self._attempt(post)
        self._store(self._sandbox.settings.region).told_until(NAMESPACE, now)

    def _attempt(self, post: _Post) -> None:
        body = post.body
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "x-amz-sns-message-type": body["Type"],
            "x-amz-sns-message-id": body["MessageId"],
            "x-amz-sns-topic-arn": body["TopicArn"],
        }
        request = urllib.request.Request(post.subscription.endpoint, json.dumps(body).encode(), headers)
        post.attempts += 1
        try:
            urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS).close()
        except (urllib.error.URLError, OSError) as failed:
            print(f"SNS: {post.subscription.endpoint} took no message: {failed}", file=sys.stderr, flush=True)
            if post.attempts < _ATTEMPTS:
                post.due = time.time() + self._store(self._sandbox.settings.region).seconds(_PAUSE_SECONDS)
                self._waiting.append(post)
            else:
                self._count(post.subscription, delivered=False)
            return
        if body["Type"] == "Notification":
            self._count(post.subscription, delivered=True)

    def _subscribe(self, original: Any, backend: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        known = {known_subscription.arn for known_subscription in backend.subscriptions.values()}
        subscription = original(backend, topic_arn, endpoint, protocol)
        if protocol not in (*_HTTP, *_MAIL) or (
            subscription.arn in known and not subscription.attributes["PendingConfirmation"]
        ):
            return subscription
        # Whoever subscribes does not own the endpoint: the endpoint has to agree.
        subscription.attributes["PendingConfirmation"] = True
        token = secrets.token_hex(32)
        self._tokens[token] = subscription.arn
        link = f"{self._sandbox.settings.endpoint}/_sandbox/sns/confirm?Token={token}"
        text = f"You have chosen to subscribe to the topic {topic_arn}. To confirm the subscription, visit the SubscribeURL."
        body = {
            "Type": "SubscriptionConfirmation",
            "MessageId": secrets.token_hex(16),
            "Token": token,
            "TopicArn": topic_arn,
            "Message": text,
            "SubscribeURL": link,
        }
        if protocol in _HTTP:
            self._waiting.append(_Post(subscription, body))
        else:
            self._mail(endpoint, "AWS Notification - Subscription Confirmation", f"{text}\n{link}")
        return subscription

    def _confirm(self, query: dict[str, str], body: Any) -> Any:
        arn = self._tokens.get(query.get("Token", ""))
        with self._sandbox.lock:
            backend = self._sandbox.backend("sns", arn.split(":")[3]) if arn else None
            subscription = backend.subscriptions.get(arn) if backend else None
            if subscription is None:
                raise ApiError("InvalidParameter", "Invalid token", 400)
            subscription.attributes["PendingConfirmation"] = False
        return {"SubscriptionArn": arn}

    def _publish(self, original: Any, subscription: Any, message: str, message_id: str, **named: Any) -> None:
        if subscription.attributes.get("PendingConfirmation"):
            return
        if subscription.protocol not in (*_HTTP, *_MAIL):
            original(subscription, message, message_id, **named)
            self._count(subscription, delivered=True)
            return
        if named.get("message_structure") == "json":
            message = subscription._parse_message_structure(message, subscription.protocol)
        matcher = subscription._filter_policy_matcher
        if matcher is not None and not matcher.matches(named.get("message_attributes"), message):
            return
        subject = named.get("subject")
        if subscription.protocol in _HTTP:
            self._waiting.append(_Post(subscription, subscription.get_post_data(message, message_id, subject)))
        else:
            self._mail(subscription.endpoint, subject or "AWS Notification Message", message)
            self._count(subscription, delivered=True)

    def _mail(self, address: str, subject: str, text: str) -> None:
        folder = self._sandbox.settings.home / "mail" / address
        folder.mkdir(parents=True, exist_ok=True)
        self._mails += 1
        (folder / f"{self._mails:06}.eml").write_text(f"To: {address}\nSubject: {subject}\n\n{text}\n")

    def _count(self, subscription: Any, delivered: bool) -> None:
        name = "NumberOfNotificationsDelivered" if delivered else "NumberOfNotificationsFailed"
        topic = subscription.topic
        metric = Metric.of(NAMESPACE, name, {"TopicName": topic.name})
        self._store(topic.sns_backend.region_name).add(metric, time.time(), sampled(1), "Count")

    def _store(self, region: str) -> Any:
        """Looked up each time: restoring a snapshot replaces the store."""
        return self._sandbox.metrics.of(region)


def _publish_checked(original: Any, backend: Any, message: str, arn: str | None, **named: Any) -> Any:
    """What SNS takes as subject: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""
    subject = named.get("subject")
    if subject is not None and not (0 < len(subject) < 100 and subject.isprintable() and subject.isascii()):
        raise ApiError("InvalidParameter", "Invalid parameter: Subject", 400)
    return original(backend, message, arn, **named)


def _listed(original: Any, response: Any) -> Any:
    """A subscription that is not confirmed has no ARN yet."""
    answer = original(response)
    answer.result["Subscriptions"] = [
        {
            "SubscriptionArn": PENDING if found.attributes.get("PendingConfirmation") else found.arn,
            "Owner": found.owner,
            "Protocol": found.protocol,
            "Endpoint": found.endpoint,
            "TopicArn": found.topic_arn,
        }
        for found in answer.result["Subscriptions"]
    ]
    return answer


def install(sandbox: Sandbox) -> None:
    Deliveries(sandbox).install()
