"""Find names of environment variables that look like settings and are not."""

import difflib
from collections.abc import Iterable

from service.earlier_settings import told_of_old_names
from service.settings import ENVIRONMENT_PREFIX, ServiceSettings

# Names with the same prefix that other commands and the tests read.
_KNOWN_ELSEWHERE = frozenset({"SHARED", "CACHE", "SETTINGS", "KEY"})


def unknown_environment_names(names: Iterable[str]) -> list[str]:
    """Explain the variables that look like settings and are not, or that were renamed.

    Args:
        names: Names of environment variables.

    Returns:
        A sentence for each old name, and for each unknown one that starts with ``PLACEFIX_``, with the nearest known
        name if there is one.
    """
    known = {field.upper() for field in ServiceSettings.model_fields} | _KNOWN_ELSEWHERE
    sentences = []
    for name in sorted(names):
        setting = name.upper().removeprefix(ENVIRONMENT_PREFIX)
        if setting == name.upper() or setting in known:
            continue
        if told := told_of_old_names([setting.lower()], prefix=ENVIRONMENT_PREFIX):
            sentences += told
            continue
        nearest = difflib.get_close_matches(setting, known, n=1)
        hint = f"; did you mean {ENVIRONMENT_PREFIX}{nearest[0]}?" if nearest else ""
        sentences.append(f"{name} is not a setting of Placefix and has no effect{hint}")
    return sentences
