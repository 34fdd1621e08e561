"""Synthetic persons with Uzbek names, and the spellings under which they are looked for.

The rules go forward only, from Uzbek Latin to another spelling, and share nothing with the tables that the matcher
reads: a fault in those cannot hide itself here. The name lists come from packages and are not kept.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from faker.providers.person.uz_UZ import Provider

# ---------------------------------------------------------------- persons


@dataclass(frozen=True)
class Person:
    surname: str
    given: str
    father: str  # "Karimovich", "Karim oʻgʻli" …
    born: date

    @property
    def full(self) -> str:
        return f"{self.surname} {self.given} {self.father}"

    @property
    def short(self) -> str:
        return f"{self.surname} {self.given}"


@dataclass(frozen=True)
class Lists:
    male: list[str]
    female: list[str]
    surnames: list[str]  # male form
    sources: tuple[str, ...]


def _canonical(name: str) -> str:
    name = re.sub("[ʻʼ'`‘’]", "'", name.strip())
    return re.sub("([OoGg])'", "\\1ʻ", name).replace("'", "ʼ")


def _npm_lists() -> dict[str, list[str]] | None:
    """First names and surnames of `@faker-js/faker` uz_UZ_latin, fetched to a folder that is removed again."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return None
    script = (
        "import('@faker-js/faker').then(m => { const p = m.uz_UZ_latin.person;"
        "console.log(JSON.stringify({male: p.first_name.male, female: p.first_name.female,"
        "surnames: p.last_name.male})) })"
    )
    with tempfile.TemporaryDirectory() as folder:
        try:
            Path(folder, "package.json").write_text('{"private": true}', encoding="utf-8")
            install = [npm, "install", "--silent", "--no-audit", "--no-fund", "@faker-js/faker@^10"]
            subprocess.run(install, cwd=folder, check=True, capture_output=True, timeout=120)
            done = subprocess.run(
                ["node", "-e", script], cwd=folder, check=True, capture_output=True, timeout=60
            )
            lists: dict[str, list[str]] = json.loads(done.stdout)
            return lists
        except (subprocess.SubprocessError, OSError, ValueError):
            return None


def name_lists(npm: bool) -> Lists:
    male = [_canonical(n) for n in Provider.first_names_male]
    female = [_canonical(n) for n in Provider.first_names_female]
    surnames = [_canonical(n) for n in Provider.last_names_male]
    sources = ["faker uz_UZ"]
    more = _npm_lists() if npm else None
    if more:
        male += map(_canonical, more["male"])
        female += map(_canonical, more["female"])
        surnames += map(_canonical, more["surnames"])
        sources.append("@faker-js/faker uz_UZ_latin")

    def plain(names: Iterable[str]) -> list[str]:
        return sorted({n for n in names if re.fullmatch("(?:[ABDE-VXYZabde-vxyzʻʼ]|[Cc]h){3,}", n)})

    return Lists(plain(male), plain(female), plain(surnames), tuple(sources))


def _male_given(names: Lists, rng: random.Random) -> str:
    name = rng.choice(names.male)
    if rng.random() < 0.35 and len(name) < 9:
        name += rng.choice(["bek", "jon", "xon", "mirzo", "boy", "shoh"])
    elif rng.random() < 0.1 and len(name) < 8:
        name = rng.choice(["Abdu", "Mirza", "Nur"]) + name.lower()
    return name


def _female_given(names: Lists, rng: random.Random) -> str:
    name = rng.choice(names.female)
    if rng.random() < 0.35 and len(name) < 9:
        name += rng.choice(["xon", "oy", "bonu", "gul", "niso"])
    return name


def persons(count: int, seed: int, names: Lists) -> list[Person]:
    """Persons, a third of them alone, the others with brothers and sisters: same surname, same father."""
    rng = random.Random(seed)
    people: list[Person] = []
    while len(people) < count:
        if rng.random() < 0.5:
            surname = rng.choice(names.surnames)
        else:
            root = _male_given(names, rng)
            surname = root + ("yev" if root[-1] in "aoiyu" else "ov")
        father = _male_given(names, rng)
        turkic = rng.random() < 0.5
        for _ in range(rng.choice((1, 2, 3))):
            female = rng.random() < 0.5
            if turkic:
                fathers_name = father + (" qizi" if female else " oʻgʻli")
            else:
                fathers_name = (
                    father + ("yev" if father[-1] in "aoiyu" else "ov") + ("na" if female else "ich")
                )
            given = _female_given(names, rng) if female else _male_given(names, rng)
            born = date(1975, 1, 1) + timedelta(days=rng.randrange(45 * 365))
            people.append(
                Person(surname + "a" * (female and surname.endswith("v")), given, fathers_name, born)
            )
    return people[:count]


# ---------------------------------------------------------------- spellings, forward only


def _as_typed(change: Callable[[str], str]) -> Callable[[str], str]:
    """Applies a lower-case rule to each word and gives it its capital back."""

    def words(text: str) -> str:
        changed = [change(word.lower()) for word in text.split()]
        return " ".join(word[:1].upper() + word[1:] for word in changed)

    return words


UZ_PAIRS = {"sh": "ш", "ch": "ч", "oʻ": "ў", "gʻ": "ғ", "ya": "я", "yu": "ю", "yo": "ё", "ye": "е", "ts": "ц"}
UZ_SINGLE = dict(zip("abdefghijklmnopqrstuvxyzʼ", "абдефгҳижклмнопқрстувхйзъ", strict=True))


