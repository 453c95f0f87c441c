/** A mark of a chart that leads to the episodes behind it; reachable by Tab, named for those who cannot see it. */

import type { ReactNode } from "react";
import { useLocation } from "wouter";

import css from "./charts.module.css";

export function Mark({
  href,
  label,
  children,
}: {
  href: string | undefined;
  label: string;
  children: ReactNode;
}) {
  const [, navigate] = useLocation();
  const title = <title>{label}</title>;
  if (href === undefined) {
    return (
      <g role="img" aria-label={label}>
        {title}
        {children}
      </g>
    );
  }
  return (
    <a
      href={href}
      aria-label={label}
      className={css.mark}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        navigate(href);
      }}
    >
      {title}
      {children}
    </a>
  );
}
