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

/** 鸿雁, above each other. As a drawing (after Noto Serif CJK) it needs no Chinese font. */
const seal = `<svg viewBox="-4 -8 108 208" aria-hidden="true"><g fill="currentColor">
  <path d="M9 67C8 67 4 67 4 67V69C7 69 8 69 9 70C12 72 12 80 10 90C11 94 13 95 15 95C20 95 23 92 23 88C23 79 19 75 19 70C19 68 20 64 20 62C21 57 26 36 29 25L27 25C13 61 13 61 12 65C11 67 10 67 9 67ZM4 29 3 29C6 33 10 38 10 42C20 49 29 31 4 29ZM9 6 8 6C11 9 15 14 17 19C27 25 34 6 9 6ZM65 22 64 23C66 26 69 31 69 36C77 42 86 28 65 22ZM73 65 68 71H47L47 74H79C81 74 82 74 82 73C78 70 73 65 73 65ZM81 6 66 3 65 15 54 10V19C51 15 45 11 45 11L41 18H26L27 21H34V68C29 69 26 69 24 70L30 82C31 82 32 81 32 80C42 73 49 67 54 63L54 62L43 65V21H52C53 21 54 20 54 20V55C53 56 52 57 51 57L61 64L64 59H84C83 74 82 83 80 85C79 85 79 86 77 86C75 86 69 85 65 85V86C69 87 72 88 74 90C75 91 76 94 76 97C81 97 85 96 87 94C92 90 94 80 94 60C96 60 98 59 98 58L89 50L83 56H63V18H80C80 33 80 39 79 40C78 41 78 41 76 41C75 41 71 41 69 41V42C72 43 73 44 74 45C76 46 76 49 76 52C80 52 83 51 86 49C89 46 90 39 90 19C92 19 93 18 94 18L85 10L80 15H70L77 8C79 8 80 8 81 6Z"/>
  <path transform="translate(0 100)" d="M66 17 65 17C67 21 69 26 69 30C77 38 88 23 66 17ZM86 27 80 34H59L57 33C59 30 60 26 62 22C64 22 65 21 66 20L51 16C49 31 44 47 39 57L40 58C43 55 45 53 47 50V97H49C55 97 58 94 58 93V89H95C96 89 97 88 98 87C94 84 87 79 87 79L82 86H77V71H91C92 71 93 71 94 70C90 66 84 62 84 62L79 68H77V54H91C92 54 93 53 94 52C90 49 84 44 84 44L79 51H77V37H93C94 37 96 36 96 35C92 32 86 27 86 27ZM84 3 78 11H23L11 6V38C11 57 10 79 2 96L4 97C14 87 18 74 20 61L20 61C23 59 26 56 28 53V97H30C34 97 38 94 38 93V41C40 41 41 40 42 39L38 38C40 33 42 28 44 22C46 22 48 21 48 20L33 16C31 31 26 47 20 58C21 51 21 44 21 38V14H93C95 14 96 13 96 12C92 8 84 3 84 3ZM58 86V71H67V86ZM58 68V54H67V68ZM58 51V37H67V51Z"/>
</g></svg>`;

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
export const sealMark = (): Element => drawn(seal);
export const skeinOfGeese = (): Element => drawn(skein);
export const tick = (state: DeliveryState): Element => drawn(ticks[state]);

function drawn(markup: string): Element {
  const template = document.createElement("template");
  template.innerHTML = markup;
  return template.content.firstElementChild as Element;
}
