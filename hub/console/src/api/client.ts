import type { Agency, CityMap, ClipProgress, Detail, Dispatch, LivePicture, Locale, Move, Summary, User, Verdict } from './types';

/** A refusal of the hub, with its own words (RFC 9457), or `offline` when it could not be asked. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    /** The last word of the problem's type, such as `box-away`. */
    readonly code = '',
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
  throw await refusalOf(answer);
}

async function refusalOf(answer: Response): Promise<Refusal> {
  const problem = (await answer.json().catch(() => null)) as { detail?: unknown; type?: unknown } | null;
  const code = String(problem?.type ?? '').split(':').at(-1);
  return new Refusal(answer.status, String(problem?.detail ?? answer.statusText), code);
}

/** The next picture of a camera, taken after the one that `after` names. Asking keeps the view open. */
async function livePicture(camera: string, view: string, after: string, signal: AbortSignal): Promise<LivePicture> {
  const answer = await fetch(`${live(camera, view)}&after=${after}`, { signal }).catch(() => {
    throw new Refusal(0, '');
  });
  if (answer.status === 401) onSignedOut.call();
  if (!answer.ok) throw await refusalOf(answer);
  const takenAtUs = answer.headers.get('x-taken-at-us') ?? '0';
  return { src: await dataUrl(await answer.blob()), takenAtMs: Number(takenAtUs) / 1000, takenAtUs };
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Refusal(0, ''));
    reader.readAsDataURL(blob);
  });
}

const live = (camera: string, view: string) =>
  `/api/v1/cameras/${encodeURIComponent(camera)}/live.jpg?view=${view}`;

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
  clip: (event: string) => ask<ClipProgress>('GET', `/events/${event}/clip`),
  askForClip: (event: string) => ask<ClipProgress>('POST', `/events/${event}/clip`, {}),
  clipUrl: (event: string) => `/api/v1/events/${event}/clip.mp4`,
  livePicture,
  /** Also while the page is going away. */
  leaveLive: (camera: string, view: string) =>
    void fetch(live(camera, view), { method: 'DELETE', keepalive: true }).catch(() => {}),
  agencies: () => ask<{ agencies: Agency[] }>('GET', '/agencies'),
  map: () => ask<CityMap>('GET', '/map'),
};
