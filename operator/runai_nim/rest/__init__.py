"""`python -m runai_nim.rest`: Run:ai's "NVIDIA NIM" REST API, backed by RunaiNimServices.

It runs in a separate process. `evaluate` checks specs. With its own identity the process only reads namespaces; all
other requests to the API server carry the caller's token.
"""
