/* SPDX-License-Identifier: Apache-2.0 */
/* Every pair of a state and a signal, against a table that was read by a person, and the page that
 * is printed from the same lists. `states_test --print-golden` and `--print-page` print what
 * tests/golden/core/states.txt and docs/STATES.md should hold. */
#include "core/states.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/event.h"
#include "shim.h"

struct machine {
    const char *title;
    int states, signals, ends;
    int (*next)(int state, int signal);
    const char *(*state_name)(int state);
    const char *(*signal_name)(int signal);
    int (*terminal)(int state);
    int (*from_name)(const char *word, size_t len);
};

static const struct machine machines[] = {
    {"run", ARC_RUN_STATE_COUNT, ARC_RUN_SIGNAL_COUNT, 4, arc__run_next, arc_run_state_name,
     arc__run_signal_name, arc_run_state_is_terminal, arc__run_state_from_name},
    {"job", ARC_JOB_STATE_COUNT, ARC_JOB_SIGNAL_COUNT, 5, arc__job_next, arc_job_state_name,
     arc__job_signal_name, arc_job_state_is_terminal, arc__job_state_from_name},
    {"step", ARC_STEP_STATE_COUNT, ARC_STEP_SIGNAL_COUNT, 5, arc__step_next, arc_step_state_name,
     arc__step_signal_name, arc_step_state_is_terminal, arc__step_state_from_name},
    {"gate", ARC_GATE_STATE_COUNT, ARC_GATE_SIGNAL_COUNT, 4, arc__gate_next, arc_gate_state_name,
     arc__gate_signal_name, arc_gate_state_is_terminal, arc__gate_state_from_name},
};

