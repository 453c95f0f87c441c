/** Several panels in one place. Arrows go from tab to tab, as the pattern for tabs has it. */

import { type ReactNode, useId, useRef } from "react";

import css from "./Tabs.module.css";

export interface Tab<Name extends string> {
  readonly name: Name;
  readonly title: ReactNode;
}

export function Tabs<Name extends string>({
  label,
  tabs,
  value,
  onChange,
  children,
}: {
  label: string;
  tabs: readonly Tab<Name>[];
  value: Name;
  onChange: (name: Name) => void;
  children: ReactNode;
}) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const go = (step: number) => {
    const place = tabs.findIndex((tab) => tab.name === value);
    const next = tabs[(place + step + tabs.length) % tabs.length];
    if (next === undefined) return;
    onChange(next.name);
    list.current?.querySelector<HTMLElement>(`[data-tab="${next.name}"]`)?.focus();
  };
  return (
    <div className={css.tabs}>
      <div
        ref={list}
        role="tablist"
        tabIndex={-1}
        aria-label={label}
        className={css.list}
        onKeyDown={(event) => {
          if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
          event.stopPropagation();
          event.preventDefault();
          go(event.key === "ArrowRight" ? 1 : -1);
        }}
      >
        {tabs.map((tab) => (
          <button
            key={tab.name}
            type="button"
            role="tab"
            id={`${id}-${tab.name}`}
            data-tab={tab.name}
            aria-selected={tab.name === value}
            aria-controls={`${id}-panel`}
            tabIndex={tab.name === value ? 0 : -1}
            className={css.tab}
            onClick={() => onChange(tab.name)}
          >
            {tab.title}
          </button>
        ))}
      </div>
      <div
        role="tabpanel"
        id={`${id}-panel`}
        aria-labelledby={`${id}-${value}`}
        // The panel scrolls.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        className={css.panel}
      >
        {children}
      </div>
    </div>
  );
}
