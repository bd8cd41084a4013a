/* SPDX-License-Identifier: Apache-2.0 */
/* One measurement of reading definitions: spec_bench WHAT FILE [SECONDS].
 *
 *   whole        parse, check, plan and free, through the whole library
 *   read         the tree alone
 *   libyaml      the events of libyaml for the same bytes
 *   yajl         the callbacks of yajl for the same bytes
 *   spec         parse and check, through the public call
 *   refuse       the same, of a text that must be refused
 *   tokens       the events or callbacks of a text that may be broken
 *
 * prints the microseconds of processor time that one round took (the mean of all that fit into
 * SECONDS, and of 5 where they are short), and what came out, so that rounds which fail do not
 * look fast. What refuses its text, or does not, ends with 2 and says why. */
#include <arcentra/spec.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yajl/yajl_parse.h>
#include <yaml.h>

#include "spec/diag.h"
#include "spec/tree.h"

#define ROUNDS_MIN 5
#define LONG_US 50e3
#define MEMORY_MAX ((size_t)1 << 30)

struct input {
    arc_slice text;
    enum arc_format format;
    uint64_t result; /* of the last round */
};

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int load(const char *path, struct input *input)
{
    FILE *file = fopen(path, "rb");
    size_t room = 64u << 20;
    char *text = malloc(room);
    if (file == NULL || text == NULL) {
        perror(path);
        return 0;
    }
    input->text = arc__slice(text, fread(text, 1, room, file));
    fclose(file);
    size_t len = strlen(path);
    input->format =
        len > 5 && strcmp(path + len - 5, ".json") == 0 ? ARC_FORMAT_JSON : ARC_FORMAT_YAML;
    return 1;
}

static int say(const arc_err *err)
{
    fprintf(stderr, "%u:%u %s: %s\n", err->line, err->column, err->subject, err->message);
    return 0;
}

/* The same steps as a run that is started: the definition is read, checked and planned. */
static int run_whole(struct input *input)
{
    const struct arc_plan_inputs inputs = {.trigger_type = ARC_LIT("manual"),
                                           .branch = ARC_LIT("main")};
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    struct arc_diags diags = {0};
    struct arc_spec *spec = NULL;
    const struct arc_plan *plan = NULL;
    arc_err err = ARC_ERR_INIT;
    arc__arena_init(&arena, &mem, MEMORY_MAX);
    arc_status status =
        arc__spec_read(input->text, input->format, ARC_NONE, NULL, &arena, &diags, &spec, &err);
    if (status == ARC_OK)
        status = arc__plan_build(spec, &inputs, &arena, &diags, &plan, &err);
    if (status == ARC_OK)
        input->result = plan->job_count;
    arc__arena_deinit(&arena);
    return status == ARC_OK ? 1 : say(&err);
}

static int run_read(struct input *input)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_spec_limits limits = arc__limits_resolve(NULL);
    struct arc_arena arena;
    struct arc_diags diags;
    struct arc_sink sink = {.arena = &arena, .diags = &diags, .max = 1};
    struct arc_tree tree;
    const struct arc_node *root = NULL;
    arc__arena_init(&arena, &mem, MEMORY_MAX);
    if (arc__diags_init(&diags, &arena, ARC_NONE, input->text) &&
        arc__tree_init(&tree, 0, &limits, &arena, &sink))
        root = input->format == ARC_FORMAT_JSON ? arc__json_tree(&tree) : arc__yaml_tree(&tree);
    input->result = tree.nodes;
    arc__arena_deinit(&arena);
    return root != NULL;
}

static int run_spec(struct input *input)
{
    arc_spec *spec = NULL;
    arc_diags *diags = NULL;
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc_spec_parse(input->text.ptr, input->text.len, (uint32_t)input->format,
                                       NULL, &spec, &diags, &err);
    if (status == ARC_OK)
        input->result = arc_spec_get_job_count(spec);
    arc_diags_free(diags);
    (void)arc_spec_unref(spec);
    return status == ARC_OK ? 1 : say(&err);
}

static int run_libyaml(struct input *input)
{
    yaml_parser_t parser;
    yaml_event_t event;
    int more = 1, good = yaml_parser_initialize(&parser);
    input->result = 0;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const yaml_char_t *)input->text.ptr, input->text.len);
    while (good && more) {
        good = yaml_parser_parse(&parser, &event);
        if (!good)
            break;
        more = event.type != YAML_STREAM_END_EVENT;
        input->result++;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return good;
}

static int run_yajl(struct input *input);

static int run_tokens(struct input *input)
{
    (void)(input->format == ARC_FORMAT_JSON ? run_yajl(input) : run_libyaml(input));
    return 1;
}

static int run_refuse(struct input *input)
{
    arc_spec *spec = NULL;
    arc_diags *diags = NULL;
    arc_status status = arc_spec_parse(input->text.ptr, input->text.len, (uint32_t)input->format,
                                       NULL, &spec, &diags, NULL);
    input->result = arc_diags_get_count(diags);
    arc_diags_free(diags);
    (void)arc_spec_unref(spec);
    return status == ARC_EINVAL;
}

static int seen(void *user)
{
    ++*(uint64_t *)user;
    return 1;
}

static int seen_boolean(void *user, int value)
{
    (void)value;
    return seen(user);
}

static int seen_number(void *user, const char *text, size_t len)
{
    (void)text, (void)len;
    return seen(user);
}

static int seen_text(void *user, const unsigned char *text, size_t len)
{
    (void)text, (void)len;
    return seen(user);
}

static int run_yajl(struct input *input)
{
    static const yajl_callbacks callbacks = {
        .yajl_null = seen,
        .yajl_boolean = seen_boolean,
        .yajl_number = seen_number,
        .yajl_string = seen_text,
        .yajl_start_map = seen,
        .yajl_map_key = seen_text,
        .yajl_end_map = seen,
        .yajl_start_array = seen,
        .yajl_end_array = seen,
    };
    input->result = 0;
    yajl_handle handle = yajl_alloc(&callbacks, NULL, &input->result);
    int good = yajl_parse(handle, (const unsigned char *)input->text.ptr, input->text.len) ==
                   yajl_status_ok &&
               yajl_complete_parse(handle) == yajl_status_ok;
    yajl_free(handle);
    return good;
}

static const struct {
    const char *name;
    int (*run)(struct input *input);
} kinds[] = {
    {"whole", run_whole}, {"read", run_read},     {"spec", run_spec},     {"libyaml", run_libyaml},
    {"yajl", run_yajl},   {"refuse", run_refuse}, {"tokens", run_tokens},
};

int main(int argc, char **argv)
{
    struct input input;
    double seconds = argc > 3 ? strtod(argv[3], NULL) : 0.5;
    if (argc < 3 || !load(argv[2], &input))
        return 1;
    for (size_t i = 0; i < ARC_COUNT_OF(kinds); i++) {
        if (strcmp(argv[1], kinds[i].name) != 0)
            continue;
        uint64_t rounds = 0;
        if (!kinds[i].run(&input)) /* the first round warms up */
            return 2;
        double start = now_us();
        do {
            if (!kinds[i].run(&input))
                return 2;
            rounds++;
        } while (now_us() - start < seconds * 1e6 ||
                 (rounds < ROUNDS_MIN && now_us() - start < ROUNDS_MIN * LONG_US));
        printf("%.1f %llu\n", (now_us() - start) / (double)rounds,
               (unsigned long long)input.result);
        return 0;
    }
    fprintf(stderr, "spec_bench: %s is no measurement\n", argv[1]);
    return 1;
}
