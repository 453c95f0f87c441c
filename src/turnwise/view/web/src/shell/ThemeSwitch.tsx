/** Light, dark, or as the system has it: one button that goes round. */

import { type Theme, setTheme, useTheme } from "@/design/theme";
import { IconButton } from "@/parts/Button";
import { Icon, type IconName } from "@/parts/Icon";

const NEXT: Record<Theme, { icon: IconName; next: Theme; name: string }> = {
  system: { icon: "auto", next: "light", name: "Theme: as the system has it. Switch to light" },
  light: { icon: "sun", next: "dark", name: "Theme: light. Switch to dark" },
  dark: { icon: "moon", next: "system", name: "Theme: dark. Switch to the system's" },
};

export function ThemeSwitch() {
  const { icon, next, name } = NEXT[useTheme()];
  return (
    <IconButton name={name} onClick={() => setTheme(next)}>
      <Icon name={icon} />
    </IconButton>
  );
}
