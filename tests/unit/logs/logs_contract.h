/* SPDX-License-Identifier: Apache-2.0 */
/* What a correct log store is, as cases that every log store runs. A program for one gives the two
 * functions below and puts LOGS_CONTRACT_CASES into its table. */
#ifndef ARC_TEST_LOGS_CONTRACT_H
#define ARC_TEST_LOGS_CONTRACT_H

#include "port/log_store.h"
#include "shim.h"

/* A store without lines, NULL when it could not be opened; and its end with all it left behind. */
struct arc_log_store *contract_open(const struct arc_mem *mem, arc_err *err);
void contract_close(struct arc_log_store *logs);

/* clang-format off */
#define LOGS_CONTRACT(X) \
    X(lines_come_back, "lines come back with all that was said of them") \
    X(numbers_have_no_gaps, "lines are numbered from one without gaps over all appends") \
    X(steps_are_apart, "every step run counts for itself") \
    X(nothing_is_empty, "a step run without lines is empty and no error") \
    X(info_knows_the_agents_last, "info knows the agent's last line and attempt") \
    X(gaps_count_what_they_stand_for, "a gap record takes one number and stands for many") \
    X(ranges_are_read, "any range of lines can be read") \
    X(bytes_bound_a_read, "a read stops at its bytes but gives at least one line") \
    X(long_and_empty_lines, "empty lines and the longest come back, longer are refused") \
    X(bad_ids_are_refused, "an id that could leave the directory is refused") \
    X(an_append_names_its_place, "an append that names its number comes there or not at all") \
    X(bad_lines_are_refused, "a malformed line refuses the whole append") \
    X(reading_while_appending, "lines are read while more are appended") \
    X(released_steps_go_on, "a released step run can be read and appended to") \
    X(runs_are_removed, "a removed run is gone and its neighbours are not") \
    X(random_appends_agree, "random appends and reads agree with a plain list") \
    X(an_arena_is_a_limit, "a read beyond the arena fails and changes nothing") \
    X(memory_runs_out, "a failed allocation at any place leaves the log whole")
/* clang-format on */

#define LOGS_CONTRACT_DECLARE(name, sentence) void name(void);
LOGS_CONTRACT(LOGS_CONTRACT_DECLARE)
#define LOGS_CONTRACT_ROW(name, sentence) {sentence, name},
#define LOGS_CONTRACT_CASES LOGS_CONTRACT(LOGS_CONTRACT_ROW)

/* A line of the agent's on stdout; the text is borrowed. */
struct arc_log_line contract_line(int64_t agent_line, const char *text);
/* Appends count lines "line <n>" whose agent numbers follow one another from first on. */
arc_status contract_append(struct arc_log_store *logs, const char *run, const char *step,
                           int64_t first, size_t count, arc_err *err);
/* Checks that a step run holds exactly the lines "line 1" to "line <count>". */
void contract_check_lines(struct arc_log_store *logs, const char *run, const char *step,
                          int64_t count);

#endif
