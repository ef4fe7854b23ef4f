/** How fresh the page is: one word with its shape, and the pulse of the frames. */

import { Pulse } from "../charts/Pulse";
import { age, clock, written } from "../format";
import { showsEpoch } from "../parts/epoch";
import { Mark, type Shape, type Tone } from "../parts/Mark";
import { useNow } from "../parts/useNow";
import type { Status } from "../status";
import { KEPT, useShown, useStore } from "../store";
import { tickFrom } from "../selection";

const LOOKS: Readonly<Record<Status, readonly [Tone, Shape, string]>> = {
  live: ["ok", "circle", "Live"],
  empty: ["ok", "circle", "Live"],
  loading: ["idle", "broken", "Connecting"],
  stale: ["warn", "triangle", "Stale"],
  reconnecting: ["warn", "broken", "Reconnecting"],
  error: ["bad", "square", "Error"],
  frozen: ["idle", "ring", "Frozen"],
  "as-of": ["idle", "ring", "As of"],
};
/** Fewer missing frames than these are no pause: ticks are not exact. */
const PATIENCE = 3;
const AGE_EVERY_MS = 500;

export function LiveBadge() {
  const status = useStore((state) => state.status);
  const beats = useStore((state) => state.beats);
  const newest = useStore((state) => state.kept.at(-1));
  const shown = useShown();
  const now = useNow(AGE_EVERY_MS, newest);
  const [tone, shape, word] = LOOKS[status];
  const closed_at = newest?.closed_at ?? now;
  const missed = Math.floor((now - closed_at) / tickFrom(location.search));
  const detail =
    status === "stale" ? age(now - closed_at) : status === "as-of" && shown ? { digits: clock(shown.frame.server_time_ms) } : undefined;
  return (
    <div className="badge" ref={showsEpoch} data-component="LiveBadge" data-status={status}>
      <span className="badge-word"><Mark tone={tone} shape={shape}>{word}{detail && ` ${written(detail)}`}</Mark></span>
      <span className="sr" role="status" aria-live="polite">{word}</span>
      <span className={status === "as-of" ? "invisible" : undefined}>
        <Pulse beats={beats} kept={KEPT} missed={missed > PATIENCE ? missed : 0} />
      </span>
    </div>
  );
}
