"""A file system whose mount targets an experiment closes, in moto."""

from __future__ import annotations

import boto3
from ansible_collections.pear.fargate.plugins.module_utils.aws.naming import EnvironmentNames

REGION = "eu-central-1"
TAGS = [{"Key": "pear:environment", "Value": "staging"}, {"Key": "pear:component", "Value": "network"}]


class Files:
    """A file system with a mount target in each of two subnets, and the security groups of its environment."""

    def __init__(self) -> None:
        self.efs, self.ec2 = boto3.client("efs", REGION), boto3.client("ec2", REGION)
        names = EnvironmentNames("staging")
        self.vpc = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        self.files, self.tasks = (
            self.group(name) for name in (names.file_system_security_group, names.task_security_group)
        )
        made = self.efs.create_file_system(CreationToken="staging", Tags=[*TAGS, {"Key": "Name", "Value": "staging"}])
        self.id = made["FileSystemId"]
        for subnet in self.ec2.describe_subnets()["Subnets"][:2]:
            self.efs.create_mount_target(FileSystemId=self.id, SubnetId=subnet["SubnetId"], SecurityGroups=[self.files])

    def group(self, name: str) -> str:
        tags = [{"ResourceType": "security-group", "Tags": TAGS}]
        made = self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc, TagSpecifications=tags)
        return str(made["GroupId"])

    def groups(self) -> list[list[str]]:
        targets = self.efs.describe_mount_targets(FileSystemId=self.id)["MountTargets"]
        return [
            self.efs.describe_mount_target_security_groups(MountTargetId=target["MountTargetId"])["SecurityGroups"]
            for target in targets
        ]

    def give(self, group: str) -> None:
        target = self.efs.describe_mount_targets(FileSystemId=self.id)["MountTargets"][0]["MountTargetId"]
        self.efs.modify_mount_target_security_groups(MountTargetId=target, SecurityGroups=[group])
