import type { Locale } from '../api/types';
import { LOCALES, Speech, type Values } from '../text/catalogue';
import { Dates } from '../text/when';

export type Theme = 'night' | 'day';

const kept = (name: string): string | null => localStorage.getItem(`saqshy.${name}`);
const keep = (name: string, value: string): void => localStorage.setItem(`saqshy.${name}`, value);
const isLocale = (text: string | null): text is Locale => LOCALES.includes(text as Locale);

/** What the operator chose on this computer: language, theme, sound. */
class Preferences {
  locale = $state<Locale>(firstLocale());
  theme = $state<Theme>(kept('theme') === 'day' ? 'day' : 'night');
  hasSound = $state(kept('sound') === 'on');
  readonly speech = $derived(new Speech(this.locale));
  readonly dates = $derived(new Dates(this.speech));

  chooseLocale(locale: Locale): void {
    this.locale = locale;
    keep('locale', locale);
  }

  /** The account's language, unless another was chosen on this computer. */
  adoptLocale(locale: Locale): void {
    if (!isLocale(kept('locale'))) this.locale = locale;
  }

  toggleTheme(): void {
    this.theme = this.theme === 'night' ? 'day' : 'night';
    keep('theme', this.theme);
  }

  toggleSound(): void {
    this.hasSound = !this.hasSound;
    keep('sound', this.hasSound ? 'on' : 'off');
  }
}

function firstLocale(): Locale {
  const chosen = kept('locale');
  if (isLocale(chosen)) return chosen;
  return navigator.languages.map((tag) => tag.slice(0, 2)).find(isLocale) ?? 'kk';
}

export const preferences = new Preferences();

export const say = (key: string, values?: Values): string => preferences.speech.say(key, values);
export const count = (key: string, n: number): string => preferences.speech.count(key, n);
