/**
 * One message as one person sees it, and the states it climbs through. Decides that a state only ever rises; knows
 * nothing of other messages.
 *
 *   pending ──200──> committed ──delivery──> received
 *      │ ▲               ▲                      ▲
 *   refusal  again       └── history, or a later answer, may raise from anywhere below
 *      ▼ │
 *    failed
 */

export type DeliveryState = "pending" | "committed" | "received" | "failed";

export interface Message {
  /** An incoming message may be known by its sender's own id at first, until history tells the msgID. */
  msgID: string;
  readonly senderId: number;
  /** Null where the protocol has not told it. */
  sender: string | null;
  readonly mine: boolean;
  readonly content: string;
  /** The broker's id, which is the order of acceptance. Null until a push or history tells it. */
  id: number | null;
  time: number;
  state: DeliveryState;
  /** Why it failed, in the broker's words. */
  refusal: string | null;
  /** An incoming message counts as unread until it was on the screen. */
  seen: boolean;
}

const height: Record<DeliveryState, number> = { failed: 0, pending: 0, committed: 1, received: 2 };

export function raise(message: Message, state: "committed" | "received"): void {
  if (height[state] <= height[message.state]) return;
  message.state = state;
  message.refusal = null;
}

export function fail(message: Message, refusal: string): void {
  if (isAccepted(message)) return;
  message.state = "failed";
  message.refusal = refusal;
}

export function isAccepted(message: Message): boolean {
  return height[message.state] > 0;
}
