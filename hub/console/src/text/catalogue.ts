import en from '../../../locales/en.json';
import kk from '../../../locales/kk.json';
import ru from '../../../locales/ru.json';
import type { Locale } from '../api/types';

export type Catalogue = Readonly<Record<string, string>>;
export const CATALOGUES: Readonly<Record<Locale, Catalogue>> = { kk, ru, en };
export const LOCALES: readonly Locale[] = ['kk', 'ru', 'en'];
export type Values = Readonly<Record<string, string | number>>;

/** Put the values where the text wants them; a place without a value stays visible. */
export function fill(text: string, values: Values = {}): string {
  return text.replace(/\{([a-z0-9_]+)\}/g, (place, name: string) => String(values[name] ?? place));
}

export class Speech {
  private readonly texts: Catalogue;
  private readonly plural: Intl.PluralRules;
  private readonly figure: Intl.NumberFormat;
  private readonly wholeFigure: Intl.NumberFormat;

  constructor(readonly locale: Locale) {
    this.texts = CATALOGUES[locale];
    this.plural = new Intl.PluralRules(locale);
    // Kazakh figures are written as Russian ones are; Chromium ships no Kazakh for `Intl`.
    this.figure = new Intl.NumberFormat(locale === 'kk' ? 'ru' : locale, { maximumFractionDigits: 1 });
    this.wholeFigure = new Intl.NumberFormat(locale === 'kk' ? 'ru' : locale, { maximumFractionDigits: 0 });
  }

  has(key: string): boolean {
    return key in this.texts;
  }

  /** The text of a key. An unknown key shows its last part, readable, so that a newer hub is not mute. */
  say(key: string, values?: Values): string {
    return fill(this.texts[key] ?? key.slice(key.indexOf('.') + 1).replaceAll('_', ' '), values);
  }

  /** The text of a key in the plural form that its number wants. */
  count(key: string, count: number): string {
    return this.say(`${key}.${this.plural.select(count)}`, { count: this.figure.format(count) });
  }

  /** Tenths tell something only of small numbers. */
  number(value: number): string {
    return (Math.abs(value) < 10 ? this.figure : this.wholeFigure).format(value);
  }

  /** Why the incident was opened, from the numbers that crossed the rule's limits. */
  reason(kind: string, reason: Readonly<Record<string, number>>): string {
    const values = Object.fromEntries(Object.entries(reason).map(([name, value]) => [name, this.number(value)]));
    const text = this.texts[`reason.${kind}.${reason.cause ?? 0}`] ?? this.texts[`reason.${kind}`];
    if (text && isComplete(text, values)) return unbroken(fill(text, values));
    return Object.entries(values)
      .map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`)
      .join(', ');
  }
}

/** Keep a figure with its unit, and a dash with the word before it, on one line. */
const unbroken = (text: string): string =>
  text.replace(/(\d) (\p{L}{1,3})(?!\p{L})/gu, '$1\u00a0$2').replaceAll(' — ', '\u00a0— ');

function isComplete(text: string, values: Values): boolean {
  return [...text.matchAll(/\{([a-z0-9_]+)\}/g)].every(([, name]) => name !== undefined && name in values);
}
