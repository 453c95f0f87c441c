/** The head of a page and the room below it; also names the browser's tab. */

import { type ReactNode, useEffect } from "react";
import { Link } from "wouter";

import css from "./Page.module.css";

export interface Crumb {
  readonly text: string;
  readonly href: string;
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Turnwise`;
  }, [title]);
}

export function Page({
  title,
  crumbs = [],
  note,
  actions,
  wide = false,
  children,
}: {
  title: string;
  crumbs?: readonly Crumb[];
  note?: ReactNode;
  actions?: ReactNode;
  /** Uses the whole width, as tables and boards of charts do. */
  wide?: boolean;
  children: ReactNode;
}) {
  useTitle(title);
  return (
    <div className={css.page} data-wide={wide || undefined}>
      <header className={css.head}>
        <div className={css.titles}>
          <Crumbs crumbs={crumbs} />
          <h1>{title}</h1>
          {note !== undefined && <div className={css.note}>{note}</div>}
        </div>
        {actions !== undefined && <div className={css.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export function Crumbs({ crumbs }: { crumbs: readonly Crumb[] }) {
  if (crumbs.length === 0) return null;
  return (
    <nav className={css.crumbs} aria-label="Where this is">
      {crumbs.map((crumb) => (
        <Link key={crumb.href} href={crumb.href}>
          {crumb.text}
        </Link>
      ))}
    </nav>
  );
}
