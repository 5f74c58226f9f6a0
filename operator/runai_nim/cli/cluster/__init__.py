"""Commands on a cluster, with the rights of the kubeconfig's user.

`table`, `service_row`, `resource_tree` and `status_view` are pure; the other modules read from the API server and write
to the terminal.
"""
