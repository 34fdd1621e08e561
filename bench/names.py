"""How well and how fast names are found across scripts, beside plain methods.

    python bench/names.py [--persons 10000] [--queries 300] [--sizes 1000,20000,100000] [--million] [--no-npm]

Names: `faker` uz_UZ and, where npm reaches it, `@faker-js/faker` uz_UZ_latin; put together to surname, first name
and father's name, with the compounds that people really bear (Abdu-, -bek, -jon, -xon, -oy). Nothing is kept.

A person counts as found if the place holds someone who bears exactly the name looked for; in a register with
namesakes no method could tell them apart. R-precision: with R such persons, their share of the first R results.
"""

from __future__ import annotations

import argparse
import gc
import random
import re
import statistics
import sys
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from rapidfuzz import fuzz, process

from casework.vault.names import Candidate, Document, Scope, match_prepared, prepare

# Run as a file, Python looks for imports beside it and not above.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.name_spellings import (
    UZ_PAIRS,
    UZ_SINGLE,
    VARIANTS,
    Lists,
    Person,
    name_lists,
    persons,
    without_apostrophes,
)

# ---------------------------------------------------------------- methods

Method = Callable[[str, int], list[int]]


def casework_method(people: Sequence[Person]) -> Method:
    scope = Scope(prepare(Candidate(i, (p.full,), p.born)) for i, p in enumerate(people))
    return lambda query, limit: [int(str(m.key)) for m in match_prepared(query, scope, limit=limit)]


def _by_ratio(people: Sequence[Person], form: Callable[[str], str]) -> Method:
    choices = [form(p.full) for p in people]

    def find(query: str, limit: int) -> list[int]:
        hits = process.extract(
            form(query), choices, scorer=fuzz.token_sort_ratio, processor=None, limit=limit
        )
        return [hit[2] for hit in hits]

    return find


# The official letter-for-letter rules of 1995 with the usual fallbacks for Russian letters.
OFFICIAL = {v: k for k, v in UZ_SINGLE.items()}
OFFICIAL |= {v: k for k, v in UZ_PAIRS.items()} | {"э": "e", "е": "e", "ы": "i", "щ": "sh", "ь": ""}


def _transliterated(text: str) -> str:
    return "".join(OFFICIAL.get(letter, letter) for letter in text.lower())


SOUNDEX = {c: d for d, cs in enumerate(("bfpv", "cgjkqsxz", "dt", "l", "mn", "r"), 1) for c in cs}


def _soundex(word: str) -> str:
    word = re.sub("[^a-z]", "", unicodedata.normalize("NFD", word))
    code, last = word[:1], SOUNDEX.get(word[:1])
    for letter in word[1:]:
        digit = SOUNDEX.get(letter)
        if digit and digit != last:
            code += str(digit)
        if letter not in "hw":
            last = digit
    return (code + "000")[:4]


def _by_postings(people: Sequence[Person], parts: Callable[[str], set[str]]) -> Method:
    """Jaccard likeness of two sets of parts, as PostgreSQL's pg_trgm counts it."""
    sets = [parts(p.full) for p in people]
    postings: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(sets):
        for part in each:
            postings[part].append(number)

    def find(query: str, limit: int) -> list[int]:
        wanted = parts(query)
        shared: Counter[int] = Counter()
        for part in wanted:
            shared.update(postings.get(part, ()))
        scored = ((-n / len(wanted | sets[number]), number) for number, n in shared.items())
        return [number for _, number in sorted(scored)[:limit]]

    return find


def _trigrams(text: str) -> set[str]:
    padded = [f"  {word} " for word in text.lower().split()]
    return {word[i : i + 3] for word in padded for i in range(len(word) - 2)}


def methods(people: Sequence[Person]) -> dict[str, Method]:
    return {
        "casework": casework_method(people),
        "lower case": _by_ratio(people, str.lower),
        "transliteration": _by_ratio(people, _transliterated),
        "soundex": _by_postings(people, lambda text: {_soundex(w) for w in _transliterated(text).split()}),
        "trigram": _by_postings(people, _trigrams),
    }


# ---------------------------------------------------------------- measures


@dataclass(frozen=True)
class Quality:
    recall_1: float
    recall_5: float
    mean_rank: float
    precision: float


