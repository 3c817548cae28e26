/**
 * The whole page: two people side by side (or one, with `?solo`), tabs where there is room for one, and the button that
 * makes two people up. Decides which side is in front; knows nothing of what people say.
 */
import type { Addresses } from "../addresses";
import { twoPeople } from "../people";
import type { Memory } from "../storage";
import type { Protocol } from "../wires/protocols";
import { h, setAttribute, setText } from "./dom";
import { legend, masthead, welcome } from "./frame";
import { Panel, type Side } from "./panel";

const labels: Record<Side, string> = { left: "Left", right: "Right" };
/** What the two made-up people talk by. */
const tried: Record<Side, Protocol> = { left: "sockjs", right: "socket.io" };
const questions: Record<Side, string> = { left: "Who is on the left?", right: "Who is on the right?" };

class Tab {
  readonly element: HTMLElement;
  private readonly name = h("span");
  private readonly unread: HTMLElement;

  constructor(
    private readonly panel: Panel,
    show: () => void,
  ) {
    this.unread = h("span", { class: "badge", testid: "tab-unread" });
    this.element = h(
      "button",
      { type: "button", testid: "tab", "data-side": panel.side, onclick: show },
      this.name,
      this.unread,
    );
  }

  render(isFront: boolean): void {
    const { name, unread, side } = this.panel;
    setText(this.name, name ?? labels[side]);
    setText(this.unread, unread === 0 ? "" : String(unread));
    this.unread.hidden = unread === 0;
    setAttribute(this.element, "aria-pressed", String(isFront));
  }
}

export class Page {
  readonly element: HTMLElement;
  private readonly panels: Panel[];
  private readonly tabs: Tab[];
  private readonly main: HTMLElement;
  private readonly welcome: HTMLElement;
  private readonly tryIt: HTMLButtonElement;
  private front: Side = "left";

  constructor(addresses: Addresses, memory: Memory, solo: boolean) {
    const sides: Side[] = solo ? ["left"] : ["left", "right"];
    this.panels = sides.map(
      (side) => new Panel(side, solo ? "Who are you?" : questions[side], addresses, memory, () => this.render()),
    );
    this.tabs = this.panels.map((panel) => new Tab(panel, () => this.show(panel.side)));
    this.tryIt = h(
      "button",
      { type: "button", class: "primary", testid: "try-it", onclick: () => void this.makeTwoPeople() },
      "Try it: make two people",
    );
    this.welcome = welcome(this.tryIt);
    this.main = h("main", { "data-solo": solo }, ...this.panels.map(({ element }) => element));
    const tabs = h("div", { class: "tabs", role: "group", "aria-label": "Side", hidden: solo });
    tabs.append(...this.tabs.map(({ element }) => element));
    this.element = h("div", { class: "frame" }, masthead(), this.welcome, tabs, this.main, legend());
  }

  start(): void {
    for (const panel of this.panels) panel.start();
    this.render();
  }

  private show(side: Side): void {
    this.front = side;
    this.render();
  }

  private render(): void {
    this.main.dataset["front"] = this.front;
    this.welcome.hidden = this.panels.length < 2 || this.panels.some(({ name }) => name !== null);
    for (const [index, tab] of this.tabs.entries()) tab.render(this.panels[index]?.side === this.front);
  }

  private async makeTwoPeople(): Promise<void> {
    const people = twoPeople();
    this.tryIt.disabled = true;
    await Promise.all(this.panels.map((panel, index) => panel.admit(people[index]!, tried[panel.side])));
    await Promise.all(this.panels.map((panel, index) => panel.startChat(people[1 - index]!.name)));
    this.tryIt.disabled = false;
    this.panels[0]?.focus();
  }
}
