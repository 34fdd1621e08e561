"""Casework: support for families, recorded with care."""
