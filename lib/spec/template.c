/* SPDX-License-Identifier: Apache-2.0 */
/* ${{ }} inside of string nodes. A template is found, checked and expanded by the same scanner and
 * the same resolver, so that what was accepted is what is expanded. */
#include "spec/model.h"

#include "base/text.h"

/* --- finding ------------------------------------------------------------------------------ */

struct part {
    arc_slice text; /* literal text, or the expression without its braces, trimmed */
    int expression;
    int open; /* the closing braces are missing */
};

static const char *find_open(arc_slice text)
{
    return text.len >= 3 ? memmem(text.ptr, text.len, "${{", 3) : NULL;
}

/* The offset behind the closing braces; 0: there are none. Braces inside of quotes do not count. */
static size_t find_close(arc_slice text)
{
    char quote = 0;
    for (size_t i = 3; i < text.len; i++) {
        char c = text.ptr[i];
        if (quote != 0)
            quote = c == quote ? 0 : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '}' && i + 1 < text.len && text.ptr[i + 1] == '}')
            return i + 2;
    }
    return 0;
}

/* The next part of *text, which becomes what follows it; 0: no more. */
static int next_part(arc_slice *text, struct part *part)
{
    if (text->len == 0)
        return 0;
    const char *open = find_open(*text);
    size_t len = open == NULL ? text->len : (size_t)(open - text->ptr);
    *part = (struct part){arc__slice(text->ptr, len), 0, 0};
    if (open == text->ptr) {
        len = find_close(*text);
        part->open = len == 0;
        if (part->open)
            len = text->len;
        part->expression = 1;
        part->text = arc__slice_trim(arc__slice(open + 3, len - 3 - (part->open ? 0 : 2)));
    }
    *text = arc__slice_from(*text, len);
    return 1;
}

/* --- resolving ---------------------------------------------------------------------------- */

enum source {
    SOURCE_VARIABLE = 1,
    SOURCE_TRIGGER_TYPE,
    SOURCE_TRIGGER_REF,
    SOURCE_TRIGGER_BRANCH,
    SOURCE_TRIGGER_ACTOR,
    SOURCE_TRIGGER_REQUEST_ID,
    SOURCE_NAMESPACE,
    SOURCE_VERSION,
    SOURCE_LATER /* of the language, not of this version */
};

struct member {
    const char *context, *name;
    enum source source;
};

static const struct member members[] = {
    {"trigger", "type", SOURCE_TRIGGER_TYPE},
    {"trigger", "ref", SOURCE_TRIGGER_REF},
    {"trigger", "branch", SOURCE_TRIGGER_BRANCH},
    {"trigger", "actor", SOURCE_TRIGGER_ACTOR},
    {"trigger", "requestId", SOURCE_TRIGGER_REQUEST_ID},
    {"trigger", "tag", SOURCE_LATER},
    {"trigger", "sha", SOURCE_LATER},
    {"trigger", "event", SOURCE_LATER},
    {"trigger", "payload", SOURCE_LATER},
    {"pipeline", "namespace", SOURCE_NAMESPACE},
    {"pipeline", "version", SOURCE_VERSION},
    {"pipeline", "id", SOURCE_LATER},
    {"pipeline", "name", SOURCE_LATER},
};

static const char *const contexts[] = {"variables", "trigger", "pipeline", "env",    "git",
                                       "run",       "job",     "step",     "matrix", "needs",
                                       "steps",     "agent",   "secrets"};
#define CONTEXTS_OF_THIS_VERSION 3

/* A name with at most one member: `x`, `x.y`, `x["y"]`. */
struct reference {
    arc_slice head, member;
    int members; /* how many; 2 stands for more */
};

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int is_name(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-';
}

static size_t name_end(arc_slice text, size_t at)
{
    while (at < text.len && is_name(text.ptr[at]))
        at++;
    return at;
}

