"""API types of the group runai-nim.io, one package for each version."""
