"""Finding a person on sealed data: by any spelling of the name, by number, by display code; and who is known already."""
