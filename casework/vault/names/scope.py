"""Names to be searched, kept warm in memory, so that a search compares hundreds of names and not all of them."""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_left
from collections.abc import Callable, Container, Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from rapidfuzz import process
from rapidfuzz.distance import OSA

from casework.vault.names.document import Candidate, Document, Name, prepare
from casework.vault.names.ranking import (
    LEAST_LIKENESS,
    LEAST_SCORE,
    Fit,
    Match,
    fit,
    likeness,
    reason,
    stem_likeness,
    weights,
    with_birth_year,
)
from casework.vault.names.spelling import Word, keys

# How many names are compared word by word with a query, and how many known words count as like one that was typed.
MOST_COMPARED = 300
MOST_ALIKE = 160
JOINED = 0.98  # Muhammad Ali for Muhammadali


@dataclass(frozen=True, slots=True)
class _Person:
    key: Hashable
    birth_date: date | None
    # (number in `_names`, as written)
    names: tuple[tuple[int, str], ...]


class Scope:
    """Documents in memory, ready to be searched. Holds no reference to a document it has discarded.

    Words are kept once and names (sequences of words) once, however many persons bear them. A query looks up the
    words that are like its own, first by consonants, then by Jaro-Winkler; the persons who bear most of them are
    compared name by name. Not for use by several threads while it is changed.
    """

    def __init__(self, documents: Iterable[Document] = ()) -> None:
        self._people: dict[int, _Person] = {}
        self._number_of: dict[Hashable, int] = {}
        self._next_person = 0
        self._names: dict[int, tuple[Word, ...]] = {}
        self._bearers: dict[int, array[int]] = {}
        self._name_number: dict[tuple[int, ...], int] = {}
        self._next_name = 0
        self._words: dict[int, Word] = {}
        self._bearing: dict[int, array[int]] = {}
        self._word_number: dict[tuple[str, bool], int] = {}
        self._next_word = 0
        self._by_stem: dict[str, list[int]] = {}
        self._stems_by_consonants: dict[str, list[str]] = {}
        # Made when first needed after a change: what the library scans, by length, and the stems in order for prefixes.
        self._consonants: dict[int, list[str]] | None = None
        self._sorted_stems: list[str] | None = None
        for document in documents:
            self.add(document)

    def __len__(self) -> int:
        return len(self._number_of)

    def __contains__(self, key: object) -> bool:
        return key in self._number_of

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._number_of)

    def add(self, document: Document) -> None:
        """Adds a person; replaces the one with the same key."""
        self.discard(document.key)
        number = self._next_person
        self._next_person += 1
        rows = []
        for name in document.names:
            for words in _readings(name):
                rows.append((self._add_name(words, number), name.written))
        self._people[number] = _Person(document.key, document.birth_date, tuple(rows))
        self._number_of[document.key] = number

    def discard(self, key: Hashable) -> None:
        """Forgets a person: their names, and every word that nobody else here bears. Unknown keys are ignored."""
        number = self._number_of.pop(key, None)
        if number is None:
            return
        for name in {name for name, _ in self._people.pop(number).names}:
            bearers = self._bearers[name]
            bearers.remove(number)
            if not bearers:
                self._drop_name(name)

    def match(
        self,
        query: str,
        *,
        birth_year: int | None = None,
        limit: int = 20,
        within: Container[Hashable] | None = None,
    ) -> list[Match]:
        """The persons whose names are like `query`, best first; see `match`. `within`: only persons with these keys.

        Persons outside `within` are dropped before any is ranked, and no score depends on another person.
        """
        words = keys(query)
        if not words or limit <= 0:
            return []
        search = _Search(self, birth_year, limit, within)
        for reading, factor in self._query_readings(words):
            search.read(reading, factor)
        return search.best(query.strip())

    # -- building

    def _add_name(self, words: tuple[Word, ...], person: int) -> int:
        numbers = tuple([self._add_word(word) for word in words])
        name = self._name_number.get(numbers)
        if name is None:
            name = self._name_number[numbers] = self._next_name
            self._next_name += 1
            # The Scope's own copy of each word: equal words are kept once.
            self._names[name] = tuple([self._words[number] for number in numbers])
            self._bearers[name] = array("I")
            for number in set(numbers):
                self._bearing[number].append(name)
        bearers = self._bearers[name]
        if not bearers or bearers[-1] != person:
            bearers.append(person)
        return name

    def _add_word(self, word: Word) -> int:
        known = self._word_number.get((word.form, word.patronymic))
        if known is not None:
            return known
        number = self._word_number[word.form, word.patronymic] = self._next_word
        self._next_word += 1
        self._words[number] = word
        self._bearing[number] = array("I")
        stems = self._by_stem.get(word.stem)
        if stems is None:
            self._by_stem[word.stem] = [number]
            self._stems_by_consonants.setdefault(word.consonants, []).append(word.stem)
            self._consonants = self._sorted_stems = None
        else:
            stems.append(number)
        return number

    def _drop_name(self, name: int) -> None:
        words = self._names.pop(name)
        del self._bearers[name]
        numbers = tuple([self._word_number[word.form, word.patronymic] for word in words])
        del self._name_number[numbers]
        for number in set(numbers):
            bearing = self._bearing[number]
            bearing.remove(name)
            if not bearing:
                self._drop_word(number)

    def _drop_word(self, number: int) -> None:
        word = self._words.pop(number)
        del self._bearing[number]
        del self._word_number[word.form, word.patronymic]
        stems = self._by_stem[word.stem]
        stems.remove(number)
        if not stems:
            del self._by_stem[word.stem]
            group = self._stems_by_consonants[word.consonants]
            group.remove(word.stem)
            if not group:
                del self._stems_by_consonants[word.consonants]
            self._consonants = self._sorted_stems = None

    # -- searching

    def _query_readings(self, words: tuple[Word, ...]) -> Iterator[tuple[tuple[Word, ...], float]]:
        """What was typed, and the same with two neighbours as one word where such a name is known here."""
        yield words, 1.0
        for place in range(len(words) - 1):
            first, second = words[place], words[place + 1]
            for joined in keys(first.form + second.form)[:1]:
                if joined.stem in self._by_stem:
                    yield (*words[:place], joined, *words[place + 2 :]), JOINED

    def _words_like(self, query: Word) -> dict[int, float]:
        """Numbers of the known words that are like a typed one, with their likeness."""
        stems = set(self._close_stems(query))
        if len(query.skeleton) >= 3:
            stems.update(self._stems_beginning(query.skeleton))
        found = {}
        for stem in stems:
            for number in self._by_stem[stem]:
                score = likeness(query, self._words[number])
                if score:
                    found[number] = score
        return found

    def _close_stems(self, query: Word) -> list[str]:
        if self._consonants is None:
            self._consonants = {}
            for consonants in self._stems_by_consonants:
                self._consonants.setdefault(len(consonants), []).append(consonants)
        # One slip of the hand changes the consonants by one; two in a long word (kh for h is two letters).
        typed = query.consonants
        slips = 2 if len(typed) >= 5 else 1
        near: list[str] = []
        for length in range(len(typed) - slips, len(typed) + slips + 1):
            known = self._consonants.get(length, ())
            hits = process.extract(typed, known, scorer=OSA.distance, score_cutoff=slips, limit=None)
            near += [hit[0] for hit in hits]
        close = []
        for consonants in near:
            for stem in self._stems_by_consonants[consonants]:
                other = self._words[self._by_stem[stem][0]]
                score = 2.0 if stem == query.stem else stem_likeness(query, other)
                if score >= LEAST_LIKENESS:
                    close.append((score, stem))
        return [stem for _, stem in heapq.nlargest(MOST_ALIKE, close)]

    def _stems_beginning(self, typed: str) -> Iterator[str]:
        if self._sorted_stems is None:
            self._sorted_stems = sorted(self._by_stem)
        place = bisect_left(self._sorted_stems, typed)
        for stem in self._sorted_stems[place : place + MOST_ALIKE]:
            if not stem.startswith(typed):
                return
            yield stem


