/* SPDX-License-Identifier: Apache-2.0 */
#include "logs/lines.h"

static int is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

arc_status arc__logs_check_id(arc_slice id, const char *what, arc_err *err)
{
    int fine = id.len > 0 && id.len <= ARC_LOGS_ID_MAX && id.ptr != NULL &&
               !arc__slice_is(id, ".") && !arc__slice_is(id, "..");
    for (size_t i = 0; fine && i < id.len; i++)
        fine = is_id_char(id.ptr[i]);
    return fine ? ARC_OK
                : arc__fail(err, ARC_EINVAL, what, "%s",
                            "The id may hold letters, digits, '.', '_' and '-' alone.");
}

arc_status arc__logs_check_ids(arc_slice run_id, arc_slice step_run_id, arc_err *err)
{
    ARC_TRY(arc__logs_check_id(run_id, "run_id", err));
    return arc__logs_check_id(step_run_id, "step_run_id", err);
}

arc_status arc__logs_check_lines(const struct arc_log_line *lines, size_t count, arc_err *err)
{
    size_t bytes = 0;
    ARC_REQUIRE(lines != NULL || count == 0, err, "lines");
    if (count > ARC_LOGS_APPEND_MAX_LINES)
        return arc__fail(err, ARC_ELIMIT, "lines", "%s", "Too many lines in one append.");
    for (size_t i = 0; i < count; i++) {
        const struct arc_log_line *line = &lines[i];
        ARC_REQUIRE(line->stream >= ARC_LOG_STDOUT && line->stream <= ARC_LOG_SYSTEM, err,
                    "lines.stream");
        ARC_REQUIRE(line->agent_line >= 0 && line->gap_lines >= 0, err, "lines.agent_line");
        ARC_REQUIRE(line->flags <= UINT16_MAX, err, "lines.flags");
        ARC_REQUIRE(line->content.len == 0 || line->content.ptr != NULL, err, "lines.content");
        if (line->content.len > ARC_LOG_LINE_MAX)
            return arc__fail(err, ARC_ELIMIT, "lines.content", "A line is longer than %u bytes.",
                             ARC_LOG_LINE_MAX);
        bytes += line->content.len;
        if (bytes > ARC_LOGS_APPEND_MAX_BYTES)
            return arc__fail(err, ARC_ELIMIT, "lines", "%s", "Too many bytes in one append.");
    }
    return ARC_OK;
}

arc_status arc__logs_check_place(const struct arc_log_info *info, const struct arc_log_line *first,
                                 arc_err *err)
{
    if (first->number == 0 || first->number == info->lines + 1)
        return ARC_OK;
    return arc__fail(err, ARC_ECONFLICT, "lines",
                     "The log has %lld lines; line %lld does not follow.", (long long)info->lines,
                     (long long)first->number);
}

void arc__logs_count(struct arc_log_info *info, const struct arc_log_line *line)
{
    info->lines++;
    info->bytes += (int64_t)line->content.len;
    if (line->agent_line == 0 || line->attempt < info->last_attempt)
        return;
    int64_t last = line->agent_line;
    if ((line->flags & ARC_LOG_FLAG_GAP) != 0 && line->gap_lines > 1)
        last = line->gap_lines - 1 > INT64_MAX - last ? INT64_MAX : last + (line->gap_lines - 1);
    if (line->attempt > info->last_attempt || last > info->last_agent_line)
        info->last_agent_line = last;
    info->last_attempt = line->attempt;
}
