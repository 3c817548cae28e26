/**
 * Making elements. Decides how attributes, test ids and listeners are written down; knows nothing of what is made.
 */

type Child = Node | string | null;

interface Attributes {
  [name: string]: string | number | boolean | null | ((event: never) => void);
}

/** `on…` attributes are listeners, `false` and null leave an attribute out, `testid` is short for data-testid. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else setAttribute(element, name === "testid" ? "data-testid" : name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function setAttribute(element: Element, name: string, value: string | number | boolean | null): void {
  if (value === null || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Puts exactly these children into an element, moving only those that are out of place. */
export function arrange(parent: Element, children: Iterable<Element>): void {
  let next = parent.firstElementChild;
  for (const child of children) {
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
  while (next) {
    const gone = next;
    next = next.nextElementSibling;
    gone.remove();
  }
}

/** A line that is there only while something is wrong. `where` names the place it belongs to. */
export class ErrorLine {
  readonly element: HTMLElement;
  private readonly words = h("span");

  constructor(where: string, dismiss?: () => void) {
    this.element = h(
      "p",
      { class: "error", role: "alert", testid: "error", "data-where": where, hidden: true },
      this.words,
      dismiss
        ? h("button", { type: "button", class: "quiet", testid: "dismiss", onclick: dismiss }, "Dismiss")
        : null,
    );
  }

  show(sentence: string): void {
    setText(this.words, sentence);
    this.element.hidden = sentence === "";
  }
}
