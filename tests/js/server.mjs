// Starts the Rust examples that the tests talk to.
import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import readline from "node:readline";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** How long anything in these tests may take before it counts as lost. */
export const DEADLINE = 15000;

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** The program of an example: named in the environment (EXAMPLE_CHAT=…), or what cargo built. */
function program(name) {
  const named = process.env[name.toUpperCase().replaceAll("-", "_")];
  if (named) return named;
  const metadata = execFileSync("cargo", ["metadata", "--no-deps", "--format-version=1"], { cwd: root, maxBuffer: 1 << 26 });
  const file = path.join(JSON.parse(metadata).target_directory, "debug", name);
  if (!existsSync(file)) throw new Error(`${name} is not built: run \`make interop\` or \`make browser\`, which build it`);
  return file;
}

/** Starts an example, and waits for the line with which it announces its port or path (the first group of the expression). */
export async function start(name, announces, port = 0, variables = {}) {
  const env = { ...process.env, PORT: String(port), HOST: "127.0.0.1", ...variables };
  const child = spawn(program(name), { env, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const lines = [];
  const exited = new Promise((resolve) => child.once("close", (code, signal) => (running.delete(child), resolve({ code, signal }))));
  readline.createInterface({ input: child.stderr }).on("line", (line) => lines.push(line));
  let late;
  const ready = new Promise((resolve, reject) => {
    late = setTimeout(() => reject(new Error(`${name} is not ready\n${lines.join("\n")}`)), DEADLINE);
    exited.then(() => reject(new Error(`${name} ended at once\n${lines.join("\n")}`)));
    child.once("error", reject);
    readline.createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line);
      const match = announces.exec(line);
      if (match) resolve(match[1]);
    });
  });
  const opened = await ready.finally(() => clearTimeout(late));
  return {
    port: Number(opened),
    url: `http://127.0.0.1:${opened}`,
    lines,
    /** Asks it to end (as ctrl-c does), or ends it at once with SIGKILL; resolves with how it ended. */
    stop(signal = "SIGINT") {
      child.kill(signal);
      return exited;
    },
  };
}
