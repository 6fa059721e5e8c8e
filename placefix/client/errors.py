"""Errors of a question to a server; the tree of all errors is drawn in ``model.errors``."""

from collections.abc import Sequence

from model.errors import PlacefixError
from service.schemas.problem import ParameterError, Problem


class ClientError(PlacefixError):
    """A question that a server did not answer."""

    code = "client_error"


class ServerUnreachable(ClientError):
    """Nothing answers at the address, or not in time."""

    code = "server_unreachable"


class NotPlacefix(ClientError):
    """Something else than a server of Placefix answers at the address, or a proxy in front of one."""

    code = "not_placefix"


class ServerProblem(ClientError):
    """The server says why it does not answer.

    Attributes:
        code: The server's code, which stays the same between releases: ``map_not_found``, …
        status: The HTTP status.
        detail: A sentence for people: the problem, and the limit.
        request_id: The id of the question in the server's log.
        retry_after_s: Seconds after which to ask again; None if the server does not say.
        errors: The parameters that are wrong.
    """

    code = "server_problem"

    def __init__(self, problem: Problem, retry_after_s: float | None = None) -> None:
        super().__init__(f"{problem.detail} ({problem.code}, request {problem.request_id})")
        self.code = problem.code
        self.status = problem.status
        self.detail = problem.detail
        self.request_id = problem.request_id
        self.retry_after_s = retry_after_s
        self.errors: Sequence[ParameterError] = tuple(problem.errors)


class PhotoRefused(ServerProblem):
    """The photo cannot be used; others can be."""

    code = "photo_refused"


class KeyRefused(ServerProblem):
    """The server wants a key, or another one."""

    code = "key_refused"


class ServerBusy(ServerProblem):
    """The server cannot answer now: it is starting, full, or too slow."""

    code = "server_busy"