/* One `.name` or `["name"]` at `at`; 0: there is none. */
static size_t take_member(arc_slice text, size_t at, arc_slice *member)
{
    if (text.ptr[at] == '.') {
        size_t end = name_end(text, at + 1);
        *member = arc__slice(text.ptr + at + 1, end - at - 1);
        return end > at + 1 ? end : 0;
    }
    if (text.ptr[at] != '[' || at + 1 >= text.len ||
        (text.ptr[at + 1] != '"' && text.ptr[at + 1] != '\''))
        return 0;
    const char *from = text.ptr + at + 2;
    size_t left = text.len - at - 2;
    const char *end = left > 0 ? memchr(from, text.ptr[at + 1], left) : NULL;
    if (end == NULL || (size_t)(end - text.ptr) + 1 >= text.len || end[1] != ']')
        return 0;
    *member = arc__slice(from, (size_t)(end - from));
    return (size_t)(end - text.ptr) + 2;
}

/* 1: the whole expression is a reference. */
static int parse_reference(arc_slice text, struct reference *reference)
{
    *reference = (struct reference){0};
    if (text.len == 0 || !is_letter(text.ptr[0]))
        return 0;
    size_t at = name_end(text, 0);
    reference->head = arc__slice(text.ptr, at);
    while (at < text.len) {
        arc_slice member;
        at = take_member(text, at, &member);
        if (at == 0)
            return 0;
        if (reference->members == 0)
            reference->member = member;
        reference->members += reference->members < 2;
    }
    return 1;
}

static const struct member *find_member(arc_slice context, arc_slice name)
{
    for (size_t i = 0; i < ARC_COUNT_OF(members); i++) {
        if (arc__slice_is(context, members[i].context) && arc__slice_is(name, members[i].name))
            return &members[i];
    }
    return NULL;
}

/* The index among contexts; -1: none. */
static int context_index(arc_slice head)
{
    for (size_t i = 0; i < ARC_COUNT_OF(contexts); i++) {
        if (arc__slice_is(head, contexts[i]))
            return (int)i;
    }
    return -1;
}

/* --- checking ----------------------------------------------------------------------------- */

/* One expression, and what is known of the place where it stands. */
struct use {
    struct arc_check *check;
    const struct arc_path *path;
    struct arc_span mark;
    arc_slice text;
    enum arc_template_in in;
    int outside;
};

static void report(struct use *use, enum arc_diag_code code, arc_slice hint, const arc_slice *args,
                   size_t arg_count)
{
    (void)arc__diag_add(use->check->sink, code, use->path, &use->mark, hint, args, arg_count);
}

static arc_slice quoted(struct use *use, arc_slice text)
{
    return arc__quoted(use->check->sink, text);
}

/* A suggestion costs a comparison with each; a definition with more variables gets none beyond. */
#define CANDIDATES_MAX 256

static arc_slice nearest_variable(struct use *use, arc_slice name, const char *prefix)
{
    arc_slice names[CANDIDATES_MAX];
    const struct arc_spec *spec = use->check->spec;
    size_t count = 0;
    if (!arc__sink_keeps(use->check->sink))
        return ARC_NONE;
    for (uint32_t i = 0; i < spec->variable_count && count < CANDIDATES_MAX; i++)
        names[count++] = spec->variables[i].node->key;
    arc_slice near = arc__nearest(name, names, count);
    if (near.len == 0)
        return ARC_NONE;
    return arc__did_you_mean(use->check->sink,
                             arc__arena_printf(use->check->arena, "%s%.*s", prefix, ARC_ARG(near)));
}

static void check_variable(struct use *use, arc_slice name)
{
    struct arc_spec_variable *variable = arc__spec_variable(use->check->spec, name);
    if (variable == NULL) {
        report(use, ARC_DIAG_UNKNOWN_VARIABLE, nearest_variable(use, name, "variables."),
               ARC_ARGS(quoted(use, name)));
        return;
    }
    variable->used = 1;
    if (use->in == ARC_IN_VARIABLE) {
        report(use, ARC_DIAG_VARIABLE_IN_VARIABLE, ARC_NONE, ARC_ARGS(quoted(use, name)));
        return;
    }
    use->outside |= variable->outside;
}

