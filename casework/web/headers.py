"""The security headers of every response, in one place (OWASP ASVS 5.0 V3.4, V14.2)."""

from __future__ import annotations

from flask import Flask, Response, request

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    ]
)
"""No inline script or style anywhere, nothing from another host, no frame around us."""

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": (
        "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
        "microphone=(), midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), usb=(), "
        "xr-spatial-tracking=()"
    ),
}
STRICT_TRANSPORT = "max-age=63072000; includeSubDomains"
CACHED = ("web.static", "log_site.tile")


def _apply(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers[name] = value
    if response.headers.get("Content-Disposition", "").startswith("attachment"):
        # What is to be kept is never a page of ours, should a browser show it after all.
        response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; sandbox"
    if request.endpoint not in CACHED or response.status_code >= 400:
        # Every page may hold what a person wrote or who is signed in: no cache, shared or own, keeps any.
        response.headers["Cache-Control"] = "no-store"
        response.vary.add("Cookie")
        response.vary.add("Accept-Language")
    response.headers.pop("Server", None)
    return response


def _apply_transport_security(response: Response) -> Response:
    response.headers["Strict-Transport-Security"] = STRICT_TRANSPORT
    return response


def init_app(app: Flask, *, secure: bool) -> None:
    """Puts the headers on each response; transport security only where there is a certificate."""
    app.after_request(_apply)
    if secure:
        app.after_request(_apply_transport_security)
