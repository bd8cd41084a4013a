// SPDX-License-Identifier: Apache-2.0
// A queue of jobs that do nothing in graphile-worker: graphile.mjs URL SECONDS OUTSTANDING BATCH
//   keeps OUTSTANDING jobs in the queue for so long, added BATCH at a time, and lets it run empty.
// It prints the jobs a second from the first one added to the last one completed in the database,
// and the processor time of a job in microseconds; then the same for jobs that were all added
// before the clock started.
// Batching is set as its page on performance does for the most jobs a second.
import { Logger, makeWorkerUtils, run } from "graphile-worker";

const [url, ...numbers] = process.argv.slice(2);
const [seconds, outstanding, batch] = numbers.map(Number);
const quiet = new Logger(() => () => {});
const preset = {
  worker: {
    connectionString: url,
    concurrentJobs: 24,
    maxPoolSize: 25,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
    logger: quiet,
  },
};

let done = 0, wanted = Infinity, arrived = () => {};
const taskList = {
  nothing: () => {
    if (++done >= wanted)
      arrived();
  },
};

const utils = await makeWorkerUtils({ preset });
await utils.migrate();
const add = (count) =>
  utils.addJobs(Array.from({ length: count }, () => ({ identifier: "nothing", payload: {} })));

async function all(count) {
  wanted = count;
  if (done < count)
    await new Promise((go) => (arrived = go));
}

function clock() {
  const start = performance.now(), before = process.cpuUsage(), from = done;
  return () => {
    const used = process.cpuUsage(before), jobs = done - from;
    const rate = jobs / ((performance.now() - start) / 1e3);
    return `${rate.toFixed(1)} ${((used.user + used.system) / jobs).toFixed(2)}`;
  };
}

// Completions wait to be written together: stopping writes the last of them.
async function together() {
  const runner = await run({ preset, taskList, noHandleSignals: true });
  await add(batch);
  await all(done + batch); // warm
  let added = done;
  const end = performance.now() + seconds * 1e3, told = clock();
  while (performance.now() < end) {
    while (added - done < outstanding) {
      await add(batch);
      added += batch;
    }
    await all(added - outstanding + 1);
  }
  await all(added);
  await runner.stop();
  return told();
}

async function beforehand(jobs) {
  for (let i = 0; i < jobs; i += batch)
    await add(batch);
  const target = done + jobs, told = clock();
  const runner = await run({ preset, taskList, noHandleSignals: true });
  await all(target);
  await runner.stop();
  return told();
}

const first = await together();
const second = await beforehand(Math.ceil((Number(first.split(" ")[0]) * seconds) / batch) * batch);
const left = await utils.withPgClient((client) =>
  client.query("select count(*) from graphile_worker.jobs"));
if (Number(left.rows[0].count) !== 0)
  throw new Error(`${left.rows[0].count} jobs are left`);
await utils.release();
console.log(`${first} ${second}`);
process.exit(0);
