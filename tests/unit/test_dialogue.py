"""What the agent takes from a decoder: the messages that are well formed, and nothing else."""

import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.errors import SourceFailed, SourceFault
from edge_agent.sources.dialogue import AgentEnd, Alive, DecoderEnd, Picture, Ring, Size, new_ring_fd


@pytest.fixture
def ends() -> Iterator[tuple[AgentEnd, DecoderEnd, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield AgentEnd(ours), DecoderEnd(theirs), theirs


def fault_of(agent: AgentEnd) -> SourceFault:
    with pytest.raises(SourceFailed) as caught:
        agent.listen(1)
    return caught.value.fault


def test_a_picture_says_what_it_is(ends: tuple[AgentEnd, DecoderEnd, socket.socket]) -> None:
    agent, decoder, _ = ends
    picture = Picture(2, 7, 1_790_000_000_000_000, 5, 0, is_key=True, is_seam=False)
    decoder.show(picture)
    assert agent.listen(1) == picture


def test_a_failure_keeps_its_fault_and_its_words(ends: tuple[AgentEnd, DecoderEnd, socket.socket]) -> None:
    agent, decoder, _ = ends
    decoder.failed(SourceFailed(SourceFault.REFUSED, "401 Unauthorized"))
    with pytest.raises(SourceFailed, match=r"refused: 401 Unauthorized") as caught:
        agent.listen(1)
    assert caught.value.fault is SourceFault.REFUSED


def test_silence_is_a_hang_and_an_end_is_a_crash(ends: tuple[AgentEnd, DecoderEnd, socket.socket]) -> None:
    agent, decoder, theirs = ends
    decoder.alive()
    assert agent.listen(1) == Alive()
    with pytest.raises(SourceFailed) as caught:
        agent.listen(0.01)
    assert caught.value.fault is SourceFault.HUNG
    theirs.close()
    assert fault_of(agent) is SourceFault.CRASHED


@given(st.binary(min_size=1, max_size=64) | st.sampled_from(b"APSX").flatmap(
    lambda tag: st.binary(max_size=64).map(lambda body: bytes([tag]) + body)))  # fmt: skip
def test_nonsense_is_a_crash_whatever_it_is(message: bytes) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        theirs.send(message)
        try:
            said = AgentEnd(ours).listen(1)
        except SourceFailed:
            return
    assert isinstance(said, Alive | Size | Picture)
    if isinstance(said, Picture):
        assert said.slot < 3


def test_the_other_side_cannot_cut_the_memory_off() -> None:
    size = Size(64, 48)
    fd = new_ring_fd(size)
    ring = Ring(fd, size)
    for bytes_ in (0, 10 << 20):
        with pytest.raises(PermissionError):
            os.ftruncate(fd, bytes_)
    os.close(fd)
    assert ring.slots.shape == (3, 72, 64)
