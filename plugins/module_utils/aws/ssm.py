# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Systems Manager parameters: whether one exists. No value is ever read."""

from __future__ import annotations

from .errors import aws_call
from .session import Aws


@aws_call("look for an SSM parameter")
def parameter_exists(aws: Aws, name: str) -> bool:
    answer = aws.client("ssm").describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [name]}]
    )
    return bool(answer["Parameters"])
