import { Refusal, hub } from '../api/client';
import { type Link, startLink } from '../api/link';
import { follow } from '../api/stream';
import type { Agency, CityMap, Detail, Dispatch, Move, Summary, Verdict } from '../api/types';
import { EMPTY, type Filter, type Holding, isNews, neighbour, openCounts, queue, take } from './incidents';
import { preferences } from './preferences.svelte';
import { chime } from './sound';

/** Cameras and agencies change seldom, so they are asked for, not streamed. */
const TOWN_EVERY_MS = 60_000;

type Loading = 'loading' | 'ready' | 'failed';

/** Everything that the operations page shows, kept live. One per signed-in session. */
export class Board {
  holding = $state.raw<Holding>(EMPTY);
  loading = $state<Loading>('loading');
  filter = $state.raw<Filter>({ shelf: 'open', programme: 'all' });
  link = $state.raw<Link>(startLink(Date.now()));
  nowMs = $state(Date.now());
  /** The row that the keyboard is on. */
  cursor = $state<string | null>(null);
  city = $state.raw<CityMap | null>(null);
  agencies = $state.raw<readonly Agency[]>([]);
  openedId = $state<string | null>(null);
  detail = $state.raw<Detail | null>(null);
  detailFailed = $state.raw<Refusal | null>(null);
  /** The last refused action, to be shown until the next one. */
  refused = $state.raw<Refusal | null>(null);
  busy = $state(false);

  readonly rows = $derived(queue(this.holding, this.filter));
  readonly counts = $derived(openCounts(this.holding));
  readonly cameraNames = $derived(new Map(this.city?.cameras.map((camera) => [camera.id, camera.name]) ?? []));

  private hasSettled = false;

  /** Load, then follow; returns what ends it. */
  start(): () => void {
    let stop = () => {};
    let isOver = false;
    void this.load().then(() => {
      if (!isOver) stop = this.follow();
    });
    void this.loadTown();
    const ticker = setInterval(() => (this.nowMs = Date.now()), 1_000);
    const surveyor = setInterval(() => void this.loadTown(), TOWN_EVERY_MS);
    return () => {
      isOver = true;
      clearInterval(ticker);
      clearInterval(surveyor);
      stop();
    };
  }

  async load(): Promise<void> {
    this.loading = 'loading';
    try {
      const answer = await hub.incidents('open');
      this.holding = take(this.holding, answer.incidents, answer.change_seq);
      this.loading = 'ready';
    } catch {
      this.loading = 'failed';
    }
  }

  private async loadTown(): Promise<void> {
    const [city, answer] = await Promise.all([hub.map().catch(() => null), hub.agencies().catch(() => null)]);
    this.city = city ?? this.city;
    this.agencies = answer?.agencies ?? this.agencies;
  }

  show(filter: Partial<Filter>): void {
    this.filter = { ...this.filter, ...filter };
    if (this.filter.shelf === 'settled' && !this.hasSettled) void this.loadSettled();
  }

  private async loadSettled(): Promise<void> {
    this.hasSettled = true;
    const answer = await hub.incidents('closed').catch(() => null);
    if (answer) this.holding = take(this.holding, answer.incidents);
    else this.hasSettled = false;
  }

  private follow(): () => void {
    return follow({
      after: () => this.holding.changeSeq,
      link: (link) => (this.link = link),
      incident: (summary) => this.hear(summary),
      reset: () => {
        this.holding = EMPTY;
        this.hasSettled = false;
        void this.load();
      },
    });
  }

  private hear(summary: Summary): void {
    const rings = isNews(this.holding, summary) && summary.severity === 'critical' && summary.state === 'new';
    this.holding = take(this.holding, [summary]);
    if (rings && preferences.hasSound) chime();
    if (summary.id === this.openedId) void this.loadDetail(summary.id);
  }

  /** Show one incident in the panel, or none. */
  open(id: string | null): void {
    if (this.openedId === id) return;
    this.openedId = id;
    this.detail = null;
    this.detailFailed = null;
    this.refused = null;
    if (!id) return;
    this.cursor = id;
    void this.loadDetail(id);
  }

  async loadDetail(id: string): Promise<void> {
    try {
      this.accept(await hub.incident(id));
    } catch (refusal) {
      if (this.openedId === id && !this.detail) this.detailFailed = refusal as Refusal;
    }
  }

  private accept(detail: Detail): void {
    this.holding = take(this.holding, [detail]);
    const isOlder = this.detail?.id === detail.id && detail.change_seq < this.detail.change_seq;
    if (this.openedId !== detail.id || isOlder) return;
    this.detail = detail;
    this.detailFailed = null;
  }

  may(move: Move): boolean {
    return !this.busy && (this.detail?.allowed.includes(move) ?? false);
  }

  move(move: Exclude<Move, 'verdict' | 'note'>): Promise<boolean> {
    return this.act(move, (id) => hub.move(id, move));
  }

  giveVerdict(verdict: Verdict): Promise<boolean> {
    return this.act('verdict', (id) => hub.verdict(id, verdict));
  }

  addNote(text: string): Promise<boolean> {
    return this.act('note', (id) => hub.note(id, text));
  }

  /** Have a dispatch that was given up tried again. */
  sendAgain(dispatch: Dispatch): Promise<boolean> {
    return this.send(async (id) => {
      await hub.sendAgain(dispatch.id);
      return hub.incident(id);
    });
  }

  private act(move: Move, send: (id: string) => Promise<Detail>): Promise<boolean> {
    return this.may(move) ? this.send(send) : Promise.resolve(false);
  }

  private async send(send: (id: string) => Promise<Detail>): Promise<boolean> {
    const id = this.openedId;
    if (!id) return false;
    this.busy = true;
    this.refused = null;
    try {
      this.accept(await send(id));
      return true;
    } catch (refusal) {
      this.refused = refusal as Refusal;
      void this.loadDetail(id);
      return false;
    } finally {
      this.busy = false;
    }
  }

  step(by: number): string | null {
    this.cursor = neighbour(this.rows, this.cursor, by);
    return this.cursor;
  }

  agencyName(id: string): string {
    return this.agencies.find((agency) => agency.id === id)?.[`name_${preferences.locale}`] ?? id;
  }

  cameraName(id: string): string {
    return this.cameraNames.get(id) ?? id;
  }
}
