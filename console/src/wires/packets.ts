/**
 * Packets (seed 004) on a plain WebSocket, opened by a token that is good for one connection. Decides what each type of
 * packet means. Packets go between friends only and have no groups; a group's messages are heard all the same.
 */
import { packetIdOf } from "../model/msgid";
import type { Peer } from "../model/peer";
import type { Letter, Wire, WireListener } from "./wire";

/** As the broker writes it. */
export interface Packet {
  id: string | number | null;
  from?: number;
  type: string;
  msg: unknown;
  group?: number;
}

/** What packets mean. Apart from the socket, so that it can be tried without one. */
export class Seed004 {
  /** Our own letters by the ids of their packets, until they are answered. */
  private readonly sent = new Map<string, string>();

  constructor(private readonly listener: WireListener) {}

  /** `t`. */
  letter(to: Peer, { msgID, content, time }: Letter): object {
    const id = packetIdOf(content, time);
    this.sent.set(id, msgID);
    return { id, to: to.id, type: "t", msg: content };
  }

  hear(packet: Packet): void {
    const { id, type, from = 0, group = null } = packet;
    switch (type) {
      case "L":
        return this.listener.up();
      case "A":
        return void this.settle(id, 200, "");
      case "E":
        if (!this.settle(id, 0, wordsOf(packet))) this.listener.fault(wordsOf(packet));
        return;
      case "C":
        return this.listener.refused(wordsOf(packet));
      case "s":
        return this.listener.announced(wordsOf(packet));
      case "t":
      case "i": {
        const message = { shownId: String(id), senderId: from, groupId: group, content: wordsOf(packet), time: null };
        return this.listener.shown(message);
      }
    }
  }

  /** Whether it was a letter of ours. */
  private settle(id: Packet["id"], code: number, content: string): boolean {
    const msgID = this.sent.get(String(id));
    if (msgID === undefined) return false;
    this.sent.delete(String(id));
    this.listener.answered({ msgID, code, status: "", content });
    return true;
  }
}

function wordsOf({ msg }: Packet): string {
  return typeof msg === "string" ? msg : JSON.stringify(msg);
}

export class PacketWire implements Wire {
  readonly abilities = { tellsReceipt: false, tellsPresence: false, tellsNews: false, groups: false, strangers: false };
  readonly carrier = "websocket";
  private readonly dialect: Seed004;
  private socket: WebSocket | null = null;
  private isDown = false;

  /** `address` asks for a token and answers where it is good for. */
  constructor(
    address: () => Promise<string>,
    private readonly listener: WireListener,
  ) {
    this.dialect = new Seed004(listener);
    address().then(
      (url) => this.open(url),
      () => this.close(),
    );
  }

  send(to: Peer, letter: Letter): boolean {
    if (to.kind === "group" || this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(this.dialect.letter(to, letter)));
    return true;
  }

  close(): void {
    this.socket?.close();
    if (this.isDown) return;
    this.isDown = true;
    this.listener.down();
  }

  private open(url: string): void {
    if (this.isDown) return;
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.onmessage = ({ data }) => {
      if (!this.isDown) this.hear(String(data));
    };
    socket.onclose = () => this.close();
  }

  private hear(text: string): void {
    let packet: Packet;
    try {
      packet = JSON.parse(text) as Packet;
    } catch {
      return this.listener.fault("A packet came that is not JSON.");
    }
    this.dialect.hear(packet);
  }
}
