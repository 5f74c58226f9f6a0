"""How often a field is reverted and a status written. Counts, no I/O."""
