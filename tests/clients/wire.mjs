// Everything that the broker sends to a client, held against the strictest client there is: StompProtocolAndroid wants
// one frame a message, `\n` alone as the heart-beat, and header lines that its expression can read. (A value may repeat
// what a client said; no test here says anything that the expression refuses.)

/** It loses the body of a frame where a line does not match. */
const HEADER = /^([^:\s]+)\s*:\s*([^:\s]+)$/;

export class Wire {
  faults = [];

  /** One message of a WebSocket, or one element of a SockJS array. */
  message(data) {
    if (typeof data !== "string") {
      this.#fault("not text", Buffer.from(data).toString());
      return;
    }
    if (data === "\n") return;
    if (data.indexOf("\0") !== data.length - 1) this.#fault("not exactly one frame", data);
    const [command, ...headers] = data.split("\n\n", 1)[0].split("\n");
    if (!/^[A-Z]+$/.test(command)) this.#fault("not a command", data);
    for (const header of headers.filter((header) => !HEADER.test(header))) {
      this.#fault(`a header that Android cannot read (${header})`, data);
    }
  }

  #fault(what, data) {
    this.faults.push(`${what}: ${JSON.stringify(data)}`);
  }
}
