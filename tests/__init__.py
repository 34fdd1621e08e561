"""The proof. unit/ needs no service; integration/ and contracts/ a database; browser/ a running server."""
