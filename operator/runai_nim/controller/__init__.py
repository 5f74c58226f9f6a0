"""The reconcile loop, its cache and work queue, and the operator process around them."""
