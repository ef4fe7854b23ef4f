/** Why the page is not live, and what to do; one quiet line while it is. */

import { clock, count, duration, moment, written } from "../format";
import { showsEpoch } from "../parts/epoch";
import { Mark } from "../parts/Mark";
import { useNow } from "../parts/useNow";
import { EVERYONE } from "../selection";
import { select, useShown, useStore } from "../store";
import type { Status } from "../status";

const TONES: Readonly<Partial<Record<Status, string>>> = { stale: "warn", reconnecting: "warn", error: "bad" };

function Stale() {
  const shown = useShown();
  const now = useNow(1000);
  if (!shown) return null;
  return (
    <>
      <Mark tone="warn" shape="triangle">No closed epoch for {written(duration(now - shown.closed_at))}</Mark>
      <span>The connection stands; the engine does not go on. Figures are of {clock(shown.frame.server_time_ms)} UTC.</span>
    </>
  );
}

function Reconnecting({ retry }: { retry: () => void }) {
  const shown = useShown();
  const link = useStore((state) => state.link);
  const now = useNow(500);
  const wait_ms = link.phase === "waiting" ? Math.max(0, link.retry_at - now) : 0;
  return (
    <>
      <Mark tone="warn" shape="broken">Connection lost at {clock(link.since)} UTC</Mark>
      <span className="number">
        {shown ? `Resuming from epoch ${written(count(shown.frame.epoch))}. ` : ""}
        {wait_ms >= 1000 ? `Next try in ${written(duration(wait_ms))}.` : "Trying now."}
      </span>
      <span className="acts"><button type="button" className="act" onClick={retry}>Try now</button></span>
    </>
  );
}

function Refused({ retry }: { retry: () => void }) {
  const link = useStore((state) => state.link);
  return (
    <>
      <Mark tone="bad" shape="square">The server refused</Mark>
      <span>{link.phase === "refused" && link.title}.</span>
      <span className="acts">
        <button type="button" className="act" onClick={retry}>Try again</button>
        <button type="button" className="act" onClick={() => select({ scope: EVERYONE, window: "all" })}>Show all advertisers</button>
      </span>
    </>
  );
}

function Live() {
  const shown = useShown();
  if (!shown) return <span>Nothing received yet.</span>;
  const { epoch, server_time_ms } = shown.frame;
  const text = `All panels show epoch ${written(count(epoch))}, sent ${clock(server_time_ms)} UTC.`;
  return <span className="number" title={`One closed epoch, sent ${moment(server_time_ms)}`}>{text}</span>;
}

export function Connection({ retry }: { retry: () => void }) {
  const status = useStore((state) => state.status);
  return (
    <div className="notice" data-tone={TONES[status]} ref={showsEpoch} data-component="Connection" data-status={status}>
      {status === "stale" ? <Stale /> : status === "reconnecting" ? <Reconnecting retry={retry} /> : status === "error" ? <Refused retry={retry} /> : <Live />}
    </div>
  );
}
