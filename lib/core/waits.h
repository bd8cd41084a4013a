/* SPDX-License-Identifier: Apache-2.0 */
/* Why something of a run does not run: a list of reasons, each a row of <arcentra/reasons.h> with
 * what it is about. What only the engine knows (agents, groups, the queue) it adds to the same
 * list. The one sentence in a run's rows is the first of these reasons. */
#ifndef ARC_CORE_WAITS_H
#define ARC_CORE_WAITS_H

#include <arcentra/reasons.h>

#include "core/run.h"

struct arc_wait {
    int32_t kind;      /* ARC_REASON_… */
    int32_t job, step; /* whose, indices in the plan; -1: the run, the job */
    /* What it is about: {name} is the thing waited for and id its id; {text} says more. */
    arc_slice name, id, text;
    uint32_t count, of, more;   /* {count} of {of}; {more} like it that are not listed */
    int64_t since_ns, until_ns; /* wall; 0: not known, or it does not end by itself */
    arc_slice sentence;         /* made from the row of its kind */
};

struct arc_waits {
    struct arc_arena *arena;
    struct arc_wait *items;
    size_t count, capacity;
    size_t max;      /* more are not kept */
    size_t left_out; /* how many were not */
    uint32_t alike;  /* of one kind and one object: further ones are counted in `more` */
    int32_t job, step;
};

/* Texts and items live in arena; its sticky flag says whether all went well. */
void arc__waits_init(struct arc_waits *waits, struct arc_arena *arena, size_t max, uint32_t alike);
/* Whose reasons are added from here on. */
void arc__waits_of(struct arc_waits *waits, int32_t job, int32_t step);
/* Adds a copy for that object, with its sentence. */
void arc__waits_add(struct arc_waits *waits, struct arc_wait wait);

/* Makes the sentence of an entry anew, once more is known about it. */
void arc__waits_retell(struct arc_waits *waits, struct arc_wait *wait);

/* All that holds them, in the order in which it is told. now turns deadlines into times of day; {0}
 * leaves them out. Nothing is added about what runs. Placement is one reason here: PLACE; of a slot
 * the core knows the group alone. */
void arc__wait_run(const struct arc_run *run, struct arc_now now, struct arc_waits *out);
void arc__wait_job(const struct arc_run *run, uint32_t job, struct arc_now now,
                   struct arc_waits *out);
void arc__wait_step(const struct arc_run *run, uint32_t job, uint32_t step, struct arc_now now,
                    struct arc_waits *out);
/* The first of them as it stands in the row, without times; it becomes the only entry of *out.
 * None, where they run, have ended or are being stopped. */
void arc__first_of_run(const struct arc_run *run, struct arc_arena *arena, struct arc_waits *out);
void arc__first_of_job(const struct arc_run *run, uint32_t job, struct arc_arena *arena,
                       struct arc_waits *out);
/* Its sentence, or none. */
arc_slice arc__waits_first(const struct arc_waits *waits);
/* What every sentence of this kind begins with; by it rows are found that wait for such a thing. */
arc_slice arc__reason_begin(int kind);

#endif
