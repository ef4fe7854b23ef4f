/** Six hours of shares of credit, one small panel a channel. */

import { type KeyboardEvent, memo, type PointerEvent } from "react";

import { thinned, timeSpan, timeTicks, x } from "../charts/lines";
import { Multiple } from "../charts/Multiple";
import { moved, side } from "../charts/ticks";
import { type Channel, scopeName } from "../derive";
import { change, type Domain, domains, type Line, newest, type Point, pointsOf, settled, shares, type Span, timeOf } from "../derive/history";
import { minuteOfDay, moment, percent, points, share } from "../format";
import { minutesOf } from "../frame";
import { ChannelName } from "../parts/ChannelName";
import { Estimate } from "../parts/Estimate";
import { Panel } from "../parts/Panel";
import { colour } from "../parts/Swatch";
import type { Sheet } from "../parts/Table";
import type { Measure } from "../selection";
import { expectedRows, pointAt, type Shown, shownOf, type State, useShown, useStore } from "../store";

const MINUTE_MS = 60_000;
const TABLE_ROWS = 24;

/** The point at the reader's moment, else the newest. */
function pointFor(line: Line, cursor_ms: number | undefined): Point | undefined {
  const last = newest(line);
  return cursor_ms === undefined || (last && last.at_ms <= cursor_ms) ? last : line.closed.findLast(({ at_ms }) => at_ms <= cursor_ms);
}

function Small({ channel, line, domain, span, cursor_ms }: {
  channel: Channel; line: Line; domain: Domain; span: Span; cursor_ms: number | undefined;
}) {
  const at = pointFor(line, cursor_ms);
  return (
    <figure data-slot={channel.slot}>
      <figcaption>
        <span className="name" title={channel.label}><ChannelName slot={channel.slot} label={channel.label} /></span>
        <b><Estimate value={at?.value} as={share} of={`history/${channel.id}`} missing="no credit at that time" /></b>
        <span className="by"><Estimate value={change(line)} as={points} of={`change/${channel.id}`} missing="a single minute has no change" /></span>
      </figcaption>
      <Multiple line={line} span={span} domain={domain} stroke={colour(channel.slot)} cursor_ms={cursor_ms} />
    </figure>
  );
}

const Ticks = memo(function Ticks({ span }: { span: Span }) {
  const ticks = timeTicks(span).map((at_ms) => ({ at_ms, part: x(at_ms, span, 1) }));
  return (
    <span className="time-axis" aria-hidden="true">
      {ticks.map(({ at_ms, part }) => <i key={at_ms} className="tick" style={moved(part)} data-side={side(part)}><b>{minuteOfDay(at_ms)}</b></i>)}
    </span>
  );
}, (a, b) => a.span.from_ms === b.span.from_ms && a.span.to_ms === b.span.to_ms);

/** What is drawn of a chain: the minutes that can be compared, and a line of each channel. */
function useLines() {
  const { frame, channels } = useShown()!;
  const measure = useStore((state) => state.selection.measure);
  const history = settled(frame.history, measure);
  const lines = channels.map((channel) => shares(history, channel, measure));
  return { channels, lines, drawn: timeOf(history), ...domains(lines) };
}

function Scale() {
  const { span } = useLines();
  const cursor_ms = useStore((state) => state.cursor_ms);
  if (cursor_ms !== undefined) return <b className="number">{minuteOfDay(cursor_ms)} UTC</b>;
  return <>Share, %. Every panel spans {percent(span < 0.01 ? 1 : 0)(span).digits} points.</>;
}

function Smalls() {
  const { channels, lines, drawn, of } = useLines();
  const cursor_ms = useStore((state) => state.cursor_ms);
  const span = timeSpan(drawn);
  const moveTo = (at_ms: number) => pointAt(Math.min(drawn.to_ms, Math.max(drawn.from_ms, Math.round(at_ms / MINUTE_MS) * MINUTE_MS)));
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
      {channels.map((channel, at) => (
        <Small key={channel.id} channel={channel} line={lines[at]!} domain={of[at]!} span={span} cursor_ms={cursor_ms} />
      ))}
      <div className="axes">{[0, 1, 2].map((at) => <Ticks key={at} span={span} />)}</div>
    </div>
  );
}

function sheetOf({ channels, frame }: Shown, measure: Measure, most: number): Sheet {
  const minutes = thinned(minutesOf(frame.history), most);
  const lines = channels.map((channel) => thinned(pointsOf(shares(frame.history, channel, measure)), most));
  return {
    columns: ["minute", ...channels.map(({ label }) => label), "journeys", "conversions"],
    rows: minutes.map((minute, at) => [
      moment(minute.minute_ms), ...lines.map((line) => line[at]!.value), minute.journeys, minute.conversions,
    ]),
  };
}

const newestFirst = ({ columns, rows }: Sheet): Sheet => ({ columns, rows: rows.toReversed() });

/** A chain that has channels has minutes: until they are there, they are on their way. */
function isFilled(state: State): boolean | undefined {
  const shown = shownOf(state);
  if (!shown?.channels.length) return false;
  return shown.frame.history.open !== undefined || undefined;
}

export function CreditHistory() {
  const scope = useStore((state) => shownOf(state)?.frame.chain.scope);
  const measure = useStore((state) => state.selection.measure);
  const filled = useStore(isFilled);
  const rows = useStore(expectedRows);
  return (
    <Panel
      name="CreditHistory" title="Six hours" topic="history" tag="credit" filled={filled} sub={filled && <Scale />}
      empty={scope && <p className="note">No minute of {scopeName(scope)} has been counted yet.</p>}
      sheet={(shown) => sheetOf(shown, measure, Infinity)}
      table={(shown) => newestFirst(sheetOf(shown, measure, TABLE_ROWS))}
    >
      <div style={{ "--rows": rows + 1 } as React.CSSProperties} className="multiples-box">{filled && <Smalls />}</div>
    </Panel>
  );
}
