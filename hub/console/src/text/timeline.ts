import type { TimelineEntry } from '../api/types';
import type { Speech } from './catalogue';

/** How things that the catalogue does not know are called. */
export interface Names {
  camera(id: string): string;
  agency(id: string): string;
}

/** One entry of the timeline as a sentence. */
export function timelineWords(speech: Speech, entry: TimelineEntry, names: Names): string {
  const values = Object.entries(entry.detail ?? {}).map(([name, value]) => [name, words(speech, name, value, names)]);
  return speech.say(`timeline.${entry.what}`, Object.fromEntries(values));
}

function words(speech: Speech, name: string, value: unknown, names: Names): string {
  if (typeof value === 'number') return speech.number(value);
  const text = String(value ?? '');
  switch (name) {
    case 'camera':
      return names.camera(text);
    case 'agency':
      return names.agency(text);
    case 'was':
    case 'is':
      return speech.say(`severity.${text}`);
    case 'verdict':
      return speech.say(`verdict.${text}`);
    case 'message':
      return speech.say(`dispatch.message_${text}`);
    default:
      return text;
  }
}
