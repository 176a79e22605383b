"""Route 53's data plane: name servers that answer the hosted zones, health checks that really probe."""
