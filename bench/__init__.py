"""Benchmarks of real processes on a real control plane. docs/benchmarks.md describes them."""
