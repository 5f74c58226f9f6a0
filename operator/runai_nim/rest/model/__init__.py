"""What the REST API makes of RunaiNimServices, namespaces and findings. Values only."""
