"""How alike two names are, from 0 to 1, and why. Depends on these two names alone, on no one else's."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import permutations
from typing import Final

from rapidfuzz.distance import JaroWinkler

from casework.vault.names.spelling import Word

# Below this, two stems are different words: the most alike pairs of different common names lie around it.
LEAST_LIKENESS: Final = 0.8
# Below this, a person is not shown: less than half of what was typed is theirs.
LEAST_SCORE: Final = 0.5

SAME_SKELETON: Final = 0.99
OTHER_GENDER: Final = 0.97  # Rahmonov for Rahmonova
WITHOUT_ENDING: Final = 0.92  # Rahmon for Rahmonov
BEST_FUZZY: Final = 0.96
BEST_PREFIX: Final = 0.9
OTHER_SLOT: Final = 0.85  # a father's name found as a first name

PATRONYMIC_WEIGHT: Final = 0.25
NOT_TYPED: Final = 0.2  # what a score loses at most when parts of the person's name were not typed
PATRONYMIC_MISSING: Final = 0.01
OTHER_ORDER: Final = 0.005
SAME_YEAR_CLOSES: Final = 0.25  # this share of the distance to 1
OTHER_YEAR: Final = 0.9
YEARS_APART: Final = 1  # dates of birth are often off by one year; more counts against

REASONS: Final = (
    "same_name",
    "same_name_other_order",
    "same_name_other_script",
    "same_name_spelling",
    "close_spelling",
    "close_spelling_same_birth_year",
    "partial_name",
)


@dataclass(frozen=True, slots=True)
class Match:
    """A person found. `score` is 0 to 1, `reason` one of `REASONS`, `name` their name as written that matched."""

    key: Hashable
    score: float
    reason: str
    name: str


@dataclass(frozen=True, slots=True)
class Fit:
    """How a query fits one name. `pairs[i]` is the place of the name's word for query word i, or -1."""

    score: float
    pairs: tuple[int, ...]


def stem_likeness(one: Word, other: Word) -> float:
    """Jaro-Winkler of two stems, half of it with all vowels alike: o, oʻ, u and a are what spellers differ in most."""
    return (
        JaroWinkler.similarity(one.stem, other.stem) + JaroWinkler.similarity(one.sounds, other.sounds)
    ) / 2


def likeness(query: Word, word: Word) -> float:
    """How alike two words are; 1 for the same, 0 for different words. `query` may be the beginning of `word`."""
    if query.form == word.form:
        return 1.0
    if query.skeleton == word.skeleton:
        return SAME_SKELETON
    if query.stem == word.stem:
        return OTHER_GENDER if query.ending and word.ending else WITHOUT_ENDING
    typed, whole = query.skeleton, word.skeleton
    best = 0.0
    if len(typed) >= 3 and whole.startswith(typed):
        best = BEST_PREFIX * (0.85 + 0.15 * len(typed) / len(whole))
    close = stem_likeness(query, word)
    if close >= LEAST_LIKENESS:
        ending = 1.0 if query.ending == word.ending else WITHOUT_ENDING
        best = max(best, BEST_FUZZY * close * ending)
    return best


def weights(words: Sequence[Word]) -> tuple[float, ...]:
    """1 for a name, less for a father's name, unless it is all that stands beside a single name."""
    names = sum(not word.patronymic for word in words)
    if names < 2:
        return (1.0,) * len(words)
    return tuple(PATRONYMIC_WEIGHT if word.patronymic else 1.0 for word in words)


def _assign(gain: list[list[float]]) -> tuple[int, ...]:
    """The best pairing of rows with columns, -1 for a row without one; in the written order among equals."""
    rows, columns = len(gain), len(gain[0])
    pairs = [-1] * rows
    if (min(rows, columns) <= 3 and max(rows, columns) <= 4) or rows == columns == 4:
        if rows <= columns:
            ways = permutations(range(columns), rows)
            best = max(ways, key=lambda way: sum([gain[i][j] for i, j in enumerate(way)]))
            pairs = [j if gain[i][j] else -1 for i, j in enumerate(best)]
        else:
            ways = permutations(range(rows), columns)
            best = max(ways, key=lambda way: sum([gain[i][j] for j, i in enumerate(way)]))
            for j, i in enumerate(best):
                if gain[i][j]:
                    pairs[i] = j
        return tuple(pairs)
    # Long names: the best pair first. All pairings of six words would be too many.
    order = sorted((-gain[i][j], i, j) for i in range(rows) for j in range(columns) if gain[i][j])
    taken: set[int] = set()
    for _, i, j in order:
        if pairs[i] < 0 and j not in taken:
            pairs[i] = j
            taken.add(j)
    return tuple(pairs)


