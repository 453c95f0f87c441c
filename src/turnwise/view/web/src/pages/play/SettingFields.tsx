/** The environment's settings, each with its default in place. */

import type { EnvironmentPage } from "@/api/types";
import { Select, TextField } from "@/parts/Field";

type Setting = EnvironmentPage["settings"][number];

const key = (name: string) => `setting:${name}`;
const written = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));

export function SettingFields({ settings }: { settings: readonly Setting[] }) {
  return settings.map((setting) => {
    const { name, type, choices } = setting;
    const now = written(setting.default);
    if (choices.length > 0) {
      const options = choices.map((choice) => ({ value: written(choice), label: written(choice) }));
      return (
        <Select key={name} label={name} name={key(name)} hint={type} defaultValue={now} options={options} />
      );
    }
    return <TextField key={name} label={name} name={key(name)} hint={type} defaultValue={now} />;
  });
}

/** Those that differ from their defaults, in their own types. */
export function changedSettings(settings: readonly Setting[], form: FormData): Record<string, unknown> {
  const changed: Record<string, unknown> = {};
  for (const setting of settings) {
    const value = form.get(key(setting.name));
    if (typeof value === "string" && value !== written(setting.default)) changed[setting.name] = read(value);
  }
  return changed;
}

/** JSON where it is JSON, else the text itself; the server says what does not fit. */
function read(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
