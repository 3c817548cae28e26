/**
 * One side of the page: a person's login form, or their desk. Decides who is logged in there; knows nothing of the other
 * side.
 */
import type { Addresses } from "../addresses";
import { Api, sentenceOf, type Credentials } from "../api";
import { Session } from "../session";
import type { Memory } from "../storage";
import type { WireLogin } from "../wire";
import type { Protocol } from "../wires/protocols";
import { Desk } from "./desk";
import { h } from "./dom";
import { LoginForm } from "./login";

const FRAME_MS = 16;

export type Side = "left" | "right";

export class Panel {
  readonly element: HTMLElement;
  private readonly api: Api;
  private readonly form: LoginForm;
  private here: { session: Session; desk: Desk } | null = null;
  private renderWaits = false;

  constructor(
    readonly side: Side,
    title: string,
    private readonly addresses: Addresses,
    private readonly memory: Memory,
    private readonly changed: () => void,
  ) {
    this.api = new Api(addresses);
    this.form = new LoginForm(
      title,
      (credentials) => this.logIn(credentials),
      (credentials) => this.register(credentials),
    );
    this.element = h("section", { class: "panel", "data-side": side, "aria-label": title });
  }

  /** Whoever was logged in here before the page was loaded again still is. */
  start(): void {
    const kept = this.memory.login(this.side);
    if (kept) this.sit(kept);
    else this.stand();
  }

  get name(): string | null {
    return this.here?.session.me.uname ?? null;
  }

  get unread(): number {
    return this.here?.session.mailbox.unread ?? 0;
  }

  /** Registers somebody and logs them in, by this protocol; a refusal is read in the form. */
  admit(credentials: Credentials, protocol: Protocol): Promise<void> {
    this.memory.keepProtocol(this.side, protocol);
    return this.form.admit(credentials);
  }

  /** A refusal is read at the desk. */
  async startChat(nameOrUid: string): Promise<void> {
    await this.here?.desk.startChat(nameOrUid);
  }

  focus(): void {
    this.here?.desk.focus();
  }

  private async logIn(credentials: Credentials): Promise<void> {
    this.sit(await this.api.logIn(credentials));
  }

  /** A new account, and straight in. */
  private async register(credentials: Credentials): Promise<void> {
    await this.api.register(credentials);
    await this.logIn(credentials);
  }

  private sit(login: WireLogin): void {
    this.memory.keepLogin(this.side, login);
    const session = new Session(login, this.addresses, this.memory, {
      changed: () => this.renderSoon(),
      ended: (sentence) => {
        this.stand();
        this.form.show(sentence);
      },
    });
    const choose = (protocol: Protocol): void => {
      this.memory.keepProtocol(this.side, protocol);
      session.chooseProtocol(protocol);
    };
    const desk = new Desk(session, choose, () => void this.logOut(session));
    this.here = { session, desk };
    this.element.replaceChildren(desk.element);
    session.goOnline(this.memory.protocol(this.side) ?? session.connection.protocol);
    this.render();
  }

  private stand(): void {
    this.memory.keepLogin(this.side, null);
    this.here = null;
    this.element.replaceChildren(this.form.element);
    this.changed();
  }

  private async logOut(session: Session): Promise<void> {
    this.stand();
    this.form.show("");
    try {
      await session.logOut();
    } catch (error) {
      this.form.show(`Logged out here, but the broker did not hear it: ${sentenceOf(error)}`);
    }
  }

  /** However much happens at once, the screen changes once a frame. A timer, because frames stop in a hidden tab. */
  private renderSoon(): void {
    if (this.renderWaits) return;
    this.renderWaits = true;
    setTimeout(() => {
      this.renderWaits = false;
      this.render();
    }, FRAME_MS);
  }

  private render(): void {
    this.here?.desk.render();
    this.changed();
  }
}
