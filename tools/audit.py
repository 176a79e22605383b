"""Deploy the production inventory to a sandbox, let the scanner prowler judge it, and compare its findings with docs/security.yml.

A finding about a resource of the environment that docs/security.yml does not explain ends this with status 1. The scanner
lives in a virtual environment of its own, because it pins versions of hundreds of packages.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.stage import ROOT, Stage, stage

SCANNER = "prowler==5.46.0"
REGION = "eu-central-1"
INVENTORY = "inventories/production"
ENVIRONMENT = "production"
# What the collection makes. Services that it does not touch are the account's matter.
SERVICES = (
    "acm", "autoscaling", "backup", "cloudwatch", "dynamodb", "ec2", "ecr", "ecs", "efs", "elbv2", "iam", "kms",
    "rds", "route53", "s3", "secretsmanager", "sns", "ssm", "vpc", "wafv2",
)  # fmt: skip
EXPLAINED = ROOT / "docs" / "security.yml"
# What fails for the collector alone, which `deploy` leaves out.
UNSEEN = {"ecs_task_definitions_containers_readonly_access"}


@dataclass(frozen=True)
class Finding:
    """One check of one resource."""

    check: str
    severity: str
    passed: bool
    resource: str
    tags: str

    @property
    def ours(self) -> bool:
        """The environment's tag, or its name where the scanner shows no tags."""
        return f"pear:environment={ENVIRONMENT}" in self.tags or f"{ENVIRONMENT}-" in self.resource


def scanner() -> Path:
    """The scanner's program; installed first where it is not."""
    home = Path(os.environ.get("PEAR_CACHE", ROOT / ".cache")) / SCANNER.replace("==", "-")
    program = home / "bin" / "prowler"
    if not program.exists():
        print(f"» installing {SCANNER} (some minutes)", flush=True)
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([home / "bin" / "pip", "install", "--quiet", SCANNER], check=True)
    return program


def deploy(here: Stage) -> None:
    """A zone that stands for the owner's domain, and then what a person would type, on a base image of this machine.

    Without tasks, and so without AWS's collector, whose image is far away: what is judged is how things are set up.
    """
    here.client("route53").create_hosted_zone(Name="example.com", CallerReference="audit")
    build = {"context": str(ROOT / "examples" / "scoreboard"), "version_arg": "APP_VERSION"}
    values = {
        "image_tag": "audit",
        "registry_build": {**build, "args": {"BASE_IMAGE": here.environment["PEAR_BASE_IMAGE"]}},
        "service_desired_count": 0,
        "service_collector": {"enabled": False},
    }
    here.play("playbooks/deploy.yml", INVENTORY, variables=values)


def scan(program: Path, here: Stage, folder: str) -> list[Finding]:
    command = [
        str(program), "aws", "--region", REGION, "--services", *SERVICES, "--output-formats", "csv",
        "--output-directory", folder, "--output-filename", "audit", "--ignore-exit-code-3", "--no-banner",
    ]  # fmt: skip
    done = subprocess.run(command, env={**os.environ, **here.environment}, capture_output=True, text=True, timeout=3600)
    found = Path(folder) / "audit.csv"
    if done.returncode != 0 or not found.exists():
        raise SystemExit(f"prowler ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return read(found)


def read(path: Path) -> list[Finding]:
    with path.open(newline="", encoding="utf-8") as lines:
        return [
            Finding(
                row["CHECK_ID"],
                row["SEVERITY"],
                row["STATUS"] == "PASS",
                row["RESOURCE_UID"] or row["RESOURCE_NAME"],
                row["RESOURCE_TAGS"],
            )
            for row in csv.DictReader(lines, delimiter=";")
            if row["STATUS"] in ("PASS", "FAIL") and row["MUTED"] != "True"
        ]


def table(findings: Iterable[Finding], explained: dict[str, str]) -> str:
    """The checks that failed for resources of the environment, with their explanations."""
    failed = [finding for finding in findings if finding.ours and not finding.passed]
    counts = Counter((finding.check, finding.severity) for finding in failed)
    lines = ["| check | severity | resources | why it stays, and the price |", "|---|---|---|---|"]
    lines += [
        f"| `{check}` | {severity} | {number} | {explained.get(check, '**not explained**')} |"
        for (check, severity), number in sorted(counts.items())
    ]
    return "\n".join(lines)


def main() -> int:
    explained: dict[str, str] = yaml.safe_load(EXPLAINED.read_text())
    program = scanner()
    with tempfile.TemporaryDirectory(prefix="pear-audit-") as folder, stage() as here:
        deploy(here)
        findings = scan(program, here, folder)
    ours = [finding for finding in findings if finding.ours]
    passed = sum(finding.passed for finding in ours)
    print(f"{len(ours)} findings about resources of the environment: {passed} passed, {len(ours) - passed} failed")
    others = [finding for finding in findings if not finding.ours]
    print(
        f"{len(others)} about the account: {sum(finding.passed for finding in others)} passed, the rest is the account's matter"
    )
    print(table(ours, explained))
    unexplained = sorted({finding.check for finding in ours if not finding.passed} - set(explained))
    if unexplained:
        print(f"not explained in {EXPLAINED.relative_to(ROOT)}: {', '.join(unexplained)}", file=sys.stderr)
    stale = sorted(set(explained) - UNSEEN - {finding.check for finding in ours if not finding.passed})
    if stale:
        print(f"explained and not found any more: {', '.join(stale)}", file=sys.stderr)
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
