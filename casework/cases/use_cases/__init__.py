"""What people do with cases, one verb each, by topic."""
