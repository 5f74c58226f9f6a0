"""RunaiNimService operator: NVIDIA Run:ai's NIM workloads, served by the NVIDIA NIM Operator."""

import os

__version__ = "0.1.0.dev0"

# kubernetes.aio calls Path.home() when it is imported, which raises for a user id that /etc/passwd doesn't have, as in
# most Pods. Container engines that give such a user a HOME give it this one.
if os.path.expanduser("~") == "~":
    os.environ["HOME"] = "/"
