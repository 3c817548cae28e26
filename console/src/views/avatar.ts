/**
 * The round letter that stands for a user. Decides letter and colour; the same uid always looks the same.
 */
import type { WireUser } from "../wire";
import { h } from "./dom";

const COLOURS = 6;

export function avatar(user: WireUser): HTMLElement {
  const [letter = "?"] = user.uname;
  return h("span", { class: "avatar", "data-colour": user.uid % COLOURS, "aria-hidden": "true" }, letter.toUpperCase());
}
