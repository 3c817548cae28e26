// What a test waits with: nothing here sleeps, and nothing says how long a thing may take, only when to give up.

export const GIVE_UP_MS = 30_000;

/** What `promise` brings, or an error that says what did not come. */
export function soon(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing in ${GIVE_UP_MS / 1000} s`)), GIVE_UP_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Things that come one after another, taken in that order. */
export class Queue {
  #what;
  #kept = [];
  #takers = [];
  #end = null;

  constructor(what) {
    this.#what = what;
  }

  /** How many have come that nobody has taken. */
  get length() {
    return this.#kept.length;
  }

  /** All that has come and nobody has taken. */
  rest() {
    return this.#kept.splice(0);
  }

  put(thing) {
    const taker = this.#takers.shift();
    if (taker) taker.resolve(thing);
    else this.#kept.push(thing);
  }

  /** Nothing more will come: whoever waits is told why. */
  end(why) {
    this.#end = new Error(`${this.#what}: ${why}`);
    for (const { reject } of this.#takers.splice(0)) reject(this.#end);
  }

  next() {
    if (this.#kept.length > 0) return Promise.resolve(this.#kept.shift());
    if (this.#end) return Promise.reject(this.#end);
    return soon(this.#what, new Promise((resolve, reject) => this.#takers.push({ resolve, reject })));
  }

  async take(count) {
    const taken = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }
}
