"""Documents on a case: cleaned of what they say beside their content, sealed at rest, given back as a download only."""
