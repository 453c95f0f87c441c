/** Buttons, and links that look like them. */

import type { ComponentProps, ReactNode } from "react";
import { Link } from "wouter";

import css from "./Button.module.css";

type Tone = "plain" | "primary" | "danger" | "bare";

interface Look {
  tone?: Tone;
  /** Shown before the label; decoration only. */
  icon?: ReactNode;
}

export function Button({ tone = "plain", icon, children, ...rest }: ComponentProps<"button"> & Look) {
  return (
    <button type="button" {...rest} className={css.button} data-tone={tone}>
      {icon}
      {children}
    </button>
  );
}

/** A button that is only a picture; its name is read aloud and shown as a hint. */
export function IconButton({ name, children, ...rest }: ComponentProps<"button"> & { name: string }) {
  return (
    <button type="button" title={name} aria-label={name} {...rest} className={css.icon}>
      {children}
    </button>
  );
}

export function LinkButton({
  to,
  tone = "plain",
  icon,
  children,
}: Look & { to: string; children: ReactNode }) {
  return (
    <Link href={to} className={css.button} data-tone={tone}>
      {icon}
      {children}
    </Link>
  );
}
