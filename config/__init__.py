"""Settings and country packs."""
