"""FFmpeg's errors become ours here and nowhere else. FFmpeg's texts hold the address with its password, so
only the error's own words are kept."""

import errno

from av import error as averror

from edge_agent.errors import SourceFailed, SourceFault

FFMPEG_ERRORS = (averror.FFmpegError, OSError, ValueError)
_REFUSALS = (
    averror.HTTPUnauthorizedError,
    averror.HTTPForbiddenError,
    averror.HTTPNotFoundError,
    averror.HTTPBadRequestError,
    averror.HTTPOtherClientError,
    averror.PermissionError,
)
_UNREADABLE = (
    averror.InvalidDataError,
    averror.DecoderNotFoundError,
    averror.DemuxerNotFoundError,
    averror.PatchWelcomeError,
)


def failure_of(error: Exception, took_s: float, limit_s: float) -> SourceFailed:
    """Name the fault of an open or a read that took ``took_s`` of the ``limit_s`` it was given."""
    words = getattr(error, "strerror", None) or type(error).__name__
    if took_s >= limit_s or isinstance(error, averror.ExitError | averror.TimeoutError):
        return SourceFailed(SourceFault.SILENT, f"no picture within {limit_s:g} s")
    if getattr(error, "errno", None) == errno.ENOSYS:
        # A locked decoder's second connection; see ``lockdown``.
        return SourceFailed(SourceFault.REDIRECTED, "redirect refused: it sends us to another host")
    if isinstance(error, _REFUSALS):
        return SourceFailed(SourceFault.REFUSED, words)
    if isinstance(error, _UNREADABLE):
        return SourceFailed(SourceFault.NO_VIDEO, words)
    if isinstance(error, EOFError):
        return SourceFailed(SourceFault.ENDED, "the stream ended")
    return SourceFailed(SourceFault.UNREACHABLE, words)
