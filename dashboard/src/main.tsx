/** Starts the page: theme, feed, keyboard, history, React. */

import { createRoot } from "react-dom/client";

import { App } from "./App";
import "./index.css";
import { browser, createFeed } from "./feed";
import { onKey } from "./keys";
import { fromSearch, tickFrom } from "./selection";
import { checkStatus, select, takeFrame, takeLink, takeServer, useStore } from "./store";
import { applyTheme } from "./theme";
import { chainKey } from "./wire";

const STATUS_EVERY_MS = 250;

applyTheme();

const url = new URL("ws", location.href);
url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
url.search = "";
const feed = createFeed(url.href, tickFrom(location.search), useStore.getState().selection, browser, {
  frame: takeFrame,
  link: takeLink,
  server: takeServer,
});

useStore.subscribe(({ selection }, before) => {
  if (chainKey(selection) !== chainKey(before.selection)) feed.want(selection);
});
addEventListener("popstate", () => select(fromSearch(location.search), true));
addEventListener("keydown", onKey);
setInterval(checkStatus, STATUS_EVERY_MS);

createRoot(document.getElementById("root")!).render(<App retry={feed.retry} />);
