import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  timeout: 60_000,
  // Freshness is tested and costs are measured: one page at a time.
  workers: 1,
  reporter: "list",
  // What is measured takes long and depends on the machine, so it is asked for by name.
  projects: [
    { name: "tests", testMatch: /\.spec\.ts$/ },
    { name: "measure", testMatch: /\.measure\.ts$/ },
  ],
  use: {
    launchOptions: { executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: ["--no-sandbox"] },
    viewport: { width: 1280, height: 900 },
  },
});
