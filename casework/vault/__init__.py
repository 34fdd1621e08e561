"""Keys, envelope, sealed columns. Decrypts lazily and only inside a Grant."""
