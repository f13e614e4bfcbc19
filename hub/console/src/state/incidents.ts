// What the console holds of incidents, and how the queue shows it. Pure: time is an argument.
import type { Programme, Severity, State, Summary } from '../api/types';

export type Shelf = 'open' | 'new' | 'acknowledged' | 'settled';
export const SHELVES: readonly Shelf[] = ['open', 'new', 'acknowledged', 'settled'];
export const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low'];

export interface Holding {
  byId: ReadonlyMap<string, Summary>;
  /** The newest change seen, to resume from. */
  changeSeq: number;
}

export interface Filter {
  shelf: Shelf;
  programme: Programme | 'all';
}

export const EMPTY: Holding = { byId: new Map(), changeSeq: 0 };

const ON_SHELF: Record<Shelf, ReadonlySet<State>> = {
  open: new Set(['new', 'acknowledged']),
  new: new Set(['new']),
  acknowledged: new Set(['acknowledged']),
  settled: new Set(['resolved', 'closed']),
};

/** Take in what the hub says; an older word about an incident never replaces a newer one. */
export function take(holding: Holding, summaries: readonly Summary[], changeSeq = 0): Holding {
  const byId = new Map(holding.byId);
  let newest = Math.max(holding.changeSeq, changeSeq);
  for (const summary of summaries) {
    const held = byId.get(summary.id);
    if (!held || held.change_seq <= summary.change_seq) byId.set(summary.id, summary);
    newest = Math.max(newest, summary.change_seq);
  }
  return { byId, changeSeq: newest };
}

export const isNews = (holding: Holding, summary: Summary): boolean => !holding.byId.has(summary.id);

/** The queue: the worst first, then what waits longest. Settled ones: the latest first. */
export function queue(holding: Holding, filter: Filter): Summary[] {
  const rows = [...holding.byId.values()].filter(
    (row) =>
      ON_SHELF[filter.shelf].has(row.state) && (filter.programme === 'all' || row.programme === filter.programme),
  );
  return rows.sort(filter.shelf === 'settled' ? byLatest : byUrgency);
}

function byUrgency(a: Summary, b: Summary): number {
  return (
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    Date.parse(a.opened_at) - Date.parse(b.opened_at) ||
    a.number - b.number
  );
}

const byLatest = (a: Summary, b: Summary): number => b.change_seq - a.change_seq;

/** How many open incidents there are of each severity, programme filter aside. */
export function openCounts(holding: Holding): Record<Severity, number> {
  const counts: Record<Severity, number> = { critical: 0, high: 0, medium: 0, low: 0 };
  for (const row of holding.byId.values()) if (ON_SHELF.open.has(row.state)) counts[row.severity] += 1;
  return counts;
}

/** The row `step` away from `current`; the first row when nothing is current, null in an empty queue. */
export function neighbour(rows: readonly Summary[], current: string | null, step: number): string | null {
  if (!rows.length) return null;
  const at = rows.findIndex((row) => row.id === current);
  const next = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step));
  return rows[next]?.id ?? null;
}
