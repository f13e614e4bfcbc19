"""``saqshy hub``: serve, init, apply, user add, export-openapi, verify."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from hub.errors import HubError, InputRefused, StartRefused
from hub.settings import default_folder, read_settings

if TYPE_CHECKING:
    from hub.app import Ready
    from hub.services.parts import Parts

T = TypeVar("T")

app = typer.Typer(
    help="The program in the operations centre.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)
user_app = typer.Typer(help="Accounts.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(user_app, name="user")

_FOLDER_HELP = "The hub's folder; default ~/.local/share/saqshy/hub."
Data = Annotated[Path | None, typer.Option("--data", help=_FOLDER_HELP)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on the last line.")]


@app.command()
def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Default 8000; 0 takes any.")] = None,
    bus_port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Default 4222; 0 takes any.")
    ] = None,
    any_port: Annotated[
        bool, typer.Option("--any-port", help="Take another port when one is taken.")
    ] = False,
    json: Json = False,
) -> None:
    """Run the hub until it is stopped. With --json the line is printed when it is ready."""
    folder = data or default_folder()
    try:
        settings = read_settings(folder, host=host, port=port, bus_port=bus_port)
    except StartRefused as error:
        _fail(str(error), 2)
    from hub.app import Hub
    from hub.cli.logs import log_to_stderr

    log_to_stderr()

    async def run() -> None:
        hub = Hub(folder, settings, any_port=any_port)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, hub.stop)
        await hub.run(lambda ready: _say_ready(ready, as_json=json))

    _run(run())


@app.command()
def init(data: Data = None, json: Json = False) -> None:
    """Make the hub's folder, database and keys. Prints a one-time link that makes the first account."""
    from hub.app import address, open_hub_database, setup_link
    from hub.bus.keys import open_keys
    from hub.services.parts import utc_now_us
    from hub.services.sessions import new_setup_link_token

    folder = data or default_folder()

    async def run() -> str | None:
        settings = read_settings(folder)
        database = await open_hub_database(folder)
        try:
            open_keys(folder / "keys")
            token = await new_setup_link_token(database, utc_now_us())
        finally:
            await database.close()
        return (
            setup_link(settings.public_url or address(settings.host, settings.port), token) if token else None
        )

    link = _run(run())
    if json:
        _print_json({"data": str(folder.absolute()), "setup_link": link})
    elif link:
        typer.echo(f"{folder} is ready. Start the hub, then open this link within 24 hours:\n{link}")
    else:
        typer.echo(f"{folder} is ready and has users; sign in with one of them.")


@app.command()
def apply(
    city: Annotated[Path, typer.Argument(help="city.toml: agencies, routes, cameras, base map.")],
    data: Data = None,
    json: Json = False,
) -> None:
    """Take agencies, routes and map from a file. Cameras too; the hub may be running."""
    from hub.services.city import apply_city

    folder = data or default_folder()
    counts = _run(_with_parts(folder, lambda parts: apply_city(parts, city)))
    if json:
        _print_json(counts)
    else:
        typer.echo(f"{city}: {counts['agencies']} agencies, {counts['cameras']} cameras.")


@user_app.command("add")
def add_user(
    username: Annotated[str, typer.Argument(help="a-z, 0-9, '.', '_' and '-'.")],
    role: Annotated[str, typer.Option(help="operator, supervisor, admin or technician.")] = "operator",
    display_name: Annotated[str, typer.Option(help="How others see the name.")] = "",
    locale: Annotated[str, typer.Option(help="kk, ru or en.")] = "ru",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Add a user; the password is asked for, or read from stdin."""
    from hub.domain.access import Role
    from hub.errors import FieldFault
    from hub.services import users
    from hub.services.users import NewUser

    folder = data or default_folder()

    async def run() -> int | None:
        if role not in list(Role):
            raise InputRefused(FieldFault("--role", f"{role!r} is none; use one of {', '.join(Role)}"))
        password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _ask_password()
        new = NewUser(username, password, display_name, Role(role), locale)
        return (await _with_parts(folder, lambda parts: users.create(parts, new))).id

    user_id = _run(run())
    if json:
        _print_json({"id": user_id, "username": username, "role": role})
    else:
        typer.echo(f"{username} may sign in as {role}.")


@app.command("export-openapi")
def export_openapi(
    out: Annotated[Path | None, typer.Option(help="File to write; default stdout.")] = None,
) -> None:
    """Write the API's description (OpenAPI 3.1, JSON)."""
    import msgspec

    from hub.api.application import describe_api

    text = msgspec.json.format(msgspec.json.encode(describe_api()), indent=2) + b"\n"
    if out is None:
        sys.stdout.buffer.write(text)
        return
    try:
        out.write_bytes(text)
    except OSError as error:
        _fail(f"{out}: {error.strerror}; give a file that can be written with --out", 2)


@app.command()
def verify(data: Data = None, json: Json = False) -> None:
    """Check database, pictures, bus and streams. Exit code 1 when something is wrong."""
    from hub.cli.verify import verify_folder

    folder = data or default_folder()
    report = _run(verify_folder(folder))
    if json:
        _print_json(report.as_json())
    else:
        for line in report.lines():
            typer.echo(line)
    if report.faults:
        sys.exit(1)


async def _with_parts(folder: Path, work: "Callable[[Parts], Awaitable[T]]") -> T:
    """Do one thing in the hub's folder, beside the running hub if there is one."""
    from hub.app import open_hub_database
    from hub.services.parts import Parts
    from hub.services.passwords import Passwords

    settings = read_settings(folder)
    database = await open_hub_database(folder)
    try:
        return await work(Parts(settings, folder, database, Passwords(settings.password)))
    finally:
        await database.close()


def _ask_password() -> str:
    return typer.prompt("Password", hide_input=True, confirmation_prompt=True)


def _say_ready(ready: "Ready", *, as_json: bool) -> None:
    typer.echo(f"The hub serves at {ready.url} (bus on port {ready.bus_port}).", err=True)
    if ready.setup_link:
        typer.echo(
            f"There is no account yet. Make the first one within 24 hours: {ready.setup_link}", err=True
        )
    if as_json:
        _print_json(ready._asdict())


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; what a user can put right becomes one line and an exit code."""
    from sqlalchemy.exc import SQLAlchemyError

    from hub.bus.errors import BusError, BusUnfit

    try:
        return asyncio.run(work)
    except (StartRefused, InputRefused, BusUnfit) as error:
        _fail(str(error), 2)
    except (HubError, BusError) as error:
        _fail(str(error), 1)
    except SQLAlchemyError as error:
        first_line = str(error).partition("\n")[0]
        _fail(f"the database does not work: {first_line}; see 'saqshy hub verify'", 1)
    except OSError as error:
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}", 1)


def _fail(text: str, code: int) -> NoReturn:
    typer.echo(f"error: {text}", err=True)
    sys.exit(code)


def _print_json(value: Any) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(value).decode())
    sys.stdout.flush()
