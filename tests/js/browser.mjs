// The real browser of the tests.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { chromium } from "playwright-core";
import { root } from "./server.mjs";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Headless Chromium, with a new, empty profile. */
export function launch() {
  const executablePath = execFileSync(path.join(root, "scripts/setup.sh"), ["browser"], { encoding: "utf8" }).trim();
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}
