"""Caddy and nginx in front of the page, with the files of ``scripts/deploy``.

Only ports and certificates in these files are replaced. The proxies listen on loopback, where
browsers must look for the host of the files.
"""

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import load_pem_x509_certificate

from tests.support.owner.person import until
from tests.support.servers.scripts import output_of
from tests.support.service.process import free_port

HOST: Final = "mailroom.example.com"
"""The host in the files."""
AUTH_COOKIE: Final = "auth-proxy"
"""The cookie whose value the auth proxy takes for the name of the user."""
_SCRIPTS: Final = Path(__file__).parents[3] / "scripts"
_KINDS: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True)
class Certificate:
    """A certificate for :data:`HOST`.

    Attributes:
        chain: the file of the certificate.
        key: the file of its key.
    """

    chain: Path
    key: Path

    @classmethod
    def made_in(cls, folder: Path) -> "Certificate":
        """Make a certificate and its files."""
        made = trustme.CA().issue_cert(HOST)
        certificate = cls(folder / "certificate.pem", folder / "key.pem")
        certificate.chain.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        made.private_key_pem.write_to_path(certificate.key)
        return certificate

    @property
    def pin(self) -> str:
        """The hash of the public key, by which Chromium can be told to trust the certificate."""
        key = load_pem_x509_certificate(self.chain.read_bytes()).public_key()
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        digest = hashlib.sha256(key.public_bytes(serialization.Encoding.DER, form)).digest()
        return base64.b64encode(digest).decode()


@asynccontextmanager
async def caddy(folder: Path, page: int, certificate: Certificate) -> AsyncIterator[int]:
    """Run Caddy in front of the page's port; yield the port on which Caddy listens."""
    port = free_port()
    tls = f"tls {certificate.chain} {certificate.key}"
    site = _file("Caddyfile", {f"{HOST} {{": f"{HOST} {{\n\tbind 127.0.0.1\n\t{tls}", "8081": page})
    options = ("admin off", "auto_https disable_redirects", f"https_port {port}")
    config = folder / "Caddyfile"
    config.write_text("{\n" + "\n".join(options) + "\n}\n" + site)
    arguments = ("run", "--config", str(config), "--adapter", "caddyfile")
    async with _running(folder, port, "caddy", *arguments):
        yield port


@asynccontextmanager
async def nginx(folder: Path, page: int, certificate: Certificate) -> AsyncIterator[int]:
    """Run nginx in front of the page's port, with an auth proxy; yield the port of nginx."""
    port = free_port()
    async with _auth_proxy() as auth:
        replacements = {
            "listen 443 ": f"listen 127.0.0.1:{port} ",
            "/etc/ssl/mailroom/certificate.pem": certificate.chain,
            "/etc/ssl/mailroom/key.pem": certificate.key,
            "8081": page,
            "9091": auth,
        }
        temporary = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in _KINDS)
        config = folder / "nginx.conf"
        config.write_text(
            f"daemon off;\nworker_processes 1;\npid {folder}/pid;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{temporary}\n{_file('nginx.conf', replacements)}}}\n"
        )
        arguments = ("-e", "stderr", "-p", str(folder), "-c", str(config))
        async with _running(folder, port, "nginx", *arguments):
            yield port


def _file(name: str, replacements: Mapping[str, object]) -> str:
    text = (_SCRIPTS / "deploy" / name).read_text()
    for old, new in replacements.items():
        assert old in text, f"{name} has no {old!r}"
        text = text.replace(old, str(new))
    return text


@asynccontextmanager
async def _auth_proxy() -> AsyncIterator[int]:
    """Answer the requests in which nginx asks who has signed in."""

    async def answer(request: web.Request) -> web.Response:
        assert request.headers["X-Original-URL"].startswith(f"https://{HOST}/")
        user = request.cookies.get(AUTH_COOKIE)
        return web.Response(headers={"Remote-User": user}) if user else web.Response(status=401)

    app = web.Application()
    app.router.add_get("/api/authz/auth-request", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _running(folder: Path, port: int, program: str, *arguments: str) -> AsyncIterator[None]:
    programs = Path((await output_of(_SCRIPTS / "proxies")).strip())
    with (folder / f"{program}.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            str(programs / program),
            *arguments,
            env={"HOME": str(folder)},
            stdout=log,
            stderr=log,
        )

    async def listens() -> bool:
        assert process.returncode is None, (folder / f"{program}.log").read_text()
        try:
            _, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=_TRUSTING, server_hostname=HOST
            )
        except OSError:
            return False
        writer.close()
        return True

    try:
        await until(listens, f"{program} listens")
        yield
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


_TRUSTING: Final = ssl.create_default_context()
_TRUSTING.check_hostname = False
_TRUSTING.verify_mode = ssl.CERT_NONE
