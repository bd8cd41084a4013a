/* SPDX-License-Identifier: Apache-2.0 */
/* The texts that a definition includes, and one tree of them all. Depth first: what a text includes
 * comes before its own, so that of two values with one name the one nearer to the document wins.
 *
 * Bounded before anything is asked for: how many texts, how deep, how many bytes; the values of all
 * trees count against one limit of nodes. */
#include "spec/include.h"

#include <stdlib.h>

#include "base/sha256.h"
#include "base/text.h"
#include "spec/shape.h"

/* One text whose includes are looked at: the document, or a template. */
struct level {
    const struct level *up; /* NULL: the document */
    uint32_t file, depth;
    arc_slice name; /* for messages */
    const struct arc_node *root;
    int repeated;
    char digest[ARC_SHA256_HEX_LEN + 1];
};

/* A job or stage of the merged list, and where it stands in its own text. */
struct item {
    struct arc_node node; /* first: a pointer to it is one to the item */
    uint32_t index;
};

struct chain {
    struct arc_node *first, **tail;
    uint32_t count;
};

enum shape { SHAPE_NONE, SHAPE_JOBS, SHAPE_STAGES };

struct run {
    struct arc_check *check;
    uint32_t nodes; /* of all texts */
    uint64_t bytes;
    uint32_t asked;
    struct arc_plan_include *list;
    uint32_t list_count;
    enum shape shape;
    const struct arc_node *list_node; /* the `jobs` or `stages` that the merged list looks like */
    const struct arc_node *variables, *env;
    struct chain items, variable_chain, env_chain;
    int failed; /* a text is missing: what it would bring is not known */
    int stop;
};

/* --- small things ------------------------------------------------------------------------- */

static void chain_init(struct chain *chain)
{
    *chain = (struct chain){NULL, NULL, 0};
    chain->tail = &chain->first;
}

static void chain_add(struct chain *chain, struct arc_node *node)
{
    node->next = NULL;
    *chain->tail = node;
    chain->tail = &node->next;
    chain->count++;
}

static arc_slice quoted(const struct run *run, arc_slice text)
{
    return arc__quoted(run->check->sink, text);
}

int arc__include_count_bytes(struct arc_check *check, uint64_t *bytes, uint64_t more,
                             const struct arc_span *span)
{
    *bytes += more;
    if (*bytes <= check->limits.include_bytes)
        return 1;
    (void)arc__diag_add(check->sink, ARC_DIAG_INCLUDE_BYTES, NULL, span, ARC_NONE,
                        ARC_ARGS(arc__decimal(check->sink, check->limits.include_bytes)));
    return 0;
}

/* "`a` → `b` → `a`": from the level `first` on, and the name that comes next. */
static arc_slice chain_text(const struct run *run, const struct level *first,
                            const struct level *last, arc_slice next)
{
    struct arc_arena *arena = run->check->arena;
    arc_slice text = quoted(run, next);
    if (!arc__sink_keeps(run->check->sink))
        return ARC_NONE;
    for (const struct level *level = last;; level = level->up) {
        arc_slice name = quoted(run, level->name);
        text = arc__arena_printf(arena, "%.*s → %.*s", ARC_ARG(name), ARC_ARG(text));
        if (level == first || level->up == NULL)
            return text;
    }
}

/* --- asking ------------------------------------------------------------------------------- */

/* What the resolver says, as the end of a sentence. It comes from outside. */
static arc_slice reason(const struct run *run, const arc_err *err)
{
    char *text = arc__arena_strdup(run->check->arena, arc__slice_cstr(err->message));
    size_t len = text != NULL ? strlen(text) : 0;
    if (len == 0 || !arc__utf8_valid(arc__slice(text, len), NULL))
        return arc__slice_cstr(arc_status_name(err->status));
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = ' ';
    }
    while (len > 0 && (text[len - 1] == '.' || text[len - 1] == ' '))
        len--;
    return arc__slice(text, len);
}

