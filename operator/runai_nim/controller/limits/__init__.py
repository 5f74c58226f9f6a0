"""Rate limits of reverts and status writes."""
