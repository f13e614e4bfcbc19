import type { Agency, CityMap, Detail, Dispatch, Locale, Move, Summary, User, Verdict } from './types';

/** A refusal of the hub, with its own words (RFC 9457), or `offline` when it could not be asked. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
  ) {
    super(detail);
  }

  get offline(): boolean {
    return this.status === 0;
  }
}

/** Called when the hub no longer knows this session. */
export const onSignedOut: { call: () => void } = { call: () => {} };

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method, headers: { accept: 'application/json' }, signal: AbortSignal.timeout(15_000) };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { accept: 'application/json', 'content-type': 'application/json' };
  }
  const answer = await fetch(`/api/v1${path}`, init).catch(() => {
    throw new Refusal(0, '');
  });
  if (answer.ok) return (answer.status === 204 ? undefined : await answer.json()) as T;
  if (answer.status === 401 && path !== '/session') onSignedOut.call();
  throw new Refusal(answer.status, await refusalText(answer));
}

async function refusalText(answer: Response): Promise<string> {
  const problem: unknown = await answer.json().catch(() => null);
  if (problem && typeof problem === 'object' && 'detail' in problem) return String(problem.detail);
  return answer.statusText;
}

const incident = (id: string) => `/incidents/${encodeURIComponent(id)}`;

export const hub = {
  session: () => ask<{ user: User }>('GET', '/session'),
  signIn: (username: string, password: string) => ask<{ user: User }>('POST', '/session', { username, password }),
  signOut: () => ask<void>('DELETE', '/session'),
  setUp: (form: { token: string; username: string; password: string; display_name: string; locale: Locale }) =>
    ask<{ user: User }>('POST', '/setup', form),
  incidents: (state: 'open' | 'closed') =>
    ask<{ incidents: Summary[]; change_seq: number }>('GET', `/incidents?state=${state}&limit=500`),
  incident: (id: string) => ask<Detail>('GET', incident(id)),
  move: (id: string, move: Exclude<Move, 'verdict' | 'note'>) => ask<Detail>('POST', `${incident(id)}/${move}`, {}),
  verdict: (id: string, verdict: Verdict) => ask<Detail>('POST', `${incident(id)}/verdict`, { verdict }),
  note: (id: string, text: string) => ask<Detail>('POST', `${incident(id)}/note`, { text }),
  sendAgain: (dispatch: Dispatch['id']) => ask<Dispatch>('POST', `/dispatches/${dispatch}/retry`, {}),
  agencies: () => ask<{ agencies: Agency[] }>('GET', '/agencies'),
  map: () => ask<CityMap>('GET', '/map'),
};
