import { describe, expect, test } from 'vitest';
import type { Summary } from '../src/api/types';
import { EMPTY, isNews, neighbour, openCounts, queue, take } from '../src/state/incidents';

let seq = 0;
function incident(id: string, change: Partial<Summary> = {}): Summary {
  seq += 1;
  return {
    id,
    number: seq,
    kind: 'intrusion',
    programme: 'law_and_order',
    severity: 'medium',
    state: 'new',
    verdict: null,
    lat: 50.937,
    lon: 71.365,
    sigma_m: 2,
    cameras: ['gate'],
    zone: null,
    subject: 'person',
    opened_at: '2026-11-23T16:00:00Z',
    last_observed_at: '2026-11-23T16:00:00Z',
    ended_at: null,
    event_count: 1,
    cover: null,
    reason: {},
    dispatches: [],
    change_seq: seq,
    ...change,
  };
}
const ids = (rows: readonly Summary[]) => rows.map((row) => row.id);
const ALL = { shelf: 'open', programme: 'all' } as const;

describe('queue', () => {
  test('the worst first, then what waits longest', () => {
    const holding = take(EMPTY, [
      incident('low', { severity: 'low', opened_at: '2026-11-23T10:00:00Z' }),
      incident('young', { severity: 'high', opened_at: '2026-11-23T16:05:00Z' }),
      incident('old', { severity: 'high', opened_at: '2026-11-23T15:00:00Z' }),
      incident('critical', { severity: 'critical', opened_at: '2026-11-23T16:10:00Z' }),
    ]);
    expect(ids(queue(holding, ALL))).toEqual(['critical', 'old', 'young', 'low']);
  });

  test('a shelf holds its states only', () => {
    const holding = take(EMPTY, [
      incident('new'),
      incident('held', { state: 'acknowledged' }),
      incident('resolved', { state: 'resolved' }),
      incident('closed', { state: 'closed' }),
    ]);
    expect(ids(queue(holding, ALL))).toEqual(['new', 'held']);
    expect(ids(queue(holding, { ...ALL, shelf: 'new' }))).toEqual(['new']);
    expect(ids(queue(holding, { ...ALL, shelf: 'acknowledged' }))).toEqual(['held']);
    expect(ids(queue(holding, { ...ALL, shelf: 'settled' }))).toEqual(['closed', 'resolved']);
  });

  test('a programme hides the others', () => {
    const holding = take(EMPTY, [incident('law'), incident('taza', { programme: 'taza_qazaqstan' })]);
    expect(ids(queue(holding, { ...ALL, programme: 'taza_qazaqstan' }))).toEqual(['taza']);
  });
});

describe('take', () => {
  test('an older word never replaces a newer one', () => {
    const newer = incident('one', { state: 'acknowledged', change_seq: 90 });
    const holding = take(take(EMPTY, [newer]), [incident('one', { state: 'new', change_seq: 89 })]);
    expect(holding.byId.get('one')?.state).toBe('acknowledged');
    expect(holding.changeSeq).toBe(90);
  });

  test('the list tells how far it reaches, even when it is empty', () => {
    expect(take(EMPTY, [], 41).changeSeq).toBe(41);
    expect(take(take(EMPTY, [], 41), [], 12).changeSeq).toBe(41);
  });

  test('what was held before is left as it was', () => {
    const before = take(EMPTY, [incident('one')]);
    take(before, [incident('two')]);
    expect([...before.byId.keys()]).toEqual(['one']);
    expect(isNews(before, incident('two'))).toBe(true);
    expect(isNews(before, incident('one'))).toBe(false);
  });
});

test('counts are of open incidents only', () => {
  const holding = take(EMPTY, [
    incident('a', { severity: 'critical' }),
    incident('b', { severity: 'critical', state: 'acknowledged' }),
    incident('c', { severity: 'critical', state: 'resolved' }),
    incident('d', { severity: 'low' }),
  ]);
  expect(openCounts(holding)).toEqual({ critical: 2, high: 0, medium: 0, low: 1 });
});

test('steps stay within the queue, and begin at its head', () => {
  const rows = [incident('a'), incident('b'), incident('c')];
  expect(neighbour(rows, null, 1)).toBe('a');
  expect(neighbour(rows, 'a', 1)).toBe('b');
  expect(neighbour(rows, 'c', 1)).toBe('c');
  expect(neighbour(rows, 'a', -1)).toBe('a');
  expect(neighbour(rows, 'gone', 1)).toBe('a');
  expect(neighbour([], 'a', 1)).toBeNull();
});
