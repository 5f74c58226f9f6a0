"""RunaiNimService operator: NVIDIA Run:ai's NIM workloads, served by the NVIDIA NIM Operator."""

import os

__version__ = "0.1.0.dev0"

# kubernetes.aio calls Path.home() at import, which raises for a user id without an entry in /etc/passwd, as in most
# Pods. Container engines that set HOME for such a user set it to this value.
if os.path.expanduser("~") == "~":
    os.environ["HOME"] = "/"
