/* SPDX-License-Identifier: Apache-2.0 */
/* Rules between the keys of one block: selector rules, approvals, sources, resources, artifacts,
 * retries, concurrency. Triggers and matrices have files of their own. */
#include "spec/rules.h"

#include "base/time.h"
#include "core/template.h"

/* --- saying ------------------------------------------------------------------------------- */

struct arc_diag *arc__say(struct arc_check *check, enum arc_diag_code code,
                          const struct arc_node *node, const struct arc_path *path, arc_slice hint,
                          const arc_slice *args, size_t arg_count)
{
    struct arc_path here = {path, node->key, 0};
    return arc__diag_add(check->sink, code, &here, &node->mark, hint, args, arg_count);
}

struct arc_diag *arc__say_key(struct arc_check *check, enum arc_diag_code code,
                              const struct arc_node *node, const struct arc_path *path,
                              arc_slice hint, const arc_slice *args, size_t arg_count)
{
    struct arc_path here = {path, node->key, 0};
    return arc__diag_add(check->sink, code, &here, &node->key_mark, hint, args, arg_count);
}

void arc__say_needed(struct arc_check *check, const struct arc_node *map,
                     const struct arc_path *path, arc_slice what, const char *key)
{
    struct arc_span head = arc__node_head(map);
    (void)arc__diag_add(check->sink, ARC_DIAG_NEEDED, path, &head,
                        arc__arena_printf(check->arena, "add `%s:`", key),
                        ARC_ARGS(what, arc__quoted(check->sink, arc__slice_cstr(key))));
}

void arc__say_ignored(struct arc_check *check, const struct arc_node *node,
                      const struct arc_path *path, const char *why)
{
    (void)arc__say_key(check, ARC_DIAG_IGNORED, node, path, ARC_NONE,
                       ARC_ARGS(arc__quoted(check->sink, node->key), arc__slice_cstr(why)));
}

const struct arc_node *arc__scalar_of(const struct arc_node *map, enum arc_field_id id)
{
    const struct arc_node *node = arc__field_get(map, id);
    return node != NULL && node->kind < ARC_NODE_LIST ? node : NULL;
}

int arc__duration_of(const struct arc_node *map, enum arc_field_id id, int64_t *ns)
{
    const struct arc_node *node = arc__scalar_of(map, id);
    return node != NULL && arc__duration_parse(node->text, ns, NULL) == ARC_OK && *ns > 0;
}

int arc__is_literal(const struct arc_node *node)
{
    return node != NULL && node->kind < ARC_NODE_LIST && !arc__template_any(node->text);
}

static int is_word(const struct arc_node *map, enum arc_field_id id, const char *word)
{
    return arc__slice_is(arc__field_text(map, id), word);
}

static void ignored(struct arc_check *check, const struct arc_node *map, enum arc_field_id id,
                    const struct arc_path *path, const char *why)
{
    const struct arc_node *node = arc__field_get(map, id);
    if (node != NULL)
        arc__say_ignored(check, node, path, why);
}

/* --- selector rules ----------------------------------------------------------------------- */

