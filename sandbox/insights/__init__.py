"""The query language of CloudWatch Logs Insights: commands over log events, without AWS's API."""
