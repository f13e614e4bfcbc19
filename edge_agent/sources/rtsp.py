"""Cameras on the network, over TCP: nothing is lost on the way and no port needs opening."""

import ipaddress
import socket

from edge_agent.errors import SourceFailed, SourceFault, SourceRefused
from edge_agent.sources.address import IpAddress, RtspAddress, check_ip
from edge_agent.sources.stream import Stream, open_stream

_OPTIONS = {
    "rtsp_transport": "tcp",
    "protocol_whitelist": "rtsp,rtp,tcp,tls",
    # Opens in a third of the time that the defaults take.
    "analyzeduration": "500000",
    "probesize": "200000",
    "fflags": "nobuffer",
}


def open_camera(address: RtspAddress) -> Stream:
    """Connect and learn the stream's form, or raise ``SourceFailed``.

    The host's name is looked up once, and that number is judged and used: no second look-up can lead
    elsewhere.
    """
    return open_stream(address.at(_look_up(address)), _OPTIONS, is_live=True)


def _look_up(address: RtspAddress) -> IpAddress:
    try:
        # As bytes: for text, Python would load a codec from a file, which a confined process may not read.
        found = socket.getaddrinfo(address.host.encode(), address.port, type=socket.SOCK_STREAM)
        ip = ipaddress.ip_address(found[0][4][0])
        check_ip(ip, "host")
    except OSError as error:
        detail = error.strerror or "unknown"
        raise SourceFailed(SourceFault.UNREACHABLE, f"the host's name is not found: {detail}") from None
    except (ValueError, SourceRefused):
        raise SourceFailed(SourceFault.REFUSED, "the host's name leads where no camera may stand") from None
    return ip
