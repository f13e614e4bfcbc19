// What the hub's API says, as it says it. Instants are ISO 8601 in UTC.

export type Severity = 'critical' | 'high' | 'medium' | 'low';
export type State = 'new' | 'acknowledged' | 'resolved' | 'closed';
export type Verdict = 'confirmed' | 'false_alarm' | 'duplicate' | 'test';
export type Programme = 'law_and_order' | 'taza_qazaqstan' | 'platform';
export type DispatchState = 'pending' | 'delivered' | 'dead';
export type Role = 'operator' | 'supervisor' | 'admin' | 'technician';
export type Locale = 'kk' | 'ru' | 'en';
export type Move = 'acknowledge' | 'resolve' | 'close' | 'reopen' | 'verdict' | 'note';

export interface User {
  id: number | string;
  username: string;
  display_name: string;
  role: Role;
  locale: Locale;
}

export interface Summary {
  id: string;
  number: number;
  kind: string;
  programme: Programme;
  severity: Severity;
  state: State;
  verdict: Verdict | null;
  lat: number | null;
  lon: number | null;
  sigma_m: number | null;
  cameras: string[];
  zone: string | null;
  subject: string | null;
  opened_at: string;
  last_observed_at: string;
  ended_at: string | null;
  event_count: number;
  cover: string | null;
  reason: Record<string, number>;
  dispatches: { agency: string; state: DispatchState }[];
  change_seq: number;
}

export interface TimelineEntry {
  id: number | string;
  at: string;
  actor_kind: 'system' | 'box' | 'user' | 'agency';
  actor: string | null;
  what: string;
  detail: Record<string, unknown> | null;
}

export interface Picture {
  id: number | string;
  /** What a clip is asked of. */
  event: string;
  url: string;
  camera: string;
  observed_at: string;
  size_bytes: number;
}

export interface ClipProgress {
  state: 'asked' | 'redacting' | 'sending' | 'away' | 'here' | 'failed';
  have_bytes: number;
  size_bytes: number;
  sha256: string | null;
  cause: string | null;
  detail: string;
}

export interface LivePicture {
  /** As a data address, since the content policy knows no others for pictures that a script fetched. */
  src: string;
  takenAtMs: number;
  /** To ask for the next one with. */
  takenAtUs: string;
}

export interface Attempt {
  at: string;
  outcome: string;
  status: number | null;
  detail: string | null;
  took_ms: number;
}

export interface Dispatch {
  id: number | string;
  agency: string;
  receiver: string;
  message: 'opened' | 'updated' | 'resolved';
  state: DispatchState;
  attempt_count: number;
  next_attempt_at: string | null;
  delivered_at: string | null;
  attempts: Attempt[];
}

export interface Detail extends Summary {
  timeline: TimelineEntry[];
  evidence: Picture[];
  dispatch: Dispatch[];
  allowed: Move[];
}

export interface Agency {
  id: string;
  name_kk: string;
  name_ru: string;
  name_en: string;
}

export interface Camera {
  id: string;
  name: string;
  box: string;
  lat: number | null;
  lon: number | null;
  bearing_deg: number | null;
  fov_deg: number | null;
  range_m: number | null;
  state: string;
}

export interface CityMap {
  base: GeoJSON.FeatureCollection;
  cameras: Camera[];
  center: [number, number];
  zoom: number;
}
