// Starts Chromium as the tests need it.

import { createRequire } from "node:module";

// What a browser does in the background needs a network that test machines lack; the sandbox refuses to run as root.
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The browser at a path, by the playwright-core of a node_modules. */
export function launch(executablePath, modules) {
  const { chromium } = createRequire(`${modules}/`)("playwright-core");
  return chromium.launch({ executablePath, args, headless: true });
}
