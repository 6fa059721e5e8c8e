"""The exit codes of the command line."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Report the result of a command; ``meaning`` says it in words."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> "ExitCode":
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code

    SUCCESS = 0, "all is done"
    ERROR = 1, "it could not be done; the reason is on standard error"
    USAGE = 2, "the command line itself is wrong: an option or an argument"
    SOME_REJECTED = 3, "it is done, without pictures that could not be read; `left_out.csv`, or the answers, name each"
    INTERRUPTED = 130, "interrupted by Ctrl-C; the same command continues"
