# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an image is named by: its registry, repository, tag and digest. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REFERENCE = re.compile(
    r"^(?P<repository>[^@]+?)(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?$"
)
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
_ECR = re.compile(
    r"^(?P<account>\d{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.(amazonaws\.com(\.cn)?|on\.(aws|amazonwebservices\.com\.cn))$"
)
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
_ECR_NAME = re.compile(r"^(?=.{2,256}$)([a-z0-9]+([._-][a-z0-9]+)*/)*[a-z0-9]+([._-][a-z0-9]+)*$")
_DOCKER_HUB = "docker.io"


@dataclass(frozen=True)
class Reference:
    """`repository` as it was written, with its host where it has one."""

    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def host(self) -> str:
        """Empty for a name alone."""
        host, slash, _name = self.repository.partition("/")
        return host if slash and ("." in host or ":" in host or host == "localhost") else ""

    @property
    def name(self) -> str:
        """The repository without its host. Docker Hub's own images stand below library/."""
        name = self.repository.partition("/")[2] if self.host else self.repository
        return f"library/{name}" if self.host == _DOCKER_HUB and "/" not in name else name

    @property
    def ecr(self) -> tuple[str, str] | None:
        """Account and region, where the host is a private registry of ECR."""
        found = _ECR.match(self.host)
        return (found["account"], found["region"]) if found else None

    @property
    def may_be_in_ecr(self) -> bool:
        """Whether ECR could have a repository of this name: it refuses to look for others."""
        return bool(_ECR_NAME.match(self.name))

    @property
    def which(self) -> str | None:
        """What of the repository: the digest wins, as it does for a container engine."""
        return self.digest or self.tag


def parse(image: str) -> Reference | None:
    found = _REFERENCE.match(image)
    return Reference(found["repository"], found["tag"], found["digest"]) if found else None


def is_elsewhere(image: str | None, repository: str) -> bool:
    """Whether an image is in another registry than ECR, or in another repository there: then this repository is not needed for it.

    One that is named without its registry may be in this repository.
    """
    found = parse(image or "")
    return found is not None and bool(found.host) and not (found.ecr and found.name == repository)
