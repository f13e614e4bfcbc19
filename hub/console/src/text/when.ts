import type { Speech } from './catalogue';

/** The town's time, whatever the operator's computer says. */
export const TOWN_TIME_ZONE = 'Asia/Almaty';

// Figures only. Names of months and units stand in the catalogue, since Chromium ships no Kazakh for `Intl`.
const FIGURES = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
  timeZone: TOWN_TIME_ZONE,
});

/** Dates, clock times and ages in one language. */
export class Dates {
  constructor(private readonly speech: Speech) {}

  /** "21:33:56". */
  clock(instant: string | number): string {
    const { hour, minute, second } = figures(instant);
    return `${hour}:${minute}:${second}`;
  }

  /** "23 Nov, 21:33:56". */
  moment(instant: string | number): string {
    const { day, month } = figures(instant);
    return this.speech.say('date.moment', {
      day: day ?? '',
      month: this.speech.say(`date.month_${month}`),
      clock: this.clock(instant),
    });
  }

  /** "4 min": how long something has been so. */
  age(instant: string | number, nowMs: number): string {
    const { value, unit } = coarse(nowMs - new Date(instant).getTime());
    return this.speech.say(`date.${unit}`, { n: value });
  }

  /** "4 min ago". */
  since(instant: string | number, nowMs: number): string {
    return this.speech.say('date.ago', { age: this.age(instant, nowMs) });
  }
}

function figures(instant: string | number): Partial<Record<Intl.DateTimeFormatPartTypes, string>> {
  return Object.fromEntries(FIGURES.formatToParts(new Date(instant)).map(({ type, value }) => [type, value]));
}

type Unit = 'second' | 'minute' | 'hour' | 'day';

/** The largest unit that fits, rounded down; a clock a little ahead counts as now. */
export function coarse(elapsedMs: number): { value: number; unit: Unit } {
  const seconds = Math.max(0, Math.floor(elapsedMs / 1000));
  if (seconds < 60) return { value: seconds, unit: 'second' };
  if (seconds < 3600) return { value: Math.floor(seconds / 60), unit: 'minute' };
  if (seconds < 2 * 86_400) return { value: Math.floor(seconds / 3600), unit: 'hour' };
  return { value: Math.floor(seconds / 86_400), unit: 'day' };
}
