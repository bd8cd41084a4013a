/* SPDX-License-Identifier: Apache-2.0 */
/* Lives of a definition under made-up time. The engine is the real one, with its memory store and a
 * clock that only jumps; the agents speak the agents' protocol to it. How long a step takes, which
 * one fails and which agent is lost is chance, and chance is the seed's: one seed, one life.
 *
 *   sim.c         the command: its words, the lives one after another, the report
 *   sim_kinds.c   which agents there are, and which jobs
 *   sim_life.c    one life: the clock, the loop, what its events say and whether they may
 *   sim_agent.c   one agent */
#ifndef EXAMPLES_CLI_SIM_H
#define EXAMPLES_CLI_SIM_H

#include <arcentra/call.h>
#include <arcentra/event.h>
#include <arcentra/run.h>

#include "common/args.h"
#include "common/text.h"

/* What lives are made of. */
struct sim_rules {
    arc_spec *spec;
    const arc_run_options *run;
    char **kinds; /* the labels of each kind of agent, as a JSON object */
    size_t kind_count;
    char **jobs; /* the names of all jobs, sorted */
    size_t job_count;
    int64_t agents, slots;          /* of each kind */
    int64_t fail, lost, reject;     /* in percent: of steps, of steps' agents, of gates */
    int64_t least_ns, most_ns;      /* how long steps take */
    int64_t give_up_ns;             /* a run that is not over by then never ends */
    const struct arg_list *times;   /* "STEP=30s", "JOB/STEP=30s" */
    const struct arg_list *outputs; /* "STEP.NAME=VALUE", one of those that are given */
};

/* What the lives of one job were. */
struct sim_job {
    uint64_t lives[ARC_JOB_STATE_COUNT]; /* that ended so */
    uint64_t started, retried;           /* lives in which it started, attempts beyond the first */
    int64_t took_ns;                     /* of all lives in which it started, from start to end */
    char *why_not;                       /* why it did not run, in the first life without it */
};

struct sim_life {
    const struct sim_rules *rules;
    struct sim_job *jobs; /* beside rules->jobs; added to */
    int trace;            /* every event is printed */
    uint64_t seed;

    uint64_t random, ids; /* chance, and what the engine draws for itself */
    int64_t now_ns;
    arc_ctl *ctl;
    arc_sub *sub;
    struct sim_agent *agents;
    size_t agent_count;
    struct sim_mark *marks;   /* of each job, in this life */
    struct sim_gate *gates;   /* that wait */
    struct sim_start *starts; /* of steps; what began once must not begin again */
    size_t start_count, start_room;
    char run_id[ARC_ID_SIZE];

    /* what came out */
    int result; /* ARC_RUN_…; 0: it did not end */
    int64_t took_ns;
    uint64_t digest; /* of all that happened: the same for the same seed */
    uint32_t running, most_running, lost;
    char reason[256]; /* of the run */
    char broken[320]; /* a promise that was not kept; "": none */
};

/* Lives it. 0, or says what is wrong and answers an exit code: then nothing came out. */
int sim_live(struct sim_life *life);

/* Fills kinds and jobs: with agents for everything that jobs ask for, or with those that are given.
 * inputs: the plan's, as JSON. 0, or says what is wrong: EXIT_USAGE. */
int sim_choose_agents(struct sim_rules *rules, const char *inputs, const struct arg_list *agents);
void sim_free_agents(struct sim_rules *rules);
/* The index of a job, or job_count. */
size_t sim_find_job(const struct sim_rules *rules, const char *name);

/* Chance: percent of the times; from least to most. */
int sim_chance(struct sim_life *life, int64_t percent);
int64_t sim_between(struct sim_life *life, int64_t least, int64_t most);

/* --- agents ------------------------------------------------------------------------------- */

struct sim_step;

struct sim_agent {
    struct sim_life *life;
    size_t kind, number;
    char *id, *token;
    uint32_t incarnation;
    arc_call *call;
    struct sim_step *steps;
    int64_t heartbeat_ns; /* the next one */
    int64_t lost_ns;      /* when it is lost; INT64_MAX: not */
    int64_t back_ns;      /* when it is back; 0: it is there */
};

/* Registers, and opens its stream. ARC_OK, or err says what is wrong. */
arc_status sim_agent_open(struct sim_agent *agent, const char *registration_token, arc_err *err);
/* Reads what it was told. 1: something was. */
int sim_agent_listen(struct sim_agent *agent);
/* Does what is due; answers when something is next. */
int64_t sim_agent_tick(struct sim_agent *agent);
void sim_agent_close(struct sim_agent *agent);

#endif