/* 0: a finding says why. */
static int ask(struct run *run, const struct arc_include_wanted *wanted,
               const struct arc_node *name, const struct arc_path *path,
               struct arc_include_found *found)
{
    struct arc_check *check = run->check;
    arc_err err = ARC_ERR_INIT;
    *found = (struct arc_include_found){ARC_NONE, ARC_NONE};
    arc_status status =
        check->options.resolve(check->options.user, wanted, check->arena, found, &err);
    if (status == ARC_ENOMEM)
        check->arena->failed = 1;
    if (status != ARC_OK) {
        err.status = status;
        (void)arc__diag_add(check->sink, ARC_DIAG_INCLUDE_FAILED, path, &name->mark, ARC_NONE,
                            ARC_ARGS(quoted(run, name->text), reason(run, &err)));
        return 0;
    }
    if (found->file.len == 0 || !arc__utf8_valid(found->file, NULL))
        found->file = name->text;
    run->stop = !arc__include_count_bytes(check, &run->bytes, found->text.len, &name->mark);
    return !run->stop;
}

/* 1: the text is one of those that lead to it. */
static int check_cycle(struct run *run, const struct level *level, const struct level *next,
                       arc_slice file, const struct arc_node *name, const struct arc_path *path)
{
    const struct arc_diags *diags = run->check->sink->diags;
    for (const struct level *at = level; at != NULL; at = at->up) {
        int same = memcmp(at->digest, next->digest, sizeof(at->digest)) == 0;
        if (!same || (at->up != NULL && !arc__slice_equal(arc__diags_name(diags, at->file), file)))
            continue;
        (void)arc__diag_add(
            run->check->sink, ARC_DIAG_INCLUDE_CYCLE, path, &name->mark, ARC_NONE,
            ARC_ARGS(quoted(run, name->text), chain_text(run, at, level, name->text)));
        return 1;
    }
    return 0;
}

/* 1: the text was read before, so that what is wrong with it alone has been said. */
static int note(struct run *run, const struct arc_include_wanted *wanted, const char *digest)
{
    int known = 0;
    arc_slice hex = arc__arena_copy(run->check->arena, arc__slice(digest, ARC_SHA256_HEX_LEN));
    for (uint32_t i = 0; i < run->list_count && !known; i++)
        known = arc__slice_equal(run->list[i].digest, hex);
    run->list[run->list_count++] =
        (struct arc_plan_include){wanted->template_, wanted->version, wanted->library, hex};
    return known;
}

/* --- one template ------------------------------------------------------------------------- */

static int is_merged(enum arc_field_id id)
{
    return id == ARC_FIELD_TEMPLATE_JOBS || id == ARC_FIELD_TEMPLATE_STAGES ||
           id == ARC_FIELD_TEMPLATE_VARIABLES || id == ARC_FIELD_TEMPLATE_ENV;
}

/* The keys of a template but those that are merged, which are checked as part of the document. */
static int check_head(struct run *run, const struct arc_node *root)
{
    struct arc_node head = *root;
    struct chain chain;
    chain_init(&chain);
    for (const struct arc_node *c = root->first; c != NULL; c = c->next) {
        const struct arc_field *field = arc__field_find(ARC_OBJECT_TEMPLATE, c->key);
        if (field != NULL && is_merged(field->id))
            continue;
        struct arc_node *copy = ARC_ARENA_NEW(run->check->arena, struct arc_node);
        if (copy == NULL)
            return 0;
        *copy = *c;
        chain_add(&chain, copy);
    }
    head.first = chain.first;
    head.count = chain.count;
    head.fields = 0;
    arc__shape_object(run->check, &head, ARC_OBJECT_TEMPLATE, NULL);
    return 1;
}

static const struct arc_node *read_tree(struct run *run, uint32_t file)
{
    struct arc_check *check = run->check;
    struct arc_tree tree;
    if (!arc__tree_init(&tree, file, &check->limits, check->arena, check->sink))
        return NULL;
    tree.nodes = run->nodes;
    const struct arc_node *root = arc__tree_read(&tree, arc__guess_format(tree.text));
    run->nodes = tree.nodes;
    if (root != NULL && root->kind != ARC_NODE_MAP) {
        arc__shape_type(check, root, NULL, ARC_LIT("A template"), "a map",
                        ARC_LIT("start with `jobs:`"));
        return NULL;
    }
    return root;
}

