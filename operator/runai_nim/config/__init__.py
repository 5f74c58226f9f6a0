"""Settings, permissions, and what a process of the package begins with."""
