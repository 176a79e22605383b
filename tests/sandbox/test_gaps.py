"""Where moto answers otherwise than AWS, or not at all: what the overlays make of it, as a client sees it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.sandbox.conftest import Running
from tests.support.waiting import eventually

Aws = Callable[[str], Any]


def refusal(call: Callable[..., Any], **request: Any) -> str:
    """The error code that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**request)
    return str(refused.value.response["Error"]["Code"])


@pytest.fixture
def file_system(aws: Aws) -> str:
    """A file system with a mount target in eu-central-1a."""
    ec2, efs = aws("ec2"), aws("efs")
    vpc = ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.30.0.0/24", AvailabilityZone="eu-central-1a")["Subnet"]
    made = efs.create_file_system(CreationToken=str(uuid.uuid4()), Tags=[{"Key": "Name", "Value": "files"}])
    efs.create_mount_target(FileSystemId=made["FileSystemId"], SubnetId=subnet["SubnetId"])
    return str(made["FileSystemId"])


def test_the_tag_calls_that_the_stock_module_makes_are_answered(aws: Aws, file_system: str) -> None:
    efs = aws("efs")
    efs.create_tags(FileSystemId=file_system, Tags=[{"Key": "team", "Value": "pear"}])
    efs.delete_tags(FileSystemId=file_system, TagKeys=["Name"])
    tags = [{"Key": "team", "Value": "pear"}]
    assert efs.describe_tags(FileSystemId=file_system)["Tags"] == tags
    assert efs.list_tags_for_resource(ResourceId=file_system)["Tags"] == tags
    assert refusal(efs.describe_tags, FileSystemId="fs-00000000") == "FileSystemNotFound"


def test_backups_of_a_file_system_are_switched_on_and_off(aws: Aws, file_system: str) -> None:
    efs = aws("efs")
    efs.put_backup_policy(FileSystemId=file_system, BackupPolicy={"Status": "ENABLED"})
    assert efs.describe_backup_policy(FileSystemId=file_system)["BackupPolicy"] == {"Status": "ENABLED"}
    efs.put_backup_policy(FileSystemId=file_system, BackupPolicy={"Status": "DISABLED"})
    assert refusal(efs.describe_backup_policy, FileSystemId=file_system) == "PolicyNotFound"


def test_the_throughput_of_a_file_system_is_changed(aws: Aws, file_system: str) -> None:
    efs = aws("efs")
    changed = efs.update_file_system(
        FileSystemId=file_system, ThroughputMode="provisioned", ProvisionedThroughputInMibps=2.0
    )
    assert (changed["ThroughputMode"], changed["ProvisionedThroughputInMibps"]) == ("provisioned", 2.0)
    efs.update_file_system(FileSystemId=file_system, ThroughputMode="elastic")
    found = efs.describe_file_systems(FileSystemId=file_system)["FileSystems"][0]
    assert found["ThroughputMode"] == "elastic"
    assert "ProvisionedThroughputInMibps" not in found


def test_a_client_token_makes_one_access_point(aws: Aws, file_system: str) -> None:
    efs = aws("efs")
    request = {"ClientToken": file_system, "FileSystemId": file_system}
    efs.create_access_point(**request)
    assert refusal(efs.create_access_point, **request) == "AccessPointAlreadyExists"
    request = {"ClientToken": "lost", "FileSystemId": "fs-00000000"}
    assert refusal(efs.create_access_point, **request) == "FileSystemNotFound"


def test_a_deleted_file_system_takes_its_files_along(sandbox: Running, aws: Aws) -> None:
    efs = aws("efs")
    made = efs.create_file_system(CreationToken=str(uuid.uuid4()))["FileSystemId"]
    folder = sandbox.settings.home / "efs" / made
    folder.mkdir(parents=True)
    (folder / "scores").write_text("1")
    efs.delete_file_system(FileSystemId=made)
    assert not folder.exists()


