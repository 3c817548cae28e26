/**
 * Where the broker is, seen from the page. Decides every address from the page's own, so the page works below any
 * context path; knows nothing of what is asked there.
 */

export class Addresses {
  private readonly root: URL;

  constructor(pageAddress: string) {
    this.root = new URL(".", pageAddress);
  }

  /** The path below which the broker lives, with a slash at its end. */
  get contextPath(): string {
    return this.root.pathname;
  }

  rest(path: string): string {
    return new URL(path, this.root).href;
  }

  sockjs(token: string): string {
    return this.withToken("socketServer", token).href;
  }

  websocket(token: string): string {
    const address = this.withToken("client", token);
    address.protocol = webSocketProtocol(address);
    return address.href;
  }

  /** Of the namespace `/`, whose own name is in no address. */
  socketio(): { origin: string; path: string } {
    return { origin: this.root.origin, path: `${this.root.pathname}socket.io/` };
  }

  /** Where a token of the packet gateway is good for. */
  packets(wstoken: string): string {
    const address = new URL(encodeURIComponent(wstoken), this.root);
    address.protocol = webSocketProtocol(address);
    return address.href;
  }

  private withToken(path: string, token: string): URL {
    const address = new URL(path, this.root);
    address.searchParams.set("srect", token);
    return address;
  }
}

function webSocketProtocol({ protocol }: URL): string {
  return protocol === "https:" ? "wss:" : "ws:";
}
