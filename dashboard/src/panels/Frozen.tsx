/** The reader holds a frame: which, how far behind, and the way back. */

import { age, clock, count, written } from "../format";
import { showsEpoch } from "../parts/epoch";
import { Mark } from "../parts/Mark";
import { useNow } from "../parts/useNow";
import { goLive, step, useStore } from "../store";

export function Frozen() {
  const held = useStore((state) => state.held);
  const newest = useStore((state) => state.kept.at(-1));
  const now = useNow(1000);
  if (!held || !newest) return null;
  const waiting = newest.number - held.shown.number;
  const behind = written(age(now - held.shown.closed_at));
  const frames = `${written(count(waiting))} ${waiting === 1 ? "frame waits" : "frames wait"}`;
  const of = clock(held.shown.frame.server_time_ms);
  return (
    <div className="notice" ref={showsEpoch} data-component="Frozen" data-status={held.kind}>
      <Mark tone="idle" shape="ring">{held.kind === "frozen" ? "Frozen" : "As of"} {of} UTC</Mark>
      <span className="number">All panels show epoch {written(count(held.shown.frame.epoch))}, {behind} behind; {frames}.</span>
      <span className="acts">
        <button type="button" className="act" onClick={() => step(-1)} title="One frame back">[</button>
        <button type="button" className="act" onClick={() => step(1)} title="One frame on">]</button>
        <button type="button" className="act" onClick={goLive}>Back to live</button>
      </span>
    </div>
  );
}