class _Search:
    """One query over one scope: collects the best fit per person over the readings of the query."""

    def __init__(
        self, scope: Scope, birth_year: int | None, limit: int, within: Container[Hashable] | None
    ) -> None:
        self.scope, self.birth_year, self.limit, self.within = scope, birth_year, limit, within
        # name number -> (score before the year of birth, the reading, its fit)
        self.fits: dict[int, tuple[float, tuple[Word, ...], Fit]] = {}

    def read(self, query: tuple[Word, ...], factor: float) -> None:
        """Fits one reading of the query to the names that bear most of its words."""
        alike = _remembered(query)
        for name in self._promising(query):
            found = fit(query, self.scope._names[name], alike)
            score = found.score * factor
            if score > self.fits.get(name, (0.0,))[0]:
                self.fits[name] = (score, query, found)

    def _promising(self, query: tuple[Word, ...]) -> list[int]:
        scope, wanted = self.scope, weights(query)
        gained: dict[int, float] = {}
        for place, typed in enumerate(query):
            best: dict[int, float] = {}
            like = scope._words_like(typed)
            # Least alike first: dict.update then leaves each name the likeness of its best word.
            for number in sorted(like, key=like.__getitem__):
                best.update(dict.fromkeys(scope._bearing[number], like[number] * wanted[place]))
            if not gained:
                gained = best
            else:
                for name, score in best.items():
                    gained[name] = gained.get(name, 0.0) + score
        # A fit cannot score more than what it gained of what is surely needed: the names, not the father's.
        surely = sum(weight for weight in wanted if weight == 1) or sum(wanted)
        least = LEAST_SCORE * surely
        hopeful = {name: score for name, score in gained.items() if score >= least}
        if self.within is not None:
            hopeful = {name: score for name, score in hopeful.items() if self._visible(name)}
        if len(hopeful) <= MOST_COMPARED:
            return list(hopeful)
        # Among equals the shorter name: less of it was not typed.
        return heapq.nlargest(
            MOST_COMPARED,
            hopeful,
            key=lambda name: (hopeful[name] * self._of_the_year(name), -len(scope._names[name])),
        )

    def _of_the_year(self, name: int) -> float:
        if self.birth_year is None:
            return 1.0
        people = self.scope._people
        return max(
            with_birth_year(1.0, people[person].birth_date, self.birth_year)
            for person in self.scope._bearers[name]
        )

    def _visible(self, name: int) -> bool:
        within, people = self.within, self.scope._people
        return within is None or any(people[person].key in within for person in self.scope._bearers[name])

    def best(self, typed: str) -> list[Match]:
        """The matches, best first; an exact copy of what was typed leads among equals."""
        people, within = self.scope._people, self.within
        found: dict[int, tuple[float, bool, str, int]] = {}
        for name, (score, _, _) in self.fits.items():
            if score < LEAST_SCORE:
                continue
            for number in self.scope._bearers[name]:
                person = people[number]
                if within is not None and person.key not in within:
                    continue
                final = round(with_birth_year(score, person.birth_date, self.birth_year), 4)
                for row, written in person.names:
                    if row == name:
                        rank = (-final, written != typed, written, name)
                        if number not in found or rank < found[number]:
                            found[number] = rank
        leading = heapq.nsmallest(self.limit, found.items(), key=lambda item: (*item[1][:3], item[0]))
        return [self._match(people[number], rank) for number, rank in leading]

    def _match(self, person: _Person, rank: tuple[float, bool, str, int]) -> Match:
        negative, _, written, name = rank
        _, query, found = self.fits[name]
        same_year = person.birth_date is not None and person.birth_date.year == self.birth_year
        why = reason(query, self.scope._names[name], found.pairs, same_year)
        return Match(person.key, -negative, why, written)


