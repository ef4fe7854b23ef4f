/** The keyboard. Keys do nothing while the reader types or works a control that uses them itself. */

import { freeze, goLive, step, toggleHelp, toggleTables } from "./store";

export const KEYS: readonly { readonly keys: readonly string[]; readonly does: string; readonly run?: () => void }[] = [
  { keys: ["Space"], does: "freeze the page, and go on", run: freeze },
  { keys: ["["], does: "one frame back", run: () => step(-1) },
  { keys: ["]"], does: "one frame on", run: () => step(1) },
  { keys: ["L"], does: "live", run: goLive },
  { keys: ["T"], does: "all charts as tables", run: toggleTables },
  { keys: ["?"], does: "these keys", run: toggleHelp },
  { keys: ["←", "→", "↑", "↓"], does: "walk inside a chart that has the focus" },
  { keys: ["Esc"], does: "leave a cell or a moment" },
];

const named = (key: string): string => (key === " " ? "Space" : key.toUpperCase());
const usesKeys = (target: EventTarget | null, key: string): boolean => {
  if (!(target instanceof Element)) return false;
  return target.closest("input, select, textarea") !== null || (key === " " && target.closest("button, a, summary") !== null);
};

export function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || usesKeys(event.target, event.key)) return;
  const found = KEYS.find(({ keys }) => keys.includes(named(event.key)));
  if (!found?.run) return;
  event.preventDefault();
  found.run();
}
