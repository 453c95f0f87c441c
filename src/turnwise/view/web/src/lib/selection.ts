/** Which words of a text are selected, as places in that text. */

export interface Span {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Where `words` stand in `text`, if they do: what is marked on the page may leave out marks and line breaks. */
export function located(text: string, words: string): Span | undefined {
  const wanted = words.trim();
  if (wanted === "") return undefined;
  const start = text.indexOf(wanted);
  return start < 0 ? undefined : { start, end: start + wanted.length, text: wanted };
}

/** The words selected inside an element now. */
export function selectedIn(element: Element | null): string {
  const selection = document.getSelection();
  if (element === null || selection === null || selection.isCollapsed) return "";
  return element.contains(selection.anchorNode) && element.contains(selection.focusNode)
    ? selection.toString()
    : "";
}
