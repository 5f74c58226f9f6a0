"""`python -m runai_nim.rest`: Run:ai's "NVIDIA NIM" REST API, served out of RunaiNimServices.

A process of its own beside the operator. It decides nothing about a spec, which is `evaluate`'s business, and may do
nothing in the cluster but read namespaces: whatever else it asks the API server, it asks with its caller's token.
"""
