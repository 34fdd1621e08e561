"""Input of every form of this room: shape, words and value sets; what needs the database is the use case's to check."""
