"""``python -m docs.prose [PATH ...]``: check docstrings, comments, messages and markdown against ``prose_rules.toml``.

``make style`` runs it over the paths that the rule file names as guarded. It reads Python files with ``ast`` and
``tokenize``, the text outside of code in markdown files, comments in configurations, and files of the page by
``docs.prose_web``. It prints one line for each finding and exits with 1 if there is any.
"""

import ast
import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from docs.prose_web import texts_of_page, texts_of_script

ROOT = Path(__file__).parents[1]
_CONFIGURATIONS = frozenset({".yml", ".yaml", ".toml", ".conf", ".sh", "Makefile", "Dockerfile", "Caddyfile", "run"})
_SUFFIXES = _CONFIGURATIONS | {".py", ".md", ".js", ".css", ".glsl", ".html"}  # or names, of files without one
RULE_FILE = Path(__file__).with_name("prose_rules.toml")

_PLACEHOLDER = "{}"  # stands for the values in a message
_WORDS_OF_A_MESSAGE = 4  # shorter strings are names and keys


@dataclass(frozen=True)
class Piece:
    """Hold a piece of prose that stands alone.

    Attributes:
        line: The number of its first line, from 1.
        text: Its words, with single spaces.
        is_opening: Whether it is the first paragraph of the docstring of a function or class.
    """

    line: int
    text: str
    is_opening: bool = False


@dataclass(frozen=True)
class Rule:
    """Describe a kind of sentence that is hard to read.

    Attributes:
        name: Its name in a finding.
        where: "everywhere" or "opening".
        pattern: The regular expression that finds it, without regard to case.
        instead: The advice to the author.
        catches: An example that the rule finds.
        leaves: An example that it does not find.
    """

    name: str
    where: str
    pattern: str
    instead: str
    catches: str
    leaves: str

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """Return the compiled pattern."""
        return re.compile(self.pattern, re.IGNORECASE)

    def finds(self, piece: Piece) -> bool:
        """Return whether a piece breaks the rule."""
        return (piece.is_opening or self.where == "everywhere") and self.compiled.search(piece.text) is not None


@dataclass(frozen=True)
class Rules:
    """Hold the content of the rule file.

    Attributes:
        guarded: Paths that are checked, relative to the repository.
        verbs: Words that may begin the docstring of a function or class.
        rules: Kinds of sentences that must not occur.
    """

    guarded: tuple[str, ...]
    verbs: frozenset[str]
    rules: tuple[Rule, ...]

    def judge(self, piece: Piece) -> Iterator[str]:
        """Yield one sentence for each rule that a piece breaks."""
        first_word = piece.text.split(" ", 1)[0].rstrip(".,:;")
        if piece.is_opening and first_word not in self.verbs:
            yield f"a docstring begins with a verb, not with {first_word!r}; add a verb that {RULE_FILE.name} lacks"
        for rule in self.rules:
            if rule.finds(piece):
                yield f"{rule.name}: {rule.instead}"


def read_rules() -> Rules:
    """Read the rule file."""
    content: dict[str, Any] = tomllib.loads(RULE_FILE.read_text("utf-8"))
    rules = tuple(Rule(**rule) for rule in content["rule"])
    return Rules(tuple(content["guarded"]), frozenset(content["verbs"].split()), rules)


def pieces_of_python(source: str, with_messages: bool = True) -> Iterator[Piece]:
    """Yield docstrings by paragraph and entry, comments, and strings of four words and more."""
    tree = ast.parse(source)
    docstrings: set[ast.AST] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if found := _docstring(node):
            docstrings.add(found)
            yield from _pieces_of_docstring(found, _begins_with_verb(node))
    if with_messages:
        yield from _messages(tree, docstrings)
    yield from _comments(source)


def pieces_of_markdown(text: str) -> Iterator[Piece]:
    """Yield headings, paragraphs, list items and cells of tables; code and the targets of links are left out."""
    text = re.sub(r"^( *)(```|~~~).*?^ *\2", lambda code: "\n" * code[0].count("\n"), text, flags=re.M | re.S)
    text = re.sub(r"<!--.*?-->", lambda note: "\n" * note[0].count("\n"), text, flags=re.S)
    text = re.sub(r"`[^`]+`", "CODE", re.sub(r"\]\([^)]*\)", "]", text))
    start, lines = 1, list[str]()
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        begins_anew = re.match(r"\s*(?:[-*+] |\d+\. |#|\||>|!!!|\?\?\?|$)", line) is not None
        if begins_anew and lines:
            yield _piece(start, " ".join(lines))
            lines = []
        if line.lstrip().startswith("|"):
            yield from (_piece(number, cell) for cell in line.strip().strip("|").split("|"))
        elif line.strip():
            start = start if lines else number
            lines.append(line)


