"""RunaiNimService operator: NVIDIA Run:ai's NIM workloads, served by the NVIDIA NIM Operator."""

__version__ = "0.1.0.dev0"
