"""Read ids in a URL: ``{id:any_path}`` in a route takes slashes and line breaks."""

from starlette.convertors import PathConvertor, register_url_convertor


class _AnyPathConvertor(PathConvertor):
    """Match a path with line breaks, which Starlette's own convertor refuses: names of files, and so ids, may have
    them.
    """

    regex = "(?s:.*)"


ANY_PATH = "any_path"

register_url_convertor(ANY_PATH, _AnyPathConvertor())
