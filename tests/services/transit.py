"""A small stand-in for a Vault transit engine: its HTTP API for AEAD keys, in this process.

Like the real one it answers 400 to a batch with an item that fails, and its `rewrap` knows no associated data.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Wrong(Exception):
    """What the engine answers as an error of the caller."""


class Engine:
    """One mount with its keys, each a list of versions; `None` is a version that was trimmed."""

    def __init__(self) -> None:
        self.token = "s.good"
        self.sealed = False
        self.keys: dict[str, list[AESGCM | None]] = {"casework": [AESGCM(os.urandom(32))]}
        self.oldest_decryption = 1
        self.oldest_encryption = 0
        self.oldest_available = 0
        self.requests: list[str] = []

    def about(self, name: str) -> dict[str, Any]:
        versions = self.keys[name]
        return {
            "name": name,
            "type": "aes256-gcm96",
            "latest_version": len(versions),
            "min_decryption_version": self.oldest_decryption,
            "min_encryption_version": self.oldest_encryption,
            "min_available_version": self.oldest_available,
            "keys": {str(number): 1795000000 + number for number, key in enumerate(versions, 1) if key},
        }

    def encrypt(self, name: str, item: dict[str, Any]) -> dict[str, Any]:
        key = self.keys[name][-1]
        assert key is not None
        nonce = os.urandom(12)
        body = nonce + key.encrypt(nonce, base64.b64decode(item["plaintext"]), self._bound(item))
        version = len(self.keys[name])
        return {
            "ciphertext": f"vault:v{version}:{base64.b64encode(body).decode()}",
            "key_version": version,
        }

    def decrypt(self, name: str, item: dict[str, Any]) -> dict[str, Any]:
        vault, version, body = item["ciphertext"].split(":")
        number = int(version.removeprefix("v"))
        if vault != "vault" or not 1 <= number <= len(self.keys[name]):
            raise Wrong("invalid ciphertext: version is too new")
        if number < self.oldest_decryption:
            raise Wrong("ciphertext or signature version is disallowed by policy (too old)")
        key, raw = self.keys[name][number - 1], base64.b64decode(body)
        assert key is not None
        try:
            plain = key.decrypt(raw[:12], raw[12:], self._bound(item))
        except InvalidTag:
            raise Wrong("cipher: message authentication failed") from None
        return {"plaintext": base64.b64encode(plain).decode()}

    def rewrap(self, name: str, item: dict[str, Any]) -> dict[str, Any]:
        alone = {"ciphertext": item["ciphertext"]}
        return self.encrypt(name, self.decrypt(name, alone))

    def configure(self, name: str, item: dict[str, Any]) -> None:
        self.oldest_decryption = item.get("min_decryption_version", self.oldest_decryption)
        self.oldest_encryption = item.get("min_encryption_version", self.oldest_encryption)

    def trim(self, name: str, item: dict[str, Any]) -> None:
        oldest = item["min_available_version"]
        if oldest > self.oldest_decryption or oldest > self.oldest_encryption:
            raise Wrong("minimum available version cannot be set higher than the minimum versions in use")
        self.oldest_available = oldest
        self.keys[name] = [None if number < oldest else key for number, key in enumerate(self.keys[name], 1)]

    @staticmethod
    def _bound(item: dict[str, Any]) -> bytes | None:
        return base64.b64decode(item["associated_data"]) if item.get("associated_data") else None

    def answer(self, method: str, path: str, token: str, data: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status and the body of one request."""
        self.requests.append(f"{method} {path}")
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if token != self.token:
            return 403, {"errors": ["permission denied"]}
        parts = path.removeprefix("/v1/").split("/")
        if parts[0] != "transit" or len(parts) < 3:
            return 404, {"errors": []}
        verb, name = (parts[3] if len(parts) > 3 else parts[1]), parts[2]
        if name not in self.keys:
            return (
                (404, {"errors": []}) if method == "GET" else (400, {"errors": ["encryption key not found"]})
            )
        if method == "GET":
            return 200, {"data": self.about(name)}
        try:
            return self._do(verb, name, data)
        except Wrong as wrong:
            return 400, {"errors": [str(wrong)]}

    def _do(self, verb: str, name: str, data: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if verb in ("encrypt", "decrypt", "rewrap"):
            act = getattr(self, verb)
            if "batch_input" not in data:
                return 200, {"data": act(name, data)}
            results: list[dict[str, Any]] = []
            for item in data["batch_input"]:
                try:
                    results.append(act(name, item))
                except Wrong as wrong:
                    results.append({"error": str(wrong)})
            failed = any("error" in result for result in results)
            return (400 if failed else 200), {"data": {"batch_results": results}}
        if verb == "rotate":
            self.keys[name].append(AESGCM(os.urandom(32)))
        elif verb == "config":
            self.configure(name, data)
        elif verb == "trim":
            self.trim(name, data)
        else:
            return 404, {"errors": []}
        return 204, {}


@contextmanager
def running() -> Iterator[tuple[Engine, str]]:
    """The engine and its address."""
    engine = Engine()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            data = json.loads(self.rfile.read(length) or b"{}")
            token = self.headers.get("X-Vault-Token") or ""
            status, body = engine.answer(self.command, self.path, token, data)
            raw = b"" if status == 204 else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_POST = do_PUT = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield engine, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
