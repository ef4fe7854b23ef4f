/** The answer first, in a sentence of the same frame as the charts. */

import { lede } from "../derive/lede";
import { showsEpoch } from "../parts/epoch";
import { useNow } from "../parts/useNow";
import { EVERYONE, WINDOW_SAID } from "../selection";
import { useShown, useStore } from "../store";

/** Before this, a page that has nothing yet is only quick. */
const SAY_AFTER_MS = 2000;

function Waiting() {
  const link = useStore((state) => state.link);
  const now = useNow(500);
  if (link.phase === "refused") return <>The server refused: {link.title}.</>;
  if (now - link.since < SAY_AFTER_MS) return <>Connecting.</>;
  return <span className="text-ink-3">{link.phase === "open" ? "Waiting for the first snapshot." : `Waiting for the server at ${location.host}.`}</span>;
}

export function Lede() {
  const shown = useShown();
  const status = useStore((state) => state.status);
  const measure = useStore((state) => state.selection.measure);
  const said = shown && lede(shown.frame, shown.channels, measure);
  return (
    <p className="lede figures-ink" ref={showsEpoch} data-component="Lede" data-status={status}>
      {!shown && <Waiting />}
      {said && <>{said.fact} <span className="more">{said.more}</span></>}
      {shown && !said && <>No journeys{shown.frame.chain.scope !== EVERYONE && ` of ${shown.frame.chain.scope}`} {WINDOW_SAID[shown.frame.chain.window] || "yet"}.</>}
    </p>
  );
}
