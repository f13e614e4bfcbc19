import { expect, test } from 'vitest';
import { STALE_AFTER_MS, nextLink, pauseMs, startLink } from '../src/api/link';

const heard = (atMs: number) => ({ what: 'heard', atMs }) as const;
const tick = (atMs: number) => ({ what: 'tick', atMs }) as const;
const failed = (atMs: number) => ({ what: 'failed', atMs }) as const;

test('a beat makes it live, silence of 12 s makes it stale', () => {
  let link = nextLink(startLink(0), heard(1_000));
  expect(link.phase).toBe('live');
  link = nextLink(link, tick(1_000 + STALE_AFTER_MS - 1));
  expect(link.phase).toBe('live');
  link = nextLink(link, tick(1_000 + STALE_AFTER_MS));
  expect(link.phase).toBe('stale');
  expect(nextLink(link, heard(60_000)).phase).toBe('live');
});

test('a hub that never answers becomes stale too', () => {
  const link = nextLink(startLink(0), tick(STALE_AFTER_MS));
  expect(link).toMatchObject({ phase: 'stale', heardAtMs: null });
});

test('one broken line is not stale yet', () => {
  const link = nextLink(nextLink(startLink(0), heard(1_000)), failed(2_000));
  expect(link).toMatchObject({ phase: 'live', failures: 1 });
});

test('pauses grow to 15 s, and a beat forgets the failures', () => {
  expect([1, 2, 3, 4, 5, 50].map((failures) => pauseMs(failures, 0))).toEqual([
    1_000, 2_000, 4_000, 8_000, 15_000, 15_000,
  ]);
  expect(pauseMs(1, 1)).toBe(1_500);
  const link = nextLink(nextLink(startLink(0), failed(10)), heard(20));
  expect(link.failures).toBe(0);
});
