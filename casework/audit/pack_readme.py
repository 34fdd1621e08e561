"""The README.txt of an export pack, in four languages. It is a file for outsiders, so it stands apart from the catalogs."""

from __future__ import annotations

README = """\
Oʻzbekcha · Ўзбекча · Русский · English


== OʻZBEKCHA ==

Bu toʻplamda axborot tizimining audit jurnali bor: kim, qachon, nima qilgani. Unda odamlarning shaxsiy maʼlumotlari yoʻq.
Uni tuzganlarga ham, bergan odamga ham ishonmasdan tekshirish mumkin.

Tekshirish (Python 3.11 yoki yangirogʻi va «cryptography» paketi kerak):

    pip install cryptography
    python verify.py . --key VERIFIER_KEY --checkpoint ESKI_CHECKPOINT

--key: jurnalning ochiq kaliti, uni boshqa manbadan oling; toʻplamdagi kalitning oʻzi hech narsani isbotlamaydi.
verify.py ham toʻplam bilan birga kelgan: toʻplamni soxtalashtirgan odam uni ham soxtalashtirishi mumkin. Muhim holatda uni
ham boshqa manbadan oling.
--checkpoint: oldin olib qoʻygan imzolangan holat. U boʻlsa, oʻtmish qayta yozilmagani ham tekshiriladi.
Natija: 0 — butun; 1 — buzilgan, birinchi buzilgan joy aytiladi; 2 — tekshirib boʻlmaydi.

entries.jsonl — dalil: har bir hodisa yozilgan paytdagi baytlari bilan. entries.csv — jadval dasturi uchun nusxasi.
Toʻplamda jurnalning bir qismi boʻlsa, u shu hodisalar jurnalda borligini isbotlaydi, boshqalari yoʻqligini emas.
Saqlash muddati oʻtgan hodisalarning matni oʻchirilgan boʻlishi mumkin: ularning xeshi qoladi va isbotda qatnashadi.


== ЎЗБЕКЧА ==

Бу тўпламда ахборот тизимининг аудит журнали бор: ким, қачон, нима қилгани. Унда одамларнинг шахсий маълумотлари йўқ.
Уни тузганларга ҳам, берган одамга ҳам ишонмасдан текшириш мумкин.

Текшириш (Python 3.11 ёки янгироғи ва «cryptography» пакети керак):

    pip install cryptography
    python verify.py . --key VERIFIER_KEY --checkpoint ESKI_CHECKPOINT

--key: журналнинг очиқ калити, уни бошқа манбадан олинг; тўпламдаги калитнинг ўзи ҳеч нарсани исботламайди.
verify.py ҳам тўплам билан бирга келган: тўпламни сохталаштирган одам уни ҳам сохталаштириши мумкин. Муҳим ҳолатда уни
ҳам бошқа манбадан олинг.
--checkpoint: олдин олиб қўйган имзоланган ҳолат. У бўлса, ўтмиш қайта ёзилмагани ҳам текширилади.
Натижа: 0 — бутун; 1 — бузилган, биринчи бузилган жой айтилади; 2 — текшириб бўлмайди.

entries.jsonl — далил: ҳар бир ҳодиса ёзилган пайтдаги байтлари билан. entries.csv — жадвал дастури учун нусхаси.
Тўпламда журналнинг бир қисми бўлса, у шу ҳодисалар журналда борлигини исботлайди, бошқалари йўқлигини эмас.
Сақлаш муддати ўтган ҳодисаларнинг матни ўчирилган бўлиши мумкин: уларнинг хеши қолади ва исботда қатнашади.


== РУССКИЙ ==

В этом наборе — журнал аудита информационной системы: кто, когда и что сделал. Личных данных людей в нём нет.
Его можно проверить, не доверяя ни тем, кто ведёт систему, ни тому, кто передал набор.

Проверка (нужны Python 3.11 или новее и пакет cryptography):

    pip install cryptography
    python verify.py . --key VERIFIER_KEY --checkpoint OLD_CHECKPOINT

--key: открытый ключ журнала; возьмите его из другого источника, ключ из самого набора ничего не доказывает.
verify.py пришёл вместе с набором: кто подделал набор, мог подделать и его. Когда это важно, возьмите и его из другого
источника.
--checkpoint: подписанное состояние, которое вы сохранили раньше. С ним проверяется и то, что прошлое не переписано.
Результат: 0 — всё цело; 1 — нарушено, названо первое место; 2 — проверить нельзя.

entries.jsonl — доказательство: каждое событие теми же байтами, какими оно было записано. entries.csv — копия для
таблиц. Если в наборе часть журнала, он доказывает, что эти события в журнале есть, но не то, что других нет.
Текст событий, срок хранения которых вышел, мог быть удалён: их хеши остаются и участвуют в доказательстве.


== ENGLISH ==

This pack holds the audit log of an information system: who did what, and when. It has no personal content of people.
It can be checked without trusting those who run the system, nor whoever gave it to you.

To check it (needs Python 3.11 or newer and the package cryptography):

    pip install cryptography
    python verify.py . --key VERIFIER_KEY --checkpoint OLD_CHECKPOINT

--key: the log's public key; take it from another source, since the key in the pack proves nothing by itself.
verify.py came with the pack: whoever forged a pack could have forged it too. Where it matters, take it from another
source as well.
--checkpoint: a signed state that you kept from before. With it, it is also checked that the past was not rewritten.
Result: 0, whole; 1, broken, the first broken place is named; 2, this cannot be checked.

entries.jsonl is the evidence: each event in exactly the bytes that were logged. entries.csv is a copy for
spreadsheets. Where the pack holds a part of the log, it proves that these events are in the log, not that no others are.
The text of events past their retention may have been dropped: their hashes stay and take part in the proof.

manifest.json        which part of the log this is
checkpoint           the signed state: origin, number of events, Merkle root (C2SP tlog-checkpoint)
verifier.key         the log's public key (C2SP signed-note)
leaf-hashes.bin      the leaf hash of every event of the log (RFC 6962)
dropped.jsonl        events whose text is gone
consistency.json     the proof from an older checkpoint
tile/                the same tree as static files (C2SP tlog-tiles)
reason.json          why this was exported, and the salt of its fingerprint in the event export.begin
origins/             last checkpoints and keys of earlier origins of this log
"""