def test_tags_of_a_nat_gateway_are_found_by_its_resource_type(aws: Aws) -> None:
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.31.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.31.0.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_nat_gateway(
        SubnetId=subnet,
        ConnectivityType="private",
        TagSpecifications=[{"ResourceType": "natgateway", "Tags": [{"Key": "Name", "Value": "nat"}]}],
    )["NatGateway"]["NatGatewayId"]
    filters = [{"Name": "resource-type", "Values": ["natgateway"]}, {"Name": "resource-id", "Values": [gateway]}]
    assert [(tag["Key"], tag["Value"]) for tag in ec2.describe_tags(Filters=filters)["Tags"]] == [("Name", "nat")]


def certificate(subject: str, issuer: str, key: Any, signer: Any) -> bytes:
    """A certificate in PEM, good for a day."""
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in (subject, issuer)]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(names[0])
        .issuer_name(names[1])
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize("with_chain", [pytest.param(True, id="a chain"), pytest.param(False, id="no chain")])
def test_an_imported_certificate_comes_back_with_its_own_chain_only(aws: Aws, with_chain: bool) -> None:
    acm = aws("acm")
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    chain = certificate("authority", "authority", authority, authority)
    leaf = certificate("app.example.com", "authority", key, authority)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    given = {"CertificateChain": chain} if with_chain else {}
    # ACM takes one import a second, and the case before this one may be quicker than that.
    time.sleep(1.1)
    arn = acm.import_certificate(Certificate=leaf, PrivateKey=private, **given)["CertificateArn"]
    found = acm.get_certificate(CertificateArn=arn)
    assert found["Certificate"].strip() == leaf.decode().strip()
    assert found.get("CertificateChain", "").strip() == (chain.decode().strip() if with_chain else "")


def test_policies_that_aws_manages_can_be_attached(aws: Aws) -> None:
    iam = aws("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    iam.create_role(RoleName="managed", AssumeRolePolicyDocument=json.dumps(trust))
    arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    iam.attach_role_policy(RoleName="managed", PolicyArn=arn)
    attached = iam.list_attached_role_policies(RoleName="managed")["AttachedPolicies"]
    assert [policy["PolicyArn"] for policy in attached] == [arn]


def test_a_trace_is_found_by_its_annotation(aws: Aws) -> None:
    xray, now = aws("xray"), datetime.now(UTC)
    at = now.timestamp()
    for number in (1, 2):
        segment = {
            "name": "shop",
            "id": f"{number:016x}",
            "trace_id": f"1-{int(at):08x}-{number:024x}",
            "start_time": at - 1,
            "end_time": at,
            "annotations": {"request_id": f"r-{number}"},
        }
        xray.put_trace_segments(TraceSegmentDocuments=[json.dumps(segment)])
    window = {"StartTime": now - timedelta(minutes=1), "EndTime": now + timedelta(minutes=1)}
    found = xray.get_trace_summaries(**window, FilterExpression='annotation.request_id = "r-2"')["TraceSummaries"]
    assert [one["Id"] for one in found] == [f"1-{int(at):08x}-{2:024x}"]
    assert found[0]["Annotations"] == {"request_id": [{"AnnotationValue": {"StringValue": "r-2"}}]}
    code = refusal(xray.get_trace_summaries, **window, FilterExpression="responsetime > 5")
    assert code == "InvalidRequestException"


def test_a_web_acl_is_put_in_front_of_a_load_balancer_once_that_is_active(aws: Aws) -> None:
    ec2, elbv2, waf = aws("ec2"), aws("elbv2"), aws("wafv2")
    vpc = ec2.create_vpc(CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.40.{n}.0/24", AvailabilityZone=f"eu-central-1{zone}")["Subnet"]
        for n, zone in enumerate("ab")
    ]
    show = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "none"}
    first, second = (
        waf.create_web_acl(Name=name, Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=show)["Summary"]
        for name in ("first", "second")
    )
    ids = [subnet["SubnetId"] for subnet in subnets]
    balancer = elbv2.create_load_balancer(Name="guarded", Subnets=ids)["LoadBalancers"][0]
    arn = balancer["LoadBalancerArn"]
    assert balancer["State"]["Code"] == "provisioning"
    asked = {"WebACLArn": first["ARN"], "ResourceArn": arn}
    assert refusal(waf.associate_web_acl, **asked) == "WAFUnavailableEntityException"
    wait = {"Delay": 1, "MaxAttempts": 60}
    elbv2.get_waiter("load_balancer_available").wait(LoadBalancerArns=[arn], WaiterConfig=wait)
    waf.associate_web_acl(**asked)
    waf.associate_web_acl(WebACLArn=second["ARN"], ResourceArn=arn)
    assert waf.get_web_acl_for_resource(ResourceArn=arn)["WebACL"]["ARN"] == second["ARN"]
    elbv2.delete_load_balancer(LoadBalancerArn=arn)


