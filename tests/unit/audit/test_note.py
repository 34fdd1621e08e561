from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.audit.note import (
    COSIGNATURE_V1,
    Checkpoint,
    Signer,
    Verifier,
    add_signature,
    cosignature_time,
    generate_key,
    open_checkpoint,
    open_note,
    sign_checkpoint,
    sign_note,
    split_note,
)

# Published by the reference implementation of the format, golang.org/x/mod/sumdb/note.
PETER_SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH_VKEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "\u2014 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "\u2014 EnochRoot "
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
PETER = Verifier.from_vkey(PETER_VKEY)
ENOCH = Verifier.from_vkey(ENOCH_VKEY)
# From the C2SP specifications signed-note and tlog-cosignature.
SPEC_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n\u2014 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
SPEC_POEM = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "\u2014 quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
SPEC_CHECKPOINT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
SPEC_COSIGNED = SPEC_CHECKPOINT + (
    "\n\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZ"
    "qhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
# A public witness's key of type 0x04, from transparency-dev/formats.
WITNESS_VKEY = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
# A checkpoint that a public Certificate Transparency log published, as public witnesses cosigned it: the first signature
# is of another type, under the same name.
PUBLIC_LOG_VKEY = (
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
)
PUBLIC_WITNESS_VKEYS = [
    WITNESS_VKEY,
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
]
PUBLIC_COSIGNED = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

\u2014 arche2025h1.staging.ct.transparency.dev \
zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
\u2014 arche2025h1.staging.ct.transparency.dev \
ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
\u2014 transparency.dev/DEV:witness-little-garden \
2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
\u2014 witness1.smartit.nu/witness1 \
pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
\u2014 remora.n621.de \
2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
\u2014 witness.stagemole.eu \
Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
"""

NOW = 1_700_000_000


def test_the_reference_signature_comes_out_byte_for_byte() -> None:
    signer = Signer.from_skey(PETER_SKEY)
    assert signer.skey == PETER_SKEY
    assert signer.verifier == PETER
    assert PETER.key_id.hex() == "c74f20a3"
    assert sign_note(TEXT, [signer]) == f"{TEXT}\n{PETER_LINE}".encode()


def test_the_notes_of_the_specification_open() -> None:
    opened = open_note(SPEC_NOTE.encode(), [Verifier.from_vkey(SPEC_VKEY)])
    assert opened.text == "This is an example message.\n"
    text, signatures = split_note(SPEC_POEM.encode())
    assert text.endswith("sole:\n\ned è subito sera.\n")
    assert [signature.name for signature in signatures] == ["quasimodo.example/salvatore"]
    assert f"{text}\n{signatures[0].line}" == SPEC_POEM


def test_signatures_by_unknown_keys_are_ignored() -> None:
    note = f"{TEXT}\n{PETER_LINE}{ENOCH_LINE}".encode()
    assert [item.name for item in open_note(note, [PETER]).signatures] == ["PeterNeumann"]
    assert [item.name for item in open_note(note, [ENOCH]).signatures] == ["EnochRoot"]
    both = open_note(note, [ENOCH, PETER])
    assert [item.name for item in both.signatures] == ["PeterNeumann", "EnochRoot"]
    assert both.text == TEXT
    with pytest.raises(ValueError, match="no known key"):
        open_note(note, [])


def test_a_key_that_shares_only_the_name_or_only_the_id_is_unknown() -> None:
    namesake = Verifier("PeterNeumann", ENOCH.public)
    with pytest.raises(ValueError, match="no known key"):
        open_note(f"{TEXT}\n{PETER_LINE}".encode(), [namesake])
    renamed = f"{TEXT}\n{PETER_LINE.replace('PeterNeumann', 'PeterNeuman')}".encode()
    with pytest.raises(ValueError, match="no known key"):
        open_note(renamed, [PETER])


def test_a_repeated_signature_counts_once() -> None:
    note = f"{TEXT}\n{PETER_LINE}{PETER_LINE}{ENOCH_LINE}".encode()
    assert len(open_note(note, [PETER]).signatures) == 1


def test_sixteen_signatures_and_more_are_accepted_but_not_without_end() -> None:
    signers = [generate_key(f"signer.example/{number}") for number in range(16)]
    note = sign_note(TEXT, signers)
    assert len(open_note(note, [signer.verifier for signer in signers]).signatures) == 16
    assert open_note(f"{TEXT}\n{ENOCH_LINE * 99}{PETER_LINE}".encode(), [PETER])
    with pytest.raises(ValueError, match="more than 100"):
        open_note(f"{TEXT}\n{PETER_LINE * 101}".encode(), [PETER])


@pytest.mark.parametrize(
    "note",
    [
        TEXT.encode(),
        f"{TEXT}\n".encode(),
        f"{TEXT}\n{PETER_LINE[:-1]}".encode(),
        b"\x01" + f"{TEXT}\n{PETER_LINE}".encode(),
        b"\xff" + f"{TEXT}\n{PETER_LINE}".encode(),
        f"{TEXT}\n{PETER_LINE}".replace("\n", "\r\n").encode(),
        f"{TEXT}\n{PETER_LINE.replace('PeterNeumann', 'Bad Name')}".encode(),
        f"{TEXT}\n{PETER_LINE.replace('PeterNeumann', 'Peter+Neumann')}".encode(),
        f"{TEXT}\n{PETER_LINE.replace('PeterNeumann ', '')}".encode(),
        f"{TEXT}\n{PETER_LINE}Unexpected line.\n".encode(),
        f"{TEXT}\n{PETER_LINE.replace(chr(0x2014), '-')}".encode(),
        f"{TEXT}\n{PETER_LINE.replace(chr(0x2014), chr(0x2013))}".encode(),
        f"{TEXT}\n{PETER_LINE.replace('=', '')}".encode(),
        f"{TEXT}\n{PETER_LINE.replace('=', '==')}".encode(),
        f"{TEXT}\n\u2014 PeterNeumann x08gow==\n".encode(),
        f"\n{PETER_LINE}".encode(),
        b"",
    ],
)
def test_a_malformed_note_is_refused(note: bytes) -> None:
    with pytest.raises(ValueError):
        open_note(note, [PETER])


def test_a_wrong_signature_by_a_known_key_refuses_the_whole_note() -> None:
    wrong = PETER_LINE[:60] + "ABCD" + PETER_LINE[60:]
    with pytest.raises(ValueError, match="is wrong"):
        open_note(f"{TEXT}\n{ENOCH_LINE}{wrong}".encode(), [PETER, ENOCH])


def test_every_single_bit_of_a_note_matters() -> None:
    note = f"{TEXT}\n{PETER_LINE}".encode()
    for at in range(len(note)):
        for bit in range(8):
            changed = bytearray(note)
            changed[at] ^= 1 << bit
            with pytest.raises(ValueError):
                open_note(bytes(changed), [PETER])


@pytest.mark.parametrize(
    ("key", "read"), [(PETER_VKEY, Verifier.from_vkey), (PETER_SKEY, Signer.from_skey)], ids=["vkey", "skey"]
)
def test_a_mangled_key_is_refused(key: str, read: object) -> None:
    assert callable(read)
    mangled = {key[start:stop] for start in range(len(key)) for stop in range(start + 1, len(key) + 1)}
    mangled |= {f"{key[:at]}{chr(ord(key[at]) + 1)}{key[at + 1 :]}" for at in range(len(key))}
    mangled |= {key + "\n", " " + key, key.replace("c74f20a3", "C74F20A3")}
    for text in mangled - {key}:
        with pytest.raises(ValueError):
            read(text)


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # too long, fitting id
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # unknown type, fitting id
        "bananas.sigstore.dev+12344556",
        "rekor.sigstore.dev+12345678+THIS_IS_NOT_BASE64!",
        "rekor.sigstore.dev+12345678+AwEB",
        "rekor.sigstore.dev+12345678+",
    ],
)
def test_a_key_of_another_kind_is_refused(vkey: str) -> None:
    with pytest.raises(ValueError):
        Verifier.from_vkey(vkey)


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32), st.sampled_from([1, COSIGNATURE_V1]))
def test_every_key_can_be_written_and_read_back(seed: bytes, kind: int) -> None:
    signer = Signer("casework/test", seed, kind)
    assert Signer.from_skey(signer.skey) == signer
    assert Verifier.from_vkey(signer.verifier.vkey) == signer.verifier
    assert base64.b64encode(seed).decode() not in repr(signer)
    assert signer.skey not in repr(signer)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\u2003b", "a\nb", "a\x00b"])
def test_a_name_that_no_key_may_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="key name"):
        generate_key(name)


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "cr\r\n"])
def test_a_text_that_no_note_may_have_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="text of a note"):
        sign_note(text, [Signer.from_skey(PETER_SKEY)])


def test_a_note_without_a_signature_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="needs a signature"):
        sign_note(TEXT, [])


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]) | st.just("\n"), max_size=60))
def test_any_text_that_a_note_may_have_survives(text: str) -> None:
    signer = Signer.from_skey(PETER_SKEY)
    assert open_note(sign_note(text + "\n", [signer]), [PETER]).text == text + "\n"


# Checkpoints


def test_the_checkpoint_of_the_specification_reads_and_writes() -> None:
    checkpoint = Checkpoint.parse(SPEC_CHECKPOINT)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex() == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    assert checkpoint.format() == SPEC_CHECKPOINT
    extended = SPEC_CHECKPOINT + "an extension\n"
    assert Checkpoint.parse(extended).extensions == ("an extension",)
    assert Checkpoint.parse(extended).format() == extended


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"o\n1\n{ROOT}",
        f"\n1\n{ROOT}\n",
        f"o\n01\n{ROOT}\n",
        f"o\n00\n{ROOT}\n",
        f"o\n-1\n{ROOT}\n",
        f"o\n+1\n{ROOT}\n",
        f"o\n 1\n{ROOT}\n",
        f"o\n1.0\n{ROOT}\n",
        f"o\n\u0661\n{ROOT}\n",
        f"o\n\n{ROOT}\n",
        f"o\n9223372036854775808\n{ROOT}\n",
        "o\n1\n",
        "o\n1\nAAAA\n",
        f"o\n1\n{base64.b64encode(bytes(31)).decode()}\n",
        f"o\n1\n{base64.b64encode(bytes(33)).decode()}\n",
        f"o\n1\n{ROOT[:-1]}\n",
        f"o\n1\n{ROOT[:-2]}B=\n",
        f"o\n1\n{ROOT}\n\next\n",
        f"o\n1\n{ROOT}\next",
        f"o\n1\n{ROOT}\n\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [("", 1, bytes(32)), ("o\n", 1, bytes(32)), ("o", -1, bytes(32)), ("o", 1, b"")],
)
def test_a_checkpoint_that_could_not_be_written_cannot_be_made(origin: str, size: int, root: bytes) -> None:
    with pytest.raises(ValueError):
        Checkpoint(origin, size, root)


def test_an_empty_log_has_a_checkpoint_too() -> None:
    assert Checkpoint.parse(f"o\n0\n{ROOT}\n") == Checkpoint("o", 0, bytes(32))


def test_a_signed_checkpoint_opens_with_the_key_of_its_origin_only() -> None:
    log, other = generate_key("casework/a"), generate_key("casework/b")
    checkpoint = Checkpoint("casework/a", 5, bytes(range(32)))
    note = sign_checkpoint(checkpoint, log)
    assert open_checkpoint(note, log.verifier) == checkpoint
    with pytest.raises(ValueError, match="no known key"):
        open_checkpoint(note, other.verifier)
    with pytest.raises(ValueError, match="key that has its name"):
        sign_checkpoint(checkpoint, other)
    with pytest.raises(ValueError, match="signed by another log"):
        open_checkpoint(sign_note(checkpoint.format(), [other]), other.verifier)


# Cosignatures


def test_the_cosignature_of_the_specification_has_its_time() -> None:
    text, signatures = split_note(SPEC_COSIGNED.encode())
    assert text == SPEC_CHECKPOINT
    assert signatures[1].key_id.hex() == "8d66cf3f"
    assert cosignature_time(signatures[1].blob) == 1679315147
    assert signatures[1].line in SPEC_COSIGNED
    with pytest.raises(ValueError, match="72 bytes"):
        cosignature_time(signatures[0].blob)


def test_a_published_witness_key_reads() -> None:
    witness = Verifier.from_vkey(WITNESS_VKEY)
    assert (witness.name, witness.kind) == ("remora.n621.de", COSIGNATURE_V1)
    assert witness.vkey == WITNESS_VKEY


def test_the_checkpoint_of_a_public_log_verifies_with_all_its_witnesses() -> None:
    log = Verifier.from_vkey(PUBLIC_LOG_VKEY)
    opened = open_note(PUBLIC_COSIGNED, [PUBLIC_LOG_VKEY, *PUBLIC_WITNESS_VKEYS])
    assert {item.name: item.time for item in opened.signatures} == {
        log.name: None,
        **dict.fromkeys((vkey.partition("+")[0] for vkey in PUBLIC_WITNESS_VKEYS), 1779573024),
    }
    checkpoint = open_checkpoint(PUBLIC_COSIGNED.encode(), log)
    assert (checkpoint.origin, checkpoint.size) == (log.name, 1432088532)
    for changed in (("1432088532", "1432088533"), ("AAAABqEiEg", "AAAABqEiEh")):
        with pytest.raises(ValueError, match="is wrong"):
            open_note(PUBLIC_COSIGNED.replace(*changed), PUBLIC_WITNESS_VKEYS)


def test_a_cosignature_signs_the_header_the_time_and_the_checkpoint() -> None:
    witness = generate_key("witness.example/w1", COSIGNATURE_V1)
    signature = witness.sign(SPEC_CHECKPOINT, 1679315147)
    assert signature.blob[:8] == (1679315147).to_bytes(8, "big")
    plain = Verifier(witness.name, witness.verifier.public)
    message = f"cosignature/v1\ntime 1679315147\n{SPEC_CHECKPOINT}"
    assert plain.verify(message, signature.blob[8:])


def test_a_cosigned_checkpoint_verifies_for_the_log_and_for_the_witness() -> None:
    log, witness = generate_key("casework/a"), generate_key("witness.example/w1", COSIGNATURE_V1)
    note = add_signature(sign_checkpoint(Checkpoint("casework/a", 5, bytes(32)), log), witness, NOW)
    opened = open_note(note, [log.verifier, witness.verifier])
    assert [(item.name, item.time) for item in opened.signatures] == [
        ("casework/a", None),
        ("witness.example/w1", NOW),
    ]
    assert open_checkpoint(note, log.verifier).size == 5


def test_every_single_bit_of_a_cosignature_matters() -> None:
    witness = generate_key("witness.example/w1", COSIGNATURE_V1)
    blob = witness.sign(SPEC_CHECKPOINT, NOW).blob
    assert witness.verifier.verify(SPEC_CHECKPOINT, blob)
    for at in range(len(blob)):
        for bit in range(8):
            changed = bytearray(blob)
            changed[at] ^= 1 << bit
            assert not witness.verifier.verify(SPEC_CHECKPOINT, bytes(changed))
    assert not witness.verifier.verify(SPEC_CHECKPOINT, blob[8:])
    assert not witness.verifier.verify(SPEC_CHECKPOINT.replace("20852163", "20852164"), blob)


def test_a_witness_key_never_stands_for_the_logs_signature_or_the_other_way_round() -> None:
    log = generate_key("casework/a")
    witness = Signer("casework/a", log.seed, COSIGNATURE_V1)
    text = Checkpoint("casework/a", 5, bytes(32)).format()
    assert log.verifier.key_id != witness.verifier.key_id
    with pytest.raises(ValueError, match="no known key"):
        open_note(sign_note(text, [log]), [witness.verifier])
    with pytest.raises(ValueError, match="no known key"):
        open_note(sign_note(text, [witness], NOW), [log.verifier])


@pytest.mark.parametrize("time", [None, -1, 1 << 63])
def test_a_cosignature_needs_a_time_that_fits(time: int | None) -> None:
    with pytest.raises(ValueError, match="needs its time"):
        generate_key("w", COSIGNATURE_V1).sign(SPEC_CHECKPOINT, time)


def test_a_note_opens_as_text_and_with_key_lines() -> None:
    signer = generate_key("casework/lines")
    note = sign_note("a text\n", [signer])
    for form in (note, note.decode()):
        for key in (signer.verifier, signer.verifier.vkey, signer.verifier.vkey + "\n"):
            assert open_note(form, [key]).text == "a text\n"
    with pytest.raises(ValueError, match="no known key"):
        open_note(note.decode(), [generate_key("casework/lines").verifier.vkey])
    with pytest.raises(ValueError):
        open_note(note, ["no key"])


def test_one_key_may_stand_alone() -> None:
    note = f"{TEXT}\n{PETER_LINE}"
    assert open_note(note, PETER_VKEY).text == open_note(note, PETER).text == TEXT


@pytest.mark.parametrize("note", [None, 5, [TEXT], "\ud800\n\n"])
@pytest.mark.parametrize("keys", [[PETER]])
def test_what_is_no_note_at_all_is_refused_alike(note: object, keys: object) -> None:
    with pytest.raises(ValueError):
        open_note(note, keys)  # type: ignore[arg-type]


@pytest.mark.parametrize("keys", [None, 5, [None], [5], [PETER_VKEY.encode()], b"PeterNeumann", "", [""]])
def test_what_is_no_key_at_all_is_refused_alike(keys: object) -> None:
    with pytest.raises(ValueError):
        open_note(f"{TEXT}\n{PETER_LINE}", keys)  # type: ignore[arg-type]


def test_a_note_that_is_full_of_signatures_takes_no_more() -> None:
    note = f"{TEXT}\n{PETER_LINE}{ENOCH_LINE * 98}".encode()
    full = add_signature(note, Signer.from_skey(PETER_SKEY))
    assert open_note(full, PETER)
    with pytest.raises(ValueError, match="100 signatures already"):
        add_signature(full, Signer.from_skey(PETER_SKEY))
