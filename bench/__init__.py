"""Benchmarks of real processes on a real control plane. docs/benchmarks.md says what is done."""