static void check_head(struct use *use, const struct reference *reference)
{
    if (arc__spec_variable(use->check->spec, reference->head) != NULL && reference->members == 0) {
        check_variable(use, reference->head);
        return;
    }
    arc_slice names[ARC_COUNT_OF(contexts)];
    for (size_t i = 0; i < ARC_COUNT_OF(contexts); i++)
        names[i] = arc__slice_cstr(contexts[i]);
    arc_slice hint =
        reference->members == 0 ? nearest_variable(use, reference->head, "") : ARC_NONE;
    if (hint.len == 0)
        hint = arc__did_you_mean(use->check->sink,
                                 arc__nearest(reference->head, names, ARC_COUNT_OF(contexts)));
    if (hint.len == 0)
        hint = ARC_LIT("use `variables.NAME`, `trigger.NAME` or `pipeline.NAME`");
    report(use, ARC_DIAG_UNKNOWN_CONTEXT, hint, ARC_ARGS(quoted(use, reference->head)));
}

static void check_member(struct use *use, const struct reference *reference)
{
    const struct member *member = find_member(reference->head, reference->member);
    if (member == NULL) {
        arc_slice names[ARC_COUNT_OF(members)];
        size_t count = 0;
        for (size_t i = 0; i < ARC_COUNT_OF(members); i++) {
            if (arc__slice_is(reference->head, members[i].context))
                names[count++] = arc__slice_cstr(members[i].name);
        }
        report(use, ARC_DIAG_UNKNOWN_MEMBER,
               arc__did_you_mean(use->check->sink, arc__nearest(reference->member, names, count)),
               ARC_ARGS(quoted(use, reference->head), quoted(use, reference->member)));
        return;
    }
    if (member->source == SOURCE_LATER)
        report(use, ARC_DIAG_LATER, ARC_NONE, ARC_ARGS(quoted(use, use->text)));
    use->outside |= arc__slice_is(reference->head, "trigger");
}

/* `trigger.ref` as TRIGGER_REF. */
static arc_slice env_name(struct use *use)
{
    char *name = arc__arena_strdup(use->check->arena, use->text);
    size_t len = 0;
    for (const char *c = name; c != NULL && *c != '\0' && len < 40; c++) {
        if (is_letter(*c) || (*c >= '0' && *c <= '9'))
            name[len++] = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        else if (len > 0 && name[len - 1] != '_')
            name[len++] = '_';
    }
    while (len > 0 && name[len - 1] == '_')
        len--;
    return arc__slice(name, name != NULL ? len : 0);
}

static void refuse_in_script(struct use *use)
{
    arc_slice hint = ARC_NONE;
    if (arc__sink_keeps(use->check->sink)) {
        arc_slice name = env_name(use);
        arc_slice shown = arc__slice(use->text.ptr, arc__utf8_prefix(use->text, 60));
        hint = arc__arena_printf(use->check->arena,
                                 "write `env: {%.*s: \"${{ %.*s }}\"}` and use \"$%.*s\" in the "
                                 "script",
                                 ARC_ARG(name), ARC_ARG(shown), ARC_ARG(name));
    }
    (void)arc__diag_add_as(
        use->check->sink, ARC_DIAG_SCRIPT,
        use->check->options.script_warnings ? ARC_SEVERITY_WARNING : ARC_SEVERITY_ERROR, use->path,
        &use->mark, hint, ARC_ARGS(quoted(use, use->text)));
}

static void check_expression(struct use *use)
{
    struct reference reference;
    if (use->text.len > ARC_EXPRESSION_MAX) {
        report(use, ARC_DIAG_EXPRESSION_SIZE, ARC_NONE,
               ARC_ARGS(arc__decimal(use->check->sink, use->text.len),
                        arc__decimal(use->check->sink, ARC_EXPRESSION_MAX)));
        return;
    }
    if (!parse_reference(use->text, &reference)) {
        report(use, ARC_DIAG_EXPRESSION, ARC_NONE, ARC_ARGS(quoted(use, use->text)));
        return;
    }
    int context = context_index(reference.head);
    if (context < 0 ||
        (reference.members == 0 && arc__spec_variable(use->check->spec, reference.head) != NULL))
        check_head(use, &reference);
    else if (context >= CONTEXTS_OF_THIS_VERSION)
        report(use, ARC_DIAG_LATER, ARC_NONE, ARC_ARGS(quoted(use, use->text)));
    else if (reference.members != 1)
        report(use, ARC_DIAG_EXPRESSION, ARC_NONE, ARC_ARGS(quoted(use, use->text)));
    else if (context == 0)
        check_variable(use, reference.member);
    else
        check_member(use, &reference);
    if (use->outside && use->in == ARC_IN_SCRIPT)
        refuse_in_script(use);
}

