"""A running server under load: open loop, one core for the server, another for the clients."""