def _uzbek_cyrillic(word: str) -> str:
    out, i = "", 0
    while i < len(word):
        if word[i : i + 3] == "yoʻ":
            out, i = out + "йў", i + 3
        elif word[i : i + 2] in UZ_PAIRS:
            out, i = out + UZ_PAIRS[word[i : i + 2]], i + 2
        else:
            at_start = i == 0 or word[i - 1] in "aeiou"
            out, i = out + ("э" if word[i] == "e" and at_start else UZ_SINGLE.get(word[i], word[i])), i + 1
    return out


uzbek_cyrillic = _as_typed(_uzbek_cyrillic)


def _russian(word: str) -> str:
    word = _uzbek_cyrillic(word).replace("йў", "ю")
    for uzbek, russian in (("ў", "у"), ("ғ", "г"), ("қ", "к"), ("ҳ", "х"), ("ж", "дж"), ("ъ", "")):
        word = word.replace(uzbek, russian)
    return word


russian = _as_typed(_russian)


def _russian_soviet(word: str) -> str:
    """The spelling of Soviet papers: а for every o of the stem (Рахманов, Ислам)."""
    ending = re.search("(ов|ова|ович|овна)$", stem := _russian(word))
    cut = ending.start() if ending else len(stem)
    return stem[:cut].replace("о", "а") + stem[cut:]


russian_soviet = _as_typed(_russian_soviet)

BGN_RUSSIAN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "a b v g d e yo zh z i y k l m n o p r s t u f kh ts ch sh shch # y # e yu ya".replace("#", "").split(" "),
        strict=True,
    )
)  # fmt: skip


def _bgn_russian(word: str) -> str:
    """BGN/PCGN 1947 of the Russian spelling: е is ye at the start and after a vowel."""
    out, before = "", ""
    for letter in _russian(word):
        out += "ye" if letter == "е" and before in ("", *"аеёиоуыэюяйъь") else BGN_RUSSIAN.get(letter, letter)
        before = letter
    return out


bgn_russian = _as_typed(_bgn_russian)


def _bgn_uzbek(word: str) -> str:
    """BGN/PCGN 1979 of the Uzbek Cyrillic spelling."""
    table = {**BGN_RUSSIAN, "ж": "j", "ў": "ŭ", "қ": "q", "ғ": "gh", "ҳ": "h", "ъ": "’"}
    return "".join(table.get(letter, letter) for letter in _uzbek_cyrillic(word))


bgn_uzbek = _as_typed(_bgn_uzbek)


def _icu(word: str) -> str:
    """ICU's Any-Latin (ISO 9) of the Uzbek Cyrillic spelling."""
    cyrillic = "абвгдеёжзийклмнопрстуфхцчшъэюяўқғҳ"
    roman = "abvgdeëžzijklmnoprstufhcčšʺèûâŭķġḩ"
    table = dict(zip(cyrillic, roman, strict=True))
    return "".join(table.get(letter, letter) for letter in _uzbek_cyrillic(word))


icu = _as_typed(_icu)

Variant = Callable[[Person, random.Random], str]


def _apostrophes(person: Person, rng: random.Random) -> str:
    return re.sub("[ʻʼ]", lambda _: rng.choice("'`´‘’ʹ′"), person.full)


def without_apostrophes(person: Person, rng: random.Random) -> str:
    return re.sub("[ʻʼ]", "", person.full)


def one_typo(word: str, rng: random.Random) -> str:
    place, kind = rng.randrange(len(word)), rng.choice(["drop", "add", "swap", "change"])
    letter = rng.choice("abdefghijklmnoqrstuvxyz")
    if kind == "drop" or (kind == "swap" and place + 1 == len(word)):
        return word[:place] + word[place + 1 :]
    if kind == "add":
        return word[:place] + letter + word[place:]
    if kind == "swap":
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return word[:place] + letter + word[place + 1 :]


def _typo(person: Person, rng: random.Random) -> str:
    if rng.random() < 0.5:
        return f"{one_typo(person.surname, rng)} {person.given} {person.father}"
    return f"{person.surname} {one_typo(person.given, rng)} {person.father}"


def _typo_short(person: Person, rng: random.Random) -> str:
    return " ".join(_typo(person, rng).split()[:2])


def _spelled(rule: Callable[[str], str]) -> Variant:
    return lambda person, rng: rule(person.full)


# name -> (how it is typed, whether the father's name is typed, the least recall@5 asked for)
VARIANTS: dict[str, tuple[Variant, bool, float | None]] = {
    "Uzbek Cyrillic": (_spelled(uzbek_cyrillic), True, 0.98),
    "Russian": (_spelled(russian), True, 0.95),
    "Russian, Soviet": (_spelled(russian_soviet), True, None),
    "BGN of Russian": (_spelled(bgn_russian), True, 0.95),
    "BGN of Uzbek": (_spelled(bgn_uzbek), True, 0.95),
    "ICU Any-Latin": (_spelled(icu), True, 0.95),
    "other apostrophes": (_apostrophes, True, None),
    "no apostrophes": (without_apostrophes, True, None),
    "one typo": (_typo, True, 0.90),
    "one typo, short": (_typo_short, False, 0.90),
    "Uzbek Cyrillic, short": (lambda p, rng: uzbek_cyrillic(p.short), False, 0.98),
    "order swapped": (lambda p, rng: f"{p.given} {p.father} {p.surname}", True, None),
    "no father's name": (lambda p, rng: p.short, False, None),
    "Russian, swapped, short": (lambda p, rng: russian(f"{p.given} {p.surname}"), False, None),
    "BGN, typo, short": (lambda p, rng: bgn_russian(_typo_short(p, rng)), False, None),
}
