/**
 * The broker's REST calls that the page needs. Decides how a request is made and how a refusal becomes an error with
 * words; knows nothing of live connections or of what is on the screen.
 */
import type { Addresses } from "./addresses";
import type { Peer } from "./model/peer";
import type { WireFriends, WireGroup, WireGroupName, WireLogin, WirePage, WirePresence, WireUser } from "./wire";

export interface Credentials {
  name: string;
  password: string;
}

/** A request that was not granted. `message` is the broker's own sentence. `code` 0: no answer at all. */
export class Refusal extends Error {
  constructor(
    readonly code: number,
    sentence: string,
  ) {
    super(sentence);
  }
}

/** The words of whatever went wrong, for the screen. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export class Api {
  constructor(
    private readonly addresses: Addresses,
    private readonly token?: string,
  ) {}

  register(credentials: Credentials): Promise<WireUser> {
    return this.ask("POST", "api/users", credentials);
  }

  logIn(credentials: Credentials): Promise<WireLogin> {
    return this.ask("POST", "api/login", credentials);
  }

  logOut(): Promise<void> {
    return this.ask("POST", "api/logout");
  }

  user(nameOrUid: string | number): Promise<WirePresence> {
    return this.ask("GET", `api/users/${encodeURIComponent(nameOrUid)}`);
  }

  history({ kind, id }: Peer, limit: number, before: number | null): Promise<WirePage> {
    const query = new URLSearchParams({ [kind === "user" ? "with" : "group"]: String(id), limit: String(limit) });
    if (before !== null) query.set("before", String(before));
    return this.ask("GET", `api/messages?${query}`);
  }

  /** A token for one connection of packets, within two minutes. */
  wstoken(): Promise<{ wstoken: string }> {
    return this.ask("POST", "IM/token");
  }

  friends(): Promise<WireFriends> {
    return this.ask("GET", "api/friends");
  }

  befriend(uid: number): Promise<void> {
    return this.ask("POST", "api/friends/requests", { to: uid, msg: "" });
  }

  answerRequest(id: number, accept: boolean): Promise<void> {
    return this.ask("POST", `api/friends/requests/${id}/${accept ? "accept" : "reject"}`);
  }

  unfriend(uid: number): Promise<void> {
    return this.ask("DELETE", `api/friends/${uid}`);
  }

  groups(): Promise<{ groups: WireGroupName[] }> {
    return this.ask("GET", "api/groups");
  }

  group(gid: number): Promise<WireGroup> {
    return this.ask("GET", `api/groups/${gid}`);
  }

  makeGroup(name: string, members: number[]): Promise<WireGroup> {
    return this.ask("POST", "api/groups", { name, admin: members, members });
  }

  leaveGroup(gid: number, me: number): Promise<void> {
    return this.ask("DELETE", `api/groups/${gid}/members/${me}`);
  }

  private async ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (this.token !== undefined) headers["Authorization"] = `Bearer ${this.token}`;
    const request: RequestInit = { method, headers };
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    let response: Response;
    try {
      response = await fetch(this.addresses.rest(path), request);
    } catch {
      throw new Refusal(0, "The broker cannot be reached.");
    }
    const text = await response.text();
    const answer = parsed(text);
    if (!response.ok) throw new Refusal(response.status, wordsIn(answer) ?? `The broker answered ${response.status}.`);
    if (answer === undefined && text !== "") throw new Refusal(response.status, "The broker's answer is not JSON.");
    return answer as Answer;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function wordsIn(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null || !("content" in answer)) return undefined;
  return typeof answer.content === "string" && answer.content !== "" ? answer.content : undefined;
}
