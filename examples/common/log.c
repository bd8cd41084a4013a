/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include <stdarg.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/duration.h"
#include "common/json.h"
#include "common/text.h"

static void write_line(const struct log *log, int level, const char *scope, const char *message)
{
    static const char *const words[] = {"error", "error", "warn", "info", "debug"};
    const char *word = level >= 1 && level <= 4 ? words[level] : "info";
    struct text line = {NULL, 0, 0}, time = {NULL, 0, 0};
    time_put(&time, clock_wall_ns());
    if (log->json) {
        struct json_out json = {&line, 0};
        json_open(&json, NULL, '{');
        json_put_text(&json, "time", text_get(&time));
        json_put_text(&json, "level", word);
        if (scope[0] != '\0')
            json_put_text(&json, "scope", scope);
        json_put_text(&json, "msg", message);
        json_close(&json, '}');
    } else {
        text_printf(&line, "%s %-5s %s%s%s", text_get(&time), word, scope,
                    scope[0] != '\0' ? ": " : "", message);
    }
    text_put(&line, "\n");
    /* One write a line, so that lines of several processes do not mix; nobody to tell if it fails.
     */
    ssize_t ignored = write(STDERR_FILENO, line.ptr, line.len);
    (void)ignored;
    text_deinit(&time);
    text_deinit(&line);
}

void log_write(const struct log *log, int level, const char *format, ...)
{
    if (level > log->level)
        return;
    struct text message = {NULL, 0, 0};
    va_list args;
    va_start(args, format);
    text_vprintf(&message, format, args);
    va_end(args);
    write_line(log, level, "", text_get(&message));
    text_deinit(&message);
}

void log_of_library(void *user, int level, const char *scope, const char *text)
{
    const struct log *log = user;
    if (level <= log->level)
        write_line(log, level, scope, text);
}
