"""The town of the service's tests, and a server of it."""

from tests.service.conftest import judged_towns, serve, town, town_server, village

__all__ = ["judged_towns", "serve", "town", "town_server", "village"]
