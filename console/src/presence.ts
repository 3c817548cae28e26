/**
 * Whether one other user is here, asked now and then. Decides how often; knows nothing of who asks or why.
 */
import type { WirePresence } from "./wire";

const EVERY_MS = 2_000;

export class Presence {
  /** Null while nobody knows. */
  here: boolean | null = null;
  private uid: number | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly ask: (uid: number) => Promise<WirePresence>,
    private readonly changed: () => void,
  ) {}

  watch(uid: number): void {
    this.stop();
    this.uid = uid;
    this.timer = setInterval(() => void this.look(uid), EVERY_MS);
    void this.look(uid);
  }

  /** Somebody came, or went, or has sent what only somebody who is here can send. */
  told(uid: number, here: boolean): void {
    if (uid === this.uid) this.here = here;
  }

  stop(): void {
    clearInterval(this.timer);
    this.uid = null;
    this.here = null;
  }

  private async look(uid: number): Promise<void> {
    const here = await this.ask(uid).then(
      ({ online }) => online,
      () => null,
    );
    if (this.uid !== uid || this.here === here) return;
    this.here = here;
    this.changed();
  }
}
