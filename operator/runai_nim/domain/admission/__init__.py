"""A manifest or a REST body as a user wrote it, judged before any cluster saw it."""
