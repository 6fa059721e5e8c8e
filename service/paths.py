"""Return the path of a request as the routes know it, in whatever form a proxy or a client writes it."""

QUERY_PATH = "/localize"


def route_path(path: str, root_path: str) -> str:
    """Return a path without the part under which a proxy publishes the service.

    A query may have a slash at the end, too: a redirect would make the client send its photo twice.

    Args:
        path: The path of the request. A proxy may have removed the root path.
        root_path: The root path of the settings: ``/placefix``, or empty.
    """
    path = path.removeprefix(root_path) if path.startswith(f"{root_path}/") else path
    return QUERY_PATH if path == f"{QUERY_PATH}/" else path
