"""Readers of picture collections.

``read`` is the entry, and ``kinds`` has the table of all kinds, with the reader of each. A reader makes a ``Geotag`` of
the statements about a picture; ``rules`` judges it by ``read_options``; the result is a ``SourceListing``. Values with
many spellings are read in one place: degrees in ``coordinates``, directions in ``headings``, times in ``times``, paths
of pictures in ``picture_paths``, encodings in ``text_file``.
"""
