/** Six hours of shares of credit, one small panel a channel. */

import type { KeyboardEvent, PointerEvent } from "react";

import { type Span, thinned, timeSpan, timeTicks, x } from "../charts/lines";
import { Multiple } from "../charts/Multiple";
import { placed } from "../charts/ticks";
import { type Channel, scopeName } from "../derive";
import { change, type Domain, domains, type Point, settled, shares } from "../derive/history";
import { minuteOfDay, moment, percent, points, share } from "../format";
import type { Frame } from "../frame";
import { Estimate } from "../parts/Estimate";
import { Panel } from "../parts/Panel";
import { colour, Swatch } from "../parts/Swatch";
import type { Sheet } from "../parts/Table";
import type { Measure } from "../selection";
import { expectedRows, pointAt, type Shown, useShown, useStore } from "../store";

const MINUTE_MS = 60_000;
const TABLE_ROWS = 24;

/** The point at the reader's moment, else the newest. */
function pointFor(line: readonly Point[], cursor_ms: number | undefined): Point | undefined {
  return cursor_ms === undefined ? line.at(-1) : line.findLast(({ at_ms }) => at_ms <= cursor_ms);
}

function Small({ channel, line, by, domain, span, cursor_ms }: {
  channel: Channel; line: readonly Point[]; by: number | null; domain: Domain; span: Span; cursor_ms: number | undefined;
}) {
  const at = pointFor(line, cursor_ms);
  return (
    <figure data-slot={channel.slot}>
      <figcaption>
        <span className="name" title={channel.label}><Swatch slot={channel.slot} /><span>{channel.label}</span></span>
        <b><Estimate value={at?.value} as={share} of={`history/${channel.id}`} missing="no credit at that time" /></b>
        <span className="by"><Estimate value={by} as={points} of={`change/${channel.id}`} missing="a single minute has no change" /></span>
      </figcaption>
      <Multiple points={line} span={span} domain={domain} stroke={colour(channel.slot)} cursor_ms={cursor_ms} />
    </figure>
  );
}

function Ticks({ span }: { span: Span }) {
  const ticks = timeTicks(span);
  return <span className="time-axis" aria-hidden="true">{ticks.map((at_ms) => <i key={at_ms} style={placed(x(at_ms, span, 1))}>{minuteOfDay(at_ms)}</i>)}</span>;
}

function Smalls({ shown, measure }: { shown: Shown; measure: Measure }) {
  const cursor_ms = useStore((state) => state.cursor_ms);
  const { history } = shown.frame;
  const from = settled(history, measure);
  const lines = shown.channels.map((channel) => shares(history, channel, measure));
  const comparable = lines.map((line) => line.slice(history.length - from.length));
  const { of } = domains(comparable);
  const span = timeSpan(history);
  const first_ms = history[0]?.minute_ms ?? span.from_ms;
  const moveTo = (at_ms: number) => pointAt(Math.min(span.to_ms, Math.max(first_ms, Math.round(at_ms / MINUTE_MS) * MINUTE_MS)));
  const follow = (event: PointerEvent) => {
    const box = (event.target as Element).closest(".multiple")?.getBoundingClientRect();
    if (box) moveTo(span.from_ms + ((event.clientX - box.left) / box.width) * (span.to_ms - span.from_ms));
  };
  const walk = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30 }[event.key];
    if (event.key === "Escape") pointAt(undefined);
    if (by === undefined) return;
    event.preventDefault();
    moveTo((cursor_ms ?? span.to_ms) + by * MINUTE_MS);
  };
  return (
    <div
      className="multiples figures-ink" tabIndex={0} role="group" aria-label="Share of credit over six hours; arrow keys move through time"
      onPointerMove={follow} onPointerLeave={() => pointAt(undefined)} onKeyDown={walk} onBlur={() => pointAt(undefined)}
    >
      {shown.channels.map((channel, at) => (
        <Small key={channel.id} channel={channel} line={lines[at]!} by={change(comparable[at]!)} domain={of[at]!} span={span} cursor_ms={cursor_ms} />
      ))}
      <div className="axes">{[0, 1, 2].map((at) => <Ticks key={at} span={span} />)}</div>
    </div>
  );
}

function sheetOf({ channels }: Shown, measure: Measure, minutes: Frame["history"]): Sheet {
  const lines = channels.map((channel) => shares(minutes, channel, measure));
  return {
    columns: ["minute", ...channels.map(({ label }) => label), "journeys", "conversions"],
    rows: minutes.map((minute, at) => [
      moment(minute.minute_ms), ...lines.map((line) => line[at]!.value), minute.journeys, minute.conversions,
    ]),
  };
}

export function CreditHistory() {
  const shown = useShown();
  const measure = useStore((state) => state.selection.measure);
  const cursor_ms = useStore((state) => state.cursor_ms);
  const rows = useStore(expectedRows);
  const lines = shown ? domains(shown.channels.map((channel) => shares(settled(shown.frame.history, measure), channel, measure))) : undefined;
  // A chain that has channels has minutes: they are only on their way.
  const isComing = shown?.frame.history.length === 0 && shown.channels.length > 0;
  const filled = !shown || isComing ? undefined : shown.channels.length > 0;
  const width = percent((lines?.span ?? 1) < 0.01 ? 1 : 0)(lines?.span ?? 0).digits;
  return (
    <Panel
      name="CreditHistory" title="Six hours" topic="history" tag="credit" filled={filled}
      sub={cursor_ms === undefined ? filled && `Share, %. Every panel spans ${width} points.` : <b className="number">{minuteOfDay(cursor_ms)} UTC</b>}
      empty={shown && <p className="note">No minute of {scopeName(shown.frame.chain.scope)} has been counted yet.</p>}
      sheet={() => sheetOf(shown!, measure, shown!.frame.history)}
      table={() => sheetOf(shown!, measure, thinned(shown!.frame.history, TABLE_ROWS).toReversed())}
    >
      <div style={{ "--rows": rows + 1 } as React.CSSProperties} className="multiples-box">
        {shown && filled && <Smalls shown={shown} measure={measure} />}
      </div>
    </Panel>
  );
}
