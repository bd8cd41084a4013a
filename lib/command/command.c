/* SPDX-License-Identifier: Apache-2.0 */
/* The layer's context: who is to be told, and which deadlines there are. */
#include "command/op.h"

struct arc_command {
    struct arc_mem mem;
    struct arc_engine *engine;
    struct arc_link ops;     /* struct arc_op.link, all that are open or owed something */
    struct arc_link wakeups; /* struct arc_wakeup.link */
    struct arc_heap timers;  /* struct arc_op_timer.timer */
    struct arc_now now;
};

arc_status arc__command_open(struct arc_engine *engine, struct arc_command **out, arc_err *err)
{
    const struct arc_mem *mem = arc__engine_mem(engine);
    struct arc_command *command = arc__alloc(mem, sizeof(*command));
    if (command == NULL)
        return arc__fail_nomem(err);
    command->mem = *mem;
    command->engine = engine;
    command->now = arc__engine_now(engine);
    arc__list_init(&command->ops);
    arc__list_init(&command->wakeups);
    arc__heap_init(&command->timers, mem);
    *out = command;
    return ARC_OK;
}

void arc__command_close(struct arc_command *command)
{
    if (command == NULL)
        return;
    /* Doors close their calls before; what is still in the list is owed an answer by the engine and
     * frees itself when that comes. */
    ARC_LIST_EACH_SAFE(&command->ops, link)
    {
        struct arc_op *op = ARC_CONTAINER(link, struct arc_op, link);
        arc__list_remove(link);
        op->command = NULL;
    }
    ARC_LIST_EACH_SAFE(&command->wakeups, link)
    arc__list_remove(link);
    arc__heap_deinit(&command->timers);
    struct arc_mem mem = command->mem;
    arc__free(&mem, command);
}

struct arc_engine *arc__command_engine(struct arc_command *command)
{
    return command->engine;
}

struct arc_link *arc__command_ops(struct arc_command *command)
{
    return &command->ops;
}

struct arc_now arc__command_now(const struct arc_command *command)
{
    struct arc_now now = arc__engine_now(command->engine);
    return now.mono_ns > command->now.mono_ns ? now : command->now;
}

void arc__command_set_now(struct arc_command *command, struct arc_now now)
{
    if (now.mono_ns >= command->now.mono_ns)
        command->now = now;
}

void arc__command_wake(struct arc_command *command, struct arc_wakeup *wakeup)
{
    if (!arc__list_linked(&wakeup->link))
        arc__list_add_tail(&command->wakeups, &wakeup->link);
}

arc_status arc__command_arm(struct arc_command *command, struct arc_op_timer *timer,
                            uint64_t at_mono_ns, arc_err *err)
{
    return arc__heap_arm(&command->timers, &timer->timer, at_mono_ns, err);
}

void arc__command_disarm(struct arc_command *command, struct arc_op_timer *timer)
{
    arc__heap_disarm(&command->timers, &timer->timer);
}

void arc__command_tick(struct arc_command *command, struct arc_now now)
{
    arc__command_set_now(command, now);
    struct arc_timer *due = arc__heap_peek(&command->timers);
    while (due != NULL && due->deadline_ns <= now.mono_ns) {
        struct arc_op_timer *timer = ARC_CONTAINER(due, struct arc_op_timer, timer);
        arc__heap_disarm(&command->timers, due);
        timer->due(timer);
        due = arc__heap_peek(&command->timers);
    }
    /* Those who are woken by somebody of this round have their turn in the next one: a door that
     * wakes itself cannot keep the others waiting. */
    struct arc_link round;
    arc__list_init(&round);
    while (!arc__list_empty(&command->wakeups)) {
        struct arc_link *link = command->wakeups.next;
        arc__list_remove(link);
        arc__list_add_tail(&round, link);
    }
    while (!arc__list_empty(&round)) {
        struct arc_wakeup *wakeup = ARC_CONTAINER(round.next, struct arc_wakeup, link);
        arc__list_remove(&wakeup->link);
        wakeup->fire(wakeup);
    }
}

uint64_t arc__command_deadline(const struct arc_command *command)
{
    if (!arc__list_empty(&command->wakeups))
        return 0;
    const struct arc_timer *next = arc__heap_peek(&command->timers);
    return next != NULL ? next->deadline_ns : UINT64_MAX;
}
