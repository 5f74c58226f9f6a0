"""Helpers of more than one folder of tests. Start here before you write another one.

| you need | take |
| --- | --- |
| a RunaiNimService as plain data, for a test of a decision | `resources`: `a_cr`, `a_cr_of`, `with_claim` |
| the input of a decision on it | `decisions`: `input_of`, `input_of_manifest` |
| what the operator observes around it | `observations`: `observed`, `facts`, `a_workload`, `a_pod` |
| a golden case or a refusal | `golden`: `golden_cases`, `golden_case`, `stored`, `a_context` |
| a RunaiNimService in a real cluster, and its conditions | `services`: `sample`, `serve`, `settled`, `gone` |
| policies in a real cluster, and their statuses | `policies`: `policy`, `valid`, `counted` |
| the guide's blocks of commands, and their namespace | `guide_pages`: `blocks`, `project` |
| a cache of the operator in the test's own process | `cluster_cache`: `with_cache`, `fill` |
| the paths of fields that a spec uses | `spec_paths`: `used_paths` |
| routes, their settings and hosts | `routes`: `BY_INGRESS`, `BY_GATEWAY`, `url_of`, `exposed` |
| metrics of a process | `prometheus`: `scrape`, `Scrape` |
| permissions that were used, denied, or are taken away | `permissions`: `denied`, `taken_away`, `may` |
| what the operator asked for in tests of all processes | `audited_tests`: `AuditedTests` |
| a scenario that fails without one permission | `permission_probes`: `SCENARIOS` |
| a cluster that somebody else runs | `external_cluster`: `ExternalCluster`, `external_kubeconfig`, `may_write_status` |
| a process as in a pod, without a container engine | `container`: `start_in_pod` |
| objects as large or deep as a tenant can make them | `hostile_objects`: `LARGE`, `undecodable` |
| expected files that an option rewrites | `snapshots`: `update_requested` |
| proof that a cost grows linearly | `growth`: `growth`, `LINEAR` |

Fixtures: `tests/conftest.py` has the control plane, `kubectl`, `namespace` and `objects`; `tests/cluster/conftest.py`
the operator and the stand-in as processes; `tests/rest/conftest.py` the REST API and its projects;
`tests/cli/conftest.py` the command line. A helper of one folder alone stays in that folder.
"""
