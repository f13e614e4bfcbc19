import { Refusal, hub, onSignedOut } from '../api/client';
import type { User } from '../api/types';
import { preferences } from './preferences.svelte';

type Standing = 'asking' | 'in' | 'out' | 'unreachable';

/** Who is signed in, if anybody. */
class Session {
  standing = $state<Standing>('asking');
  user = $state.raw<User | null>(null);

  constructor() {
    onSignedOut.call = () => this.forget();
  }

  /** The hub decides; this only spares others a refusal. */
  get mayWatch(): boolean {
    return this.user !== null && this.user.role !== 'technician';
  }

  async resume(): Promise<void> {
    try {
      this.begin((await hub.session()).user);
    } catch (refusal) {
      this.standing = refusal instanceof Refusal && refusal.status === 401 ? 'out' : 'unreachable';
    }
  }

  begin(user: User): void {
    this.user = user;
    this.standing = 'in';
    preferences.adoptLocale(user.locale);
  }

  async signOut(): Promise<void> {
    await hub.signOut();
    this.forget();
  }

  private forget(): void {
    this.user = null;
    this.standing = 'out';
  }
}

export const session = new Session();
