"""Readers of picture collections.

``read`` is the entry, and ``kinds`` has the table of all kinds, with the reader of each. A reader makes a ``Geotag`` of
what is said of a picture; ``rules`` tells what is believed of it, by ``read_options``; a ``SourceListing`` comes out.
Each thing that is written in many ways is read in one place: degrees in ``coordinates``, directions in ``headings``,
times in ``times``, paths of pictures in ``picture_paths``, encodings in ``text_file``.
"""
