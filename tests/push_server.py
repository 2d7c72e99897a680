"""A push service and a browser that is subscribed there, both written from the RFCs: 8030, 8188, 8291, 8292."""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HOST = "push.example.net"


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


@dataclass
class Subscription:
    """What a browser keeps to itself of one subscription, and what it hands out."""

    endpoint: str = f"https://{HOST}/push/0123456789"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def claims(self, server_key: str) -> dict[str, str]:
        """For the call ``push``."""
        p256dh = base64url(point(self.key.public_key()))
        return {"endpoint": self.endpoint, "p256dh": p256dh, "auth": base64url(self.auth), "key": server_key}

    def decrypt(self, body: bytes) -> Any:
        """RFC 8291 §3.4 over RFC 8188 §2: one record."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, record = body[21 : 21 + length], body[21 + length :]
        assert len(record) <= size
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        about = b"WebPush: info\0" + point(self.key.public_key()) + sender
        secret = _hkdf(self.auth, about, 32, shared)
        key = _hkdf(salt, b"Content-Encoding: aes128gcm\0", 16, secret)
        nonce = _hkdf(salt, b"Content-Encoding: nonce\0", 12, secret)
        plain = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\0")
        assert plain[-1:] == b"\x02"  # the delimiter of the last record
        return json.loads(plain[:-1])


def _hkdf(salt: bytes, about: bytes, length: int, secret: bytes) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, about).derive(secret)


@dataclass(frozen=True)
class Pushed:
    """A message as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_args: object) -> None:
        """A client that does not trust the certificate hangs up: no reason to print anything."""


class PushServer:
    """HTTPS on 127.0.0.1 with a certificate for ``HOST``. ``status``, ``headers`` and ``delay`` are what it answers."""

    def __init__(self, folder: Path) -> None:
        self.received: list[Pushed] = []
        self.connections = 0
        self.status = 201
        self.headers: dict[str, str] = {}
        self.delay = 0.0
        self.authority = folder / "authority.pem"
        chain = folder / "server.pem"
        _certify(self.authority, chain)
        self._http = _QuietServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    def __enter__(self) -> PushServer:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _handler(server) -> type[BaseHTTPRequestHandler]:  # noqa: N805 (``self`` is the handler's)
        class Handler(BaseHTTPRequestHandler):
            def setup(self) -> None:
                server.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                names = {name.lower(): value for name, value in self.headers.items()}
                server.received.append(Pushed(self.path, names, body))
                time.sleep(server.delay)
                self.send_response(server.status)
                for name, value in {"Content-Length": "0", **server.headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_args: object) -> None:
                pass

        return Handler


_NO = dict.fromkeys(
    [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ],
    False,
)
_SIGNS_CERTIFICATES = x509.KeyUsage(key_cert_sign=True, **_NO)


def _certify(authority: Path, chain: Path) -> None:
    """Write an authority's certificate, and a key with a certificate for ``HOST`` that it has signed."""
    issuer_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Authority of the tests")])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    root = _certificate(issuer, issuer, issuer_key, issuer_key, x509.BasicConstraints(ca=True, path_length=0))
    leaf = _certificate(subject, issuer, key, issuer_key, x509.SubjectAlternativeName([x509.DNSName(HOST)]))
    pem = serialization.Encoding.PEM
    authority.write_bytes(root.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain.write_bytes(secret + leaf.public_bytes(pem))


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(timezone.utc)
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    is_authority = isinstance(extension, x509.BasicConstraints)
    builder = builder.add_extension(extension, critical=is_authority)
    # What RFC 5280 asks for, and Python checks from 3.13 on.
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = builder.add_extension(issued_by, critical=False)
    if is_authority:
        builder = builder.add_extension(_SIGNS_CERTIFICATES, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())
