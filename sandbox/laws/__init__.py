"""What AWS publishes of its own behaviour, as rules without its API: rates of calls, schedules, target tracking."""
