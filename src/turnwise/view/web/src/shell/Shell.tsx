/** What is round every page: the bar with the ways between pages, search, the connection, the theme. */

import type { ReactNode } from "react";
import { Link, useRoute } from "wouter";

import { useConnection } from "@/api/live";

import { Find } from "./Find";
import css from "./Shell.module.css";
import { ThemeSwitch } from "./ThemeSwitch";

export function Shell({ children }: { children: ReactNode }) {
  return (
    <>
      <a className={css.skip} href="#main">
        Skip to content
      </a>
      <header className={css.bar}>
        <Link href="/" className={css.brand} aria-label="Turnwise: all runs">
          <img src="/favicon.svg" alt="" width={24} height={24} />
          <span className={css.name}>Turnwise</span>
        </Link>
        <nav className={css.nav} aria-label="Pages">
          <Way to="/" pattern={/^\/(?:$|runs)/u}>
            Runs
          </Way>
          <Way to="/play" pattern={/^\/play/u}>
            Play
          </Way>
          <Way to="/label" pattern={/^\/label/u}>
            Labels
          </Way>
        </nav>
        <Find />
        <Live />
        <ThemeSwitch />
      </header>
      <main id="main" className={css.main} tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function Way({ to, pattern, children }: { to: string; pattern: RegExp; children: ReactNode }) {
  const [here] = useRoute(pattern);
  return (
    <Link href={to} className={css.way} aria-current={here ? "page" : undefined}>
      {children}
    </Link>
  );
}

const STATES = {
  connecting: "Connecting",
  live: "Live: changes are shown as they happen",
  lost: "Connection lost: trying again",
} as const;

function Live() {
  const connection = useConnection();
  return (
    <span className={css.live} data-state={connection} role="status" title={STATES[connection]}>
      <span className="sr-only">{STATES[connection]}</span>
    </span>
  );
}
