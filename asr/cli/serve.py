"""``asr serve``: recognise speech for other programs and for the browser."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asr.cli.captions import final_model_option
from asr.cli.options import Choice, streaming_recognizer_options
from asr.progress import say

if TYPE_CHECKING:
    from asr.serve.limits import Limits
    from asr.serve.security import Access
    from asr.serve.server import Address

_file = click.Path(path_type=Path, exists=True, dir_okay=False)
_address_options = (
    click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at."),
    click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True),
    click.option("--cert", type=_file, help="TLS certificate (PEM); makes it https and wss."),
    click.option("--key", type=_file, help="Its key, if that is in another file."),
)
_access_options = (
    click.option(
        "--token",
        envvar="ASR_TOKEN",
        help="Secret that clients must know; better set ASR_TOKEN, for others can see what a command is "
        "given. Clients send Authorization: Bearer TOKEN, or on sockets ?token=TOKEN.",
    ),
    click.option("--no-token", is_flag=True, help="Let everybody in who can reach the address."),
    click.option("--allow-host", multiple=True, metavar="NAME", help="Another name of this server."),
    click.option(
        "--allow-origin", multiple=True, metavar="URL", help="A web page that may use it: https://example.org"
    ),
)
_limit_options = (
    click.option("--max-upload", type=click.IntRange(min=1), default=128, show_default=True, help="MiB."),
    click.option(
        "--max-seconds",
        type=click.FloatRange(min=0, min_open=True),
        default=3600.0,
        show_default=True,
        help="Longest recording.",
    ),
    click.option(
        "--uploads", type=click.IntRange(min=1), default=8, show_default=True, help="Recordings at once."
    ),
    click.option(
        "--sessions", type=click.IntRange(min=1), default=200, show_default=True, help="Streams at once."
    ),
    click.option(
        "--idle",
        type=click.FloatRange(min=0, min_open=True),
        default=60.0,
        show_default=True,
        help="Seconds for which a client may be silent.",
    ),
    click.option(
        "--stop-after",
        type=click.FloatRange(min=0),
        default=10.0,
        show_default=True,
        help="Seconds to finish what is under way when told to stop.",
    ),
)


def _address(host: str, port: int, cert: Path | None, key: Path | None) -> Address:
    from asr.serve.server import Address

    if key is not None and cert is None:
        raise click.UsageError("--key without --cert: name the certificate, too")
    return Address(host, port, cert, key)


def _access(
    token: str | None, no_token: bool, allow_host: tuple[str, ...], allow_origin: tuple[str, ...]
) -> Access:
    from asr.serve.security import Access

    sent = token is None or (bool(token) and all("!" <= letter <= "~" for letter in token))
    if not sent or (token is not None and no_token):
        raise click.UsageError(
            "--token must be of ASCII characters without spaces, and does not go with --no-token"
        )
    origins = frozenset(origin.rstrip("/").lower() for origin in allow_origin)
    return Access(token, frozenset(name.lower() for name in allow_host), origins)


def _limits(max_upload: int, max_seconds: float, stop_after: float, **others: Any) -> Limits:
    from asr.serve.limits import Limits

    return Limits(upload_bytes=max_upload << 20, upload_seconds=max_seconds, stop=stop_after, **others)


def _grouped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command its options as `address`, `access` and `limits`."""

    @wraps(function)
    def command(choice: Choice, store: Path | None, final_model: Path | None, **given: Any) -> Any:
        address = _address(**{name: given.pop(name) for name in ("host", "port", "cert", "key")})
        names = ("token", "no_token", "allow_host", "allow_origin")
        no_token = given["no_token"]
        access = _access(**{name: given.pop(name) for name in names})
        _check_open(address.host, access, no_token)
        access = replace(access, hosts=access.hosts | {address.host.lower()})
        return function(choice, address, access, _limits(**given), store, final_model)

    for option in reversed((*_address_options, *_access_options, *_limit_options)):
        command = option(command)
    return command


def _check_open(host: str, access: Access, no_token: bool) -> None:
    from asr.serve.security import is_loopback

    if not is_loopback(host) and access.token is None and not no_token:
        raise click.UsageError(
            f"at {host} other machines can reach the server: set a token (ASR_TOKEN), or say --no-token"
        )


@click.command("serve")
@streaming_recognizer_options
@_grouped
@final_model_option
@click.option(
    "--store", type=click.Path(path_type=Path, file_okay=False), help="Keep what streams bring, as wav files."
)
def command(
    choice: Choice, address: Address, access: Access, limits: Limits, store: Path | None, final: Path | None
) -> int:
    """Recognise speech for other programs and for the browser.

    At http://127.0.0.1:8000/ there is a page with live captions and a place to drop recordings.
    Programs use POST /v1/audio/transcriptions as they use OpenAI's, or the socket /ws as they use
    Vosk's. Live captions need a model that streams.

    \b
    asr serve --model models/an4-lstm-streaming
    ASR_TOKEN=secret asr serve --model runs/an4/bundle --host 0.0.0.0 --cert cert.pem --key key.pem
    """
    from asr.recognize.recognizer import load
    from asr.serve.server import listen, serve
    from asr.serve.service import Service

    with listen(address) as listener:
        second = load(final, device=choice.device) if final else None
        service = Service(choice.load(), limits, store, second)
        if service.captions is None:
            say(f"no live captions, recordings only: {service.silence}")
        service.warm_up()
        finished = serve(service, address, access, listener)
    if not finished:  # threads that still compute would keep the process
        sys.stdout.flush()
        os._exit(1)
    return 0
