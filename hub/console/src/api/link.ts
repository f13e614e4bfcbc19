// The state of the live line to the hub, decided from what happened and when. No clock, no socket.

/** Without a beat for this long the picture is called stale; the hub beats every 5 s. */
export const STALE_AFTER_MS = 12_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;

export interface Link {
  phase: 'connecting' | 'live' | 'stale';
  /** When the hub was last heard, or null before the first time. */
  heardAtMs: number | null;
  /** When waiting for the hub began; staleness counts from here until it is heard. */
  sinceMs: number;
  failures: number;
}

export type LinkHappening = { what: 'heard' | 'failed' | 'tick'; atMs: number };

export const startLink = (atMs: number): Link => ({ phase: 'connecting', heardAtMs: null, sinceMs: atMs, failures: 0 });

export function nextLink(link: Link, happening: LinkHappening): Link {
  const { what, atMs } = happening;
  if (what === 'heard') return { phase: 'live', heardAtMs: atMs, sinceMs: link.sinceMs, failures: 0 };
  const failures = link.failures + (what === 'failed' ? 1 : 0);
  const isStale = atMs - (link.heardAtMs ?? link.sinceMs) >= STALE_AFTER_MS;
  return { ...link, failures, phase: isStale ? 'stale' : link.phase };
}

/** How long to wait before the next try: doubling, at most 15 s, with up to half of it added by chance. */
export function pauseMs(failures: number, chance: number): number {
  const base = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(base * (1 + chance / 2));
}