static void check_match(struct arc_check *check, const struct arc_node *map,
                        const struct arc_path *path)
{
    struct arc_sink *sink = check->sink;
    const struct arc_node *op = arc__field_get(map, ARC_FIELD_MATCH_OPERATOR);
    const struct arc_node *values = arc__field_get(map, ARC_FIELD_MATCH_VALUES);
    int index =
        op != NULL ? arc__word_index(arc__field(ARC_FIELD_MATCH_OPERATOR)->words, op->text) : -1;
    if (index < 0 || (values != NULL && values->kind != ARC_NODE_LIST))
        return;
    enum arc_label_op wanted = (enum arc_label_op)(index + 1);
    uint32_t count = values != NULL ? values->count : 0;
    int takes_none = wanted == ARC_LABEL_EXISTS || wanted == ARC_LABEL_NOT_EXISTS;
    int takes_number = wanted == ARC_LABEL_GT || wanted == ARC_LABEL_LT;
    const char *expected = NULL;
    if (takes_none && count > 0)
        expected = "no `values`";
    else if (takes_number && count != 1)
        expected = "exactly one value";
    else if (!takes_none && count == 0)
        expected = "at least one value";
    if (expected != NULL) {
        (void)arc__say(check, ARC_DIAG_SELECTOR_VALUES, values != NULL ? values : op, path,
                       takes_none     ? ARC_LIT("remove `values`")
                       : takes_number ? ARC_LIT("write it like `values: [4]`")
                                      : ARC_LIT("write it like `values: [linux]`"),
                       ARC_ARGS(arc__quoted(sink, op->text), arc__slice_cstr(expected)));
        return;
    }
    int order;
    struct arc_path list = {path, values != NULL ? values->key : ARC_NONE, 0};
    struct arc_path item = {&list, ARC_NONE, 0};
    if (takes_number && values->first->kind < ARC_NODE_LIST &&
        !arc__slice_compare_numbers(values->first->text, values->first->text, &order))
        (void)arc__diag_add(
            sink, ARC_DIAG_SELECTOR_NUMBER, &item, &values->first->mark, ARC_NONE,
            ARC_ARGS(arc__quoted(sink, op->text), arc__quoted(sink, values->first->text)));
}

/* --- approvals ---------------------------------------------------------------------------- */

static void check_approval(struct arc_check *check, const struct arc_node *map,
                           const struct arc_path *path)
{
    const struct arc_node *required = arc__field_get(map, ARC_FIELD_APPROVAL_REQUIRED);
    const struct arc_node *count = arc__field_get(map, ARC_FIELD_APPROVAL_COUNT);
    const struct arc_node *approvers = arc__field_get(map, ARC_FIELD_APPROVAL_APPROVERS);
    if (required != NULL && required->kind == ARC_NODE_BOOL && !required->number)
        return; /* it is no gate, whatever else stands there */
    if (is_word(map, ARC_FIELD_APPROVAL_TYPE, "auto")) {
        static const char why[] = "a plugin decides, not people";
        if (arc__field_get(map, ARC_FIELD_APPROVAL_PLUGIN) == NULL)
            arc__say_needed(check, map, path, ARC_LIT("An approval of type `auto`"), "plugin");
        ignored(check, map, ARC_FIELD_APPROVAL_APPROVERS, path, why);
        ignored(check, map, ARC_FIELD_APPROVAL_COUNT, path, why);
        return;
    }
    ignored(check, map, ARC_FIELD_APPROVAL_PLUGIN, path, "people decide, unless `type` is `auto`");
    if (count != NULL && count->kind == ARC_NODE_INT && approvers != NULL &&
        approvers->kind == ARC_NODE_LIST && approvers->count > 0 &&
        count->number > (int64_t)approvers->count)
        (void)arc__say(check, ARC_DIAG_APPROVAL_COUNT, count, path, ARC_NONE,
                       ARC_ARGS(arc__quoted(check->sink, count->text),
                                arc__decimal(check->sink, approvers->count)));
}

/* --- sources ------------------------------------------------------------------------------ */

static void check_source(struct arc_check *check, const struct arc_node *map,
                         const struct arc_path *path)
{
    if (is_word(map, ARC_FIELD_SOURCE_TYPE, "git") &&
        arc__field_get(map, ARC_FIELD_SOURCE_REPO) == NULL)
        arc__say_needed(check, map, path, ARC_LIT("A source of type `git`"), "repo");
}

/* `${{ secrets.NAME }}` is the only form that keeps a credential out of the definition. */
static void check_auth(struct arc_check *check, const struct arc_node *map,
                       const struct arc_path *path)
{
    static const enum arc_field_id ids[] = {ARC_FIELD_AUTH_PASSWORD, ARC_FIELD_AUTH_TOKEN};
    for (size_t i = 0; i < ARC_COUNT_OF(ids); i++) {
        const struct arc_node *node = arc__scalar_of(map, ids[i]);
        if (arc__is_literal(node) && node->text.len > 0)
            (void)arc__say(check, ARC_DIAG_PLAIN_SECRET, node, path,
                           arc__arena_printf(check->arena,
                                             "keep it with the secrets and write "
                                             "`%.*s: ${{ secrets.NAME }}`",
                                             ARC_ARG(node->key)),
                           ARC_ARGS(arc__quoted(check->sink, node->key)));
    }
}

