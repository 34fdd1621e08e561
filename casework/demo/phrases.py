"""Short neutral sentences for the text fields of the synthetic caseload, in Uzbek and in Russian.

Uzbek Cyrillic follows from the Latin letters. No sentence names anybody, labels anybody or says why somebody is here.
"""

from __future__ import annotations

from random import Random

from casework.demo.names import Script
from casework.web.cyrillic import to_cyrillic

Pair = tuple[str, str]

NOTES: dict[str, tuple[Pair, ...]] = {
    "psychosocial": (
        (
            "Suhbat tinch oʻtdi, oʻzini ancha yaxshi his qilmoqda.",
            "Беседа прошла спокойно, самочувствие лучше.",
        ),
        ("Uyqu bilan bogʻliq maslahat berildi.", "Дана консультация о сне."),
        ("Guruh mashgʻulotida qatnashdi va faol boʻldi.", "Участие в группе, активность хорошая."),
        ("Oila bilan birga kun tartibi tuzildi.", "Вместе с семьёй составлен распорядок дня."),
        (
            "Rasm chizish mashgʻuloti yoqdi, davom etishni soʻradi.",
            "Понравилось занятие рисованием, просьба продолжать.",
        ),
        ("Qoʻshnilar bilan munosabat yaxshilanmoqda.", "Отношения с соседями становятся лучше."),
    ),
    "education": (
        (
            "Sinf rahbari bilan uchrashildi, darslarga qiziqishi bor.",
            "Встреча с классным руководителем, интерес к урокам есть.",
        ),
        (
            "Oʻqish koʻnikmasi boʻyicha qoʻshimcha dars kelishildi.",
            "Согласовано дополнительное занятие по чтению.",
        ),
        ("Maktab formasi va daftarlar olib berildi.", "Переданы школьная форма и тетради."),
        ("Sinfga joylashtirish uchun hujjatlar topshirildi.", "Поданы документы для зачисления в класс."),
        ("Toʻgarakka yozildi, haftada ikki marta boradi.", "Запись в кружок, занятия дважды в неделю."),
        ("Davomat yaxshi, matematikadan yordam kerak.", "Посещаемость хорошая, нужна помощь по математике."),
    ),
    "employment": (
        (
            "Bandlik markazida roʻyxatdan oʻtish tartibi tushuntirildi.",
            "Разъяснён порядок регистрации в центре занятости.",
        ),
        ("Tikuvchilik kursi haqida maʼlumot berildi.", "Дана информация о курсе шитья."),
        ("Ish vaqti bolalar bogʻchasiga moslashtirildi.", "Рабочее время согласовано с детским садом."),
        ("Rezyume birga tuzildi.", "Вместе составлено резюме."),
        ("Uyda ishlash imkoniyati muhokama qilindi.", "Обсуждена возможность работы на дому."),
    ),
}
STEPS: dict[str, tuple[Pair, ...]] = {
    "psychosocial": (
        ("Keyingi suhbat", "Следующая беседа"),
        ("Guruh mashgʻulotiga taklif qilish", "Пригласить на занятие группы"),
        ("Uyga tashrif", "Посещение на дому"),
        ("Telefon orqali hol-ahvol soʻrash", "Позвонить и спросить о делах"),
    ),
    "education": (
        ("Maktab bilan bogʻlanish", "Связаться со школой"),
        ("Davomatni soʻrash", "Узнать о посещаемости"),
        ("Oʻquv qurollarini olib borish", "Передать школьные принадлежности"),
        ("Qoʻshimcha dars jadvalini kelishish", "Согласовать расписание занятий"),
    ),
    "employment": (
        ("Bandlik markaziga birga borish", "Вместе сходить в центр занятости"),
        ("Kurs boshlanishini aniqlash", "Уточнить начало курса"),
        ("Ish beruvchi bilan uchrashuv", "Встреча с работодателем"),
    ),
}
CLINICAL: tuple[Pair, ...] = (
    ("Uchrashuv rejaga muvofiq oʻtdi. Nafas mashqlari takrorlandi, uyqu tartibi muhokama qilindi.",
     "Встреча прошла по плану. Повторены дыхательные упражнения, обсуждён режим сна."),
    ("Kayfiyat barqaror. Keyingi uchrashuvda oʻyin mashgʻuloti davom ettiriladi.",
     "Настроение ровное. На следующей встрече продолжим игровое занятие."),
    ("Diqqatni jamlash mashqlari yaxshi bajarildi. Uy vazifasi: kundalik yuritish.",
     "Упражнения на внимание выполнены хорошо. На дом: вести дневник."),
)  # fmt: skip
CRISIS_PLAN: tuple[Pair, ...] = (
    ("Qiyin vaqtda yaqin kattalarga murojaat qiladi, tinch joyga chiqadi, mutaxassisga telefon qiladi.",
     "В трудную минуту: обратиться к близкому взрослому, выйти в тихое место, позвонить специалисту."),
)  # fmt: skip
CORRECTION: tuple[Pair, ...] = (
    ("Davomiyligi notoʻgʻri yozilgan edi", "Была неверно записана длительность"),
    ("Izoh toʻldirildi", "Дополнено примечание"),
)
DETAIL_CORRECTION: tuple[Pair, ...] = (
    ("Telefon raqami oʻzgardi", "Изменился номер телефона"),
    ("Aloqa usuli aniqlashtirildi", "Уточнён способ связи"),
)
IN_ERROR: tuple[Pair, ...] = (
    ("Boshqa holat uchun yozilgan edi", "Запись относится к другому случаю"),
    ("Bir uchrashuv ikki marta yozilgan", "Одна встреча записана дважды"),
)
NOT_NEEDED: tuple[Pair, ...] = (
    ("Boshqa uchrashuvda hal qilindi", "Решено на другой встрече"),
    ("Oila oʻzi bajardi", "Семья сделала сама"),
)
HAND_OVER: tuple[Pair, ...] = (
    ("Xodimning yuklamasi teng taqsimlandi", "Распределение нагрузки между сотрудниками"),
    ("Xodim taʼtilga chiqdi", "Отпуск сотрудника"),
)
JOINING: tuple[Pair, ...] = (("Psixolog yordami kelishildi", "Согласована помощь психолога"),)
BASIS: tuple[Pair, ...] = (
    ("Bolaning taʼlim olish huquqini taʼminlash uchun", "Для обеспечения права ребёнка на образование"),
    ("Shoshilinch yordam zarur boʻlgani uchun", "Необходима срочная помощь"),
)
WITHDRAWN: tuple[Pair, ...] = (
    ("Hozircha kerak emas", "Пока не нужно"),
    ("Oila boshqa usulni tanladi", "Семья выбрала другой способ"),
)
NEED: tuple[Pair, ...] = (
    ("Tanlangan xizmatni olish uchun yordam kerak. Hujjatlar tayyor, uchrashuv vaqtini kelishish mumkin.",
     "Нужна помощь в получении выбранной услуги. Документы готовы, время встречи можно согласовать."),
    ("Birinchi murojaat. Qulay vaqt: ish kunlari tushgacha.",
     "Первое обращение. Удобное время: будни до обеда."),
    ("Xizmat haqida maʼlumot berildi va rozilik olindi. Uyga yaqin joy afzal.",
     "Информация об услуге дана, согласие получено. Предпочтительно место рядом с домом."),
)  # fmt: skip
COMMUNITY_NEED: tuple[Pair, ...] = (
    ("Mahalla yigʻilishida ochiq suhbat oʻtkazishga koʻmak soʻraladi.",
     "Просим помочь провести открытую беседу на собрании махалли."),
    ("Maktabda ota-onalar uchun media savodxonlik mashgʻuloti kerak.",
     "Нужно занятие по медиаграмотности для родителей в школе."),
)  # fmt: skip
QUESTION: tuple[Pair, ...] = (
    ("Qaysi til qulay ekanini yozib bering.", "Уточните, пожалуйста, удобный язык."),
    ("Qulay kun va vaqtni aniqlashtirib bering.", "Уточните удобный день и время."),
)
ANSWER: tuple[Pair, ...] = (
    ("Oʻzbek tili qulay.", "Удобен узбекский язык."),
    ("Chorshanba kuni soat 10 dan keyin.", "Среда, после 10 часов."),
)
RETURNED: tuple[Pair, ...] = (
    ("Ehtiyoj haqida bir jumla qoʻshing.", "Добавьте одно предложение о потребности."),
    ("Faqat zarur maʼlumotni qoldiring.", "Оставьте только нужные сведения."),
)
DECLINED: tuple[Pair, ...] = (
    ("Hozir joy yoʻq, keyingi oyda qayta yuboring.", "Сейчас мест нет, отправьте снова в следующем месяце."),
    ("Bu manzilga boshqa markaz xizmat koʻrsatadi.", "Этот адрес обслуживает другой центр."),
)
REPORT: tuple[Pair, ...] = (
    ("Xizmat koʻrsatildi, keyingi uchrashuv kerak emas.", "Услуга оказана, следующая встреча не нужна."),
    ("Uchta uchrashuv oʻtkazildi, natija kelishildi.", "Проведены три встречи, итог согласован."),
)
WORK_WISH: tuple[Pair, ...] = (
    ("Tikuvchilik, uyga yaqin joyda", "Шитьё, недалеко от дома"),
    ("Pazandalik yoki novvoyxona", "Кулинария или пекарня"),
    ("Haydovchilik", "Работа водителем"),
)
TRAINING: tuple[Pair, ...] = (
    ("Tikuvchilik asoslari", "Основы шитья"),
    ("Kompyuter savodxonligi", "Компьютерная грамотность"),
)
SAFE_HOURS: tuple[Pair, ...] = (
    ("ish kunlari 10:00–13:00", "будни 10:00–13:00"),
    ("kechqurun 17:00 dan keyin", "вечером после 17:00"),
)
LEGAL_REASON: tuple[Pair, ...] = (
    ("Bola manfaati uchun qonunda belgilangan yordam", "Помощь ребёнку, установленная законом"),
    ("Sogʻliq uchun kechiktirib boʻlmaydi", "Нельзя откладывать по состоянию здоровья"),
)


class Pen:
    """Writes in the language and letters that one worker is used to."""

    def __init__(self, script: Script, dice: Random) -> None:
        self._script = script
        self._dice = dice

    def write(self, sentences: tuple[Pair, ...]) -> str:
        """One of the sentences."""
        uzbek, russian = self._dice.choice(sentences)
        if self._script == "ru":
            return russian
        return to_cyrillic(uzbek) if self._script == "uz-Cyrl" else uzbek