def _remembered(query: tuple[Word, ...]) -> Callable[[int, Word], float]:
    known: dict[tuple[int, int], float] = {}

    def alike(place: int, word: Word) -> float:
        # The scope keeps each word for longer than a search lasts, so its identity is a safe key.
        found = known.get((place, id(word)))
        if found is None:
            found = known[place, id(word)] = likeness(query[place], word)
        return found

    return alike


def _readings(name: Name) -> Iterator[tuple[Word, ...]]:
    """A name's words; with three names or more, also with two neighbours as one (Abdu Rahmon, Abdurahmon)."""
    yield name.words
    if sum(not word.patronymic for word in name.words) < 3:
        return
    for place in range(len(name.words) - 1):
        first, second = name.words[place], name.words[place + 1]
        if not first.patronymic and not second.patronymic:
            for joined in keys(first.form + second.form)[:1]:
                yield (*name.words[:place], joined, *name.words[place + 2 :])


def match(
    query: str,
    candidates: Iterable[Candidate | str],
    *,
    birth_year: int | None = None,
    limit: int = 20,
) -> list[Match]:
    """Ranks names across scripts, best first, at most `limit`, each person once; nobody below half a match.

    Words may come in any order, in Latin or Cyrillic, with or without the father's name. `birth_year` moves
    persons born in that year up and those born in others down. Deterministic; never raises for any text.
    """
    return match_prepared(query, map(prepare, candidates), birth_year=birth_year, limit=limit)


def match_prepared(
    query: str,
    documents: Scope | Iterable[Document],
    *,
    birth_year: int | None = None,
    limit: int = 20,
    within: Container[Hashable] | None = None,
) -> list[Match]:
    """As `match`, over prepared documents. Pass a `Scope` that you keep: building one costs as much as many searches.

    `within`: as in `Scope.match`.
    """
    scope = documents if isinstance(documents, Scope) else Scope(documents)
    return scope.match(query, birth_year=birth_year, limit=limit, within=within)
