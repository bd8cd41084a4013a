/* SPDX-License-Identifier: Apache-2.0 */
/* A control plane for tests: the real engine on the memory stores, time by hand, random bytes from
 * a counter. */
#ifndef ARC_TEST_COMMAND_HOUSE_H
#define ARC_TEST_COMMAND_HOUSE_H

#include "command/call.h"
#include "shim.h"

struct house {
    struct test_mem state;
    struct arc_mem mem;
    struct arc_store *store; /* the engine's */
    struct arc_engine *engine;
    struct arc_command *command;
    struct arc_now now;
    uint64_t random;
    arc_err err; /* of the last call */
    char *out;   /* its last message */
    int ready;   /* how often somebody was told */
};

int house_open(struct house *house); /* 1: it stands */
/* With memory that may fail and no checks. */
arc_status house_build(struct house *house, uint64_t fail_at, int sticky);
void house_close(struct house *house);
/* One on an engine that is somebody else's; house_leave ends it. 1: it stands. */
int house_visit(struct house *house, struct arc_engine *engine, struct arc_now now);
void house_leave(struct house *house);
/* Dispatches until nothing is due now. */
void house_turn(struct house *house);
void house_sleep(struct house *house, int64_t ms);

struct arc_principal house_host(void);
struct arc_principal house_user(uint32_t scopes, const char *project_id);
struct arc_principal house_agent(const char *agent_id);

/* A unary call in JSON: the call's status; house->out is the reply, "" without one. method without
 * its service's package is found by its end: "GetPipeline". */
arc_status house_call(struct house *house, struct arc_principal principal, const char *method,
                      const char *request);
/* A call that stays open. */
struct arc_call *house_stream(struct house *house, struct arc_principal principal,
                              const char *method, const char *request, int half_close);
/* Its next message into house->out. ARC_EAGAIN after everything that is due has been done. */
arc_status house_next(struct house *house, struct arc_call *call);

/* The text of "name":"…" or the characters of "name":123 in house->out; copied into value. 1: it is
 * there. The n-th one, from 0. */
int house_field(const struct house *house, const char *name, int n, char *value, size_t size);
/* format with its first "%s" as a and its second as b; good until the next call. */
const char *house_text(const char *format, const char *a, const char *b);
int house_has(const struct house *house, const char *text);

/* One pipeline with this definition (JSON), one run of it: their ids. 1: done. */
int house_run(struct house *house, const char *spec, char *pipeline_id, char *run_id, size_t size);
/* An agent that has joined: its id and token. 1: done. */
int house_join(struct house *house, char *agent_id, char *token, size_t size);

#endif
