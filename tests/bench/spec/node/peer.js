// SPDX-License-Identifier: Apache-2.0
// Decodes a YAML file again and again: peer.js js-yaml|yaml FILE [SECONDS] prints the microseconds
// of processor time of one round and the number of stages.
import { readFileSync } from "node:fs";

const [which, path, seconds = "0.5"] = process.argv.slice(2);
const library = await import(which);
const decode = which === "yaml" ? library.parse : (library.load ?? library.default.load);
const text = readFileSync(path, "utf8");
const now = () => process.cpuUsage().user + process.cpuUsage().system;

let stages = decode(text).stages.length;
const start = now();
let rounds = 0;
do {
  stages = decode(text).stages.length;
  rounds++;
} while (rounds < 3 || now() - start < Number(seconds) * 1e6);
console.log(`${((now() - start) / rounds).toFixed(1)} ${stages}`);
