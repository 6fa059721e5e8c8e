"""Let a call of a front end reach the replica that it names. Ray Serve alone loads this, in the front end's process."""

from typing import Any

from ray.serve.request_router import RequestRouter


class NamedReplica(RequestRouter):  # type: ignore[misc]  # Ray has no types here
    """Choose the replica that a call names by ``preferred``; if it has gone or is full, any other one."""

    async def choose_replicas(self, candidate_replicas: list[Any], pending_request: Any = None) -> list[list[Any]]:
        """Return two groups of replicas; Ray takes the second if the first has no room.

        Args:
            candidate_replicas: The replicas that run.
            pending_request: The call; None if Ray asks for no call in particular.
        """
        name = None if pending_request is None else pending_request.kwargs.get("preferred")
        named = [each for each in candidate_replicas if each.replica_id.unique_id == name]
        return [named, [each for each in candidate_replicas if each not in named]]
