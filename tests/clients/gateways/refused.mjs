/** A message that a gateway did not take; `told` is what it said, as it said it. */
export class NotSent extends Error {
  constructor(told) {
    super(`not sent: ${JSON.stringify(told)}`);
    this.told = told;
  }
}
