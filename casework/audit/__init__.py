"""The audit log: one event per action, in the same transaction, verifiable from outside."""
