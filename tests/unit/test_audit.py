"""What the audit reads of the scanner's report, and which findings it wants explained."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tools.audit import EXPLAINED, UNSEEN, Finding, read, table

REPORT = """CHECK_ID;SEVERITY;STATUS;MUTED;RESOURCE_UID;RESOURCE_NAME;RESOURCE_TAGS
elbv2_logging_enabled;medium;FAIL;False;arn:aws:elasticloadbalancing:x:1:loadbalancer/app/x/1;x;pear:environment=production
elbv2_ssl_listeners;medium;PASS;False;arn:aws:elasticloadbalancing:x:1:loadbalancer/app/x/1;x;pear:environment=production
dynamodb_tables_kms_cmk_encryption_enabled;medium;FAIL;False;arn:aws:dynamodb:x:1:table/production-releases;production-releases;
cloudtrail_multi_region_enabled;high;FAIL;False;arn:aws:cloudtrail:x:1:trail;trail;
ec2_muted;low;FAIL;True;production-a;a;
ec2_manual;low;MANUAL;False;production-a;a;
"""


PAGE = EXPLAINED.with_suffix(".md")


def findings(tmp_path: Path) -> list[Finding]:
    report = tmp_path / "report.csv"
    report.write_text(REPORT)
    return read(report)


def test_findings_about_the_environment_are_told_from_those_about_the_account(tmp_path: Path) -> None:
    found = findings(tmp_path)
    assert [(one.check, one.passed, one.ours) for one in found] == [
        ("elbv2_logging_enabled", False, True),
        ("elbv2_ssl_listeners", True, True),
        ("dynamodb_tables_kms_cmk_encryption_enabled", False, True),
        ("cloudtrail_multi_region_enabled", False, False),
    ]


def test_the_table_has_the_failed_checks_with_their_explanations(tmp_path: Path) -> None:
    lines = table(findings(tmp_path), {"elbv2_logging_enabled": "you name a bucket"}).splitlines()[2:]
    assert lines == [
        "| `dynamodb_tables_kms_cmk_encryption_enabled` | medium | 1 | **not explained** |",
        "| `elbv2_logging_enabled` | medium | 1 | you name a bucket |",
    ]


def test_each_explanation_is_a_sentence_about_one_check() -> None:
    explained = yaml.safe_load(EXPLAINED.read_text())
    assert explained and all(isinstance(reason, str) and len(reason) > 20 for reason in explained.values())


def test_the_page_has_a_row_for_each_explanation_with_its_words() -> None:
    explained: dict[str, str] = yaml.safe_load(EXPLAINED.read_text())
    rows = [
        line.strip("| ").split(" | ")
        for line in PAGE.read_text().splitlines()
        if re.match(r"\| [a-z0-9_]+ \| (low|medium|high)", line)
    ]
    assert [(row[0], row[-1]) for row in rows] == sorted(explained.items())
    assert {row[0] for row in rows if "not in the run" in row[2]} == UNSEEN
