"""The build on Ray: a segment is a task, an actor holds the encoder, and one process moves and publishes files."""
