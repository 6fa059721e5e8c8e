"""How ids stand in a URL: ``{id:any_path}`` in a route takes slashes and line breaks."""

from starlette.convertors import PathConvertor, register_url_convertor


class _AnyPathConvertor(PathConvertor):
    """A path; in Starlette's own there is no line break, but a name of a file may have one, and so an id."""

    regex = "(?s:.*)"


ANY_PATH = "any_path"

register_url_convertor(ANY_PATH, _AnyPathConvertor())
