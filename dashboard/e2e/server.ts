/**
 * The server under test: the one at TRIBUTARY_URL, else the program TRIBUTARY_BIN, else the stand-in of mock/.
 * Tests that stop the server, or need it to misbehave, start their own.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const DASHBOARD = resolve(import.meta.dirname, "..");
/** A machine that does much else starts a server slowly. */
const START_MS = 55_000;

export const binary = process.env["TRIBUTARY_BIN"];
export const address = process.env["TRIBUTARY_URL"];

export interface Server {
  readonly url: string;
  stop(): Promise<void>;
  /** Stops it in its tracks and lets it go on: the socket stays, nothing comes. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}

function launch(port: number, mockFlags: readonly string[]): ChildProcess {
  if (!binary) return spawn(process.execPath, ["mock/server.mjs", "--port", String(port), ...mockFlags], { cwd: DASHBOARD, stdio: "ignore" });
  const env = { ...process.env, TRIBUTARY__SERVE__ADDRESS: `127.0.0.1:${port}` };
  return spawn(resolve(binary), ["run", "--config", "config/development.toml"], { cwd: resolve(DASHBOARD, ".."), env, stdio: "ignore" });
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/api/v1/frame`)).ok;
  } catch {
    return false;
  }
}

/** A server of the test's own; `mockFlags` are for the stand-in only. */
export async function startServer(options: { port?: number; mockFlags?: readonly string[]; mock?: boolean } = {}): Promise<Server> {
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const child = launch(port, options.mockFlags ?? []);
  const exited = once(child, "exit");
  for (const end = Date.now() + START_MS; !(await answers(url)); await sleep(100)) {
    if (Date.now() > end || child.exitCode !== null) throw new Error(`the server at ${url} did not start`);
  }
  return {
    url,
    signal: (signal) => void child.kill(signal),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** The server that most tests share. */
export async function sharedServer(mockFlags: readonly string[] = []): Promise<Server> {
  if (!address) return startServer({ mockFlags });
  return { url: address.replace(/\/$/, ""), signal: () => {}, stop: async () => {} };
}
