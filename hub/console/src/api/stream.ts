import { Refusal, hub, onSignedOut } from './client';
import { type Link, type LinkHappening, STALE_AFTER_MS, nextLink, pauseMs, startLink } from './link';
import type { Summary } from './types';

interface Listener {
  incident(summary: Summary): void;
  link(link: Link): void;
  /** The hub was restored from an older copy: what is held may never have been. */
  reset(): void;
  /** The last change that the console holds; the hub goes on from there. */
  after(): number;
}

/** Keeps one server-sent stream open for ever. The browser's own retry stops at an error page, this does not. */
export function follow(listener: Listener): () => void {
  let link = startLink(Date.now());
  let triedAtMs = Date.now();
  let source: EventSource | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;

  const happened = (what: LinkHappening['what']) => {
    link = nextLink(link, { what, atMs: Date.now() });
    listener.link(link);
  };
  const open = () => {
    triedAtMs = Date.now();
    source = new EventSource(`/api/v1/stream?after=${listener.after()}`);
    source.addEventListener('beat', () => happened('heard'));
    source.addEventListener('incident', (message) => {
      listener.incident(JSON.parse(message.data) as Summary);
      happened('heard');
    });
    source.addEventListener('reset', () => listener.reset());
    source.onerror = again;
  };
  const again = () => {
    triedAtMs = Date.now();
    source?.close();
    happened('failed');
    clearTimeout(retry);
    retry = setTimeout(reopen, pauseMs(link.failures, Math.random()));
  };
  // An EventSource does not tell why it was refused, so the session is asked first.
  const reopen = () =>
    hub.session().then(open, (refusal: unknown) => {
      if (refusal instanceof Refusal && refusal.status === 401) onSignedOut.call();
      else again();
    });
  // A line that is open but silent (a sleeping laptop, a dead proxy) raises no error: it is closed by hand.
  const ticker = setInterval(() => {
    happened('tick');
    const lastSignMs = Math.max(triedAtMs, link.heardAtMs ?? 0);
    if (source?.readyState === EventSource.OPEN && Date.now() - lastSignMs >= STALE_AFTER_MS) again();
  }, 1_000);

  open();
  return () => {
    clearInterval(ticker);
    clearTimeout(retry);
    source?.close();
    source = null;
  };
}
