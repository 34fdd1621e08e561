"""Made-up people's names, from small tables of common Uzbek given names, fathers' names and surnames.

Each name stands in Uzbek Latin and as Russian documents write it; Uzbek Cyrillic follows from the Latin letters. Nobody real
is meant: given name, father's name and surname are drawn apart from one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from casework.web.cyrillic import to_cyrillic

Script = Literal["uz-Latn", "uz-Cyrl", "ru"]
Sex = Literal["female", "male"]
Pair = tuple[str, str]


def _table(text: str) -> tuple[Pair, ...]:
    pairs = (entry.split("|") for entry in text.replace("\n", " ").split(", "))
    return tuple((latin.strip(), russian.strip()) for latin, russian in pairs)


GIVEN: dict[Sex, tuple[Pair, ...]] = {
    "male": _table(
        """Akmal|Акмал, Alisher|Алишер, Anvar|Анвар, Asadbek|Асадбек, Azizbek|Азизбек, Bahodir|Баходир,
        Bekzod|Бекзод, Botir|Ботир, Davron|Даврон, Diyorbek|Диёрбек, Doniyor|Дониёр, Eldor|Элдор, Farrux|Фаррух,
        Gʻayrat|Гайрат, Husan|Хусан, Ibrohim|Иброхим, Islom|Ислом, Jahongir|Жахонгир, Jasur|Жасур, Kamron|Камрон,
        Laziz|Лазиз, Maʼruf|Маъруф, Mirzo|Мирзо, Muhammadali|Мухаммадали, Nodir|Нодир, Oʻktam|Уктам,
        Oybek|Ойбек, Otabek|Отабек, Ravshan|Равшан, Rustam|Рустам, Saidakbar|Саидакбар, Sanjar|Санжар,
        Sardor|Сардор, Sherzod|Шерзод, Shohrux|Шохрух, Temur|Темур, Toʻlqin|Тулкин, Ulugʻbek|Улугбек,
        Umid|Умид, Xurshid|Хуршид, Yoʻldosh|Юлдош, Zafar|Зафар"""
    ),
    "female": _table(
        """Aziza|Азиза, Barno|Барно, Charos|Чарос, Dilfuza|Дилфуза, Dilnoza|Дилноза, Durdona|Дурдона,
        Feruza|Феруза, Gavhar|Гавхар, Gulchehra|Гулчехра, Gulnora|Гулнора, Gulsanam|Гулсанам, Hilola|Хилола,
        Iroda|Ирода, Kamola|Камола, Komila|Комила, Lola|Лола, Madina|Мадина, Maftuna|Мафтуна, Malika|Малика,
        Maʼmura|Маъмура, Mohira|Мохира, Mubina|Мубина, Munisa|Муниса, Nargiza|Наргиза, Nigora|Нигора,
        Nilufar|Нилуфар, Nodira|Нодира, Oysha|Ойша, Ozoda|Озода, Parizoda|Паризода, Robiya|Робия, Saida|Саида,
        Sevara|Севара, Shahnoza|Шахноза, Surayyo|Сурайё, Umida|Умида, Xadicha|Хадича, Yulduz|Юлдуз,
        Zarina|Зарина, Zebo|Зебо, Zilola|Зилола, Zuhra|Зухра"""
    ),
}
SURNAMES = _table(
    """Abdullayev|Абдуллаев, Ahmedov|Ахмедов, Aliyev|Алиев, Azimov|Азимов, Boboyev|Бобоев,
    Boʻriyev|Буриев, Ergashev|Эргашев, Eshmatov|Эшматов, Gʻafurov|Гафуров, Gʻulomov|Гуломов, Hakimov|Хакимов,
    Hasanov|Хасанов, Ismoilov|Исмоилов, Joʻrayev|Жураев, Karimov|Каримов, Mahmudov|Махмудов, Mirzayev|Мирзаев,
    Moʻminov|Муминов, Murodov|Муродов, Musayev|Мусаев, Nazarov|Назаров, Normatov|Норматов, Nurmatov|Нурматов,
    Olimov|Олимов, Oripov|Орипов, Oʻrinov|Уринов, Qodirov|Кодиров, Qosimov|Косимов, Qurbonov|Курбонов,
    Rahimov|Рахимов, Rajabov|Ражабов, Rasulov|Расулов, Roʻziyev|Рузиев, Saidov|Саидов, Salimov|Салимов,
    Sharipov|Шарипов, Sobirov|Собиров, Sodiqov|Содиков, Sultonov|Султонов, Tojiyev|Тожиев, Toʻrayev|Тураев,
    Toshmatov|Тошматов, Umarov|Умаров, Usmonov|Усмонов, Valiyev|Валиев, Xolmatov|Холматов, Yoqubov|Ёкубов,
    Yoʻldoshev|Юлдошев, Yusupov|Юсупов, Zokirov|Зокиров"""
)
FATHERS = _table(
    """Akmal|Акмал, Anvar|Анвар, Baxtiyor|Бахтиёр, Botir|Ботир, Dilshod|Дилшод, Erkin|Эркин, Farhod|Фарход,
    Hamid|Хамид, Jamshid|Жамшид, Karim|Карим, Mansur|Мансур, Nosir|Носир, Oybek|Ойбек, Qahramon|Кахрамон,
    Ravshan|Равшан, Rustam|Рустам, Shavkat|Шавкат, Tohir|Тохир, Ulugʻbek|Улугбек, Zafar|Зафар"""
)


@dataclass(frozen=True, slots=True)
class WrittenName:
    """One written form of a name; `script` is a key of the value set `name_script`."""

    surname: str
    given_name: str
    patronymic: str
    script: Script

    @property
    def full(self) -> str:
        """Surname, given name, patronymic."""
        return f"{self.surname} {self.given_name} {self.patronymic}"


def written(surname: Pair, given: Pair, father: Pair, sex: Sex, script: Script) -> WrittenName:
    """The name as documents of this script have it: a woman's surname ends in -a, the patronymic fits the sex."""
    ending = ("a", "а") if sex == "female" else ("", "")
    if script == "ru":
        after = "овна" if sex == "female" else "ович"
        return WrittenName(surname[1] + ending[1], given[1], father[1] + after, script)
    patronymic = f"{father[0]} {'qizi' if sex == 'female' else 'oʻgʻli'}"
    parts = (surname[0] + ending[0], given[0], patronymic)
    if script == "uz-Cyrl":
        parts = (to_cyrillic(parts[0]), to_cyrillic(parts[1]), to_cyrillic(parts[2]))
    return WrittenName(*parts, script)


def staff_name(dice: Random) -> str:
    """Given name and surname of somebody who works here."""
    sex: Sex = dice.choice(("female", "male"))
    surname = dice.choice(SURNAMES)[0] + ("a" if sex == "female" else "")
    return f"{dice.choice(GIVEN[sex])[0]} {surname}"
