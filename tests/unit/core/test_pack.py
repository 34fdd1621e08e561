"""The country pack of Uzbekistan: complete against the data dictionary, and read strictly."""

from __future__ import annotations

import csv
import re
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from casework.core.pack import PACKS_ROOT, Pack, load_pack

NO_ANSWER = ("unknown", "not_asked", "declined")
# Data dictionary 4.1, 4.3, 4.4 and 3.11, value by value.
DICTIONARY = {
    "psy_wellbeing_self_report": "very_hard hard ok good",
    "psy_support_needed": "rest_safety sleep grief fear_stress parenting child_behaviour isolation stigma"
    " substance_use crisis",
    "psy_screening_done": "none who_5 srq_20 phq_9 sdq_child other",
    "psy_screening_result": "no_further_step follow_up refer",
    "psy_service_type": "pfa individual_counselling family_counselling group parenting art_play"
    " psychiatry_referral peer_support",
    "psy_mhpss_layer": "layer_1_basic layer_2_community layer_3_focused layer_4_specialised",
    "psy_attendance": "attended excused missed",
    "psy_progress": "better same worse not_assessed",
    "psy_crisis_plan": "none in_place activated",
    "psy_referral_reason": "needs_specialist crisis child_specialist medication_review group_available",
    "psy_outcome": "sessions_completed continuing stopped_by_person referred_specialist no_service",
    "edu_level_sought": "preschool primary_1_4 basic_5_9 secondary_10_11 vocational higher adult_literacy",
    "edu_enrolment_status": "not_needed not_enrolled applied enrolled attending temporarily_absent left completed",
    "edu_placement_basis": "age placement_test documents temporary",
    "edu_years_missed": "zero from_1_to_2 from_3_to_4 from_5",
    "edu_language_support": "none uzbek russian karakalpak other",
    "edu_catch_up": "none tutoring accelerated after_school",
    "edu_attendance_band": "from_90 from_75_to_89 from_50_to_74 under_50",
    "edu_inclusion_support": "none psychologist individual_plan assistant",
    "edu_bullying_reported": "no yes_handled yes_open",
    "edu_barrier": "no_document distance cost clothing_supplies care_duties stigma language health waiting_place",
    "edu_school_told": "nothing needs_only",
    "edu_referral_reason": "enrol placement_test catch_up language inclusion psychologist supplies"
    " vocational_course",
    "edu_outcome": "enrolled placed_in_grade support_started waiting_place declined_by_family not_eligible",
    "emp_labour_status": "not_in_labour_age studying caring_full_time seeking employed self_employed seasonal"
    " unable_health",
    "emp_barriers": "childcare document qualification_not_recognised language health stigma transport no_vacancy"
    " permission_family",
    "emp_service": "registration_employment_centre counselling vocational_training monocentre_course subsidy"
    " micro_credit tools_equipment home_based_work public_works childcare_place business_mentoring land_plot",
    "emp_training_status": "applied attending completed dropped",
    "emp_job_form": "formal informal self",
    "emp_job_time": "full part seasonal",
    "emp_job_kept": "at_3_months at_6_months at_12_months",
    "emp_income_enough": "no partly yes",
    "emp_employer_told": "nothing",
    "emp_referral_reason": "register training job_matching subsidy self_employment childcare"
    " credential_recognition",
    "emp_outcome": "registered training_started training_completed job_started business_started"
    " subsidy_granted not_eligible no_vacancy declined",
    "case_status": "referred_in intake assessment planning active review step_down closed reopened on_hold"
    " transfer_pending transferred not_opened duplicate entered_in_error",
    "referral_status": "draft awaiting_review returned sent received accepted declined needs_info in_service"
    " completed discontinued expired withdrawn_by_person",
}


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack()


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A copy of the packs to spoil."""
    shutil.copytree(PACKS_ROOT, tmp_path / "packs")
    return tmp_path / "packs"


@pytest.mark.parametrize("name", DICTIONARY)
def test_a_set_of_the_dictionary_has_its_values_in_order(pack: Pack, name: str) -> None:
    expected = tuple(DICTIONARY[name].split())
    found = pack.value_set(name)
    if found.person_facing:
        expected += tuple(key for key in NO_ANSWER if key not in expected)
    assert found.keys == expected


def test_person_facing_sets_offer_the_three_answers_without_a_value(pack: Pack) -> None:
    person_facing = [value_set for value_set in pack.value_sets.values() if value_set.person_facing]
    assert len(person_facing) > 30
    for value_set in person_facing:
        assert set(NO_ANSWER) <= set(value_set.keys), value_set.name
        assert len(set(value_set.keys)) == len(value_set.keys)


def test_keys_are_snake_case_except_language_tags(pack: Pack) -> None:
    tags = {"name_script", "language"}
    odd = {
        (value_set.name, key)
        for value_set in pack.value_sets.values()
        for key in value_set
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", key)
    }
    assert {name for name, _ in odd} <= tags
    assert {"uz-Latn", "uz-Cyrl", "ru", "kaa", "ar-Latn"} == set(pack.value_set("name_script"))


def test_every_set_has_a_class_and_what_is_sealed_most_is_labelled_so(pack: Pack) -> None:
    assert {value_set.sensitivity for value_set in pack.value_sets.values()} == {"C1", "C2", "C3", "C4"}
    assert all(s.sensitivity == "C3" for n, s in pack.value_sets.items() if n.startswith(("psy_", "leg_")))
    assert pack.value_set("programme_basis").sensitivity == "C3"
    assert pack.value_set("edu_barrier").sensitivity == "C2"


def test_an_unknown_set_value_or_domain_is_named(pack: Pack) -> None:
    with pytest.raises(KeyError, match="shoe_size"):
        pack.value_set("shoe_size")
    with pytest.raises(KeyError, match="edu_barrier has no value 'moon'"):
        pack.value_set("edu_barrier").label("moon")
    with pytest.raises(KeyError, match="weather"):
        pack.referral_reasons("weather")
    with pytest.raises(KeyError, match="weather"):
        pack.reason_section("civil_society", "weather")
    assert "moon" not in pack.value_set("edu_barrier")
    assert "distance" in pack.value_set("edu_barrier")


def test_each_domain_has_reasons_outcomes_consent_and_a_minimum_dataset(pack: Pack) -> None:
    assert pack.domains == (
        "accountability_legal",
        "psychosocial_health_education",
        "countering_terrorist_ideas",
        "civil_society",
    )
    for domain in pack.domains:
        assert pack.minimum_dataset(domain)
        for reason in pack.referral_reasons(domain):
            purposes = pack.consent_purpose_for(domain, reason)
            assert purposes
            assert set(purposes) <= set(pack.consent_purpose_for(domain))
            assert len(pack.service_outcomes(domain, reason)) > 0


@pytest.mark.parametrize(
    ("domain", "reason", "section", "purposes"),
    [
        ("accountability_legal", "legal_aid", "leg", ("share_legal_aid",)),
        ("accountability_legal", "register_birth", "doc", ("share_civil_documents", "share_legal_aid")),
        ("psychosocial_health_education", "crisis", "psy", ("share_psychosocial_summary",)),
        ("psychosocial_health_education", "dental", "hlt", ("share_health",)),
        ("psychosocial_health_education", "enrol", "edu", ("share_education",)),
        ("countering_terrorist_ideas", "stigma_in_neighbourhood", "wg3", ("case_conference",)),
        ("civil_society", "training", "emp", ("share_employment", "share_ngo_partner")),
        ("civil_society", "benefits", "hou", ("share_social_protection",)),
        ("civil_society", "reunification", "fam", ("family_tracing",)),
    ],
)
def test_a_reason_leads_to_its_section_and_its_consent(
    pack: Pack, domain: str, reason: str, section: str, purposes: tuple[str, ...]
) -> None:
    assert pack.reason_section(domain, reason) == section
    assert pack.consent_purpose_for(domain, reason) == purposes
    assert pack.service_outcomes(domain, reason).name == f"{section}_outcome"


def test_the_third_working_group_receives_no_personal_field(pack: Pack) -> None:
    shared = pack.minimum_dataset("countering_terrorist_ideas")
    assert [pack.dataset_fields[field] for field in shared] == ["C1"]
    assert pack.referral_reasons("countering_terrorist_ideas").sensitivity == "C1"


def test_reasons_of_a_domain_are_as_sensitive_as_its_most_sensitive_section(pack: Pack) -> None:
    assert pack.referral_reasons("psychosocial_health_education").sensitivity == "C3"
    assert pack.referral_reasons("civil_society").sensitivity == "C2"


def test_places_are_a_tree_of_the_country_its_regions_and_districts(pack: Pack) -> None:
    with pack.places_csv.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["code", "parent_code", "level", "name_uz", "name_ru", "name_en"]
    by_level = {level: {r["code"] for r in rows if r["level"] == level} for level in pack.admin_levels}
    counts = {level: len(codes) for level, codes in by_level.items()}
    assert counts == {"country": 1, "region": 14, "district": 206, "mahalla": 0}
    assert len({row["code"] for row in rows}) == len(rows)
    for row in rows:
        parents = {"country": {""}, "region": by_level["country"], "district": by_level["region"]}[
            row["level"]
        ]
        assert row["parent_code"] in parents
        assert row["name_uz"]
        assert not re.search("['`]", row["name_uz"])


def test_limits_of_the_dictionary(pack: Pack) -> None:
    assert pack.consent.default_months == 12
    bands = {age: pack.consent.assent_band(age) for age in (0, 5, 6, 11, 12, 14, 15, 17, 18)}
    assert [band.own if band else None for band in bands.values()] == [
        *("informed", "informed", "oral", "oral", "written", "written", "consent", "consent"),
        None,
    ]
    assert {k: (v.hours, v.working_days) for k, v in pack.urgency.items()} == {
        "routine": (None, 15),
        "priority": (None, 5),
        "urgent": (72, None),
        "immediate": (24, None),
    }
    assert [rule.contact_every_days for rule in pack.needs_levels.values()] == [None, 30, 14, 7]
    assert (pack.retention["closed_child"].months, pack.retention["closed_child"].until_age) == (36, 18)
    assert (pack.retention["not_opened"].months, pack.retention["audit"].months) == (6, 60)
    assert pack.data_request_days["withdraw_consent"] == 0
    assert pack.timezone.key == "Asia/Tashkent"
    assert pack.locales == ("uz", "uz_Cyrl", "ru", "en")


def test_working_days_leave_out_weekends_and_holidays(pack: Pack) -> None:
    # Friday 4 December 2026; Tuesday 8 December is a holiday.
    friday = date(2026, 12, 4)
    assert pack.working_days.after(friday, 0) == friday
    assert pack.working_days.after(friday, 1) == date(2026, 12, 7)
    assert pack.working_days.after(friday, 2) == date(2026, 12, 9)


def test_time_to_act_counts_hours_exactly_and_working_days_to_the_end_of_the_local_day(pack: Pack) -> None:
    # 20:30 UTC on Thursday is already Friday in Tashkent (UTC+5).
    start = datetime(2026, 11, 26, 20, 30, tzinfo=UTC)
    assert pack.due_at("immediate", start) == datetime(2026, 11, 27, 20, 30, tzinfo=UTC)
    assert pack.due_at("priority", start) == datetime(2026, 12, 4, 18, 59, 59, tzinfo=UTC)


def test_a_pack_is_read_once_and_cannot_be_changed(pack: Pack) -> None:
    assert load_pack("uz") is pack
    with pytest.raises(TypeError):
        pack.value_sets["new"] = pack.value_set("sex")  # type: ignore[index]
    with pytest.raises(AttributeError):
        pack.country = "kz"  # type: ignore[misc]


@pytest.mark.parametrize("country", ["kz", "..", "uz/", ""])
def test_a_country_without_a_pack_is_refused(country: str) -> None:
    with pytest.raises(ValueError, match="no country pack"):
        load_pack(country)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "pack.toml",
            "default_months = 12",
            "default_months = 12\ncolour = 1",
            r"pack\.toml: consent\.colour is an unk",
        ),
        ("pack.toml", "default_months = 12", "", r"consent\.default_months is missing"),
        (
            "pack.toml",
            "default_months = 12",
            'default_months = "12"',
            r"consent\.default_months must be of type int",
        ),
        (
            "pack.toml",
            "default_months = 12",
            "default_months = true",
            r"consent\.default_months must be of type int",
        ),
        ("pack.toml", "to_age = 11", "to_age = 12", r"assent_bands\[2\]\.from_age leaves a gap"),
        ("pack.toml", '"share_legal_aid"', '"share_gossip"', r"consent\.doc refers to 'share_gossip'"),
        ("pack.toml", "home = [", "castle = [", r"consent_by_reason\.castle is not a referral reason"),
        ("pack.toml", '["community_request"]', '["shoe_size"]', r"minimum_dataset refers to 'shoe_size'"),
        ("pack.toml", 'sections = ["wg3"]', 'sections = ["wg9"]', r"sections refers to 'wg9'"),
        ("pack.toml", "[urgency.routine]", "[urgency.someday]", r"urgency\.someday is an unknown key"),
        (
            "pack.toml",
            "hours = 72",
            "hours = 72\nworking_days = 3",
            r"urgency\.urgent\.hours or working_days",
        ),
        ("pack.toml", '"Asia/Tashkent"', '"Asia/Nowhere"', r"timezone is 'Asia/Nowhere'"),
        ("pack.toml", '"places.csv"', '"towns.csv"', r"places\.file refers to 'towns\.csv'"),
        ("pack.toml", '"uz_Cyrl", "ru"', '"uz_Cyrl", "de"', r"locales refers to 'de'"),
        ("pack.toml", '"01-01"', '"02-30"', r"fixed_holidays has '02-30'"),
        (
            "pack.toml",
            'disposal = "delete_rows"',
            'disposal = "shrug"',
            r"retention\.audit\.disposal is 'shrug'",
        ),
        ("pack.toml", 'country = "uz"', 'country = "kz"', r"country is not 'uz'"),
        ("pack.toml", 'country = "uz"', "country uz", r"pack\.toml: cannot be read"),
        ("value_sets.toml", "[sex]", "[sex]\ncolour = 1", r"value_sets\.toml: sex\.colour is an unknown key"),
        (
            "value_sets.toml",
            'female = "Female"',
            'Female = "Female"',
            r"sex\.values\.Female is not a well-formed",
        ),
        (
            "value_sets.toml",
            '[no_answer]\nclass = "C1"',
            '[no_answer]\nclass = "C9"',
            r"no_answer\.class is 'C9'",
        ),
        (
            "identifiers.toml",
            "[internal]",
            "[loyalty_card]",
            r"identifiers\.toml: loyalty_card is an unknown key",
        ),
        ("identifiers.toml", '"icao_731"', '"luhn"', r"national_id\.check_digit is 'luhn'"),
        ("identifiers.toml", "'[0-9]{9}'", "'[0-9'", r"tax_id\.pattern is not a regular expression"),
    ],
)
def test_a_broken_pack_names_the_file_and_the_key(
    broken: Path, file: str, old: str, new: str, message: str
) -> None:
    path = broken / "uz" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        load_pack("uz", broken)