/* Where the next ${{ of the scalar stands in the document: `from` is behind the last one found.
 * In block and quoted scalars the text differs from the source, but not the order of templates. */
static size_t locate(const struct arc_check *check, const struct arc_node *node, size_t from)
{
    arc_slice source = arc__diags_source(check->sink->diags, node->mark.file);
    size_t end = node->mark.end < source.len ? node->mark.end : source.len;
    if (from < node->mark.offset)
        from = node->mark.offset;
    const char *open = from < end ? find_open(arc__slice(source.ptr + from, end - from)) : NULL;
    return open != NULL ? (size_t)(open - source.ptr) : SIZE_MAX;
}

void arc__template_check(struct arc_check *check, const struct arc_node *node,
                         const struct arc_path *path, enum arc_template_in in, int *outside)
{
    arc_slice left = node->text;
    struct part part;
    size_t from = node->expanded ? SIZE_MAX : 0;
    int any = 0;
    if (check->merging)
        return;
    while (next_part(&left, &part)) {
        if (!part.expression)
            continue;
        struct use use = {check, path, node->mark, part.text, in, 0};
        size_t at = from == SIZE_MAX ? SIZE_MAX : locate(check, node, from);
        if (at != SIZE_MAX) {
            arc_slice rest =
                arc__slice_from(arc__diags_source(check->sink->diags, node->mark.file), at);
            size_t len = find_close(arc__slice(rest.ptr, node->mark.end - at));
            use.mark.offset = (uint32_t)at;
            use.mark.end = (uint32_t)(len > 0 ? at + len : at + 3);
            from = at + 3;
        } else {
            from = SIZE_MAX;
        }
        if (part.open)
            report(&use, ARC_DIAG_TEMPLATE_OPEN, ARC_NONE, ARC_NO_ARGS);
        else
            check_expression(&use);
        any |= use.outside;
    }
    if (outside != NULL)
        *outside = any;
}

/* --- expanding ---------------------------------------------------------------------------- */

static arc_slice value_of(const struct arc_template_values *values, arc_slice text)
{
    static const struct arc_plan_inputs none = {0};
    const struct arc_plan_inputs *inputs = values->inputs != NULL ? values->inputs : &none;
    struct reference reference;
    if (!parse_reference(text, &reference))
        return ARC_NONE;
    if (reference.members == 0)
        return arc__kvs_get(values->variables, reference.head);
    if (arc__slice_is(reference.head, contexts[0]))
        return arc__kvs_get(values->variables, reference.member);
    const struct member *member = find_member(reference.head, reference.member);
    switch (member != NULL ? member->source : SOURCE_LATER) {
    case SOURCE_TRIGGER_TYPE:
        return inputs->trigger_type;
    case SOURCE_TRIGGER_REF:
        return inputs->ref;
    case SOURCE_TRIGGER_BRANCH:
        return inputs->branch;
    case SOURCE_TRIGGER_ACTOR:
        return inputs->actor;
    case SOURCE_TRIGGER_REQUEST_ID:
        return inputs->request_id;
    case SOURCE_NAMESPACE:
        return values->namespace_;
    case SOURCE_VERSION:
        return values->version;
    case SOURCE_VARIABLE:
    case SOURCE_LATER:
        break;
    }
    return ARC_NONE;
}

void arc__spec_expand(const struct arc_template_values *values, arc_slice text, struct arc_buf *out)
{
    struct part part;
    while (next_part(&text, &part))
        arc__buf_add_slice(out, part.expression ? value_of(values, part.text) : part.text);
}
