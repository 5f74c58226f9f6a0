"""Conversions between RunaiNimServices, namespaces, findings and the REST API's JSON."""
