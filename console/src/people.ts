/**
 * Makes up people for those who only want to try. Decides names and passwords; knows nothing of accounts.
 */

import type { Credentials } from "./api";

const names = ["liaojie", "wususu", "suwu", "linlan", "chenmo", "qiuyan", "baihe", "yuanxi", "hanshu", "zhilin"];
const letters = "abcdefghijkmnpqrstuvwxyz23456789";

/** Two people with different names. */
export function twoPeople(): [Credentials, Credentials] {
  const first = below(names.length);
  const second = (first + 1 + below(names.length - 1)) % names.length;
  return [person(names[first]!), person(names[second]!)];
}

function person(name: string): Credentials {
  const number = String(below(10_000)).padStart(4, "0");
  const password = Array.from({ length: 16 }, () => letters[below(letters.length)]).join("");
  return { name: `${name}-${number}`, password };
}

function below(limit: number): number {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return random % limit;
}
