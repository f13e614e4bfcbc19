export type Route =
  | { page: 'queue' }
  | { page: 'map' }
  | { page: 'incident'; id: string }
  | { page: 'setup'; token: string };

/** What an address after the `#` means; anything unknown is the queue. */
export function parseRoute(hash: string): Route {
  const [page, argument] = hash.replace(/^#\/?/, '').split('/');
  if (page === 'incident' && argument) return { page, id: decodeURIComponent(argument) };
  if (page === 'setup' && argument) return { page, token: decodeURIComponent(argument) };
  return page === 'map' ? { page } : { page: 'queue' };
}

export const incidentHref = (id: string): string => `#/incident/${encodeURIComponent(id)}`;

class Router {
  current = $state.raw<Route>(parseRoute(location.hash));

  constructor() {
    addEventListener('hashchange', () => {
      this.current = parseRoute(location.hash);
    });
  }

  go(hash: string): void {
    location.hash = hash;
  }
}

export const router = new Router();
