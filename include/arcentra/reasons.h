/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Why something does not run, as data. Everything else that knows a reason (the enum, the sentence
 * in a run's rows, the messages of the API, this page's readers) is made from these lists.
 *
 *   R(NAME, number, word, sentence)
 *
 * number   that of the wire; a number is never given twice
 * word     for programs that keep no enums
 * sentence what people read: {name} and the others stand for the fields of a reason, and {line}
 *          for how many are before it, of those who wait for one of {of}; a part in brackets is
 *          left out when the last field that it names is empty
 */
#ifndef ARCENTRA_REASONS_H
#define ARCENTRA_REASONS_H

#include <arcentra/base.h>

ARC_BEGIN_DECLS

/* clang-format off */

#define ARC_REASONS(R)                                                                             \
    R(GATE, 1, "gate", "It waits for approval before {name}[ ({count} of {of} given)][ and at "    \
                       "{more} more gates].")                                                      \
    R(STAGE, 2, "stage", "It waits for stage {name}.")                                             \
    R(DEPENDENCY, 3, "dependency", "It waits for job {name}[ and {more} more].")                   \
    R(GROUP, 4, "group", "It waits for a slot of the group {name}[ (limit {of})][, held by "       \
                         "{text}][; {line}].")                                                     \
    R(PAUSED, 5, "paused", "The run is paused.")                                                   \
    R(MATRIX, 6, "matrix", "It waits for another cell: `maxParallel` is {of}.")                    \
    R(RETRY, 7, "retry", "It waits for its retry's delay.")                                        \
    R(JOB, 8, "job", "Its job does not run yet.")                                                  \
    R(STEP, 9, "step", "It waits for step {name}.")                                                \
    R(PLACE, 10, "place", "It waits for an agent with a free slot.")                               \
    R(NO_AGENT, 11, "no-agent", "There are no agents.")                                            \
    R(NO_LABEL, 12, "no-label", "No agent has the label {name}.")                                  \
    R(NO_RULE, 13, "no-rule", "No agent meets {name}.")                                            \
    R(NO_MATCH, 14, "no-match", "No agent meets all of its rules at once.")                        \
    R(NO_EXECUTOR, 15, "no-executor", "This process has no executor for {name}.")                  \
    R(FULL, 16, "full", "Agent {name} is full: {count} of {of} slots are taken[, and {more} more "  \
                        "are full].")                                                              \
    R(OFFLINE, 17, "offline", "Agent {name} is offline[, and {more} more are].")                   \
    R(UNAPPROVED, 18, "unapproved", "Agent {name} is not approved[, and {more} more are].")        \
    R(DISABLED, 19, "disabled", "Agent {name} is disabled[, and {more} more are].")                \
    R(UNCONNECTED, 20, "unconnected", "Agent {name} has no open channel.")                         \
    R(NEXT, 21, "next", "Agent {name} has a free slot and is given it next.")                      \
    R(QUEUE, 22, "queue", "There are {count} waiting jobs before it.")                             \
    R(HANDED, 23, "handed", "Agent {name} has been given it and has not started it.")              \
    R(STOPPING, 24, "stopping", "It is being stopped[: {text}]")                                   \
    R(IDLE, 25, "idle", "None of its {count} open jobs runs.")                                     \
    R(ENDED, 26, "ended", "It has ended: {name}.[ {text}]")                                        \
    R(RUN, 27, "run", "Its run waits for a slot of the group {name}.")                             \
    R(PLUGIN, 28, "plugin", "It waits for the plugin {text} to decide before {name}.")      \
    R(ASIDE, 29, "aside", "It is set aside: {text}")

/* What a forecast takes for granted. */
#define ARC_ASSUMPTIONS(A)                                                                         \
    A(SUCCESS, 1, "success", "Every step that has still to end ends well.")                        \
    A(APPROVED, 2, "approved", "Every gate is approved as soon as it asks.")                       \
    A(RESUMED, 4, "resumed", "The run is resumed now.")                                            \
    A(ALONE, 8, "alone", "Waiting jobs of other runs do not come first.")                          \
    A(OTHERS, 16, "others", "What other runs hold is free after one step of unknown length.")      \
    A(DEFAULT, 32, "default", "Steps without a history take the default length.")                  \
    A(SLOTS, 64, "slots", "Slots of groups that other runs hold or wait for are free at once.")

/* clang-format on */

#define ARC_REASON_ENUM(name, number, word, sentence) ARC_REASON_##name = number,
#define ARC_ASSUME_ENUM(name, number, word, sentence) ARC_ASSUME_##name = number,

/** The kinds of reasons: ARC_REASON_GATE … Since: 0.1. */
enum { ARC_REASON_NONE, ARC_REASONS(ARC_REASON_ENUM) ARC_REASON_COUNT };
/** What a forecast may take for granted, as bits: ARC_ASSUME_SUCCESS … Since: 0.1. */
enum { ARC_ASSUME_NONE, ARC_ASSUMPTIONS(ARC_ASSUME_ENUM) ARC_ASSUME_LAST };

/** The word of a reason, "" for none. Owner: the library, static. Thread: any. Since: 0.1. */
ARC_API const char *arc_reason_name(int reason);
/** The sentence of one assumption (one bit), "" for none. Owner: the library, static. Thread: any.
 * Since: 0.1. */
ARC_API const char *arc_assumption_text(int assumption);

ARC_END_DECLS

#endif
