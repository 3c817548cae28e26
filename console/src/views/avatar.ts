/**
 * The round letter that stands for a user, or the square one of a group. Decides letter and colour; the same number always
 * looks the same.
 */
import type { Peer } from "../model/peer";
import { h } from "./dom";

const COLOURS = 6;

export function avatar({ kind, id, name }: Peer): HTMLElement {
  const [letter = "?"] = name.replace("#", "");
  const colour = id % COLOURS;
  return h("span", { class: "avatar", "data-kind": kind, "data-colour": colour, "aria-hidden": "true" }, letter.toUpperCase());
}
