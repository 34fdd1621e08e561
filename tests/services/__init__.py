"""What the tests start and stop themselves: PostgreSQL, databases made from the migrations, a browser, a server."""