/* Its own tree with the values of its parameters; NULL: it cannot be used. */
static const struct arc_node *fill_in(struct run *run, const struct level *level,
                                      const struct arc_node *entry, const struct arc_node *name,
                                      const struct arc_path *path)
{
    struct arc_params params = {.check = run->check,
                                .template_ = quoted(run, name->text),
                                .bytes = &run->bytes,
                                .repeated = level->repeated};
    if (!arc__params_declare(&params, arc__field_get(level->root, ARC_FIELD_TEMPLATE_PARAMS)))
        return NULL;
    arc__params_give(&params, entry, path);
    const struct arc_node *root = arc__params_expand(&params, level->root);
    run->stop |= root == NULL;
    return root != NULL && check_head(run, root) ? root : NULL;
}

static void merge_level(struct run *run, const struct level *level);

static void include_one(struct run *run, const struct level *level, const struct arc_node *entry,
                        const struct arc_path *path)
{
    struct arc_check *check = run->check;
    const struct arc_node *name = arc__field_get(entry, ARC_FIELD_INCLUDE_TEMPLATE);
    struct arc_include_found found;
    struct level next = {.up = level, .depth = level->depth + 1};
    if (name == NULL || name->kind >= ARC_NODE_LIST || name->text.len == 0 ||
        arc__template_any(name->text)) {
        run->failed = 1; /* the shape has said so */
        return;
    }
    struct arc_path here = {path, name->key, 0};
    const struct arc_include_wanted wanted = {name->text,
                                              arc__field_text(entry, ARC_FIELD_INCLUDE_VERSION),
                                              arc__field_text(entry, ARC_FIELD_INCLUDE_LIBRARY),
                                              arc__diags_name(check->sink->diags, level->file)};
    if (!ask(run, &wanted, name, &here, &found)) {
        run->failed = 1;
        return;
    }
    arc__sha256_hex(found.text, next.digest);
    next.name = name->text;
    if (check_cycle(run, level, &next, found.file, name, &here)) {
        run->failed = 1;
        return;
    }
    next.repeated = note(run, &wanted, next.digest);
    next.file = arc__diags_add_file(check->sink->diags, check->arena, found.file, found.text);
    if (check->arena->failed)
        return;
    check->sink->diags->files[next.file].included_at = name->mark;
    next.root = read_tree(run, next.file);
    if (next.root != NULL)
        next.root = fill_in(run, &next, entry, name, path);
    if (next.root == NULL)
        run->failed = 1;
    else
        merge_level(run, &next);
}

/* --- the list of one text ----------------------------------------------------------------- */

/* 1: one more may be asked for. */
static int check_limits(struct run *run, const struct level *level, const struct arc_node *entry,
                        const struct arc_path *path)
{
    struct arc_check *check = run->check;
    const struct arc_node *name = arc__field_get(entry, ARC_FIELD_INCLUDE_TEMPLATE);
    if (level->depth >= check->limits.include_depth) {
        if (name != NULL && name->kind < ARC_NODE_LIST)
            (void)arc__diag_add(check->sink, ARC_DIAG_INCLUDE_DEPTH, path, &name->mark, ARC_NONE,
                                ARC_ARGS(arc__decimal(check->sink, check->limits.include_depth),
                                         chain_text(run, NULL, level, name->text)));
        run->stop = 1; /* once: the others of a fan are as deep */
        return 0;
    }
    if (run->asked < check->limits.includes) {
        run->asked++;
        return 1;
    }
    struct arc_span span = arc__node_head(entry);
    (void)arc__diag_add(check->sink, ARC_DIAG_INCLUDES, path, &span, ARC_NONE,
                        ARC_ARGS(arc__decimal(check->sink, check->limits.includes)));
    run->stop = 1;
    return 0;
}

/* `include` of the document and of a template are the same list. */
static const struct arc_node *include_of(const struct level *level)
{
    return arc__field_get(level->root, ARC_FIELD_PIPELINE_INCLUDE);
}

