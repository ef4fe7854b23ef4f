/** Light, dark, or as the system says. */

import { remember, remembered } from "./storage";

const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];
const KEY = "tributary.theme";

export function theme(): Theme {
  return THEMES.find((name) => name === remembered(KEY)) ?? "system";
}

export function applyTheme(): void {
  const chosen = theme();
  if (chosen === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
}

export function nextTheme(): Theme {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]!;
  remember(KEY, next);
  applyTheme();
  return next;
}
