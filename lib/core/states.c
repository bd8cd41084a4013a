/* SPDX-License-Identifier: Apache-2.0 */
#include "core/states.h"

#include <string.h>

#include "core/event.h"

struct names {
    const char *const *words;
    int count;
};

/* clang-format off */
#define WORD(name, number, word) [number] = (word),
/* One machine: its words, its moves, and whether a state has a way out. */
#define MACHINE(lower, UPPER)                                                                      \
    static const char *const lower##_words[ARC_##UPPER##_STATE_COUNT] = {[0] = "", ARC_##UPPER##_STATES(WORD)}; \
    static const char *const lower##_signals[ARC_##UPPER##_SIGNAL_COUNT] = {[0] = "", ARC_##UPPER##_SIGNALS(WORD)};

MACHINE(run, RUN)
MACHINE(job, JOB)
MACHINE(step, STEP)
MACHINE(gate, GATE)

#define RUN_MOVE(from, signal, to) [ARC_RUN_##from][ARC_RUN_SIGNAL_##signal] = ARC_RUN_##to,
#define RUN_IGNORE(from, signal) [ARC_RUN_##from][ARC_RUN_SIGNAL_##signal] = ARC_MOVE_IGNORED,
static const int8_t run_moves[ARC_RUN_STATE_COUNT][ARC_RUN_SIGNAL_COUNT] = {
    ARC_RUN_MOVES(RUN_MOVE) ARC_RUN_IGNORES(RUN_IGNORE)};
#define JOB_MOVE(from, signal, to) [ARC_JOB_##from][ARC_JOB_SIGNAL_##signal] = ARC_JOB_##to,
#define JOB_IGNORE(from, signal) [ARC_JOB_##from][ARC_JOB_SIGNAL_##signal] = ARC_MOVE_IGNORED,
static const int8_t job_moves[ARC_JOB_STATE_COUNT][ARC_JOB_SIGNAL_COUNT] = {
    ARC_JOB_MOVES(JOB_MOVE) ARC_JOB_IGNORES(JOB_IGNORE)};
#define STEP_MOVE(from, signal, to) [ARC_STEP_##from][ARC_STEP_SIGNAL_##signal] = ARC_STEP_##to,
#define STEP_IGNORE(from, signal) [ARC_STEP_##from][ARC_STEP_SIGNAL_##signal] = ARC_MOVE_IGNORED,
static const int8_t step_moves[ARC_STEP_STATE_COUNT][ARC_STEP_SIGNAL_COUNT] = {
    ARC_STEP_MOVES(STEP_MOVE) ARC_STEP_IGNORES(STEP_IGNORE)};
#define GATE_MOVE(from, signal, to) [ARC_GATE_##from][ARC_GATE_SIGNAL_##signal] = ARC_GATE_##to,
#define GATE_IGNORE(from, signal) [ARC_GATE_##from][ARC_GATE_SIGNAL_##signal] = ARC_MOVE_IGNORED,
static const int8_t gate_moves[ARC_GATE_STATE_COUNT][ARC_GATE_SIGNAL_COUNT] = {
    ARC_GATE_MOVES(GATE_MOVE) ARC_GATE_IGNORES(GATE_IGNORE)};
#define RUN_EVENT(signal, event, type) [ARC_EVENT_##event] = ARC_RUN_SIGNAL_##signal,
#define JOB_EVENT(signal, event, type) [ARC_EVENT_##event] = ARC_JOB_SIGNAL_##signal,
#define STEP_EVENT(signal, event, type) [ARC_EVENT_##event] = ARC_STEP_SIGNAL_##signal,
#define GATE_EVENT(signal, event, type) [ARC_EVENT_##event] = ARC_GATE_SIGNAL_##signal,
static const int8_t event_signals[ARC_EVENT_TYPE_COUNT] = {
    ARC_RUN_EVENTS(RUN_EVENT) ARC_JOB_EVENTS(JOB_EVENT)
    ARC_STEP_EVENTS(STEP_EVENT) ARC_GATE_EVENTS(GATE_EVENT)};
/* clang-format on */

