/** Who does the work: rates that add up to the header's. */

import { Bar } from "../charts/Bar";
import { workerSum } from "../derive/sums";
import { bytes, count, duration, milliseconds, moment, percent, rate } from "../format";
import { Estimate } from "../parts/Estimate";
import { Fact } from "../parts/Fact";
import { Mark } from "../parts/Mark";
import { Panel } from "../parts/Panel";
import type { Sheet } from "../parts/Table";
import { type Shown, shownOf, useStore } from "../store";
import type { Engine } from "../wire";

function Facts({ of }: { of: Engine }) {
  const lag = of.event_time_ms === null ? undefined : `event time ${moment(of.event_time_ms)}`;
  return (
    <dl className="facts">
      <Fact label="p50" value={of.latency_ms_p50} as={milliseconds} of="engine/latency_ms_p50" missing="nothing measured in the last 10 s" />
      <Fact label="p99" value={of.latency_ms_p99} as={milliseconds} of="engine/latency_ms_p99/again" missing="nothing measured in the last 10 s" />
      <Fact label="p99.9" value={of.latency_ms_p999} as={milliseconds} of="engine/latency_ms_p999" missing="nothing measured in the last 10 s" />
      <Fact label="epochs/s" value={of.epochs_per_second} as={count} of="engine/epochs_per_second" />
      <Fact label="event lag" value={of.event_lag_ms} as={milliseconds} of="engine/event_lag_ms" title={lag} missing="no watermark yet" />
      <Fact label="memory" value={of.memory_bytes} as={bytes} of="engine/memory_bytes" />
      <Fact label="up" value={of.uptime_ms} as={duration} of="engine/uptime_ms" />
    </dl>
  );
}

const BUSY = percent(0);

function Crew({ of }: { of: Engine }) {
  const { sum, agrees } = workerSum(of);
  return (
    <table className="plain" aria-label="Workers">
      <tbody>
        {of.workers.map(({ process, worker, events_per_second, busy_share }) => (
          <tr key={`${process}/${worker}`}>
            <th scope="row">worker {worker}<span className="text-ink-3"> process {process}</span></th>
            <td className="busy"><Bar value={busy_share} max={1} fill="var(--ink-2)" /></td>
            <td className="num text-ink-3"><Estimate value={busy_share} as={BUSY} of={`worker/${process}/${worker}/busy_share`} missing="not measured" /> busy</td>
            <td className="num"><Estimate value={events_per_second} as={rate} of={`worker/${process}/${worker}/events_per_second`} /></td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row" colSpan={3}>
            <Mark tone={agrees ? "ok" : "warn"} shape={agrees ? "circle" : "triangle"}>{agrees ? "adds up to the header" : "differs from the header"}</Mark>
          </th>
          <td className="num strong"><Estimate value={sum} as={rate} of="workers/sum" /></td>
        </tr>
      </tfoot>
    </table>
  );
}

const sheet = ({ frame }: Shown): Sheet => ({
  columns: ["process", "worker", "events per second", "busy share"],
  rows: frame.engine!.workers.map((of) => [of.process, of.worker, of.events_per_second, of.busy_share]),
});

export function Workers() {
  const engine = useStore((state) => shownOf(state)?.frame.engine);
  return (
    <Panel
      name="Workers" title="Workers" topic="engine" filled={engine !== undefined}
      sub="rates over 1 s, latencies over 10 s"
      empty={<p className="note">The engine has not been measured yet.</p>}
      sheet={sheet}
    >
      <div className="crew figures-ink">{engine && <><Facts of={engine} /><Crew of={engine} /></>}</div>
    </Panel>
  );
}