def test_sampling_rules_and_groups_are_kept_with_their_tags(aws: Aws) -> None:
    xray = aws("xray")
    rule = {
        "RuleName": "kept", "Priority": 9, "FixedRate": 0.25, "ReservoirSize": 2, "ServiceName": "web", "ServiceType": "*", "Host": "*",
        "HTTPMethod": "GET", "URLPath": "/a*", "ResourceARN": "*", "Version": 1,
    }  # fmt: skip
    tags = [{"Key": "pear:environment", "Value": "gaps"}]
    made = xray.create_sampling_rule(SamplingRule=rule, Tags=tags)["SamplingRuleRecord"]["SamplingRule"]
    assert xray.list_tags_for_resource(ResourceARN=made["RuleARN"])["Tags"] == tags
    records = xray.get_sampling_rules()["SamplingRuleRecords"]
    assert {record["SamplingRule"]["RuleName"] for record in records} >= {"kept", "Default"}
    xray.update_sampling_rule(SamplingRuleUpdate={"RuleName": "kept", "FixedRate": 0.5})
    assert refusal(xray.create_sampling_rule, SamplingRule=rule) == "InvalidRequestException"
    xray.delete_sampling_rule(RuleName="kept")
    arn = xray.create_group(GroupName="kept", FilterExpression='service("web")', Tags=tags)["Group"]["GroupARN"]
    assert [group["GroupARN"] for group in xray.get_groups()["Groups"]] == [arn]
    xray.delete_group(GroupARN=arn)
    assert refusal(xray.list_tags_for_resource, ResourceARN=arn) == "ResourceNotFoundException"


def test_the_service_map_and_the_traces_that_failed(aws: Aws) -> None:
    xray, now = aws("xray"), datetime.now(UTC)
    at = now.timestamp()
    for number, fault in enumerate((False, True)):
        shared = {"trace_id": f"1-{int(at):08x}-{number + 16:024x}", "start_time": at - 1, "end_time": at}
        database = {
            "name": "map-db",
            "id": f"{number + 32:016x}",
            "namespace": "remote",
            "start_time": at - 0.9,
            "end_time": at - 0.1,
        }
        served = {**shared, "name": "map-shop", "id": f"{number + 16:016x}", "fault": fault, "subsegments": [database]}
        xray.put_trace_segments(TraceSegmentDocuments=[json.dumps(served)])
    window = {"StartTime": now - timedelta(minutes=1), "EndTime": now + timedelta(minutes=1)}
    nodes = {(node["Name"], node.get("Type")): node for node in xray.get_service_graph(**window)["Services"]}
    shop, database_node = nodes["map-shop", None], nodes["map-db", "remote"]
    assert shop["SummaryStatistics"]["TotalCount"] == 2
    assert shop["SummaryStatistics"]["FaultStatistics"]["TotalCount"] == 1
    (edge,) = shop["Edges"]
    assert edge["ReferenceId"] == database_node["ReferenceId"]
    assert edge["SummaryStatistics"]["TotalResponseTime"] == pytest.approx(1.6, abs=0.01)
    found = xray.get_trace_summaries(**window, FilterExpression='service("map-shop") { fault = true }')[
        "TraceSummaries"
    ]
    assert [(one["Id"], one["HasFault"]) for one in found] == [(f"1-{int(at):08x}-{17:024x}", True)]
    for call in (xray.get_service_graph, xray.get_trace_summaries):
        assert refusal(call, StartTime=now - timedelta(hours=7), EndTime=now) == "InvalidRequestException"


