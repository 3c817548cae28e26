/**
 * What the browser remembers between two visits. Decides the keys; knows nothing of what is in use right now. A browser
 * that forbids storage only forgets.
 */
import type { WireLogin, WireUser } from "./wire";
import { isProtocol, type Protocol } from "./wires/protocols";

export class Memory {
  constructor(private readonly contextPath: string) {}

  /** Who is logged in on a side, until the tab is closed. */
  login(side: string): WireLogin | null {
    return read<WireLogin>(() => sessionStorage, this.key("login", side));
  }

  keepLogin(side: string, login: WireLogin | null): void {
    write(() => sessionStorage, this.key("login", side), login);
  }

  /** What a side talks by, until the tab is closed. */
  protocol(side: string): Protocol | null {
    const kept = read<string>(() => sessionStorage, this.key("protocol", side));
    return kept !== null && isProtocol(kept) ? kept : null;
  }

  keepProtocol(side: string, protocol: Protocol): void {
    write(() => sessionStorage, this.key("protocol", side), protocol);
  }

  /** Whom a user has talked with: the broker keeps the messages, but no list of conversations. */
  peers(uid: number): WireUser[] {
    return read<WireUser[]>(() => localStorage, this.key("peers", uid)) ?? [];
  }

  keepPeers(uid: number, peers: readonly WireUser[]): void {
    write(() => localStorage, this.key("peers", uid), peers);
  }

  private key(what: string, whose: string | number): string {
    return `hongyan:${this.contextPath}:${what}:${whose}`;
  }
}

function read<Kept>(storage: () => Storage, key: string): Kept | null {
  try {
    return JSON.parse(storage().getItem(key) ?? "null") as Kept | null;
  } catch {
    return null;
  }
}

function write(storage: () => Storage, key: string, value: unknown): void {
  try {
    if (value === null) storage().removeItem(key);
    else storage().setItem(key, JSON.stringify(value));
  } catch {
    // Nothing depends on being remembered.
  }
}
