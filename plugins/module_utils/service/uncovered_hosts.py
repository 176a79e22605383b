# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts of a service that no certificate of the listener covers: clients refuse them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ..aws import acm, elbv2
from ..aws.errors import AwsError
from ..aws.session import Aws

# The public part of load_balancer_certificate_pem. The action plugin takes it out: the private key stays where it is.
PEM = "load_balancer_certificate_pem.certificate"


def warnings(values: Mapping[str, Any], environment: Mapping[str, Any]) -> Iterator[str]:
    """The role load_balancer's own certificates cover the domain and one label below it. Others may have been added by hand."""
    domain, source = environment.get("load_balancer_domain"), environment.get("load_balancer_certificate")
    if not isinstance(domain, str) or source not in ("requested", "self_signed"):
        return
    for variable, host in _hosts(values):
        if not _is_covered(host, {domain.lower(), f"*.{domain.lower()}"}):
            yield (
                f"{variable} holds {host!r}, which the load balancer's certificate does not cover ({domain} and *.{domain}): clients "
                "refuse it unless another certificate was added to the listener"
            )


def findings(
    aws: Aws, values: Mapping[str, Any], environment: Mapping[str, Any], listener: Callable[[], str | None]
) -> Iterator[str]:
    """The same of certificates that were given: their names, and those of the listener's further ones, are read.

    Whoever lets no check verify the certificate has TLS end before the load balancer, where other certificates count.
    """
    source = "listener" if environment.get("load_balancer_existing") else environment.get("load_balancer_certificate")
    unverified = values.get("service_checks_verify_tls") is False
    if source not in ("listener", "existing", "imported") or unverified or not any(_hosts(values)):
        return
    certificates = _certificates(aws, source, environment, listener())
    if not certificates or not all(":acm:" in arn for arn in certificates):
        # What is not in ACM yet, or is in IAM, has no names that ACM tells.
        return
    try:
        names = {name for arn in certificates for name in _names(aws, arn)}
    except AwsError as failed:
        if "NotFound" not in failed.code:
            raise
        what = "the listener's certificate" if source == "listener" else "load_balancer_certificate_arn"
        yield f"{what} is {certificates[0]!r}, and ACM has no such certificate in {aws.region}"
        return
    for variable, host in _hosts(values):
        if not _is_covered(host, names):
            yield (
                f"{variable} holds {host!r}, which the load balancer's certificate does not cover ({', '.join(sorted(names))}; a wildcard "
                "covers one label): clients refuse it. Give a certificate that covers it, or add another one to the listener; "
                "where TLS ends before the load balancer, set service_checks_verify_tls to false"
            )


def _certificates(aws: Aws, source: str, environment: Mapping[str, Any], listener: str | None) -> list[str]:
    """ARNs of the listener's certificates after this run, the default one first; empty where that one is not known yet."""
    has_any = listener and (source != "listener" or elbv2.listener(aws, listener)["Protocol"] == "HTTPS")
    there = elbv2.listener_certificates(aws, listener) if listener and has_any else []
    further = [found["CertificateArn"] for found in there if not found.get("IsDefault")]
    first = next((found["CertificateArn"] for found in there if found.get("IsDefault")), "")
    if source == "existing":
        first = environment.get("load_balancer_certificate_arn") or ""
    elif source == "imported" and not _is_imported_already(aws, first, environment):
        first = ""
    return [first, *further] if first else []


def _is_imported_already(aws: Aws, arn: str, environment: Mapping[str, Any]) -> bool:
    """A certificate that this run would replace says nothing about the next one."""
    given = str(environment.get(PEM) or "").strip()
    return ":acm:" in arn and bool(given) and acm.get_certificate(aws, arn)[0] == given


def _names(aws: Aws, arn: str) -> list[str]:
    found = acm.describe_certificate(aws, arn)
    return [name.lower() for name in found.get("SubjectAlternativeNames") or [found["DomainName"]]]


def _is_covered(host: Any, names: Collection[str]) -> bool:
    """By a name, or by a wildcard for its first label. A pattern of a rule needs a name that it matches."""
    text = str(host).lower()
    label, _dot, rest = text.partition(".")
    wild = bool(label) and f"*.{rest}" in names
    return text in names or wild or any(fnmatchcase(name, text) for name in names)


def _hosts(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each host of each rule, with the variable that names it."""
    yield from (("service_hosts", host) for host in values.get("service_hosts") or [])
    for rule in values.get("service_further_rules") or []:
        if isinstance(rule, Mapping):
            yield from ((f"service_further_rules.{rule.get('name')}.hosts", host) for host in rule.get("hosts") or [])
