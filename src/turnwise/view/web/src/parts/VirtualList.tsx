/** A list of any length in a box of its own that scrolls; items may be as high as they like. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useEffectEvent, useRef } from "react";

import css from "./VirtualList.module.css";

interface Props {
  label: string;
  count: number;
  /** Height of an item before it was drawn, in pixels. */
  estimate: (place: number) => number;
  item: (place: number) => ReactNode;
  look?: (first: number, last: number) => void;
  /** The item to bring to the top; each new value scrolls there once. */
  goTo?: number | undefined;
  /** Where to: the top, or only as far as needed to be in sight. */
  align?: "start" | "auto";
  /** Stay at the end while items are added there, if the end is in sight. */
  follow?: boolean;
  gap?: number;
  padding?: number;
}

export function VirtualList({
  label,
  count,
  estimate,
  item,
  look,
  goTo,
  align = "start",
  follow = false,
  gap = 0,
  padding = 0,
}: Props) {
  const box = useRef<HTMLDivElement>(null);
  // It keeps its own state; this component is small enough to be drawn anew.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: estimate,
    overscan: 4,
    gap,
    paddingStart: padding,
    paddingEnd: padding,
    scrollPaddingStart: padding,
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => look?.(first, last), [look, first, last]);

  const known = goTo !== undefined && goTo < count;
  const scroll = useEffectEvent(() => {
    if (goTo !== undefined) virtual.scrollToIndex(goTo, { align });
  });
  useEffect(() => {
    if (known) scroll();
  }, [known, goTo]);

  const atEnd = useRef(false);
  const stay = useEffectEvent(() => {
    if (follow && atEnd.current && count > 0) virtual.scrollToIndex(count - 1, { align: "end" });
  });
  useEffect(() => stay(), [count]);

  return (
    <div
      ref={box}
      className={css.box}
      role="region"
      aria-label={label}
      // A box that scrolls must be reachable by keyboard.
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      onScroll={(event) => {
        const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
        atEnd.current = scrollHeight - scrollTop - clientHeight < 48;
      }}
    >
      <div className={css.room} style={{ height: virtual.getTotalSize() }}>
        <div className={css.items} style={{ transform: `translateY(${items[0]?.start ?? 0}px)`, gap }}>
          {items.map(({ key, index }) => (
            <div key={key} data-index={index} ref={virtual.measureElement}>
              {item(index)}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}
