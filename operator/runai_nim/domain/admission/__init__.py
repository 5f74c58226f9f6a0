"""Evaluates a manifest or a REST body before it reaches a cluster."""
