"""Checks what the product is built from: known vulnerabilities, hashes in the locks, licences.

Vulnerabilities need an advisory service. Where none answers, one line says so and the rest is still checked.
Exit code 1 and one line for each finding when something is wrong.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-node.lock")
AUDITED = "requirements.lock"

# Licences that let the product be passed on under its own. The GPL and AGPL do not; the LGPL does for a library
# that is only used.
ALLOWED = re.compile(
    r"\b(MIT|BSD|0BSD|ISC|Apache|PSF|Python Software Foundation|MPL|Mozilla|LGPL|Zlib|CC0|HPND)\b"
)
FORBIDDEN = re.compile(r"\bA?GPL|Affero|GNU General Public")
PINNED = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;\\]+)", re.MULTILINE)


def locked(lock: Path) -> dict[str, str]:
    """The text of each entry of a lock file by `name==version`."""
    text = lock.read_text(encoding="utf-8")
    starts = [(found.start(), found.group(0)) for found in PINNED.finditer(text)]
    ends = [start for start, _ in starts[1:]] + [len(text)]
    return {pin: text[start:end] for (start, pin), end in zip(starts, ends, strict=True)}


def hash_findings() -> list[str]:
    """Entries without a hash, and addresses that a lock must not hold."""
    findings = []
    for name in LOCKS:
        lock = ROOT / name
        entries = locked(lock)
        if not entries:
            findings.append(f"{name} locks nothing")
        findings += [
            f"{name}: {pin} has no hash" for pin, text in entries.items() if "--hash=sha256:" not in text
        ]
        if re.search(
            r"https?://|^\s*--?(index|extra-index|find-links|i|f)\b", lock.read_text(encoding="utf-8"), re.M
        ):
            findings.append(f"{name} names an address; a lock holds names, versions and hashes only")
    packages = json.loads((ROOT / "frontend/package-lock.json").read_text(encoding="utf-8"))["packages"]
    for path, package in packages.items():
        if path and "integrity" not in package:
            findings.append(f"frontend/package-lock.json: {path} has no integrity hash")
        if "resolved" in package:
            findings.append(f"frontend/package-lock.json: {path} names an address")
    return findings


def licence_of(name: str) -> list[str] | None:
    """The licences that an installed distribution offers, any one of which may be chosen; None when not installed."""
    try:
        metadata = distribution(name).metadata
    except PackageNotFoundError:
        return None
    if expression := metadata.get("License-Expression"):
        return re.split(r"\s+OR\s+", expression)
    classifiers = [each for each in metadata.get_all("Classifier", []) if each.startswith("License ::")]
    return classifiers or [(metadata.get("License") or "unknown").strip().splitlines()[0]]


def allowed(licence: str) -> bool:
    """Whether every part of one licence expression lets the product be passed on."""
    return all(
        ALLOWED.search(part) and (not FORBIDDEN.search(part) or re.search(r"\bLGPL|Lesser", part))
        for part in re.split(r"\s+AND\s+", licence)
    )


def licence_findings() -> tuple[int, list[str]]:
    """How many distributions and packages were read, and those whose licence is not allowed."""
    findings, read = [], 0
    for pin in locked(ROOT / "requirements-dev.lock"):
        name = pin.partition("==")[0]
        licences = licence_of(name)
        if licences is None:  # for another platform, by its marker in the lock
            continue
        read += 1
        if not any(map(allowed, licences)):
            findings.append(f"{name}: the licence {' / '.join(licences)} is not one we may build on")
    packages = json.loads((ROOT / "frontend/package-lock.json").read_text(encoding="utf-8"))["packages"]
    for path, package in packages.items():
        read += 1
        licence = str(package.get("license", "unknown"))
        if not any(map(allowed, re.split(r"\s+OR\s+", licence.strip("()")))):
            findings.append(f"{path}: the licence {licence} is not one we may build on")
    return read, findings


def vulnerabilities() -> tuple[str, list[str]]:
    """One line about the audit, and the known vulnerabilities of what runs in production."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(ROOT / AUDITED)]
    command += ["--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        dependencies = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError, KeyError, TypeError):
        dependencies = []
    audited = [each for each in dependencies if "skip_reason" not in each]
    if not audited:
        return "pip-audit reached no advisory service from here: vulnerabilities were not looked up.", []
    findings = [
        f"{each['name']} {each['version']}: {found['id']}, fixed in {found['fix_versions'] or 'no release yet'}"
        for each in audited
        for found in each["vulns"]
    ]
    return f"pip-audit looked up {len(audited)} of {len(dependencies)} locked distributions.", findings


def main() -> int:
    line, findings = vulnerabilities()
    print(line)
    findings += hash_findings()
    read, licences = licence_findings()
    findings += licences
    for finding in findings:
        print(finding, file=sys.stderr)
    if not findings:
        print(f"Every locked distribution has a hash; the licences of {read} packages let us build on them.")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
