"""The running demo: receivers, hub and boxes, started in order and stopped in the opposite one."""

import contextlib
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from demo.hub_client import HubClient
from demo.processes import Child, CommandFailed, run_command
from demo.receivers import Delivery, Receiver
from demo.town import AGENCIES, BOXES, SITE, TECHNICIAN, Town

HOST = "127.0.0.1"
_BUS_PORT = 4222
_ENROL_WITHIN_S = 30.0
_LISTEN_S = "2"

_KEY = re.compile(r"set-up of box \S+: \S+, key ([A-Z0-9-]+), new")

Say = Callable[[str], None]


def free_port(wanted: int) -> int:
    """``wanted`` when nobody listens there, else any free port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((HOST, port))
                return probe.getsockname()[1]
    raise OSError("no free port on this machine")


class Street:
    """All processes of the demo. ``say`` takes one line for the person who watches."""

    def __init__(self, town: Town, port: int, say: Say) -> None:
        self.town = town
        self.deliveries: list[Delivery] = []
        self.boxes: dict[str, Child] = {}
        self._say = say
        self._clean_up = contextlib.ExitStack()
        self.port = free_port(port)
        if self.port != port:
            say(f"port {port} is taken; using {self.port}")
        self.address = f"http://{HOST}:{self.port}"
        self.hub = Child(
            "hub", ["hub", "serve", f"--data={town.hub}", f"--host={HOST}"], town.logs / "hub.log"
        )

    def _bus_port(self) -> int:
        """The same as last time, since enrolled boxes know it; else they must be enrolled anew."""
        kept = self.town.folder / "bus-port"
        last = int(kept.read_text()) if kept.exists() else _BUS_PORT
        port = free_port(last)
        if port != last:
            self._say(f"port {last} is taken; the bus uses {port}")
            for box in BOXES:
                self._grant(box).unlink(missing_ok=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(str(port))
        return port

    def _grant(self, box: str) -> Path:
        return self.town.box_folder(box) / "state" / "credentials" / "grant.json"

    def start(self, seconds: int) -> None:
        """Start everything. Raises ``CommandFailed`` or ``TimeoutError`` with the way out."""
        urls = {agency.id: self._start_receiver(agency.id) for agency in AGENCIES}
        if not self.town.has_film(seconds):
            self._say(f"filming the street: {seconds} s from {sum(map(len, BOXES.values()))} cameras …")
            self.town.make_film(seconds)
        self._prepare_hub(urls)
        self._start_hub()
        for path in self.town.write_boxes():
            self._start_box(path.parent.name, str(path))
        self._enrol_boxes()

    def _start_receiver(self, agency: str) -> str:
        receiver = Receiver(agency, self.town.secret(agency), self._arrived)
        receiver.start()
        self._clean_up.callback(receiver.stop)
        return receiver.url

    def _arrived(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        incident = delivery.body["incident"]
        what = str(delivery.body["type"]).removeprefix("incident.")
        self._say(f"  ▸ {delivery.agency:<14} {what:<9} incident {incident['number']}: {incident['kind']}")

    def _prepare_hub(self, urls: dict[str, str]) -> None:
        data = f"--data={self.town.hub}"
        is_new = not (self.town.hub / "hub.db").exists()
        run_command(["hub", "init", data])
        run_command(["hub", "apply", str(self.town.write_city(urls)), data])
        if is_new:
            account = ["hub", "user", "add", TECHNICIAN, "--role=technician", "--password-stdin", data]
            run_command(account, stdin=f"{self.town.secret(TECHNICIAN)}\n")

    def _start_hub(self) -> None:
        self.hub.add_arguments(f"--port={self.port}", f"--bus-port={self._bus_port()}")
        self.hub.start()
        self._clean_up.callback(self._stop, self.hub)
        with self.client() as client:
            client.wait_until_ready()

    def _start_box(self, box: str, config: str) -> None:
        child = Child(box, ["edge", "run", f"--config={config}"], self.town.logs / f"{box}.log")
        child.start()
        self.boxes[box] = child
        self._clean_up.callback(self._stop, child)

    def _enrol_boxes(self) -> None:
        waiting = {box for box in BOXES if not self._grant(box).exists()}
        until = time.monotonic() + _ENROL_WITHIN_S
        while waiting and time.monotonic() < until:
            self.check()
            found = json.loads(run_command(["field", "discover", f"--seconds={_LISTEN_S}", "--json"]))
            for row in found["boxes"]:
                if row["id"] in waiting and row["fingerprint"] == self._label(row["id"]):
                    self._enrol(row)
                    waiting.discard(row["id"])
        if waiting:
            raise CommandFailed(
                f"{', '.join(sorted(waiting))}: not found by zeroconf within {_ENROL_WITHIN_S:.0f} s; "
                f"does this machine allow multicast? The box's log: {self.town.logs}"
            )

    def _label(self, box: str) -> str | None:
        """The fingerprint of the box's key, as a technician would read it from the label: here from its own
        log, since another box on this network may have taken the same name."""
        said = _KEY.findall(self.boxes[box].log.read_text(errors="replace"))
        return said[-1] if said else None

    def _enrol(self, row: dict[str, Any]) -> None:
        self._say(f"found {row['id']} by zeroconf, key {row['fingerprint']}; enrolling it")
        options = [
            f"--hub={self.address}",
            f"--user={TECHNICIAN}",
            f"--site={SITE}",
            f"--host={row['address']}",
        ]
        secret = {"SAQSHY_PASSWORD": self.town.secret(TECHNICIAN)}
        run_command(["field", "enrol", row["id"], *options, "--yes", "--json"], secret)

    @contextlib.contextmanager
    def client(self) -> Iterator[HubClient]:
        """A client of the hub, not signed in."""
        client = HubClient(self.address)
        try:
            yield client
        finally:
            client.close()

    def setup_link(self) -> str | None:
        """The one-time link for the first admin, or None when there is one."""
        answer = json.loads(run_command(["hub", "init", f"--data={self.town.hub}", "--json"]))
        _, mark, token = (answer["setup_link"] or "").partition("/#/setup/")
        return f"{self.address}{mark}{token}" if token else None

    def check(self) -> None:
        """Raise ``CommandFailed`` with the last words of a process that ended by itself."""
        for child in (self.hub, *self.boxes.values()):
            if child.exit_code() is not None:
                raise CommandFailed(f"{child.name} ended by itself; {child.log} ends:\n{child.last_lines()}")

    def _stop(self, child: Child) -> None:
        child.ask_to_stop()
        child.wait_until_stopped()

    def stop(self) -> None:
        """Stop everything that was started; boxes first, so that the hub takes their last word."""
        for child in self.boxes.values():
            child.ask_to_stop()
        self._clean_up.close()
