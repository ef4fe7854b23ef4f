/** One bar a frame, height = engine p99, the newest green. When frames stop, the line runs flat and amber. */

import type { Beat } from "../store";

const STEP = 3;
const HEIGHT = 18;
/** What the full height stands for, in few steps, so that bars keep their height from frame to frame. */
const TOPS_MS = [10, 25, 50, 100, 250, 1000, 5000];

interface Props {
  readonly beats: readonly Beat[];
  readonly kept: number;
  /** Frames that should have come since the last. */
  readonly missed: number;
}

export function Pulse({ beats, kept, missed }: Props) {
  const flat = Math.min(kept, missed);
  const bars = flat < kept ? beats.slice(flat - kept) : [];
  const slowest = Math.max(0, ...bars.map((p99_ms) => p99_ms ?? 0));
  const top = TOPS_MS.find((step) => step >= slowest) ?? slowest;
  const first = kept - flat - bars.length;
  const draw = (p99_ms: Beat, at: number) => {
    const height = p99_ms === null ? 2 : 2 + (HEIGHT - 2) * (p99_ms / top);
    return `M${(first + at) * STEP + 1} ${HEIGHT}V${(HEIGHT - height).toFixed(1)}`;
  };
  const paths = bars.map(draw);
  const newest = flat === 0 ? paths.pop() : undefined;
  return (
    <svg className="pulse" width={kept * STEP} height={HEIGHT} viewBox={`0 0 ${kept * STEP} ${HEIGHT}`} role="img" aria-label={`The last ${kept} frames; height is engine p99`}>
      <path d={`M0 ${HEIGHT - 0.5}H${kept * STEP}`} stroke="var(--rule)" />
      <path d={paths.join("")} stroke="var(--ink-4)" strokeWidth="2" />
      {newest && <path d={newest} stroke="var(--ok-mark)" strokeWidth="2" />}
      {flat > 0 && <path d={`M${(kept - flat) * STEP} ${HEIGHT - 1}H${kept * STEP}`} stroke="var(--warn-mark)" strokeWidth="2" />}
    </svg>
  );
}
