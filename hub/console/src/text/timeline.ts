import type { TimelineEntry } from '../api/types';
import type { Speech, Values } from './catalogue';

// Values in a timeline's detail that have names of their own in the catalogue.
const NAMED: Readonly<Record<string, string>> = {
  was: 'severity',
  is: 'severity',
  verdict: 'verdict',
};

/** One entry of the timeline as a sentence. */
export function timelineWords(speech: Speech, entry: TimelineEntry, cameraName: (id: string) => string): string {
  const values: Values = Object.fromEntries(
    Object.entries({ actor: entry.actor ?? '', ...entry.detail }).map(([name, value]) => [
      name,
      valueWords(speech, name, value, cameraName),
    ]),
  );
  return speech.say(`timeline.${entry.what}`, values);
}

function valueWords(speech: Speech, name: string, value: unknown, cameraName: (id: string) => string): string {
  if (typeof value === 'number') return speech.number(value);
  const text = String(value ?? '');
  if (name === 'camera') return cameraName(text);
  const family = NAMED[name];
  return family ? speech.say(`${family}.${text}`) : text;
}
