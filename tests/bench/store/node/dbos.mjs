// SPDX-License-Identifier: Apache-2.0
// Durable steps in DBOS: dbos.mjs URL RUNS STEPS runs a workflow of STEPS empty steps RUNS times,
// one after the other. It prints the median time of one in milliseconds and the processor time of a
// step in microseconds. Every setting is the default but for the log.
import { DBOS } from "@dbos-inc/dbos-sdk";

const [url, ...numbers] = process.argv.slice(2);
const [runs, steps] = numbers.map(Number);

const pipeline = DBOS.registerWorkflow(async (count) => {
  for (let i = 0; i < count; i++)
    await DBOS.runStep(async () => i, { name: `step-${i}` });
  return count;
}, { name: "pipeline" });

DBOS.setConfig({
  name: "bench", applicationVersion: "1", systemDatabaseUrl: url, logLevel: "error",
});
await DBOS.launch();
const times = [];
let before;
for (let i = -3; i < runs; i++) { // the first ones warm up
  if (i === 0)
    before = process.cpuUsage();
  const start = performance.now();
  if (await pipeline(steps) !== steps)
    throw new Error("the workflow has not ended well");
  if (i >= 0)
    times.push(performance.now() - start);
}
const used = process.cpuUsage(before);
times.sort((a, b) => a - b);
const each = (used.user + used.system) / (runs * steps);
console.log(`${times[runs >> 1].toFixed(3)} ${each.toFixed(2)}`);
await DBOS.shutdown();
process.exit(0);
