/** What became of every record: five dispositions that add up to the records read. */

import { SumStrip } from "../charts/SumStrip";
import { dispositionSum } from "../derive/sums";
import { count, percent, whole } from "../format";
import { Estimate } from "../parts/Estimate";
import { Fact } from "../parts/Fact";
import { Mark } from "../parts/Mark";
import { Panel } from "../parts/Panel";
import type { Sheet } from "../parts/Table";
import { type Shown, shownOf, useStore } from "../store";
import type { Disposition, Dispositions as Counts } from "../wire";

const FILLS: Readonly<Record<Disposition, string>> = {
  accepted: "var(--ink-3)",
  duplicate: "var(--ink-4)",
  late: "var(--warn-mark)",
  invalid: "var(--bad-mark)",
  no_consent: "var(--ink)",
};

const SHARE = percent(3);

function sheet({ frame }: Shown): Sheet {
  const { parts, read } = dispositionSum(frame.dispositions!);
  return { columns: ["disposition", "records"], rows: [...parts.map(({ label, count }) => [label, count]), ["read", read]] };
}

function Sum({ of }: { of: Counts }) {
  const { parts, sum, missing } = dispositionSum(of);
  const [accepted, ...rest] = parts.map(({ name, count }) => ({ name, count, fill: FILLS[name] }));
  return (
    <>
      <SumStrip whole={accepted!} parts={rest} />
      <table className="plain" aria-label="Records by disposition">
        <tbody>
          {parts.map(({ name, label, count: records, share }) => (
            <tr key={name}>
              <th scope="row"><i className="swatch" style={{ background: FILLS[name] }} />{label}</th>
              <td className="num"><Estimate value={records} as={whole} of={`dispositions/${name}`} /></td>
              <td className="num text-ink-3"><Estimate value={share} as={SHARE} of={`dispositions/${name}/share`} missing="no record yet" /></td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row"><Mark tone={missing === 0 ? "ok" : "bad"} shape={missing === 0 ? "circle" : "square"}>{missing === 0 ? "adds up" : "does not add up"}</Mark></th>
            <td className="num strong"><Estimate value={sum} as={whole} of="dispositions/sum" /></td>
            <td className="num text-ink-3"><Estimate value={missing} as={whole} of="dispositions/missing" /> missing</td>
          </tr>
        </tfoot>
      </table>
      <dl className="facts three">
        <Fact label="conflicting copies" title="Copies that differ from their first" value={of.conflicts} as={count} of="dispositions/conflicts" />
        <Fact label="open sessions" value={of.open_sessions} as={count} of="dispositions/open_sessions" />
        <Fact label="open journeys" value={of.open_journeys} as={count} of="dispositions/open_journeys" title="Counted as null until they go on" />
      </dl>
    </>
  );
}

export function Dispositions() {
  const counts = useStore((state) => shownOf(state)?.frame.dispositions);
  return (
    <Panel
      name="Dispositions" title="Where every record went" topic="dispositions" filled={counts !== undefined}
      sub={counts && <>records read, all advertisers: <b className="text-ink"><Estimate value={counts.read} as={whole} of="dispositions/read" /></b></>}
      empty={<p className="note">The server has not counted anything yet.</p>}
      sheet={sheet}
    >
      <div className="sums figures-ink">{counts && <Sum of={counts} />}</div>
    </Panel>
  );
}
