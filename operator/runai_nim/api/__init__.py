"""API types of the group runai-nim.io, one package per version. Types only, no behaviour."""
