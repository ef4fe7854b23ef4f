/** The page: the shell, and the panels in the order of trust: what, how sure, why, from where. */

import type { FocusEvent, PointerEvent } from "react";

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
import { showsEpoch } from "./parts/epoch";
import { useStore } from "./store";

/** The channel under the pointer keeps its ink in all panels, the others step back; done without drawing anything anew. */
function highlight({ target, currentTarget: page }: PointerEvent<HTMLElement> | FocusEvent<HTMLElement>): void {
  const slot = (target as Element).closest<HTMLElement>("[data-slot]")?.dataset["slot"];
  if (page.dataset["hot"] === slot) return;
  if (slot === undefined) delete page.dataset["hot"];
  else page.dataset["hot"] = slot;
}

export function App({ retry }: { retry: () => void }) {
  const status = useStore((state) => state.status);
  const isHeld = useStore((state) => state.held !== undefined && state.status !== "error");
  return (
    <div className="page" onPointerOver={highlight} onFocus={highlight} ref={showsEpoch} data-component="App" data-status={status}>
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
