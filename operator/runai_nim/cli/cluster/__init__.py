"""Commands on a cluster, with the rights of the kubeconfig's user.

`table` and `service_row` are pure; the other modules read from the API server and write to the terminal.
"""
