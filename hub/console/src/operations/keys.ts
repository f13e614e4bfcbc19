export type PanelCommand = 'acknowledge' | 'resolve' | 'verdict' | 'note' | 'clip' | 'live';
export type Command = PanelCommand | 'next' | 'previous' | 'leave' | 'help';

const COMMANDS: Readonly<Record<string, Command>> = {
  KeyJ: 'next',
  ArrowDown: 'next',
  KeyK: 'previous',
  ArrowUp: 'previous',
  KeyA: 'acknowledge',
  KeyR: 'resolve',
  KeyV: 'verdict',
  KeyN: 'note',
  KeyC: 'clip',
  KeyL: 'live',
  Escape: 'leave',
};

type Stroke = Pick<KeyboardEvent, 'code' | 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'target'>;

/** What a key means outside of text fields. By its place on the keyboard, so that it works in Cyrillic layouts too. */
export function commandOf(stroke: Stroke): Command | null {
  if (stroke.ctrlKey || stroke.metaKey || stroke.altKey) return null;
  const command = stroke.key === '?' || stroke.key === 'F1' ? 'help' : (COMMANDS[stroke.code] ?? null);
  if (command === 'leave' || !isTyping(stroke.target)) return command;
  return null;
}

function isTyping(target: EventTarget | null): boolean {
  return (target as Partial<Element> | null)?.closest?.('input, textarea, select, .maplibregl-canvas') != null;
}
