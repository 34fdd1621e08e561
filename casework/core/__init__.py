"""Kernel: database, unit of work, clock, ids, domain errors. Knows no feature and no request."""
