"""A believable synthetic caseload: made-up families, what was done for them over two years, and staff of every role."""
