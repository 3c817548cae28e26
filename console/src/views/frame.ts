/**
 * The parts of the page that never change: masthead, welcome and the legend of the ticks.
 */
import { h } from "./dom";
import { gooseMark, sealMark, skeinOfGeese, tick, tickWords } from "./icons";

export function masthead(): HTMLElement {
  return h(
    "header",
    { class: "masthead" },
    h("span", { class: "mark" }, gooseMark()),
    h("span", { class: "wordmark" }, "Hongyan"),
    h(
      "span",
      { class: "seal", role: "img", "aria-label": "鸿雁", title: "鸿雁, hóng yàn: the wild goose that carries letters" },
      sealMark(),
    ),
    h("span", { class: "motto" }, "A chat broker: the wild goose that carries letters"),
    h("span", { class: "sky" }, skeinOfGeese()),
  );
}

export function welcome(tryIt: HTMLElement): HTMLElement {
  return h(
    "section",
    { class: "welcome" },
    h(
      "div",
      {},
      h("h1", {}, "Two people, one page"),
      h("p", {}, "Watch a letter leave, be stored, and arrive. Each side has a connection of its own, in the protocol you choose: one may speak STOMP and the other Socket.IO."),
    ),
    tryIt,
  );
}

export function legend(): HTMLElement {
  const states = ["pending", "committed", "received", "failed"] as const;
  return h(
    "footer",
    { class: "legend", "aria-label": "What the ticks mean" },
    ...states.map((state) => h("span", { "data-state": state }, tick(state), tickWords[state])),
  );
}
