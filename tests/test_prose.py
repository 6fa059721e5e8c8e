"""The linter of prose finds hard sentences, and leaves plain ones."""

import subprocess
from pathlib import Path

import pytest

from docs.prose import (
    ROOT,
    Piece,
    Rule,
    check_file,
    files_under,
    main,
    pieces_of_configuration,
    pieces_of_markdown,
    pieces_of_python,
    read_rules,
)
from docs.prose_web import texts_of_page, texts_of_script

RULES = read_rules()
MODULE = '''
"""The matches of two pictures."""


def count(query: int) -> int:  # the least count
    """{opening}

    Of equal ones the first counts.

    Args:
        query: Of the picture.
        candidate: ``(M, C)``, likewise.

    Raises:
        ValueError: It is negative.
    """
    raise ValueError(f"{{query}} is no number: give one that is")
'''


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.name)
def test_each_rule_finds_its_bad_example_and_leaves_its_good_one(rule: Rule) -> None:
    assert rule.where in {"everywhere", "opening"}
    assert rule.finds(Piece(1, rule.catches, is_opening=True))
    assert not list(RULES.judge(Piece(1, rule.leaves, is_opening=False)))
    assert not rule.finds(Piece(1, rule.leaves, is_opening=True))


def test_a_rule_for_openings_leaves_other_sentences() -> None:
    rule = next(each for each in RULES.rules if each.where == "opening")
    assert not rule.finds(Piece(1, rule.catches, is_opening=False))


@pytest.mark.parametrize("opening", ["Returns the count.", "The number of matches.", "Whether it counts."])
def test_a_docstring_that_does_not_begin_with_a_verb_is_found(opening: str) -> None:
    assert list(RULES.judge(Piece(1, opening, is_opening=True)))
    assert not list(RULES.judge(Piece(1, opening)))


def test_docstrings_entries_comments_and_messages_are_pieces_with_their_lines() -> None:
    pieces = list(pieces_of_python(MODULE.format(opening="Return the count.").lstrip()))
    assert {(piece.line, piece.text) for piece in pieces if not piece.is_opening} == {
        (1, "The matches of two pictures."),
        (4, "the least count"),
        (7, "Of equal ones the first counts."),
        (10, "Of the picture."),
        (11, "CODE, likewise."),
        (14, "It is negative."),
        (16, "{} is no number: give one that is"),
    }
    assert [piece for piece in pieces if piece.is_opening] == [Piece(5, "Return the count.", is_opening=True)]


def test_modules_tests_and_errors_with_a_code_need_no_verb() -> None:
    texts = '"""A."""', 'def test_a():\n    """A."""', 'class E(Exception):\n    """A."""\n    code = "e"'
    assert not [piece for text in texts for piece in pieces_of_python(text) if piece.is_opening]
    assert [piece for piece in pieces_of_python(texts[2].replace("code", "kind")) if piece.is_opening]


def test_paragraphs_items_and_cells_of_markdown_are_pieces_and_code_is_none() -> None:
    text = "# Of maps\n\nOne line\nand another `what is no`.\n\n```\nOf code\n```\n- an item\n- [a link](what.md)\n"
    text += "| a | b |\n"
    assert list(pieces_of_markdown(text)) == [
        Piece(1, "Of maps"),
        Piece(3, "One line and another CODE."),
        Piece(9, "an item"),
        Piece(10, "[a link]"),
        Piece(11, "a"),
        Piece(11, "b"),
    ]


def test_a_file_with_hard_sentences_fails_with_the_line_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("docs.prose.ROOT", tmp_path)
    (tmp_path / "count.py").write_text(MODULE.format(opening="Returns the count.").lstrip())
    assert main([str(tmp_path)]) == 1
    found = [line.split(":")[:2] for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert found == [["count.py", line] for line in ("5", "7", "10", "11", "16")]
    (tmp_path / "count.py").write_text('"""Numbers."""\n')
    assert main([str(tmp_path)]) == 0


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist; name a file or folder"):
        files_under([tmp_path / "absent"])


def test_every_file_with_prose_is_guarded() -> None:
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=False, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this copy of the repository has no history")
    known = {ROOT / name for name in listed.stdout.split("\0") if name}
    with_prose = set(files_under(path for path in known if path.exists()))
    assert len(with_prose) >= 1000
    assert sorted(with_prose - set(files_under([ROOT / path for path in RULES.guarded]))) == []


def test_comments_of_configurations_are_pieces_with_their_lines() -> None:
    text = "# One line\n# and another.\n#\n# A third.\nimage: a#b # behind it\ncolour: '# 12'\n"
    assert list(pieces_of_configuration(text)) == [
        Piece(1, "One line and another."),
        Piece(4, "A third."),
        Piece(5, "behind it"),
    ]


@pytest.mark.parametrize("path", RULES.guarded)
def test_the_guarded_prose_is_plain(path: str) -> None:
    assert [line for file in files_under([ROOT / path]) for line in check_file(file, RULES)] == []


SCRIPT = """// The first line
// and the second.

/**
 * Draws a line.
 *
 * @param {{x: number}} range the least and the greatest
 * @returns {number} the length of it
 */
const quoted = text.split(/["'`]/); // between quotes
say(`${left === 0 ? `one` : "two"} files were left out today.`, "https://example.org/a b");
"""


def test_comments_and_messages_of_scripts_are_pieces_with_their_lines() -> None:
    assert sorted(texts_of_script(SCRIPT)) == [
        (1, "The first line and the second."),
        (5, "Draws a line."),
        (7, "the least and the greatest"),
        (8, "the length of it"),
        (10, "between quotes"),
        (11, "{} files were left out today."),
    ]


def test_texts_of_pages_are_pieces_with_their_lines() -> None:
    page = (
        '<h1>Placefix</h1>\n<p>Without it, <a href="docs">the API</a> answers.</p>\n<img alt="A photo of the square">'
    )
    assert list(texts_of_page(page)) == [(2, "Without it, the API answers."), (3, "A photo of the square")]


def test_hard_sentences_of_the_page_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docs.prose.ROOT", tmp_path)
    (tmp_path / "a.js").write_text("// What was asked before is not asked again.\n")
    (tmp_path / "b.html").write_text("<p>A file that is no picture is left out.</p>\n")
    found = [line for path in files_under([tmp_path]) for line in check_file(path, RULES)]
    assert [line.split(":")[0] for line in found] == ["a.js", "b.html"]
