/**
 * The strip above a person's desk: who they are, how they are connected, and the way out. Decides the words for each
 * connection state; knows nothing of conversations.
 */
import type { ConnectionState } from "../connection";
import { userPeer } from "../model/peer";
import type { Session } from "../session";
import { isProtocol, protocols, type Protocol } from "../wires/protocols";
import { avatar } from "./avatar";
import { ErrorLine, h, setAttribute, setText } from "./dom";

const stateWords: Record<ConnectionState, string> = {
  online: "on line",
  connecting: "connecting…",
  waiting: "lost, trying again…",
  offline: "off line",
};

export class Bar {
  readonly element: HTMLElement;
  private readonly state = h("span", { class: "state", testid: "connection-state", role: "status" });
  private readonly carrier = h("span", { class: "carrier", testid: "carrier" });
  private readonly online: HTMLButtonElement;
  private readonly protocol: HTMLSelectElement;
  private readonly lineError = new ErrorLine("connection");
  private readonly notice: ErrorLine;

  constructor(
    private readonly session: Session,
    private readonly chosen: (protocol: Protocol) => void,
    logOut: () => void,
  ) {
    this.notice = new ErrorLine("notice", () => session.dismissNotice());
    this.protocol = h(
      "select",
      { testid: "transport", "aria-label": "Protocol", onchange: () => this.chooseProtocol() },
      ...Object.entries(protocols).map(([value, label]) => h("option", { value }, label)),
    );
    this.online = h(
      "button",
      { type: "button", role: "switch", class: "switch", testid: "online", onclick: () => this.flip() },
      "On line",
    );
    this.element = h(
      "header",
      { class: "bar" },
      avatar(userPeer(session.me)),
      h(
        "div",
        { class: "who" },
        h("strong", { testid: "me", "data-uid": session.me.uid }, session.me.uname),
        h("span", { class: "line" }, this.state, this.carrier),
      ),
      h(
        "div",
        { class: "controls" },
        this.online,
        this.protocol,
        h("button", { type: "button", class: "quiet", testid: "log-out", onclick: logOut }, "Log out"),
      ),
      this.lineError.element,
      this.notice.element,
    );
  }

  render(): void {
    const { connection, me, lineError, notice } = this.session;
    setText(this.state, stateWords[connection.state]);
    setAttribute(this.state, "data-state", connection.state);
    const { carrier, protocol } = connection;
    setText(this.carrier, carrier === "" ? `uid ${me.uid}` : `uid ${me.uid} · ${carrier}`);
    setAttribute(this.carrier, "data-protocol", carrier === "" ? null : protocol);
    setAttribute(this.online, "aria-checked", String(connection.state !== "offline"));
    this.protocol.value = protocol;
    this.lineError.show(lineError);
    this.notice.show(notice);
  }

  private flip(): void {
    const { connection } = this.session;
    if (connection.state === "offline") this.session.goOnline(connection.protocol);
    else this.session.goOffline();
  }

  private chooseProtocol(): void {
    const chosen = this.protocol.value;
    if (isProtocol(chosen)) this.chosen(chosen);
  }
}
