/**
 * The page's drawings. Decides their lines; colours come from the text around them.
 */
import type { DeliveryState } from "../model/message";

const line = 'fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"';

/** A swan goose in flight. */
const goose = `<svg viewBox="0 0 64 48" aria-hidden="true">
  <path fill="currentColor" opacity=".45" d="M33 25C34 15 39 6 49 1c1 9-2 18-9 25z"/>
  <path fill="currentColor" d="M3 33c8-2 16-6 25-6 8 0 13-3 18-7 3-3 7-5 10-3l5 2.300-5 1.200c-3 1-5 3-8 7-5 7-12 11-21 11-8 0-16-2-24-5.500z"/>
  <path fill="currentColor" d="M35 30C31 18 21 8 7 3c2 11 7 21 17 28 4 2 9 2 11-1z"/>
</svg>`;

/** A flock on its way, for the sky of the page. */
const bird = "c5-1 9-4 12-9 2 5 6 8 12 8-5 2-9 3-12 6-3-3-7-5-12-5z";
const skein = `<svg viewBox="0 0 240 90" aria-hidden="true"><g fill="currentColor">${[
  [205, 46],
  [165, 32],
  [124, 21],
  [82, 13],
  [168, 66],
  [128, 79],
]
  .map(([x, y]) => `<path d="M${x} ${y}${bird}"/>`)
  .join("")}</g></svg>`;

const ticks: Record<DeliveryState, string> = {
  pending: `<svg viewBox="0 0 20 14" aria-hidden="true"><g ${line}><circle cx="10" cy="7" r="5.200"/><path d="M10 4v3l2 1.300"/></g></svg>`,
  committed: `<svg viewBox="0 0 20 14" aria-hidden="true"><path ${line} d="m5.500 7.500 3.300 3.300L14.500 4"/></svg>`,
  received: `<svg viewBox="0 0 20 14" aria-hidden="true"><g ${line}><path d="M2 7.500l3.300 3.300L11 4"/><path class="second" d="m9.300 10.400.400.400L15.700 4"/></g></svg>`,
  failed: `<svg viewBox="0 0 20 14" aria-hidden="true"><g ${line}><circle cx="10" cy="7" r="5.200"/><path d="M10 4.300v3M10 9.600v.1"/></g></svg>`,
};

export const tickWords: Record<DeliveryState, string> = {
  pending: "on its way",
  committed: "stored",
  received: "received",
  failed: "failed",
};

export const gooseMark = (): Element => drawn(goose);
export const skeinOfGeese = (): Element => drawn(skein);
export const tick = (state: DeliveryState): Element => drawn(ticks[state]);

function drawn(markup: string): Element {
  const template = document.createElement("template");
  template.innerHTML = markup;
  return template.content.firstElementChild as Element;
}
