"""Commands on a cluster, with the rights of the kubeconfig's user.

`table`, `service_row`, `service_change`, `resource_tree` and `status_view` are pure; the other modules use the API
server and write to the terminal. `change_services` alone writes to the API server.
"""
