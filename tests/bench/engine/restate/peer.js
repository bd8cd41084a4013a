// SPDX-License-Identifier: Apache-2.0
// The same work in Restate: peer.js FOLDER SECONDS RUNS STEPS AT_ONCE runs a handler of STEPS empty
// durable steps RUNS times, one after the other, then AT_ONCE of them side by side for so long.
// It prints the median time of the former in milliseconds and the processor time of a step in
// microseconds, then the steps a second of the latter and the same.
// The server keeps its files in FOLDER, and every setting of it is the default.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import { createRequire } from "node:module";

Promise.withResolvers ??= function () { // older than Node 22
  let resolve, reject;
  const promise = new Promise((yes, no) => ((resolve = yes), (reject = no)));
  return { promise, resolve, reject };
};
const restate = await import("@restatedev/restate-sdk");

const [folder, seconds, runs, steps, atOnce] =
  process.argv.slice(2).map((text, i) => (i === 0 ? text : Number(text)));
const program = createRequire(import.meta.url).resolve(
  `@restatedev/restate-server-linux-${process.arch}/bin/restate-server`);

const pipeline = restate.service({
  name: "pipeline",
  handlers: {
    run: async (ctx, count) => {
      for (let i = 0; i < count; i++)
        await ctx.run(`step-${i}`, () => i);
      return count;
    },
  },
});

function send(socket, method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const request = http.request({ socketPath: `${folder}/bench/${socket}`, method, path, headers });
    request.on("error", reject);
    request.on("response", (response) => {
      let text = "";
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () =>
        response.statusCode < 300 ? resolve(text) : reject(new Error(`${path}: ${text}`)));
    });
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

// Until the server takes it, which it says by doing so.
async function insist(...what) {
  for (const end = Date.now() + 60000; ; await new Promise((go) => setTimeout(go, 50))) {
    try {
      return await send(...what);
    } catch (error) {
      if (Date.now() > end)
        throw error;
    }
  }
}

async function run() {
  const answer = await send("ingress.sock", "POST", "/pipeline/run", steps);
  if (Number(answer) !== steps)
    throw new Error(`the handler answered ${answer}`);
}

// Of the server and of this process, which runs the handlers; in microseconds.
function cpu() {
  const own = process.cpuUsage();
  const stat = readFileSync(`/proc/${server.pid}/stat`, "utf8");
  const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13);
  return own.user + own.system + (Number(user) + Number(system)) * 1e4; // ticks of 10 ms
}

async function alone() {
  const times = [];
  let before = 0;
  for (let i = -1; i < runs; i++) { // the first one warms up
    const start = performance.now();
    if (i === 0)
      before = cpu();
    await run();
    if (i >= 0)
      times.push(performance.now() - start);
  }
  const each = (cpu() - before) / (runs * steps);
  return `${times.sort((a, b) => a - b)[times.length >> 1].toFixed(3)} ${each.toFixed(1)}`;
}

async function together() {
  const start = performance.now(), before = cpu();
  let ended = 0, took = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while ((took = (performance.now() - start) / 1e3) < seconds) {
      await run();
      ended++;
    }
  }));
  const rate = (ended * steps) / ((performance.now() - start) / 1e3);
  return `${rate.toFixed(1)} ${((cpu() - before) / (ended * steps)).toFixed(1)}`;
}

mkdirSync(folder, { recursive: true });
const handler = http2.createServer(
  restate.createEndpointHandler({ services: [pipeline], logger: () => {} }));
await new Promise((go) => handler.listen(0, "127.0.0.1", go));
const server = spawn(program, ["--base-dir", folder, "--node-name", "bench", "--no-logo",
  "--use-random-ports", "true", "--bind-ip", "127.0.0.1"], {
  stdio: "ignore",
  env: { ...process.env, RESTATE_DISABLE_TELEMETRY: "true" },
});
let status = 1;
try {
  await insist("admin.sock", "POST", "/deployments",
    { uri: `http://127.0.0.1:${handler.address().port}` });
  await insist("ingress.sock", "POST", "/pipeline/run", 1);
  console.log(`${await alone()} ${await together()}`);
  status = 0;
} catch (error) {
  console.error(`restate: ${error.message}`);
}
server.on("exit", () => process.exit(status));
server.kill("SIGKILL");
