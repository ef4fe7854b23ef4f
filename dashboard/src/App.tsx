/** The page: the shell, and the panels in the order of trust: what, how sure, why, from where. */

import { type FocusEvent, type PointerEvent, useRef } from "react";

import { Connection } from "./panels/Connection";
import { CreditHistory } from "./panels/CreditHistory";
import { Dispositions } from "./panels/Dispositions";
import { Figures } from "./panels/Figures";
import { Foot } from "./panels/Foot";
import { Frozen } from "./panels/Frozen";
import { Header } from "./panels/Header";
import { Lede } from "./panels/Lede";
import { LiveAttributionChart } from "./panels/LiveAttributionChart";
import { LiveBadge } from "./panels/LiveBadge";
import { Selectors } from "./panels/Selectors";
import { TransitionMatrix } from "./panels/TransitionMatrix";
import { Workers } from "./panels/Workers";
import { shownOf, useStore } from "./store";

/** The channel under the pointer keeps its ink in all panels, the others step back; done without drawing anything anew. */
function useHover() {
  const page = useRef<HTMLDivElement>(null);
  const over = (event: PointerEvent | FocusEvent) => {
    const slot = (event.target as Element).closest<HTMLElement>("[data-slot]")?.dataset["slot"];
    if (!page.current || page.current.dataset["hot"] === slot) return;
    if (slot === undefined) delete page.current.dataset["hot"];
    else page.current.dataset["hot"] = slot;
  };
  return { ref: page, onPointerOver: over, onFocus: over };
}

export function App({ retry }: { retry: () => void }) {
  const status = useStore((state) => state.status);
  const epoch = useStore((state) => shownOf(state)?.frame.epoch);
  const isHeld = useStore((state) => state.held !== undefined && state.status !== "error");
  return (
    <div {...useHover()} className="page" data-component="App" data-status={status} data-epoch={epoch}>
      <Header badge={<LiveBadge />} />
      <Selectors />
      <main className="wrap">
        <Lede />
        <Figures />
        <LiveAttributionChart />
        {isHeld ? <Frozen /> : <Connection retry={retry} />}
        <div className="pair"><CreditHistory /><TransitionMatrix /></div>
        <div className="pair"><Dispositions /><Workers /></div>
      </main>
      <div className="wrap"><Foot /></div>
    </div>
  );
}