static const struct names run_names = {run_words, ARC_RUN_STATE_COUNT};
static const struct names job_names = {job_words, ARC_JOB_STATE_COUNT};
static const struct names step_names = {step_words, ARC_STEP_STATE_COUNT};
static const struct names gate_names = {gate_words, ARC_GATE_STATE_COUNT};
static const struct names run_signal_names = {run_signals, ARC_RUN_SIGNAL_COUNT};
static const struct names job_signal_names = {job_signals, ARC_JOB_SIGNAL_COUNT};
static const struct names step_signal_names = {step_signals, ARC_STEP_SIGNAL_COUNT};
static const struct names gate_signal_names = {gate_signals, ARC_GATE_SIGNAL_COUNT};

static const char *word_of(struct names names, int number)
{
    return number > 0 && number < names.count ? names.words[number] : "";
}

static int number_of(struct names names, const char *word, size_t len)
{
    for (int i = 1; i < names.count; i++) {
        if (strlen(names.words[i]) == len && memcmp(names.words[i], word, len) == 0)
            return i;
    }
    return 0;
}

static int move(const int8_t *moves, int state_count, int signal_count, int state, int signal)
{
    if (state <= 0 || state >= state_count || signal <= 0 || signal >= signal_count)
        return ARC_MOVE_REFUSED;
    return moves[state * signal_count + signal];
}

/* Terminal is what has no way out: read off the table, so that the two cannot disagree. */
static int terminal(const int8_t *moves, int state_count, int signal_count, int state)
{
    if (state <= 0 || state >= state_count)
        return 0;
    for (int signal = 1; signal < signal_count; signal++) {
        if (moves[state * signal_count + signal] > 0)
            return 0;
    }
    return 1;
}

int arc__event_signal(int type)
{
    return type > 0 && type < ARC_EVENT_TYPE_COUNT ? event_signals[type] : 0;
}

int arc__run_next(int state, int signal)
{
    return move(&run_moves[0][0], ARC_RUN_STATE_COUNT, ARC_RUN_SIGNAL_COUNT, state, signal);
}

int arc__job_next(int state, int signal)
{
    return move(&job_moves[0][0], ARC_JOB_STATE_COUNT, ARC_JOB_SIGNAL_COUNT, state, signal);
}

int arc__step_next(int state, int signal)
{
    return move(&step_moves[0][0], ARC_STEP_STATE_COUNT, ARC_STEP_SIGNAL_COUNT, state, signal);
}

int arc__gate_next(int state, int signal)
{
    return move(&gate_moves[0][0], ARC_GATE_STATE_COUNT, ARC_GATE_SIGNAL_COUNT, state, signal);
}

int arc_run_state_is_terminal(int state)
{
    return terminal(&run_moves[0][0], ARC_RUN_STATE_COUNT, ARC_RUN_SIGNAL_COUNT, state);
}

int arc_job_state_is_terminal(int state)
{
    return terminal(&job_moves[0][0], ARC_JOB_STATE_COUNT, ARC_JOB_SIGNAL_COUNT, state);
}

int arc_step_state_is_terminal(int state)
{
    return terminal(&step_moves[0][0], ARC_STEP_STATE_COUNT, ARC_STEP_SIGNAL_COUNT, state);
}

int arc_gate_state_is_terminal(int state)
{
    return terminal(&gate_moves[0][0], ARC_GATE_STATE_COUNT, ARC_GATE_SIGNAL_COUNT, state);
}

const char *arc_run_state_name(int state)
{
    return word_of(run_names, state);
}

const char *arc_job_state_name(int state)
{
    return word_of(job_names, state);
}

const char *arc_step_state_name(int state)
{
    return word_of(step_names, state);
}

const char *arc_gate_state_name(int state)
{
    return word_of(gate_names, state);
}

const char *arc__run_signal_name(int signal)
{
    return word_of(run_signal_names, signal);
}

const char *arc__job_signal_name(int signal)
{
    return word_of(job_signal_names, signal);
}

const char *arc__step_signal_name(int signal)
{
    return word_of(step_signal_names, signal);
}

const char *arc__gate_signal_name(int signal)
{
    return word_of(gate_signal_names, signal);
}

int arc__run_state_from_name(const char *word, size_t len)
{
    return number_of(run_names, word, len);
}

int arc__job_state_from_name(const char *word, size_t len)
{
    return number_of(job_names, word, len);
}

int arc__step_state_from_name(const char *word, size_t len)
{
    return number_of(step_names, word, len);
}

int arc__gate_state_from_name(const char *word, size_t len)
{
    return number_of(gate_names, word, len);
}
