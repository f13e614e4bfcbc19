import { expect, test } from 'vitest';
import { bounds, circle, cone, offset } from '../src/map/geometry';
import { commandOf } from '../src/operations/keys';

const KOSSHY: [number, number] = [71.365, 50.937];
const METRE_LAT = 1 / 111_320;

test('north is up and east is right', () => {
  const [lonNorth, latNorth] = offset(KOSSHY, 0, 100);
  expect(lonNorth).toBeCloseTo(KOSSHY[0], 9);
  expect(latNorth - KOSSHY[1]).toBeCloseTo(100 * METRE_LAT, 9);
  const [lonEast, latEast] = offset(KOSSHY, 90, 100);
  expect(latEast).toBeCloseTo(KOSSHY[1], 9);
  expect((lonEast - KOSSHY[0]) * Math.cos((KOSSHY[1] * Math.PI) / 180)).toBeCloseTo(100 * METRE_LAT, 9);
});

test('a cone begins and ends at its camera and is as wide as its view', () => {
  const ring = cone(KOSSHY, 90, 60, 40).coordinates[0] ?? [];
  expect(ring[0]).toEqual(KOSSHY);
  expect(ring.at(-1)).toEqual(KOSSHY);
  expect(ring[1]?.[0]).toBeCloseTo(offset(KOSSHY, 60, 40)[0], 9);
  expect(ring.at(-2)?.[1]).toBeCloseTo(offset(KOSSHY, 120, 40)[1], 9);
});

test('a circle is closed and keeps its radius', () => {
  const ring = circle(KOSSHY, 10).coordinates[0] ?? [];
  expect(ring.at(-1)).toEqual(ring[0]);
  for (const [lon = 0, lat = 0] of ring) {
    const east = (lon - KOSSHY[0]) * Math.cos((KOSSHY[1] * Math.PI) / 180);
    expect(Math.hypot(east, lat - KOSSHY[1]) / METRE_LAT).toBeCloseTo(10, 4);
  }
});

test('bounds hold all points, and nothing has none', () => {
  expect(
    bounds([
      [71.4, 50.9],
      [71.3, 51],
    ]),
  ).toEqual([
    [71.3, 50.9],
    [71.4, 51],
  ]);
  expect(bounds([])).toBeNull();
});

test('keys go by their place on the keyboard, so that Cyrillic layouts work', () => {
  const stroke = (code: string, key: string, rest = {}) =>
    commandOf({ code, key, ctrlKey: false, metaKey: false, altKey: false, target: null, ...rest });
  expect(stroke('KeyA', 'ф')).toBe('acknowledge');
  expect(stroke('KeyJ', 'о')).toBe('next');
  expect(stroke('ArrowUp', 'ArrowUp')).toBe('previous');
  expect(stroke('Slash', '?')).toBe('help');
  expect(stroke('KeyR', 'r', { ctrlKey: true })).toBeNull();
  expect(stroke('KeyX', 'x')).toBeNull();
});
