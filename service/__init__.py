"""Run the service: it takes a photo over HTTP, and answers with a position and its evidence."""
