import type { Severity } from '../api/types';

/** Shapes around (0, 0) within ±10: diamond, triangle, square, circle. The map draws the same ones. */
export const MARK_PATHS: Readonly<Record<Severity, string>> = {
  critical: 'M0-10 10 0 0 10-10 0Z',
  high: 'M0-9 9.5 8h-19Z',
  medium: 'M-7-7H7V7H-7Z',
  low: 'M0-7a7 7 0 1 1 0 14a7 7 0 1 1 0-14Z',
};