static void merge_includes(struct run *run, const struct level *level)
{
    const struct arc_node *list = include_of(level);
    uint32_t index = 0;
    if (list == NULL || list->kind != ARC_NODE_LIST)
        return;
    struct arc_path up = {NULL, list->key, 0};
    for (const struct arc_node *c = list->first; c != NULL; c = c->next, index++) {
        struct arc_path here = {&up, ARC_NONE, index};
        if (run->stop || run->check->arena->failed)
            return;
        if (c->kind == ARC_NODE_MAP && check_limits(run, level, c, &here))
            include_one(run, level, c, &here);
    }
}

/* --- merging ------------------------------------------------------------------------------ */

static const struct arc_node *list_of(const struct level *level, enum arc_field_id id)
{
    const struct arc_node *list = arc__field_get(level->root, id);
    if (list == NULL || list->kind == ARC_NODE_LIST)
        return list;
    return NULL;
}

static void add_items(struct run *run, const struct arc_node *list)
{
    uint32_t index = 0;
    for (const struct arc_node *c = list->first; c != NULL; c = c->next, index++) {
        struct item *item = ARC_ARENA_NEW(run->check->arena, struct item);
        if (item == NULL)
            return;
        item->node = *c;
        item->index = index;
        chain_add(&run->items, &item->node);
    }
}

static const char *shape_word(enum shape shape)
{
    return shape == SHAPE_STAGES ? "`stages`" : "`jobs`";
}

/* The jobs or stages of a template: what the pipeline is written with, or nothing else. */
static void merge_list(struct run *run, const struct level *level, enum arc_field_id id,
                       enum shape shape)
{
    struct arc_check *check = run->check;
    const struct arc_node *list = arc__field_get(level->root, id);
    if (list == NULL)
        return;
    struct arc_path here = {NULL, list->key, 0};
    if (list->kind != ARC_NODE_LIST) {
        if (level->up != NULL)
            arc__shape_type(check, list, &here, quoted(run, list->key), "a list", ARC_NONE);
        return;
    }
    if (run->shape == SHAPE_NONE) {
        run->shape = shape;
        run->list_node = list;
    }
    if (run->shape == shape) {
        add_items(run, list);
        return;
    }
    if (level->up == NULL)
        return; /* the document has both, and the shape says so */
    struct arc_diag *diag = arc__diag_add(
        check->sink, ARC_DIAG_INCLUDE_SHAPE, &here, &list->key_mark,
        shape == SHAPE_JOBS ? ARC_LIT("put the jobs of the template into a stage") : ARC_NONE,
        ARC_ARGS(quoted(run, level->name), arc__slice_cstr(shape_word(shape)),
                 arc__slice_cstr(shape_word(run->shape))));
    arc__diag_relate(check->sink, diag, &run->list_node->key_mark, "they are here");
    run->failed = 1;
}

static void merge_map(struct run *run, const struct level *level, enum arc_field_id id,
                      struct chain *chain, const struct arc_node **like)
{
    struct arc_check *check = run->check;
    const struct arc_node *map = arc__field_get(level->root, id);
    if (map == NULL)
        return;
    struct arc_path here = {NULL, map->key, 0};
    if (map->kind != ARC_NODE_MAP) {
        if (level->up != NULL)
            arc__shape_type(check, map, &here, quoted(run, map->key), "a map of texts", ARC_NONE);
        return;
    }
    if (*like == NULL || level->up == NULL)
        *like = map;
    for (const struct arc_node *c = map->first; c != NULL; c = c->next) {
        struct arc_node *copy = ARC_ARENA_NEW(check->arena, struct arc_node);
        if (copy == NULL)
            return;
        *copy = *c;
        chain_add(chain, copy);
    }
}

