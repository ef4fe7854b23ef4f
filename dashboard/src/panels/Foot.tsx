/** Conventions, keys, theme, and which build this is. */

import { useState } from "react";

import { KEYS } from "../keys";
import { nextTheme, type Theme, theme } from "../theme";
import { toggleHelp, useStore } from "../store";

function Help() {
  return (
    <dl className="keys" id="keys">
      {KEYS.map(({ keys, does }) => <div key={does}><dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt><dd>{does}</dd></div>)}
    </dl>
  );
}

export function Foot() {
  const help = useStore((state) => state.help);
  const server = useStore((state) => state.server);
  const [chosen, setChosen] = useState<Theme>(theme);
  return (
    <footer data-component="Foot">
      {help && <Help />}
      <div className="foot">
        <span>Credit shares out what happened; it does not say what would have happened without a channel.</span>
        <span>All times UTC.</span>
        <span className="acts">
          <button type="button" className="act" aria-expanded={help} aria-controls="keys" onClick={toggleHelp}><kbd>?</kbd> keys</button>
          <button type="button" className="act" onClick={() => setChosen(nextTheme())}>Theme: {chosen}</button>
          <span className="build">{server && `${server.version}${server.commit && ` (${server.commit})`}`}</span>
        </span>
      </div>
    </footer>
  );
}
