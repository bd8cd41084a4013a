/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/rules.h"

#define ARC_OBJECT_ANY ARC_OBJECT_NONE

/* clang-format off */
static const struct {
    enum arc_object object;
    const char *key, *hint;
} rows[] = {
#define FOREIGN(object, key, hint) {ARC_OBJECT_##object, key, hint},
#include "spec/foreign.def"
};
/* clang-format on */

/* `runs-on` as `runs_on`, which the table of fields knows how to read. */
static const struct arc_field *unhyphenated(enum arc_object object, arc_slice key)
{
    char snake[ARC_SNAKE_MAX];
    size_t len = arc__slice_to_cstr(key, snake, sizeof(snake));
    if (len < key.len || memchr(snake, '-', len) == NULL)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        if (snake[i] == '-')
            snake[i] = '_';
    }
    return arc__field_find(object, arc__slice(snake, len));
}

static int is_here(enum arc_object row, enum arc_object object)
{
    return row == object ||
           (row == ARC_OBJECT_ANY && (object == ARC_OBJECT_PIPELINE || object == ARC_OBJECT_STAGE ||
                                      object == ARC_OBJECT_JOB || object == ARC_OBJECT_STEP));
}

arc_slice arc__foreign_hint(struct arc_check *check, enum arc_object object, arc_slice key)
{
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        if (is_here(rows[i].object, object) && arc__slice_is(key, rows[i].key))
            return arc__slice_cstr(rows[i].hint);
    }
    const struct arc_field *field = unhyphenated(object, key);
    return field != NULL ? arc__arena_printf(check->arena, "write `%s:`", field->key) : ARC_NONE;
}

int arc__foreign_runs(const struct arc_node *step)
{
    for (const struct arc_node *c = step->first; c != NULL; c = c->next) {
        for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
            arc_slice hint = arc__slice_cstr(rows[i].hint);
            if (rows[i].object == ARC_OBJECT_STEP && arc__slice_is(c->key, rows[i].key) &&
                (arc__slice_starts(hint, ARC_LIT("write `run:")) ||
                 arc__slice_starts(hint, ARC_LIT("write `uses:"))))
                return 1;
        }
    }
    return 0;
}
