"""The database as RDS reports it; the manual change: shorter backup retention, no deletion protection."""

from __future__ import annotations

import boto3


def verify() -> None:
    rds, ec2 = boto3.client("rds"), boto3.client("ec2")
    (found,) = rds.describe_db_instances()["DBInstances"]
    assert found["StorageEncrypted"] and found["DeletionProtection"] and found["MultiAZ"]
    assert not found["PubliclyAccessible"]
    assert found["BackupRetentionPeriod"] == 14
    answer = rds.describe_db_parameters(DBParameterGroupName=found["DBParameterGroups"][0]["DBParameterGroupName"])
    assert {parameter["ParameterName"]: parameter["ParameterValue"] for parameter in answer["Parameters"]} == {
        "rds.force_ssl": "1"
    }
    (entry,) = found["VpcSecurityGroups"]
    (group,) = ec2.describe_security_groups(GroupIds=[entry["VpcSecurityGroupId"]])["SecurityGroups"]
    (rule,) = group["IpPermissions"]
    assert rule["FromPort"] == 5432 and not rule["IpRanges"], rule
    (source,) = rule["UserIdGroupPairs"]
    (tasks,) = ec2.describe_security_groups(GroupIds=[source["GroupId"]])["SecurityGroups"]
    assert tasks["GroupName"].endswith("-tasks"), tasks
    subnets = [subnet["SubnetIdentifier"] for subnet in found["DBSubnetGroup"]["Subnets"]]
    tiers = {
        tag["Value"]
        for subnet in ec2.describe_subnets(SubnetIds=subnets)["Subnets"]
        for tag in subnet["Tags"]
        if tag["Key"] == "pear:tier"
    }
    assert tiers == {"data"}, tiers
    assert boto3.client("secretsmanager").describe_secret(SecretId=found["MasterUserSecret"]["SecretArn"])


def side_effect() -> None:
    rds = boto3.client("rds")
    (found,) = rds.describe_db_instances()["DBInstances"]
    rds.modify_db_instance(
        DBInstanceIdentifier=found["DBInstanceIdentifier"],
        BackupRetentionPeriod=1,
        DeletionProtection=False,
        ApplyImmediately=True,
    )