/* --- resources ---------------------------------------------------------------------------- */

struct suffix {
    const char *text;
    int64_t thousandths; /* of the unit: one byte or one processor */
};

/* The first that fits wins, so longer ones come first. */
static const struct suffix bytes[] = {
    {"Ki", INT64_C(1024) * 1000},
    {"Mi", INT64_C(1048576) * 1000},
    {"Gi", INT64_C(1073741824) * 1000},
    {"Ti", INT64_C(1099511627776) * 1000},
    {"k", INT64_C(1000000)},
    {"M", INT64_C(1000000000)},
    {"G", INT64_C(1000000000000)},
    {"T", INT64_C(1000000000000000)},
    {"", 1000},
};
static const struct suffix processors[] = {{"m", 1}, {"", 1000}};

/* Digits, a fraction of at most three digits, and a suffix. 1: *out has it in thousandths. */
static int read_quantity(arc_slice text, const struct suffix *suffixes, size_t count, int64_t *out)
{
    const struct suffix *suffix = suffixes;
    arc_slice fraction, whole;
    int64_t number = 0, part = 0, scale = 1;
    for (size_t i = 0; i < count; i++, suffix++) {
        size_t len = strlen(suffix->text);
        if (text.len > len && memcmp(text.ptr + text.len - len, suffix->text, len) == 0)
            break;
    }
    if (suffix == suffixes + count)
        return 0;
    text.len -= strlen(suffix->text);
    whole = arc__slice_cut(text, '.', &fraction);
    if (whole.len == 0 || whole.ptr[0] == '-' || !arc__slice_to_i64(whole, &number))
        return 0;
    int dotted = whole.len < text.len;
    if (dotted && (fraction.len == 0 || fraction.len > 3 || fraction.ptr[0] == '-' ||
                   !arc__slice_to_i64(fraction, &part)))
        return 0;
    for (size_t i = 0; i < fraction.len; i++)
        scale *= 10;
    return !__builtin_mul_overflow(number, suffix->thousandths, &number) &&
           !__builtin_mul_overflow(part, suffix->thousandths, &part) &&
           !__builtin_add_overflow(number, part / scale, out);
}

static int quantity_of(struct arc_check *check, const struct arc_node *node,
                       const struct arc_path *path, int memory, int64_t *out)
{
    if (node == NULL)
        return 0;
    if (memory ? read_quantity(node->text, bytes, ARC_COUNT_OF(bytes), out)
               : read_quantity(node->text, processors, ARC_COUNT_OF(processors), out))
        return 1;
    (void)arc__say(check, ARC_DIAG_QUANTITY, node, path,
                   memory ? ARC_LIT("write it like `256Mi` or `2Gi`")
                          : ARC_LIT("write it like `500m` (half a processor) or `2`"),
                   ARC_ARGS(arc__quoted(check->sink, node->text),
                            memory ? ARC_LIT("memory") : ARC_LIT("processors")));
    return 0;
}

static void check_pair(struct arc_check *check, const struct arc_node *map,
                       const struct arc_path *path, enum arc_field_id request,
                       enum arc_field_id limit)
{
    int memory = request == ARC_FIELD_RESOURCES_MEMORY_REQUEST;
    const struct arc_node *wanted = arc__scalar_of(map, request);
    const struct arc_node *most = arc__scalar_of(map, limit);
    int64_t wants = 0, may = 0;
    int both = quantity_of(check, wanted, path, memory, &wants);
    both &= quantity_of(check, most, path, memory, &may);
    if (!both || wants <= may)
        return;
    struct arc_diag *diag = arc__say(
        check, ARC_DIAG_REQUEST_ABOVE_LIMIT, wanted, path, ARC_NONE,
        ARC_ARGS(arc__quoted(check->sink, wanted->key), arc__quoted(check->sink, wanted->text),
                 arc__quoted(check->sink, most->key), arc__quoted(check->sink, most->text)));
    arc__diag_relate(check->sink, diag, &most->mark, "the limit is here");
}