/* What the text includes, then its own. The recursion is bounded by include_depth. */
static void merge_level(struct run *run, const struct level *level)
{
    merge_includes(run, level);
    if (run->stop || run->check->arena->failed)
        return;
    merge_list(run, level, ARC_FIELD_PIPELINE_STAGES, SHAPE_STAGES);
    merge_list(run, level, ARC_FIELD_PIPELINE_JOBS, SHAPE_JOBS);
    merge_map(run, level, ARC_FIELD_PIPELINE_VARIABLES, &run->variable_chain, &run->variables);
    merge_map(run, level, ARC_FIELD_PIPELINE_ENV, &run->env_chain, &run->env);
}

/* --- the merged tree ---------------------------------------------------------------------- */

struct entry {
    struct arc_node *node;
    uint32_t order;
};

static int by_key(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = arc__slice_compare(x->node->key, y->node->key);
    return order != 0 ? order : x->order < y->order ? -1 : x->order > y->order;
}

static int by_order(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Of each key only the last entry stays: it is nearer to the document. */
static int keep_last(struct arc_check *check, struct chain *chain)
{
    uint32_t count = 0, kept = 0;
    if (chain->count < 2)
        return 1;
    struct entry *entries = arc__check_alloc(check, chain->count, sizeof(*entries));
    if (entries == NULL)
        return 0;
    for (struct arc_node *c = chain->first; c != NULL; c = c->next, count++)
        entries[count] = (struct entry){c, count};
    qsort(entries, count, sizeof(*entries), by_key);
    for (uint32_t i = 0; i < count; i++) {
        if (i + 1 == count || !arc__slice_equal(entries[i].node->key, entries[i + 1].node->key))
            entries[kept++] = entries[i];
    }
    qsort(entries, kept, sizeof(*entries), by_order);
    chain_init(chain);
    for (uint32_t i = 0; i < kept; i++)
        chain_add(chain, entries[i].node);
    arc__free(&check->arena->mem, entries);
    return 1;
}

/* Puts what was merged in the place of a child of the root, or behind the last one. */
static int put_merged(struct run *run, struct chain *root, const struct arc_node *own,
                      const struct arc_node *like, const struct chain *chain)
{
    if (like == NULL || (own != NULL && own->kind != like->kind))
        return 1;
    struct arc_node *at = root->first;
    while (own != NULL && at != NULL && !arc__slice_equal(at->key, own->key))
        at = at->next;
    if (own == NULL || at == NULL) {
        at = ARC_ARENA_NEW(run->check->arena, struct arc_node);
        if (at == NULL)
            return 0;
        *at = *like;
        chain_add(root, at);
    }
    at->first = chain->first;
    at->count = chain->count;
    at->fields = 0;
    return 1;
}

/* The document with what was merged, and without `include`. */
static int build_root(struct run *run, const struct level *level)
{
    struct arc_check *check = run->check;
    const struct arc_node *include = include_of(level);
    struct arc_node *root = ARC_ARENA_NEW(check->arena, struct arc_node);
    struct chain chain;
    chain_init(&chain);
    for (const struct arc_node *c = level->root->first; c != NULL; c = c->next) {
        struct arc_node *copy = c != include ? ARC_ARENA_NEW(check->arena, struct arc_node) : NULL;
        if (copy == NULL)
            continue; /* the arena remembers */
        *copy = *c;
        chain_add(&chain, copy);
    }
    if (root == NULL || check->arena->failed || !keep_last(check, &run->variable_chain) ||
        !keep_last(check, &run->env_chain))
        return 0;
    enum arc_field_id id =
        run->shape == SHAPE_STAGES ? ARC_FIELD_PIPELINE_STAGES : ARC_FIELD_PIPELINE_JOBS;
    if (!put_merged(run, &chain, arc__field_get(level->root, ARC_FIELD_PIPELINE_VARIABLES),
                    run->variables, &run->variable_chain) ||
        !put_merged(run, &chain, arc__field_get(level->root, ARC_FIELD_PIPELINE_ENV), run->env,
                    &run->env_chain) ||
        !put_merged(run, &chain, arc__field_get(level->root, id), run->list_node, &run->items))
        return 0;
    *root = *level->root;
    root->first = chain.first;
    root->count = chain.count;
    root->fields = 0;
    check->spec->root = root;
    return 1;
}

/* Paths of findings speak of the text that an item stands in. */
static int number_items(struct run *run)
{
    struct arc_diags *diags = run->check->sink->diags;
    uint32_t count = 0;
    uint32_t *own = arc__arena_array(run->check->arena, run->items.count + 1, sizeof(*own));
    if (own == NULL)
        return 0;
    for (const struct arc_node *c = run->items.first; c != NULL; c = c->next)
        own[count++] = ((const struct item *)(const void *)c)->index;
    diags->own_index = own;
    diags->own_index_count = count;
    return 1;
}

/* What the document is written with decides before any template does. */
static void take_shape(struct run *run, const struct level *level)
{
    const struct arc_node *stages = list_of(level, ARC_FIELD_PIPELINE_STAGES);
    const struct arc_node *jobs = list_of(level, ARC_FIELD_PIPELINE_JOBS);
    run->list_node = stages != NULL ? stages : jobs;
    if (run->list_node != NULL)
        run->shape = stages != NULL ? SHAPE_STAGES : SHAPE_JOBS;
}

static int merge_all(struct run *run, struct level *level)
{
    struct arc_check *check = run->check;
    arc_slice text = arc__diags_source(check->sink->diags, 0);
    run->list = arc__arena_array(check->arena, check->limits.includes, sizeof(*run->list));
    if (run->list == NULL)
        return 0;
    arc__sha256_hex(text, level->digest);
    chain_init(&run->items);
    chain_init(&run->variable_chain);
    chain_init(&run->env_chain);
    take_shape(run, level);
    merge_level(run, level);
    check->spec->includes = run->list;
    check->spec->include_count = run->list_count;
    check->stop |= run->failed || run->stop;
    return !check->stop && !check->arena->failed && build_root(run, level) && number_items(run);
}

/* What is missing may have been named: only the form of the document itself is looked at. */
static void check_alone(struct arc_check *check, const struct level *level)
{
    struct run none = {.check = check};
    if (!check->arena->failed && build_root(&none, level) && arc__model_jobs(check))
        arc__check_shape(check);
}

int arc__include_merge(struct arc_check *check, uint32_t nodes)
{
    struct run run = {.check = check, .nodes = nodes};
    arc_slice name = arc__diags_name(check->sink->diags, 0);
    struct level level = {.root = check->spec->root,
                          .name = name.len > 0 ? name : ARC_LIT("this definition")};
    const struct arc_node *list = include_of(&level);
    if (list == NULL)
        return 1;
    if (list->kind != ARC_NODE_LIST || list->count == 0)
        return 1; /* the shape looks at it */
    struct arc_path here = {NULL, list->key, 0};
    int merged = 0;
    check->merging = 1;
    if (check->options.resolve == NULL) {
        (void)arc__diag_add(check->sink, ARC_DIAG_NO_RESOLVER, &here, &list->key_mark, ARC_NONE,
                            ARC_NO_ARGS);
    } else {
        arc__shape_value(check, list, arc__field(ARC_FIELD_PIPELINE_INCLUDE), &here, level.root);
        merged = merge_all(&run, &level);
    }
    if (!merged)
        check_alone(check, &level);
    check->merging = 0;
    return merged;
}

/* --- a template by itself ----------------------------------------------------------------- */

int arc__is_template(const struct arc_node *root)
{
    return root->kind == ARC_NODE_MAP && arc__field_get(root, ARC_FIELD_TEMPLATE_PARAMS) != NULL &&
           arc__field_get(root, ARC_FIELD_PIPELINE_NAMESPACE) == NULL;
}

void arc__check_template(struct arc_check *check)
{
    struct run run = {.check = check};
    uint64_t bytes = 0;
    struct arc_params params = {.check = check, .bytes = &bytes};
    const struct arc_node *root = check->spec->root;
    const struct arc_node *declared = arc__field_get(root, ARC_FIELD_TEMPLATE_PARAMS);
    (void)arc__diag_add(check->sink, ARC_DIAG_TEMPLATE_ALONE, NULL, &declared->key_mark, ARC_NONE,
                        ARC_NO_ARGS);
    if (arc__params_declare(&params, declared))
        (void)check_head(&run, root);
}
