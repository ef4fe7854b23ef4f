/** How the page stands: one word, worked out from the link, the age of the last closed epoch and what the reader holds. */

import type { Link } from "./feed";

export const STALE_AFTER_MS = 5000;

export type Status = "live" | "loading" | "empty" | "stale" | "reconnecting" | "error" | "frozen" | "as-of";

export interface Situation {
  readonly link: Link;
  readonly has_frame: boolean;
  /** When the last epoch was known to be closed, by this machine's clock. */
  readonly closed_at: number;
  readonly held: "frozen" | "as-of" | undefined;
}

export function statusOf({ link, has_frame, closed_at, held }: Situation, now: number): Status {
  if (link.phase === "refused") return "error";
  if (!has_frame) return link.phase === "waiting" ? "reconnecting" : "loading";
  if (held) return held;
  if (link.phase !== "open") return "reconnecting";
  return now - closed_at > STALE_AFTER_MS ? "stale" : "live";
}
