"""How does a server prove who it is before it learns anything, and what went wrong when it could not?

The context is ours: ldap3 verifies nothing by default, and checks names after the handshake with a function that Python
3.12 removed and whose replacement ignores addresses (`ops.md` F5, `measurements.md` 3).
"""

import ssl
from dataclasses import dataclass

from syncd.errors import ConfigurationError, Problem
from syncd.sources.ldap.certificates import Certificate
from syncd.sources.ldap.settings_connection import TlsSettings

#: X509_V_ERR_*, as OpenSSL numbers them.
_NOT_YET, _EXPIRED, _SELF_SIGNED, _SELF_SIGNED_CHAIN, _NO_ISSUER, _NO_CHAIN, _REVOKED, _PURPOSE = (
    9,
    10,
    18,
    19,
    20,
    21,
    23,
    26,
)
_NAME, _ADDRESS = 62, 64


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a server was not trusted, and what to do."""

    reason: str
    remedy: str


def make_context(settings: TlsSettings) -> ssl.SSLContext:
    """Return a context that requires a certificate of a known authority for the very name or address, and TLS 1.2.

    Raises:
        ConfigurationError: a file of the settings can't be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if settings.ca_file is None:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        else:
            context.load_verify_locations(cafile=settings.ca_file)
    except OSError as error:
        remedy = "it must hold certificates in PEM form, one after the other"
        raise _unusable("tls.ca_file", settings.ca_file, error, remedy) from error
    if settings.client_certificate is not None:
        try:
            # A callback, or OpenSSL asks the terminal for the password of the key.
            context.load_cert_chain(settings.client_certificate, settings.client_key, password=lambda: "")
        except OSError as error:
            remedy = "certificate and key must be in PEM form and belong together, and the key must not be encrypted"
            raise _unusable("tls.client_certificate", settings.client_certificate, error, remedy) from error
    return context


def _unusable(key: str, path: object, error: OSError, remedy: str) -> ConfigurationError:
    reason = error.strerror if error.errno and error.strerror and not isinstance(error, ssl.SSLError) else str(error)
    problem = Problem(where=f"{key}: {path}", reason=f"it can't be used: {reason}", remedy=remedy)
    return ConfigurationError("the TLS settings of the LDAP source can't be used", [problem])


def explain(error: BaseException, host: str, certificate: Certificate | None) -> Explanation:
    """Return why the handshake with *host* failed; *certificate* is what the server showed, if it could be had."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(error, host, certificate)
    if isinstance(error, TimeoutError):
        return Explanation("the TLS handshake took too long", "check that this port speaks TLS, and what lies between")
    text = f"{getattr(error, 'reason', '') or ''} {error}".upper()
    if "UNSUPPORTED_PROTOCOL" in text or "PROTOCOL_VERSION" in text:
        return Explanation(
            "it offers no TLS 1.2 or newer", "switch TLS 1.2 on in the server: older versions are broken"
        )
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER_FAILURE" in text:
        reason = "what answers there speaks no TLS"
        return Explanation(reason, "use the port of LDAPS (636), or ldap:// with tls: {start_tls: true}")
    if "CERTIFICATE_REQUIRED" in text:
        return Explanation("it demands a client certificate", "set tls.client_certificate and tls.client_key")
    if "HANDSHAKE_FAILURE" in text or "NO_SHARED_CIPHER" in text or "NO_PROTOCOLS_AVAILABLE" in text:
        return Explanation("it agrees to no cipher that this machine offers", "renew the server's TLS configuration")
    if isinstance(error, ssl.SSLEOFError | ConnectionError):
        reason = "it closed the connection within the TLS handshake"
        return Explanation(reason, "check that this port speaks LDAPS, and whether it demands a client certificate")
    return Explanation(f"the TLS handshake failed: {error}", "look into the server's log")


def explain_after_handshake(text: str) -> Explanation:
    """Return what an error of the first request over TLS 1.3 means: a missing client certificate is told only then."""
    if "CERTIFICATE_REQUIRED" in text.upper() or "BAD_CERTIFICATE" in text.upper() or "UNKNOWN_CA" in text.upper():
        reason = f"it demands a client certificate that it trusts ({text})"
        return Explanation(reason, "set tls.client_certificate and tls.client_key")
    return Explanation(text, "look into the server's log")


def _untrusted(error: ssl.SSLCertVerificationError, host: str, certificate: Certificate | None) -> Explanation:
    shown = certificate or Certificate(names=(), issuer="", not_before="", not_after="")
    code = error.verify_code
    if code in (_NAME, _ADDRESS):
        known = (
            f"the certificate is for {shown.named}, you connected to {host}" if certificate else error.verify_message
        )
        missing = f"add the {'IP' if code == _ADDRESS else 'name'} to the certificate"
        use = f"use {shown.names[0]} in servers" if shown.names else "use the name in the certificate"
        return Explanation(known, f"{use}, or {missing}")
    if code == _EXPIRED:
        return Explanation(f"its certificate expired on {shown.not_after or 'an earlier day'}", "renew it")
    if code == _NOT_YET:
        begins = f"its certificate is valid only from {shown.not_before or 'a later day'} on"
        return Explanation(begins, "check the clock of this machine")
    if code in (_SELF_SIGNED, _SELF_SIGNED_CHAIN, _NO_ISSUER, _NO_CHAIN):
        issuer = f" {shown.issuer!r}" if shown.issuer else ""
        self_signed = " (it signed itself)" if code == _SELF_SIGNED else ""
        reason = f"its certificate was issued by{issuer or ' somebody'}, which is no authority known here{self_signed}"
        return Explanation(reason, "set tls.ca_file to the certificate of that authority")
    if code == _REVOKED:
        return Explanation("its certificate was revoked", "renew it, and find out why")
    if code == _PURPOSE:
        return Explanation("its certificate is not made for servers", "issue one for server authentication")
    return Explanation(f"its certificate is refused: {error.verify_message}", "renew it")
