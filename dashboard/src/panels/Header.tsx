/** Whose page it is and how fresh: on every page, at every width. */

import type { ReactNode } from "react";

import { age, count, milliseconds } from "../format";
import { Estimate } from "../parts/Estimate";
import { showsEpoch } from "../parts/epoch";
import { useNow } from "../parts/useNow";
import { shownOf, useShown, useStore } from "../store";

const AGE_EVERY_MS = 500;

function Epoch() {
  const shown = useShown();
  const now = useNow(AGE_EVERY_MS, shown);
  return (
    <span className="fresh epoch">
      <b className="age"><Estimate value={shown && Math.max(0, now - shown.closed_at)} as={age} of="age_ms" /></b> old
      {" · "}epoch <b className="at"><Estimate value={shown?.frame.epoch} as={count} of="epoch" missing="nothing received yet" /></b>
    </span>
  );
}

export function Header({ badge }: { badge: ReactNode }) {
  const engine = useStore((state) => shownOf(state)?.frame.engine);
  return (
    <header className="top" ref={showsEpoch} data-component="Header">
      <div className="wrap">
        <span className="brand">
          <svg viewBox="0 0 20 20" width="20" height="20" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" aria-hidden="true">
            <path d="M2 4c6 0 6 6 11 6h5M2 10h16M2 16c6 0 6-6 11-6" />
          </svg>
          Tributary
        </span>
        <h1>Attribution</h1>
        {badge}
        <div className="freshness">
          <Epoch />
          <span className="fresh rate"><b><Estimate value={engine?.events_per_second} as={count} of="engine/events_per_second" /></b><span className="unless-narrow"> events</span>/s</span>
          <span className="fresh p99" title="From acceptance of an event to its effect in a closed epoch, 99 of 100 events">
            p99 <b><Estimate value={engine?.latency_ms_p99} as={milliseconds} of="engine/latency_ms_p99" /></b>
          </span>
        </div>
      </div>
    </header>
  );
}
