/* SPDX-License-Identifier: Apache-2.0 */
/* The worlds. Each is as small as what it is for lets it be; a unit is 10 s. */
#include "small.h"

/* clang-format off */
#define X "{name: x, run: 'true'}"
#define Y "{name: y, run: 'true'}"
#define FAULTS (BAD_LOSS | BAD_SERVER | BAD_AGENT | BAD_LEASE)

const struct world_def worlds[] = {
    {"copies", "two steps that may fail, messages that come twice, agents that decline",
     "namespace: n\njobs:\n- {name: a, steps: [" X ", " Y "]}\n",
     0, FAULTS | BAD_COPY | BAD_SICK | BAD_REFUSAL, 0, 1},
    {"step-retry", "a step with a retry of its own, and a delay before it",
     "namespace: n\njobs:\n- name: a\n  steps:\n"
     "  - {name: x, run: 'true', retry: {maxAttempts: 2, delay: 10s}}\n  - " Y "\n",
     0, FAULTS | BAD_SICK, 0, 1},
    {"job-retry", "a job that is tried twice, also when its agent is lost",
     "namespace: n\njobs:\n- {name: a, retry: {maxAttempts: 2}, steps: [" X ", " Y "]}\n",
     0, FAULTS | BAD_SICK, 0, 1},
    {"chain", "a job, one that needs it, and one for its failure",
     "namespace: n\njobs:\n- {name: a, steps: [" X "]}\n"
     "- {name: b, dependsOn: [a], steps: [" X "]}\n"
     "- {name: c, dependsOn: [a], when: failure(), steps: [" X "]}\n",
     0, FAULTS | BAD_SICK, 0, 0},
    {"above", "what a failure further up does to those below",
     "namespace: n\njobs:\n- {name: a, steps: [" X "]}\n"
     "- {name: b, dependsOn: [a], steps: [" X "]}\n- {name: c, dependsOn: [b], steps: [" X "]}\n"
     "- {name: d, dependsOn: [b], when: failure(), steps: [" X "]}\n",
     0, BAD_SICK, 0, 0},
    {"beside", "two jobs at once, on two agents",
     "namespace: n\njobs:\n- {name: a, steps: [" X "]}\n- {name: b, steps: [" X "]}\n",
     0, FAULTS, 0, 0},
    {"soft", "continueOnError of a step and of a job",
     "namespace: n\njobs:\n"
     "- {name: a, continueOnError: true, steps: [{name: x, run: 'true', continueOnError: true}, " Y "]}\n"
     "- {name: b, dependsOn: [a], steps: [" X "]}\n",
     0, FAULTS | BAD_SICK, 0, 0},
    {"gate", "an approval by two people, with an end",
     "namespace: n\njobs:\n- {name: a, steps: [" X "]}\n"
     "- {name: b, dependsOn: [a], approval: {count: 2, timeout: 20s}, steps: [" X "]}\n",
     ASK_REJECT | ASK_STOP | ASK_PAUSE, BAD_SERVER | BAD_LOSS | BAD_AGENT, 1, 0},
    {"gate-one", "an approval by one who may, and whose silence is a yes",
     "namespace: n\ntimeout: 40s\nstages:\n- {name: one, jobs: [{name: a, steps: [" X "]}]}\n"
     "- {name: two, when: always(), approval: {approvers: [ann], timeout: 20s, onTimeout: approve}, "
     "jobs: [{name: b, steps: [" X "]}]}\n",
     ASK_REJECT | ASK_PAUSE, BAD_SERVER | BAD_LEASE | BAD_SICK, 1, 0},
    {"finally", "what cleans up in a run that is stopped, with force or without",
     "namespace: n\njobs:\n- name: a\n  steps: [" X "]\n  finally: [{name: clean, run: 'true'}]\n",
     ASK_STOP | ASK_FORCE, 0, 1, 0},
    {"finally-job", "what cleans up in a job that fails or is cancelled",
     "namespace: n\njobs:\n- name: a\n  steps: [" X "]\n  finally: [{name: clean, run: 'true'}]\n",
     ASK_CANCEL_JOB | ASK_KILL_JOB, BAD_SICK, 1, 0},
    {"people", "a pause and a stop over two steps",
     "namespace: n\njobs:\n- {name: a, steps: [" X ", " Y "]}\n",
     ASK_STOP | ASK_PAUSE, 0, 2, 0},
    {"late", "timeouts of a step, a job, the queue and the run",
     "namespace: n\ntimeout: 50s\njobs:\n"
     "- {name: a, timeout: 30s, queueTimeout: 20s, steps: [{name: x, timeout: 20s, run: 'true'}, " Y "]}\n",
     ASK_PAUSE, FAULTS, 1, 0},
    {"late-retry", "a job that is tried again after its timeout",
     "namespace: n\njobs:\n"
     "- {name: a, timeout: 20s, retry: {maxAttempts: 2, on: [timeout]}, steps: [" X "]}\n",
     ASK_STOP, BAD_SICK, 1, 0},
    {"cells", "two cells of a matrix at once, and failFast",
     "namespace: n\njobs:\n- {name: a, matrix: {v: [p, q]}, steps: [" X "]}\n",
     0, BAD_SICK, 0, 0},
    {"cells-one", "three cells, one at a time, and a job that needs them all",
     "namespace: n\njobs:\n- {name: a, matrix: {v: [p, q, r], maxParallel: 1}, steps: [" X "]}\n"
     "- {name: b, dependsOn: [a], steps: [" X "]}\n",
     0, BAD_SICK, 0, 0},
    {"step", "one step, and two faults of any kind",
     "namespace: n\njobs:\n- {name: a, steps: [" X "]}\n",
     0, FAULTS, 0, 2},
    {"steps", "two steps, and a fault of any kind",
     "namespace: n\njobs:\n- {name: a, steps: [" X ", " Y "]}\n",
     0, FAULTS, 0, 1},
};
/* clang-format on */
const uint32_t world_count = ARC_COUNT_OF(worlds);
