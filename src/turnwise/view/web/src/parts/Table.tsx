/** A table of any length: only the rows in sight are drawn and asked for. Less room shows fewer columns. */

import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";

import { type Room, useRoom } from "@/lib/media";

import { Icon } from "./Icon";
import css from "./Table.module.css";

export type Order = "asc" | "desc";

export interface Column<Row> {
  readonly key: string;
  readonly label: string;
  /** The label is read aloud only. */
  readonly hidden?: boolean;
  /** A CSS grid track; another one on a phone. */
  readonly width: string;
  readonly narrow?: string;
  /** The least room in which it is shown. */
  readonly room?: Room;
  readonly number?: boolean;
  /** Name to sort by, and the order that is natural at first. */
  readonly sort?: readonly [name: string, first: Order];
  readonly cell: (row: Row) => ReactNode;
}

interface Props<Row> {
  label: string;
  columns: readonly Column<Row>[];
  total: number;
  row: (place: number) => Row | undefined;
  rowKey: (row: Row) => string | number;
  look: (first: number, last: number) => void;
  sort?: string;
  order?: Order;
  onSort?: (sort: string, order: Order) => void;
  height?: number;
}

export function Table<Row>(props: Props<Row>) {
  const { label, total, row, look, rowKey, height = 42 } = props;
  const room = useRoom();
  const columns = props.columns.filter((column) => (column.room ?? 1) <= room);
  const body = useRef<HTMLDivElement>(null);
  const scrollMargin = useTop(body);
  const virtual = useWindowVirtualizer({
    count: total,
    estimateSize: () => height,
    overscan: 10,
    scrollMargin,
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => look(first, last), [look, first, last]);
  const tracks = {
    gridTemplateColumns: columns
      .map((column) => (room === 1 ? (column.narrow ?? column.width) : column.width))
      .join(" "),
  };
  return (
    <div className={css.table} role="table" aria-label={label} aria-rowcount={total + 1}>
      <div role="rowgroup" className={css.head}>
        <div role="row" className={css.row} style={tracks} aria-rowindex={1}>
          {columns.map((column) => (
            <Header key={column.key} column={column} {...props} />
          ))}
        </div>
      </div>
      <div ref={body} role="rowgroup" className={css.body} style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const data = row(item.index);
          return (
            <div
              key={data === undefined ? `empty-${item.index}` : rowKey(data)}
              role="row"
              aria-rowindex={item.index + 2}
              className={css.row}
              style={{ ...tracks, height, transform: `translateY(${item.start - scrollMargin}px)` }}
            >
              {columns.map((column) => (
                <div
                  key={column.key}
                  role="cell"
                  className={css.cell}
                  data-number={column.number ? true : undefined}
                >
                  {data === undefined ? <span className={css.bone} /> : column.cell(data)}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Where the element begins on the page; what is above it may grow. */
function useTop(ref: React.RefObject<HTMLElement | null>): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = () => {
      if (ref.current) setTop(Math.round(ref.current.getBoundingClientRect().top + window.scrollY));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, [ref]);
  return top;
}

function Header<Row>({ column, sort, order, onSort }: Props<Row> & { column: Column<Row> }) {
  const by = column.sort;
  if (by === undefined || onSort === undefined) {
    return (
      <div role="columnheader" className={css.header} data-number={column.number ? true : undefined}>
        {column.hidden ? <span className="sr-only">{column.label}</span> : column.label}
      </div>
    );
  }
  const [name, natural] = by;
  const active = sort === name;
  const turned: Order = order === "asc" ? "desc" : "asc";
  return (
    <div
      role="columnheader"
      className={css.header}
      data-number={column.number ? true : undefined}
      aria-sort={active ? (order === "asc" ? "ascending" : "descending") : "none"}
    >
      <button type="button" className={css.sort} onClick={() => onSort(name, active ? turned : natural)}>
        {column.label}
        <span className={css.arrow} data-active={active ? true : undefined}>
          <Icon name={active && order === "asc" ? "up" : "down"} />
        </span>
      </button>
    </div>
  );
}
