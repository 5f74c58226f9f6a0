"""Benchmarks of the operator as a real process on a real control plane. `make bench` runs them."""
