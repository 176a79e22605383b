"""The application load balancer of the sandbox: an asyncio proxy that serves what the API process says."""