def pieces_of_configuration(text: str) -> Iterator[Piece]:
    """Yield the comments of a file that has them behind ``#``; lines that follow each other are one comment."""
    start, words = 0, list[str]()
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        comment = re.match(r"\s*#(?!!) ?(.*)", line)
        if words and (comment is None or not comment[1]):
            yield _piece(start, " ".join(words))
            words = []
        if comment and comment[1]:
            start = start if words else number
            words.append(comment[1])
        elif behind := re.search(r"\s#\s+([^\"'{}]+)$", line):
            yield _piece(number, behind[1])


def check_file(path: Path, rules: Rules) -> list[str]:
    """Return one line for each finding in a file."""
    text = path.read_text("utf-8")
    inside = path.resolve().relative_to(ROOT)
    match suffix_of(path):
        case each if each in _CONFIGURATIONS:
            pieces = pieces_of_configuration(text)
        case ".md":
            pieces = pieces_of_markdown(text)
        case ".py":
            pieces = pieces_of_python(text, inside.parts[0] != "tests")
        case ".html":
            pieces = (_piece(*found) for found in texts_of_page(text))
        case _:
            pieces = (_piece(*found) for found in texts_of_script(text))
    found = sorted((piece.line, f"{sentence}\n    {piece.text}") for piece in pieces for sentence in rules.judge(piece))
    return [f"{inside}:{line}: {sentence}" for line, sentence in found]


def files_under(paths: Iterable[Path]) -> list[Path]:
    """List the files with prose among some paths, and in the folders among them.

    Raises:
        FileNotFoundError: A path does not exist.
    """
    found: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist; name a file or folder, or correct {RULE_FILE}")
        inside = {path} if path.is_file() else {each for each in path.rglob("*") if each.is_file()}
        found |= {each for each in inside if suffix_of(each) in _SUFFIXES}
    return sorted(found)


def suffix_of(path: Path) -> str:
    """Return the suffix of a file, or its name if it has none."""
    return path.suffix or path.name


def _docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> ast.Constant | None:
    match node.body:
        case [ast.Expr(value=ast.Constant(value=str()) as found), *_]:
            return found
    return None


def _begins_with_verb(node: ast.AST) -> bool:
    """Return whether a docstring must begin with a verb.

    Modules and tests are left out, and so are errors with a ``code``: the reference prints their docstrings as the
    meanings of the codes.
    """
    if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    has_code = any(isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "code" for each in node.body)
    return not (isinstance(node, ast.ClassDef) and has_code) and not node.name.lower().startswith("test")


def _pieces_of_docstring(docstring: ast.Constant, has_verb: bool) -> Iterator[Piece]:
    line, lines = docstring.lineno, list[str]()
    is_opening, in_section = has_verb, False
    for number, text in enumerate([*str(docstring.value).splitlines(), ""], start=docstring.lineno):
        entry = re.match(r"\s+[\w*., ]+(?: \([^)]*\))?: (?=\S)", text) if in_section else None
        if (not text.strip() or entry or text.rstrip().endswith("::")) and lines:
            yield _piece(line, " ".join(lines), is_opening)
            is_opening, lines = False, []
        if re.fullmatch(r"\s*(?:Args|Attributes|Returns|Yields|Raises):", text):
            in_section = True
        elif text.strip():
            line = line if lines else number
            lines.append(text[entry.end() :] if entry else text)


def _messages(tree: ast.Module, docstrings: set[ast.AST]) -> Iterator[Piece]:
    inside = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (str(part.value) if isinstance(part, ast.Constant) else _PLACEHOLDER for part in node.values)
            text = "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings | inside:
            text = node.value
        else:
            continue
        if len(text.split()) >= _WORDS_OF_A_MESSAGE:
            yield _piece(node.lineno, text)


def _comments(source: str) -> Iterator[Piece]:
    start, last, words = 0, 0, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        line, stands_alone = token.start[0], token.line.lstrip().startswith("#")
        if words and (line != last + 1 or not stands_alone):
            yield _piece(start, " ".join(words))
            words = []
        start, last = (start if words else line), line
        words.append(token.string.lstrip("#! "))
    if words:
        yield _piece(start, " ".join(words))


def _piece(line: int, text: str, is_opening: bool = False) -> Piece:
    words = re.sub(r"``[^`]+``", "CODE", text).split()
    return Piece(line, re.sub(r"^(?:#+|[-*+>]|\d+\.) ", "", " ".join(words)), is_opening)


def main(arguments: list[str]) -> int:
    """Print the findings in the paths given, or in the guarded ones; return the exit status."""
    rules = read_rules()
    paths = [Path(each) for each in arguments] or [ROOT / each for each in rules.guarded]
    found = [line for path in files_under(paths) for line in check_file(path, rules)]
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
