/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of <arcentra/states.h> as functions. */
#ifndef ARC_CORE_STATES_H
#define ARC_CORE_STATES_H

#include <arcentra/states.h>

#define ARC_MOVE_REFUSED 0 /* nothing changes and the caller is told */
#define ARC_MOVE_IGNORED (-1)

/* The state after, ARC_MOVE_REFUSED or ARC_MOVE_IGNORED. Any number may be given. */
int arc__run_next(int state, int signal);
int arc__job_next(int state, int signal);
int arc__step_next(int state, int signal);
int arc__gate_next(int state, int signal);

const char *arc__run_signal_name(int signal);
const char *arc__job_signal_name(int signal);
const char *arc__step_signal_name(int signal);
const char *arc__gate_signal_name(int signal);

/* The signal of an event type (core/event.h) to the machine of what it names; 0: none. A resume may
 * be RESUME_PENDING, a yes at a gate ASSENT. */
int arc__event_signal(int type);

/* The state of a word, 0 for none. */
int arc__run_state_from_name(const char *word, size_t len);
int arc__job_state_from_name(const char *word, size_t len);
int arc__step_state_from_name(const char *word, size_t len);
int arc__gate_state_from_name(const char *word, size_t len);

#endif
