/** Finds addresses in text. Only http and https are links; anything else stays text. */

export interface Stretch {
  readonly text: string;
  readonly href?: string;
}

// Up to a space, a quote, a bracket of markup, or a character that cannot be seen.
const ADDRESS = /\bhttps?:\/\/(?:(?!\p{C})[^\s<>"'`{}|\\^])+/giu;

/** Punctuation that ends a sentence, not an address; a bracket that was never opened in it. */
function trimmed(address: string): string {
  let text = address.replace(/[.,;:!?*_~]+$/u, "");
  while (/[)\]]$/u.test(text)) {
    const open = text.endsWith(")") ? "(" : "[";
    if (text.split(open).length >= text.split(text.slice(-1)).length) break;
    text = text.slice(0, -1).replace(/[.,;:!?]+$/u, "");
  }
  return text;
}

function safe(address: string): string | undefined {
  try {
    const url = new URL(address);
    // A name before the host ("https://bank.com@evil.com") is there to deceive.
    const honest = (url.protocol === "https:" || url.protocol === "http:") && !url.username && !url.password;
    return honest ? url.href : undefined;
  } catch {
    return undefined;
  }
}

export function links(text: string): Stretch[] {
  const stretches: Stretch[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimmed(match[0]);
    const href = safe(address);
    if (href === undefined) continue;
    if (match.index > end) stretches.push({ text: text.slice(end, match.index) });
    stretches.push({ text: address, href });
    end = match.index + address.length;
  }
  if (end < text.length) stretches.push({ text: text.slice(end) });
  return stretches;
}
