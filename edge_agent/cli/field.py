"""``saqshy field``: what a technician does with boxes on site."""

import asyncio
import ipaddress
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_agent.cli.outcome import plain_errors, show

if TYPE_CHECKING:
    from edge_agent.provisioning.discovering import Found
    from edge_agent.provisioning.wire import Card

app = typer.Typer(
    help="Find boxes on this network and enrol them at the hub.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Host = Annotated[
    str | None, typer.Option("--host", help="The box's address, HOST:PORT, where discovery cannot reach.")
]
Seconds = Annotated[float, typer.Option("--seconds", min=0.5, max=600, help="How long to listen.")]


@app.command()
def discover(seconds: Seconds = 3.0, host: Host = None, as_json: AsJson = False) -> None:
    """List the boxes of this network. Without --host nothing is connected to."""
    with plain_errors():
        found, refused = _find(seconds) if host is None else ([_asked(_host_and_port(host))], {})
        rows = [
            {"id": f.box, "state": str(f.state), "address": f.hosts[0], "fingerprint": f.fingerprint}
            for f in found
        ]
        lines = [f"{r['id']:<24} {r['state']:<6} {r['address']:<22} {r['fingerprint']}" for r in rows]
        lines += [f"passed over: {_plain(name)}: {_plain(why)}" for name, why in refused.items()]
        head = f"{'BOX':<24} {'STATE':<6} {'ADDRESS':<22} KEY (compare it with the box's label)"
        text = "\n".join([head, *lines]) if lines else "no box answers; try --host HOST:PORT"
        show({"boxes": rows, "refused": len(refused)}, as_json, text)


@app.command()
def enrol(
    box: Annotated[str, typer.Argument(help="The box's id, as `discover` lists it.")],
    hub: Annotated[str, typer.Option("--hub", help="The hub's address, such as https://hub.example:8000.")],
    user: Annotated[str, typer.Option("--user", help="Your user name at the hub.")],
    host: Host = None,
    site: Annotated[
        str | None, typer.Option("--site", help="The site; the one of its box.toml if it has one.")
    ] = None,
    seconds: Seconds = 3.0,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing: you have compared the key already.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give a box its credentials. The password is asked for, or taken from SAQSHY_PASSWORD."""
    from edge_agent.provisioning.enrolling import BoxLine, HubLine
    from shared.nkey import fingerprint

    with plain_errors():
        address, announced = _host_and_port(host), None
        if host is None:
            found = _choose(box, _find(seconds)[0])
            address, announced = found.hosts[0], found.fingerprint
            _confirm(f"connect to box {box} at {address}, key {announced}?", yes)
        box_line, hub_line = BoxLine(address), HubLine(hub)
        try:
            card = box_line.card()
            chosen = _check_card(card, box, announced, site)
            mark = fingerprint(card.nkey_public)
            _confirm(f"enrol box {card.id} (serial {_plain(card.serial)}, key {mark}) at site {chosen}?", yes)
            password = os.environ.get("SAQSHY_PASSWORD") or typer.prompt(
                "password", hide_input=True, err=True
            )
            hub_line.sign_in(user, password)
            grant = hub_line.enrol(card, chosen)
            box_line.hand_over(card, grant)
        finally:
            box_line.close()
            hub_line.close()
        answer = {
            "box": card.id,
            "site": grant.site,
            "serial": card.serial,
            "fingerprint": mark,
            "bus_urls": grant.bus_urls,
            "hub_fingerprint": grant.hub_fingerprint,
        }
        show(answer, as_json, f"box {card.id} is enrolled at site {grant.site}; hub {grant.hub_fingerprint}")


def _find(seconds: float) -> "tuple[list[Found], dict[str, str]]":
    from edge_agent.provisioning.discovering import Discovery

    async def listen() -> Discovery:
        discovery = Discovery()
        await discovery.run(seconds)
        return discovery

    seen = asyncio.run(listen())
    return sorted(seen.found.values()), seen.refused


def _asked(address: str) -> "Found":
    """A box that the technician named: it is asked directly."""
    from edge_agent.provisioning.discovering import Found
    from edge_agent.provisioning.enrolling import BoxLine
    from shared.nkey import fingerprint

    line = BoxLine(address)
    try:
        card = line.card()
    finally:
        line.close()
    name, _, port = address.rpartition(":")
    return Found(card.id, card.state, fingerprint(card.nkey_public), (name.strip("[]"),), int(port))


def _choose(box: str, found: "list[Found]") -> "Found":
    """The one box of that name; where several say they are it, a person must tell them apart."""
    from edge_agent.errors import EnrolmentFailed

    named = [one for one in found if one.box == box]
    if not named:
        others = ", ".join(sorted({one.box for one in found})) or "none"
        raise EnrolmentFailed(
            f"box {_plain(box)}: not found (found: {others})", "try again, or give --host HOST:PORT"
        )
    if len({one.fingerprint for one in named}) > 1:
        keys = ", ".join(f"{one.fingerprint} at {one.hosts[0]}" for one in named)
        raise EnrolmentFailed(
            f"box {box}: several say they are it ({keys})", "compare with its label, give --host"
        )
    return named[0]


def _check_card(card: "Card", box: str, announced: str | None, site: str | None) -> str:
    """See that the card is the one of the box that is meant; return its site."""
    from edge_agent.errors import EnrolmentFailed, Refused
    from edge_agent.provisioning.wire import SetupState
    from shared.nkey import fingerprint

    if card.id != box:
        raise EnrolmentFailed(f"this is box {card.id}, not {_plain(box)}", "check --host")
    if announced not in (None, fingerprint(card.nkey_public)):
        raise EnrolmentFailed(
            f"box {box}: its key is not the announced one", "do not enrol it; somebody may listen"
        )
    if card.state is not SetupState.NEW:
        raise EnrolmentFailed(
            f"box {box} is enrolled already", "delete its credentials/grant.json to enrol it anew"
        )
    chosen = site or card.site
    if chosen is None:
        raise Refused("--site", "the box's box.toml names no site", "give --site")
    return chosen


def _confirm(question: str, yes: bool) -> None:
    from edge_agent.errors import EnrolmentFailed

    if not yes and not typer.confirm(question, err=True):
        raise EnrolmentFailed("stopped", "nothing was changed")


def _host_and_port(text: str | None) -> str:
    """Check HOST:PORT; empty when there is none."""
    from edge_agent.errors import Refused

    if text is None:
        return ""
    name, _, port = text.rpartition(":")
    if not name or not port.isdigit() or not 1 <= int(port) <= 65_535 or not _is_host(name):
        raise Refused(
            "--host", f"{_plain(text)!r} is not an address", "write HOST:PORT, such as 192.0.2.7:7460"
        )
    return text


def _is_host(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return all(part.replace("-", "").isalnum() and part.isascii() for part in name.split("."))
    return True


def _plain(text: Any) -> str:
    """Text from strangers, fit for a terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(text))[:120]
