import { describe, expect, test } from 'vitest';
import { CATALOGUES, LOCALES, Speech, fill } from '../src/text/catalogue';
import { timelineWords } from '../src/text/timeline';
import { Dates, coarse } from '../src/text/when';

const speech = { kk: new Speech('kk'), ru: new Speech('ru'), en: new Speech('en') };
const dates = { kk: new Dates(speech.kk), ru: new Dates(speech.ru), en: new Dates(speech.en) };

describe('reasons', () => {
  const parked = { stood_s: 312.4, limit_s: 300 };

  test('are sentences with their numbers', () => {
    expect(speech.en.reason('illegal_parking', parked)).toBe('Stood 312\u00a0s in a no-stopping zone, limit 300\u00a0s.');
    expect(speech.ru.reason('illegal_parking', parked)).toContain('312\u00a0с, предел\u00a0— 300\u00a0с');
    expect(speech.kk.reason('illegal_parking', parked)).toContain('312\u00a0с');
  });

  test('of a rule without a sentence are still readable numbers', () => {
    expect(speech.en.reason('crowd', { people_count: 21, limit: 20 })).toBe('people count 21, limit 20');
  });

  test('with a number missing do not show an empty place', () => {
    expect(speech.en.reason('illegal_parking', { stood_s: 312 })).toBe('stood s 312');
  });
});

describe('forms and figures', () => {
  test('Russian counts in its own forms', () => {
    const counts = [1, 2, 5, 11, 21, 22].map((n) => speech.ru.count('ui.incidents', n));
    expect(counts).toEqual([
      '1 инцидент',
      '2 инцидента',
      '5 инцидентов',
      '11 инцидентов',
      '21 инцидент',
      '22 инцидента',
    ]);
  });

  test('English and Kazakh in theirs', () => {
    expect([0, 1, 2].map((n) => speech.en.count('ui.incidents', n))).toEqual([
      '0 incidents',
      '1 incident',
      '2 incidents',
    ]);
    expect(speech.kk.count('ui.incidents', 3)).toBe('3 оқиға');
  });

  test('tenths belong to small numbers, with the comma of the language', () => {
    expect([speech.en.number(2.44), speech.ru.number(2.44), speech.kk.number(2.44)]).toEqual(['2.4', '2,4', '2,4']);
    expect(speech.kk.number(124.2)).toBe('124');
  });

  test('every plural form that a language can ask for is there', () => {
    const stems = (locale: (typeof LOCALES)[number]) =>
      Object.keys(CATALOGUES[locale]).filter((key) => key.endsWith('.other'));
    for (const locale of LOCALES) {
      for (const key of stems(locale)) {
        for (const form of new Intl.PluralRules(locale).resolvedOptions().pluralCategories) {
          expect(CATALOGUES[locale], locale).toHaveProperty([key.replace(/other$/, form)]);
        }
      }
    }
  });

  test('an unknown key is readable, a place without a value stays visible', () => {
    expect(speech.en.say('kind.new_thing')).toBe('new thing');
    expect(fill('{a} and {b}', { a: 1 })).toBe('1 and {b}');
  });
});

describe('time', () => {
  const night = '2026-11-23T20:04:05Z';

  test('is the town’s: five hours ahead of UTC', () => {
    expect(dates.en.clock(night)).toBe('01:04:05');
    expect(dates.en.moment(night)).toBe('24 Nov, 01:04:05');
    expect(dates.ru.moment(night)).toBe('24 нояб., 01:04:05');
    expect(dates.kk.moment(night)).toBe('24 қар., 01:04:05');
  });

  test('ages round down to the largest unit', () => {
    const s = 1_000;
    expect(coarse(-5 * s)).toEqual({ value: 0, unit: 'second' });
    expect(coarse(59.9 * s)).toEqual({ value: 59, unit: 'second' });
    expect(coarse(60 * s)).toEqual({ value: 1, unit: 'minute' });
    expect(coarse(3_600 * s)).toEqual({ value: 1, unit: 'hour' });
    expect(coarse(47 * 3_600 * s)).toEqual({ value: 47, unit: 'hour' });
    expect(coarse(48 * 3_600 * s)).toEqual({ value: 2, unit: 'day' });
  });

  test('ages have words in each language', () => {
    const later = Date.parse(night) + 4 * 60_000;
    expect(LOCALES.map((locale) => dates[locale].since(night, later))).toEqual([
      '4 мин бұрын',
      '4 мин назад',
      '4 min ago',
    ]);
  });
});

describe('timeline', () => {
  const entry = { id: 1, at: '2026-11-23T20:04:05Z', actor_kind: 'box', actor: 'box-1' } as const;
  const names = {
    camera: (id: string) => (id === 'gate' ? 'School gate' : id),
    agency: (id: string) => (id === 'police' ? 'Police' : id),
  };

  test('names cameras, agencies, severities and verdicts', () => {
    expect(timelineWords(speech.en, { ...entry, what: 'opened', detail: { camera: 'gate' } }, names)).toBe(
      'Opened from School gate',
    );
    expect(timelineWords(speech.en, { ...entry, what: 'severity', detail: { was: 'low', is: 'high' } }, names)).toBe(
      'Severity changed: Low → High',
    );
    expect(timelineWords(speech.en, { ...entry, what: 'verdict', detail: { verdict: 'false_alarm' } }, names)).toBe(
      'Verdict: False alarm',
    );
    const told = { agency: 'police', message: 'opened', dispatch: 4 };
    expect(timelineWords(speech.en, { ...entry, what: 'dispatch_delivered', detail: told }, names)).toBe(
      'Police: message delivered (opened)',
    );
  });
});
