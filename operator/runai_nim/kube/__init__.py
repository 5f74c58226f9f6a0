"""The Kubernetes API: requests, informers, discovery, leader election, events, access reviews."""