def quality(find: Method, people: Sequence[Person], variant: str, queries: int, seed: int) -> Quality:
    """One variant by one method. Mean rank: of the first person so named; 21 where none is among 20."""
    spell, father_typed, _ = VARIANTS[variant]
    rng = random.Random(f"{seed} {variant}")

    def name(person: Person) -> str:
        return person.full if father_typed else person.short

    bearers: dict[str, set[int]] = defaultdict(set)
    for number, person in enumerate(people):
        bearers[name(person)].add(number)
    ranks, precision = [], []
    # Persons whose name the variant does not change (no apostrophe in it) would only flatter the figures.
    changed = [
        p
        for p in people
        if variant not in ("other apostrophes", "no apostrophes") or without_apostrophes(p, rng) != p.full
    ]
    for person in rng.sample(changed, min(queries, len(changed))):
        right = bearers[name(person)]
        hits = find(spell(person, rng), max(20, len(right)))
        ranks.append(next((place for place, hit in enumerate(hits[:20], 1) if hit in right), 21))
        precision.append(sum(hit in right for hit in hits[: len(right)]) / len(right))
    return Quality(
        sum(rank <= 1 for rank in ranks) / len(ranks),
        sum(rank <= 5 for rank in ranks) / len(ranks),
        statistics.fmean(ranks),
        statistics.fmean(precision),
    )


def print_quality(people: Sequence[Person], queries: int, seed: int) -> bool:
    """Prints the table; whether every bar holds."""
    found = methods(people)
    print(
        f"\nrecall@1 / recall@5 / mean rank / R-precision, {len(people):,} persons, {queries} queries a row"
    )
    print(f"{'variant':<24}{'bar@5':>6}  " + "".join(f"{name:<25}" for name in found))
    held = True
    for variant, (_, _, bar) in VARIANTS.items():
        cells = []
        for name, find in found.items():
            q = quality(find, people, variant, queries, seed)
            cells.append(f"{q.recall_1:.3f} {q.recall_5:.3f} {q.mean_rank:5.2f} {q.precision:.3f}  ")
            if name == "casework" and bar is not None:
                held &= q.recall_5 >= bar
        print(f"{variant:<24}{'' if bar is None else f'{bar:.2f}':>6}  " + "".join(f"{c:<25}" for c in cells))
    return held


def resident() -> int:
    """This process's memory in bytes (Linux), else 0."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096
    except (OSError, ValueError, IndexError):
        return 0


def latency(size: int, names: Lists, seed: int) -> tuple[str, bool]:
    """A line of figures, and whether the bar holds. Cold: bytes to documents to scope. Warm: a search, all variants."""
    people = persons(size, seed, names)
    stored = [prepare(Candidate(i, (p.full,), p.born)).to_bytes() for i, p in enumerate(people)]
    gc.collect()
    before, start = resident(), time.perf_counter()
    scope = Scope(Document.from_bytes(data, i) for i, data in enumerate(stored))
    cold = time.perf_counter() - start
    memory = resident() - before
    rng = random.Random(seed)
    times = []
    for turn, person in enumerate(rng.choices(people, k=300)):
        spell = list(VARIANTS.values())[turn % len(VARIANTS)][0]
        query = spell(person, rng) if turn % 10 else person.surname
        start = time.perf_counter()
        scope.match(query)
        times.append((time.perf_counter() - start) * 1000)
    times.sort()
    p50, p95, p99 = (times[int(len(times) * share)] for share in (0.50, 0.95, 0.99))
    line = (
        f"{size:>9,}  {cold:7.2f} s ({cold / size * 1e6:5.1f} µs each)"
        f"  {p50:6.1f} {p95:6.1f} {p99:6.1f} ms  {memory / 2**20:7.1f} MiB"
        f" ({memory / size * 1e5 / 2**20:5.1f} per 100,000)  {statistics.fmean(map(len, stored)):.0f} B stored"
        f"  {len(scope._words):,} words"
    )
    return line, size != 100_000 or p95 <= 50


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--persons", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--sizes", default="1000,20000,100000")
    parser.add_argument("--million", action="store_true", help="also measure 1,000,000 persons (minutes)")
    parser.add_argument("--no-npm", action="store_true", help="use faker's names only")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args(argv)

    names = name_lists(npm=not asked.no_npm)
    print(
        f"names: {' + '.join(names.sources)}: {len(names.male)} male, {len(names.female)} female, "
        f"{len(names.surnames)} surnames; seed {asked.seed}"
    )
    held = print_quality(persons(asked.persons, asked.seed, names), asked.queries, asked.seed)
    print("\n  persons  cold: open bytes and build    warm p50 p95 p99          memory")
    sizes = [int(size) for size in asked.sizes.split(",")] + ([1_000_000] if asked.million else [])
    for size in sizes:
        # A process of its own: memory that earlier work has freed would hide what this size takes.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            line, fast = fresh.submit(latency, size, names, asked.seed).result()
        print(line)
        held &= fast
    print("\nall bars hold" if held else "\nA BAR IS MISSED")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