def test_a_log_is_searched_by_a_regular_expression_in_the_order_of_time(aws: Aws) -> None:
    logs, at = aws("logs"), int(datetime.now(UTC).timestamp() * 1000)
    logs.create_log_group(logGroupName="searched")
    for stream, events in {"b": [(2, "Error: two"), (3, "fine")], "a": [(1, "ERROR one"), (4, "panic four")]}.items():
        logs.create_log_stream(logGroupName="searched", logStreamName=stream)
        lines = [{"timestamp": at + offset, "message": text} for offset, text in events]
        logs.put_log_events(logGroupName="searched", logStreamName=stream, logEvents=lines)
    found = logs.filter_log_events(logGroupName="searched", filterPattern="%[Ee]rror|ERROR|panic%", startTime=at)
    assert [event["message"] for event in found["events"]] == ["ERROR one", "Error: two", "panic four"]
    with_group = {"logGroupName": "searched", "filterPattern": "%(a|b)%"}
    assert refusal(logs.filter_log_events, **with_group) == "InvalidParameterException"


def test_logs_insights_runs_a_query_over_the_events_of_a_time(aws: Aws) -> None:
    logs, now = aws("logs"), int(time.time())
    logs.create_log_group(logGroupName="asked")
    logs.create_log_stream(logGroupName="asked", logStreamName="s")
    lines = [(now - 90, '{"status": 500}'), (now - 60, '{"status": 500}'), (now, '{"status": 200}'), (now, "no JSON")]
    events = [{"timestamp": second * 1000, "message": message} for second, message in lines]
    logs.put_log_events(logGroupName="asked", logStreamName="s", logEvents=sorted(events, key=lambda e: e["timestamp"]))

    def ask(query: str, **given: Any) -> dict[str, Any]:
        request = {"logGroupName": "asked", "startTime": now - 60, "endTime": now, "queryString": query, **given}
        key = logs.start_query(**request)["queryId"]
        found = eventually(
            lambda: (answer := logs.get_query_results(queryId=key))["status"] == "Complete" and answer,
            message="the query is not complete",
        )
        return dict(found)

    found = ask("filter status >= 500 | stats count(*) as n by status")
    assert found["results"] == [[{"field": "status", "value": "500"}, {"field": "n", "value": "1"}]]
    assert (found["statistics"]["recordsScanned"], found["statistics"]["recordsMatched"]) == (3.0, 1.0)
    assert len(ask("fields @message", startTime=now - 100, limit=2)["results"]) == 2
    with pytest.raises(ClientError) as refused:
        ask("fields @message\n| filtre status = 500")
    assert refused.value.response["Error"]["Code"] == "MalformedQueryException"
    assert "filtre at line 2 and position 3" in refused.value.response["Error"]["Message"]
    assert refused.value.response["queryCompileError"]["location"]["startCharOffset"] == 18
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        ask("fields @message", logGroupName="nowhere")
    with pytest.raises(ClientError, match="InvalidParameterException"):
        ask("fields @message", endTime=now - 61)
    known = [query["status"] for query in logs.describe_queries(logGroupName="asked")["queries"]]
    assert known == ["Complete"] * 2


def test_queries_of_logs_insights_are_saved_by_id_and_found_by_prefix(aws: Aws) -> None:
    logs = aws("logs")
    made = [
        logs.put_query_definition(name=name, queryString="fields @message", logGroupNames=["g"])["queryDefinitionId"]
        for name in ("saved/a", "saved/b", "other/a")
    ]
    logs.put_query_definition(queryDefinitionId=made[0], name="saved/a", queryString="fields @timestamp")
    found = logs.describe_query_definitions(queryDefinitionNamePrefix="saved/")["queryDefinitions"]
    assert [(one["name"], one["queryString"]) for one in found] == [
        ("saved/a", "fields @timestamp"),
        ("saved/b", "fields @message"),
    ]
    assert "logGroupNames" not in found[0] or found[0]["logGroupNames"] == []
    paged = logs.describe_query_definitions(queryDefinitionNamePrefix="saved/", maxResults=1)
    more = logs.describe_query_definitions(
        queryDefinitionNamePrefix="saved/", maxResults=1, nextToken=paged["nextToken"]
    )
    assert [one["name"] for one in more["queryDefinitions"]] == ["saved/b"]
    assert logs.delete_query_definition(queryDefinitionId=made[1])["success"]
    assert refusal(logs.delete_query_definition, queryDefinitionId=made[1]) == "ResourceNotFoundException"