static void check_resources(struct arc_check *check, const struct arc_node *map,
                            const struct arc_path *path)
{
    check_pair(check, map, path, ARC_FIELD_RESOURCES_CPU_REQUEST, ARC_FIELD_RESOURCES_CPU_LIMIT);
    check_pair(check, map, path, ARC_FIELD_RESOURCES_MEMORY_REQUEST,
               ARC_FIELD_RESOURCES_MEMORY_LIMIT);
}

/* --- artifacts and retries ---------------------------------------------------------------- */

static void check_artifact(struct arc_check *check, const struct arc_node *map,
                           const struct arc_path *path)
{
    const struct arc_node *expire = arc__field_get(map, ARC_FIELD_ARTIFACT_EXPIRE);
    if (expire == NULL || (expire->kind == ARC_NODE_BOOL && !expire->number))
        ignored(check, map, ARC_FIELD_ARTIFACT_EXPIRE_DAYS, path, "`expire` is not `true`");
}

static void check_retry(struct arc_check *check, const struct arc_node *map,
                        const struct arc_path *path)
{
    const struct arc_node *attempts = arc__field_get(map, ARC_FIELD_RETRY_MAX_ATTEMPTS);
    const struct arc_node *delay = arc__scalar_of(map, ARC_FIELD_RETRY_DELAY);
    const struct arc_node *most = arc__scalar_of(map, ARC_FIELD_RETRY_MAX_DELAY);
    int64_t delay_ns = 0, most_ns = 0;
    if (attempts != NULL && attempts->kind == ARC_NODE_INT && attempts->number == 1 &&
        map->count > 1) {
        (void)arc__say(check, ARC_DIAG_RETRY_ONCE, attempts, path, ARC_NONE, ARC_NO_ARGS);
        return;
    }
    int waits = arc__duration_of(map, ARC_FIELD_RETRY_DELAY, &delay_ns);
    if (delay == NULL || (!waits && arc__slice_is(delay->text, "0"))) {
        static const char why[] = "there is no `delay`";
        ignored(check, map, ARC_FIELD_RETRY_BACKOFF, path, why);
        ignored(check, map, ARC_FIELD_RETRY_MAX_DELAY, path, why);
        return;
    }
    if (waits && arc__duration_of(map, ARC_FIELD_RETRY_MAX_DELAY, &most_ns) && most_ns < delay_ns)
        (void)arc__say(
            check, ARC_DIAG_RETRY_DELAY, most, path, ARC_NONE,
            ARC_ARGS(arc__quoted(check->sink, most->text), arc__quoted(check->sink, delay->text)));
}

void arc__check_block(struct arc_check *check, enum arc_object object, const struct arc_node *map,
                      const struct arc_path *path)
{
    switch (object) {
    case ARC_OBJECT_MATCH:
        check_match(check, map, path);
        break;
    case ARC_OBJECT_APPROVAL:
        check_approval(check, map, path);
        break;
    case ARC_OBJECT_SOURCE:
        check_source(check, map, path);
        break;
    case ARC_OBJECT_AUTH:
        check_auth(check, map, path);
        break;
    case ARC_OBJECT_RESOURCES:
        check_resources(check, map, path);
        break;
    case ARC_OBJECT_ARTIFACT:
        check_artifact(check, map, path);
        break;
    case ARC_OBJECT_RETRY:
        check_retry(check, map, path);
        break;
    case ARC_OBJECT_MATRIX:
        arc__check_matrix(check, map, path);
        break;
    case ARC_OBJECT_TRIGGER:
        arc__check_trigger(check, map, path);
        break;
    default:
        break;
    }
}