#define OF_RUN(signal, event, type) \
    {&machines[0], ARC_RUN_SIGNAL_##signal, ARC_EVENT_##event, type},
#define OF_JOB(signal, event, type) \
    {&machines[1], ARC_JOB_SIGNAL_##signal, ARC_EVENT_##event, type},
#define OF_STEP(signal, event, type) \
    {&machines[2], ARC_STEP_SIGNAL_##signal, ARC_EVENT_##event, type},
#define OF_GATE(signal, event, type) \
    {&machines[3], ARC_GATE_SIGNAL_##signal, ARC_EVENT_##event, type},
/* clang-format off */
static const struct {
    const struct machine *machine;
    int signal;
    enum arc_event_type event;
    const char *type;
} events[] = {
    ARC_RUN_EVENTS(OF_RUN) ARC_JOB_EVENTS(OF_JOB) ARC_STEP_EVENTS(OF_STEP) ARC_GATE_EVENTS(OF_GATE)
    OF_RUN(RESUME_PENDING, PIPELINE_RESUMED, "arcentra.pipeline.resumed")
    OF_GATE(ASSENT, APPROVAL_APPROVED, "arcentra.pipeline.approval.approved")
};
/* clang-format on */

/* --- what is printed ----------------------------------------------------------------------------
 */

static void print_golden(struct arc_buf *out)
{
    for (size_t m = 0; m < ARC_COUNT_OF(machines); m++) {
        const struct machine *machine = &machines[m];
        for (int state = 1; state < machine->states; state++) {
            for (int signal = 1; signal < machine->signals; signal++) {
                int next = machine->next(state, signal);
                arc__buf_printf(out, "%s %s + %s -> %s\n", machine->title,
                                machine->state_name(state), machine->signal_name(signal),
                                next == ARC_MOVE_REFUSED   ? "refused"
                                : next == ARC_MOVE_IGNORED ? "ignored"
                                                           : machine->state_name(next));
            }
        }
    }
}

static void print_diagram(const struct machine *machine, struct arc_buf *out)
{
    arc__buf_add_cstr(out, "```mermaid\nstateDiagram-v2\n");
    arc__buf_printf(out, "    [*] --> %s\n", machine->state_name(1));
    for (int state = 1; state < machine->states; state++) {
        for (int signal = 1; signal < machine->signals; signal++) {
            int next = machine->next(state, signal);
            if (next > 0)
                arc__buf_printf(out, "    %s --> %s: %s\n", machine->state_name(state),
                                machine->state_name(next), machine->signal_name(signal));
        }
        if (machine->terminal(state))
            arc__buf_printf(out, "    %s --> [*]\n", machine->state_name(state));
    }
    arc__buf_add_cstr(out, "```\n\n");
}

static void print_table(const struct machine *machine, struct arc_buf *out)
{
    arc__buf_add_cstr(out, "| state | number |");
    for (int signal = 1; signal < machine->signals; signal++)
        arc__buf_printf(out, " %s |", machine->signal_name(signal));
    arc__buf_add_cstr(out, "\n| --- | --- |");
    for (int signal = 1; signal < machine->signals; signal++)
        arc__buf_add_cstr(out, " --- |");
    for (int state = 1; state < machine->states; state++) {
        arc__buf_printf(out, "\n| %s%s | %d |", machine->state_name(state),
                        machine->terminal(state) ? " (end)" : "", state);
        for (int signal = 1; signal < machine->signals; signal++) {
            int next = machine->next(state, signal);
            arc__buf_printf(out, " %s |",
                            next == ARC_MOVE_REFUSED   ? "refused"
                            : next == ARC_MOVE_IGNORED ? "ignored"
                                                       : machine->state_name(next));
        }
    }
    arc__buf_add_cstr(out, "\n\n");
}

/* Which event of a run's log is which signal. Those of two signals come down to how things stand.
 */
static void print_events(const struct machine *machine, struct arc_buf *out)
{
    arc__buf_add_cstr(out, "| signal | event |\n| --- | --- |\n");
    for (int signal = 1; signal < machine->signals; signal++) {
        const char *type = NULL;
        for (size_t i = 0; i < ARC_COUNT_OF(events); i++) {
            if (events[i].machine == machine && events[i].signal == signal)
                type = events[i].type;
        }
        if (type != NULL)
            arc__buf_printf(out, "| %s | `%s` |\n", machine->signal_name(signal), type);
        else /* of a gate that was left */
            arc__buf_printf(out, "| %s | that with which the last job behind it ends |\n",
                            machine->signal_name(signal));
    }
    arc__buf_add_cstr(out, "\n");
}

static void print_page(struct arc_buf *out)
{
    arc__buf_add_cstr(
        out, "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
             "<!-- Printed from include/arcentra/states.h by `states_test --print-page`; a test "
             "compares. -->\n"
             "# States\n\n"
             "What a run, a job, a step and a gate may become next. The numbers are those of the "
             "wire and the database,\n"
             "where the state is a number there.\n"
             "Every pair of a state and a signal is named: \"refused\" changes nothing and the "
             "caller is told, \"ignored\" changes\n"
             "nothing and is no error. An end never changes again: it refuses every signal.\n\n");
    for (size_t m = 0; m < ARC_COUNT_OF(machines); m++) {
        arc__buf_printf(out, "## %c%s\n\n", machines[m].title[0] - 'a' + 'A',
                        machines[m].title + 1);
        print_diagram(&machines[m], out);
        print_table(&machines[m], out);
        print_events(&machines[m], out);
    }
    arc__buf_truncate(out, out->len - 1); /* one newline at the end */
}

/* --- comparing ----------------------------------------------------------------------------------
 */

static const char *top;

static void same_as_file(const char *path, void (*print)(struct arc_buf *out))
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf want, have;
    char name[1024];
    arc__buf_init(&want, &mem, 1024u * 1024);
    arc__buf_init(&have, &mem, 1024u * 1024);
    print(&have);
    (void)snprintf(name, sizeof(name), "%s/%s", top, path);
    FILE *file = fopen(name, "r");
    char part[4096];
    size_t len;
    while (file != NULL && (len = fread(part, 1, sizeof(part), file)) > 0)
        arc__buf_add(&want, part, len);
    if (file != NULL)
        (void)fclose(file);
    CHECK(want.len > 0);
    size_t at = 0, line = 1;
    while (at < want.len && at < have.len && want.ptr[at] == have.ptr[at])
        line += want.ptr[at++] == '\n';
    if (!CHECK_INT(have.len, want.len) || !CHECK_INT(at, want.len))
        printf("# %s differs at line %zu\n", path, line);
    arc__buf_deinit(&want);
    arc__buf_deinit(&have);
}

static void every_pair_is_as_it_was_agreed(void)
{
    same_as_file("tests/golden/core/states.txt", print_golden);
}

static void the_page_shows_the_tables(void)
{
    same_as_file("docs/STATES.md", print_page);
}

static void an_end_never_changes(void)
{
    for (size_t m = 0; m < ARC_COUNT_OF(machines); m++) {
        const struct machine *machine = &machines[m];
        int ends = 0;
        for (int state = 1; state < machine->states; state++) {
            for (int signal = 1; machine->terminal(state) && signal < machine->signals; signal++)
                CHECK_INT(machine->next(state, signal), ARC_MOVE_REFUSED);
            ends += machine->terminal(state);
        }
        CHECK_INT(ends, machine->ends);
    }
}

static void numbers_beyond_the_tables_are_refused(void)
{
    static const int odd[] = {-2147483647, -1, 0, 9, 100, 2147483647};
    for (size_t m = 0; m < ARC_COUNT_OF(machines); m++) {
        const struct machine *machine = &machines[m];
        for (size_t i = 0; i < ARC_COUNT_OF(odd); i++) {
            CHECK_INT(machine->next(odd[i], 1), ARC_MOVE_REFUSED);
            CHECK_INT(machine->next(1, odd[i]), ARC_MOVE_REFUSED);
            CHECK_INT(machine->terminal(odd[i]), 0);
            CHECK_TEXT(arc__slice_cstr(machine->state_name(odd[i])), "");
            CHECK_TEXT(arc__slice_cstr(machine->signal_name(odd[i])), "");
        }
    }
}

static void every_word_leads_back_to_its_state(void)
{
    for (size_t m = 0; m < ARC_COUNT_OF(machines); m++) {
        const struct machine *machine = &machines[m];
        for (int state = 1; state < machine->states; state++) {
            const char *word = machine->state_name(state);
            CHECK_INT(machine->from_name(word, strlen(word)), state);
            CHECK_INT(machine->from_name(word, strlen(word) - 1), 0);
        }
        CHECK_INT(machine->from_name("", 0), 0);
    }
}

static void every_signal_has_its_event(void)
{
    for (size_t i = 0; i < ARC_COUNT_OF(events); i++)
        CHECK_TEXT(arc__slice_cstr(events[i].type), arc__event_type_name(events[i].event));
    for (size_t m = 0; m < ARC_COUNT_OF(machines); m++) {
        for (int signal = 1; signal < machines[m].signals; signal++) {
            int found = 0;
            for (size_t i = 0; i < ARC_COUNT_OF(events); i++)
                found += events[i].machine == &machines[m] && events[i].signal == signal;
            /* A gate is left because of what happens to jobs. */
            int own =
                machines[m].signal_name != arc__gate_signal_name || signal != ARC_GATE_SIGNAL_LEAVE;
            CHECK_INT(found, own);
        }
    }
}

static const struct test tests[] = {
    {"every signal has its event", every_signal_has_its_event},
    {"every pair of state and signal is as it was agreed", every_pair_is_as_it_was_agreed},
    {"docs/STATES.md shows the tables", the_page_shows_the_tables},
    {"an end never changes", an_end_never_changes},
    {"numbers beyond the tables are refused", numbers_beyond_the_tables_are_refused},
    {"every word leads back to its state", every_word_leads_back_to_its_state},
};

static int print(void (*what)(struct arc_buf *out))
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf out;
    arc__buf_init(&out, &mem, 1024u * 1024);
    what(&out);
    (void)fwrite(out.ptr, 1, out.len, stdout);
    arc__buf_deinit(&out);
    return 0;
}

int main(int argc, char **argv)
{
    top = getenv("top_srcdir");
    if (top == NULL)
        top = ".";
    if (argc > 1 && strcmp(argv[1], "--print-golden") == 0)
        return print(print_golden);
    if (argc > 1 && strcmp(argv[1], "--print-page") == 0)
        return print(print_page);
    return test_main(argc, argv, tests, ARC_COUNT_OF(tests));
}
