/** What is shown: links, so that the back button and copied links work. */

import type { MouseEvent, ReactNode } from "react";

import { scopeName } from "../derive";
import { DIMENSIONS, EVERYONE, MEASURES, type Selection, toSearch, WINDOW_NAMES, WINDOWS } from "../selection";
import { select, shownOf, useStore } from "../store";

/** A new tab is the browser's business; a plain click is ours. */
const isPlain = (event: MouseEvent) => event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;

function Choice({ change, children, disabled }: { change: Partial<Selection>; children: ReactNode; disabled?: boolean }) {
  const selection = useStore((state) => state.selection);
  const isCurrent = Object.entries(change).every(([name, value]) => selection[name as keyof Selection] === value);
  if (disabled) return <span className="choice" aria-disabled="true" title="All advertisers together have channels only">{children}</span>;
  const follow = (event: MouseEvent) => {
    if (!isPlain(event)) return;
    event.preventDefault();
    if (!isCurrent) select(change);
  };
  return (
    <a className="choice" href={toSearch({ ...selection, ...change }, location.search)} aria-current={isCurrent || undefined} onClick={follow}>
      {children}
    </a>
  );
}

function Group({ label, children }: { label: string; children: ReactNode }) {
  return <span className="group" role="group" aria-label={label}><span className="label">{label}</span>{children}</span>;
}

function Advertiser() {
  const scope = useStore((state) => state.selection.scope);
  const known = useStore((state) => shownOf(state)?.frame.advertisers) ?? [];
  const names = scope === EVERYONE || known.includes(scope) ? known : [scope, ...known];
  return (
    <label className="group">
      <span className="label">Advertiser</span>
      <span className="pick">
        <select value={scope} onChange={(event) => select({ scope: event.target.value })} data-key="scope">
          <option value={EVERYONE}>{scopeName(EVERYONE)}</option>
          {names.map((name) => <option key={name} value={name}>{name}</option>)}
        </select>
      </span>
    </label>
  );
}

export function Selectors() {
  const scope = useStore((state) => state.selection.scope);
  return (
    <nav className="selectors" aria-label="What is shown" data-component="Selectors">
      <div className="wrap">
        <Advertiser />
        <Group label="Window">{WINDOWS.map((window) => <Choice key={window} change={{ window }}>{WINDOW_NAMES[window]}</Choice>)}</Group>
        <Group label="By">
          {DIMENSIONS.map((dimension) => (
            <Choice key={dimension} change={{ dimension }} disabled={dimension === "campaign" && scope === EVERYONE}>{dimension}</Choice>
          ))}
        </Group>
        <Group label="Measure">{MEASURES.map((measure) => <Choice key={measure} change={{ measure }}>{measure}</Choice>)}</Group>
      </div>
    </nav>
  );
}
