/**
 * The socket: one subscription, one frame at a time.
 *
 * In: the chain that is wanted. Out: frames, at most one per animation frame, and how the link stands. What must hold:
 * a frame is passed on as a whole; after a lost connection the feed resumes where it was, and what was missed arrives
 * as one frame; a hidden page gathers what comes and shows the last.
 */

import { answersFor, confirmed, type Frame, fromSnapshot, withDelta } from "./frame";
import { type Chain, chainKey, type Message, parseMessage, PROTOCOL, type Request, TOPICS, WireError } from "./wire";

export type Link =
  | { readonly phase: "connecting"; readonly since: number }
  | { readonly phase: "open"; readonly since: number }
  | { readonly phase: "waiting"; readonly since: number; readonly retry_at: number; readonly attempt: number }
  | { readonly phase: "refused"; readonly since: number; readonly title: string };

export interface Server {
  readonly version: string;
  readonly commit: string;
}

/** The part of a WebSocket that is used; tests pass their own. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

/** What the feed needs of the world. */
export interface World {
  open(url: string, protocol: string): Socket;
  now(): number;
  random(): number;
  after(ms: number, then: () => void): () => void;
  nextPaint(then: () => void): void;
}

export interface Listener {
  /** A new frame, and when (by this machine's clock) its epoch was known to be closed. */
  frame(frame: Frame, closed_at: number): void;
  link(link: Link): void;
  server(server: Server): void;
}

export interface Feed {
  want(chain: Chain): void;
  retry(): void;
  stop(): void;
}

export const RETRY_FIRST_MS = 500;
export const RETRY_MAX_MS = 15_000;
/** Heartbeats missed before a connection that says nothing counts as lost. */
const SILENT_HEARTBEATS = 3;
const CLOSE_POLICY = 1008;

/** Full jitter: anything up to a limit that doubles, so that many pages do not come back together. */
export function retryDelay(attempt: number, random: number): number {
  return random * Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** attempt);
}

/** The chain and nothing else, whatever else the caller's object holds. */
const plain = ({ scope, dimension, window }: Chain): Chain => ({ scope, dimension, window });

export function createFeed(url: string, tick_ms: number, first: Chain, world: World, listener: Listener): Feed {
  let wanted = plain(first);
  let socket: Socket | undefined;
  let ready = false;
  let frame: Frame | undefined;
  let closed_at = 0;
  let attempt = 0;
  let refusal: string | undefined;
  let heartbeat_ms = 5000;
  let cancelRetry = () => {};
  let cancelSilence = () => {};
  let painting = false;
  let told = false;

  const request = (): Request => {
    const wish = { topics: TOPICS, ...wanted, tick_ms };
    return frame && chainKey(frame.chain) === chainKey(wanted)
      ? { type: "resume", generation: frame.generation, epoch: frame.epoch, ...wish }
      : { type: "subscribe", ...wish };
  };
  const ask = (what: Request) => socket?.send(JSON.stringify(what));

  function connect(): void {
    cancelRetry();
    listener.link({ phase: "connecting", since: world.now() });
    const opened = world.open(url, PROTOCOL);
    socket = opened;
    ready = false;
    told = false;
    refusal = undefined;
    opened.onopen = () => listen();
    opened.onmessage = ({ data }) => {
      if (socket === opened) receive(String(data));
    };
    opened.onclose = ({ code }) => {
      if (socket === opened) lost(code);
    };
  }

  /** A connection that has died without a word is found by its silence. */
  function listen(): void {
    cancelSilence();
    cancelSilence = world.after(SILENT_HEARTBEATS * heartbeat_ms, () => {
      const silent = socket;
      lost(1006);
      silent?.close();
    });
  }

  function lost(code: number): void {
    cancelSilence();
    socket = undefined;
    if (code === CLOSE_POLICY) {
      listener.link({ phase: "refused", since: world.now(), title: refusal ?? "the server refused the connection" });
      return;
    }
    const delay = retryDelay(attempt, world.random());
    listener.link({ phase: "waiting", since: world.now(), retry_at: world.now() + delay, attempt });
    attempt += 1;
    cancelRetry = world.after(delay, connect);
  }

  function receive(source: string): void {
    listen();
    try {
      const message = parseMessage(source);
      if (message) take(message);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      refusal = error.message;
      const broken = socket;
      lost(CLOSE_POLICY);
      broken?.close();
    }
  }

  function take(message: Message): void {
    switch (message.type) {
      case "hello":
        heartbeat_ms = message.heartbeat_ms;
        ready = true;
        listener.server({ version: message.version, commit: message.commit });
        ask(request());
        break;
      case "error":
        refusal = message.title;
        break;
      case "snapshot":
        if (answersFor(message.rows, wanted)) show(fromSnapshot(wanted, message, message.rows), 0);
        break;
      case "delta":
        if (!frame) break;
        if (message.generation !== frame.generation || message.from_epoch > frame.epoch) return again();
        show(withDelta(frame, message, message.rows, message.removed), 0);
        break;
      case "heartbeat":
        if (!frame) break;
        if (message.generation !== frame.generation) return again();
        show(confirmed(frame, message), message.staleness_ms);
        break;
    }
  }

  /** Something is missing between what is known and what came: begin with a snapshot. */
  function again(): void {
    ask({ type: "subscribe", topics: TOPICS, ...wanted, tick_ms });
  }

  function show(next: Frame, staleness_ms: number): void {
    if (next.epoch !== frame?.epoch || next.generation !== frame.generation) closed_at = world.now() - staleness_ms;
    frame = next;
    attempt = 0;
    if (painting) return;
    painting = true;
    world.nextPaint(() => {
      painting = false;
      if (frame) listener.frame(frame, closed_at);
      if (socket && ready && !told) listener.link({ phase: "open", since: world.now() });
      told = ready;
    });
  }

  connect();
  return {
    want(chain) {
      wanted = plain(chain);
      if (!socket) connect();
      else if (ready) again();
    },
    retry() {
      attempt = 0;
      if (!socket) connect();
    },
    stop() {
      cancelRetry();
      cancelSilence();
      const open = socket;
      socket = undefined;
      open?.close(1000);
    },
  };
}

/** The browser's world. */
export const browser: World = {
  open: (url, protocol) => new WebSocket(url, protocol) as unknown as Socket,
  now: () => Date.now(),
  random: () => Math.random(),
  after: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
  nextPaint: (then) => void requestAnimationFrame(then),
};
