/** Labelled inputs. A label is always there; where space is short it is only read aloud. */

import { type ComponentProps, type ReactNode, useId } from "react";

import css from "./Field.module.css";

interface Labelled {
  label: string;
  /** Read aloud only. */
  quiet?: boolean;
  hint?: ReactNode;
}

function Frame({ id, label, quiet, hint, children }: Labelled & { id: string; children: ReactNode }) {
  return (
    <div className={css.field}>
      <label htmlFor={id} className={quiet ? "sr-only" : css.label}>
        {label}
      </label>
      {children}
      {hint !== undefined && <span className={css.hint}>{hint}</span>}
    </div>
  );
}

export function TextField({
  label,
  quiet,
  hint,
  fieldId,
  ...rest
}: Labelled & ComponentProps<"input"> & { fieldId?: string }) {
  const made = useId();
  const id = fieldId ?? made;
  return (
    <Frame id={id} label={label} quiet={quiet ?? false} hint={hint}>
      <input type="text" autoComplete="off" spellCheck={false} {...rest} id={id} className={css.input} />
    </Frame>
  );
}

export function TextArea({ label, quiet, hint, ...rest }: Labelled & ComponentProps<"textarea">) {
  const id = useId();
  return (
    <Frame id={id} label={label} quiet={quiet ?? false} hint={hint}>
      <textarea rows={4} {...rest} id={id} className={css.area} />
    </Frame>
  );
}

export interface Option {
  value: string;
  label: string;
}

export function Select({
  label,
  quiet,
  hint,
  options,
  ...rest
}: Labelled & ComponentProps<"select"> & { options: readonly Option[] }) {
  const id = useId();
  return (
    <Frame id={id} label={label} quiet={quiet ?? false} hint={hint}>
      <select {...rest} id={id} className={css.input}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </Frame>
  );
}

export function Check({ label, ...rest }: { label: ReactNode } & Omit<ComponentProps<"input">, "type">) {
  return (
    <label className={css.check}>
      <input type="checkbox" {...rest} />
      <span>{label}</span>
    </label>
  );
}

/** One of a few, all in sight. */
export function Segmented<Value extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: Value;
  options: readonly { value: Value; label: string }[];
  onChange: (value: Value) => void;
}) {
  const name = useId();
  return (
    <fieldset className={css.segmented}>
      <legend className="sr-only">{label}</legend>
      {options.map((option) => (
        <label key={option.value} className={css.segment}>
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </fieldset>
  );
}
