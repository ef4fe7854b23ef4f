/** Tells on an element which epoch it shows. It changes with every frame, so it is written, not drawn. */

import { shownOf, useStore } from "../store";

export function showsEpoch(root: HTMLElement | null) {
  if (!root) return;
  const write = () => {
    const epoch = shownOf(useStore.getState())?.frame.epoch;
    if (epoch === undefined) delete root.dataset["epoch"];
    else root.dataset["epoch"] = String(epoch);
  };
  write();
  return useStore.subscribe(write);
}