def fit(query: Sequence[Word], name: Sequence[Word], alike: Callable[[int, Word], float]) -> Fit:
    """How well `query` fits `name`. `alike(i, word)` is the likeness of query word i and `word`."""
    if not query or not name:
        return Fit(0.0, ())
    wanted, present = weights(query), weights(name)
    gain = []
    for i, asked in enumerate(query):
        row = []
        for word in name:
            found = alike(i, word)
            row.append(wanted[i] * (found if asked.patronymic == word.patronymic else found * OTHER_SLOT))
        gain.append(row)
    pairs = _assign(gain)
    taken = set(pairs)
    unpaired_father = any(name[j].patronymic and j not in taken for j in range(len(name)))

    gained = needed = 0.0
    father_missing = unpaired_father
    for i, j in enumerate(pairs):
        if j >= 0:
            gained += gain[i][j]
            needed += wanted[i]
        elif query[i].patronymic and not unpaired_father and wanted[i] < 1:
            father_missing = True  # the record has no father's name: neither for nor against
        else:
            needed += wanted[i]
    whole = sum(present[j] for j in range(len(name)) if not name[j].patronymic or present[j] == 1)
    covered = sum(
        present[j] for j in range(len(name)) if j in taken and (not name[j].patronymic or present[j] == 1)
    )
    score = gained / needed * (1 - NOT_TYPED + NOT_TYPED * (covered / whole if whole else 1.0))
    if father_missing:
        score -= PATRONYMIC_MISSING
    met = [j for j in pairs if j >= 0]
    if met != sorted(met):
        score -= OTHER_ORDER
    return Fit(max(score, 0.0), pairs)


def with_birth_year(score: float, born: date | None, birth_year: int | None) -> float:
    """The score once the year of birth is known too: nearer to 1 for the same, lower for one far off."""
    if born is None or birth_year is None:
        return score
    if born.year == birth_year:
        return score + (1 - score) * SAME_YEAR_CLOSES
    return score if abs(born.year - birth_year) <= YEARS_APART else score * OTHER_YEAR


def reason(query: Sequence[Word], name: Sequence[Word], pairs: Sequence[int], same_year: bool) -> str:
    """Why a name matched, one of `REASONS`. A father's name that only one side has does not count as missing.

    Of several reasons the one that explains most is given: script before spelling before order.
    """
    taken = set(pairs)
    both_fathers = any(w.patronymic for w in query) and any(w.patronymic for w in name)
    unmet_query = [w for w, j in zip(query, pairs, strict=True) if j < 0]
    unmet_name = [w for j, w in enumerate(name) if j not in taken]
    unmet = unmet_query + unmet_name
    if any(not w.patronymic for w in unmet) or (both_fathers and unmet):
        return "partial_name"
    met = [(query[i], name[j]) for i, j in enumerate(pairs) if j >= 0]
    if all(q.form == n.form for q, n in met):
        places = [j for j in pairs if j >= 0]
        return "same_name" if places == sorted(places) else "same_name_other_order"
    if all(q.skeleton == n.skeleton for q, n in met):
        other_script = any(q.cyrillic != n.cyrillic for q, n in met)
        return "same_name_other_script" if other_script else "same_name_spelling"
    if any(
        q.stem != n.stem and n.skeleton.startswith(q.skeleton) and len(q.skeleton) < len(n.skeleton) - 2
        for q, n in met
    ):
        return "partial_name"
    return "close_spelling_same_birth_year" if same_year else "close_spelling"
