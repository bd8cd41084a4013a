/* SPDX-License-Identifier: Apache-2.0 */
/* Which agents a definition needs: of each selector that its jobs have, agents with labels that
 * match it; or the agents that the caller names. */
#include <arcentra/plan.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/sim.h"
#include "common/json.h"
#include "common/mem.h"

static void add_kind(struct sim_rules *rules, struct text *labels)
{
    for (size_t i = 0; i < rules->kind_count; i++) {
        if (strcmp(rules->kinds[i], text_get(labels)) == 0) {
            text_deinit(labels);
            return;
        }
    }
    rules->kinds = mem_grow(rules->kinds, (rules->kind_count + 1) * sizeof(*rules->kinds));
    rules->kinds[rules->kind_count++] = text_take(labels);
}

/* A label that one rule of a selector is content with. */
static void put_rule(struct json_out *json, const json_node *rule)
{
    char number[32];
    const char *op = json_get_text(rule, "op");
    const char *key = json_get_text(rule, "key");
    const char *value = json_text(json_at(json_get(rule, "values"), 0));
    if (strcmp(op, "In") == 0) {
        json_put_text(json, key, value);
    } else if (strcmp(op, "Exists") == 0) {
        json_put_text(json, key, "yes");
    } else if (strcmp(op, "Gt") == 0 || strcmp(op, "Lt") == 0) {
        snprintf(number, sizeof(number), "%" PRId64,
                 (int64_t)strtoll(value, NULL, 10) + (op[0] == 'G' ? 1 : -1));
        json_put_text(json, key, number);
    }
}

static void take_selector(struct sim_rules *rules, const json_node *selector)
{
    struct text text = {NULL, 0, 0};
    struct json_out json = {&text, 0};
    const json_node *labels = json_get(selector, "labels");
    const json_node *exprs = json_get(selector, "exprs");
    json_open(&json, NULL, '{');
    for (size_t i = 0; i < json_count(labels); i++)
        json_put_text(&json, json_key_at(labels, i), json_text(json_at(labels, i)));
    for (size_t i = 0; i < json_count(exprs); i++)
        put_rule(&json, json_at(exprs, i));
    json_close(&json, '}');
    add_kind(rules, &text);
}

static void take_selectors(struct sim_rules *rules, const json_node *plan)
{
    struct text none = {NULL, 0, 0};
    const json_node *stages = json_get(plan, "stages");
    for (size_t i = 0; i < json_count(stages); i++) {
        const json_node *jobs = json_get(json_at(stages, i), "jobs");
        for (size_t k = 0; k < json_count(jobs); k++) {
            const json_node *selector = json_get(json_at(jobs, k), "selector");
            if (selector != NULL)
                take_selector(rules, selector);
        }
    }
    text_put(&none, "{}");
    if (rules->kind_count == 0)
        add_kind(rules, &none);
    text_deinit(&none);
}

/* "os=linux,gpu=a100" as a JSON object. */
static int take_given(struct sim_rules *rules, const char *labels)
{
    struct text text = {NULL, 0, 0};
    struct json_out json = {&text, 0};
    char *copy = mem_copy(labels), *rest = copy;
    int failed = 0;
    json_open(&json, NULL, '{');
    for (char *label; (label = strsep(&rest, ",")) != NULL && failed == 0;) {
        char *key = NULL;
        const char *value;
        if (arg_split_pair(label, &key, &value)) {
            json_put_text(&json, key, value);
        } else if (label[0] != '\0') {
            cli_fail("--agent %s: `%s` is not NAME=VALUE.", labels, label);
            failed = EXIT_USAGE;
        }
        mem_free(key);
    }
    json_close(&json, '}');
    mem_free(copy);
    if (failed == 0)
        add_kind(rules, &text);
    text_deinit(&text);
    return failed;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t sim_find_job(const struct sim_rules *rules, const char *name)
{
    char **found = bsearch(&name, rules->jobs, rules->job_count, sizeof(*rules->jobs), compare);
    return found != NULL ? (size_t)(found - rules->jobs) : rules->job_count;
}

/* The names of all jobs, each of which an agent must be able to take. */
static int take_jobs(struct sim_rules *rules, const json_node *plan)
{
    const json_node *placement = json_get(plan, "placement");
    rules->job_count = json_count(placement);
    rules->jobs = mem_new(rules->job_count * sizeof(*rules->jobs));
    for (size_t i = 0; i < rules->job_count; i++) {
        const json_node *job = json_at(placement, i);
        rules->jobs[i] = mem_copy(json_get_text(job, "job"));
        if (json_count(json_get(job, "agents")) == 0) {
            cli_fail("No agent can take job %s: %s. Give one with --agent NAME=VALUE,….",
                     rules->jobs[i], json_get_text(job, "why"));
            rules->job_count = i + 1;
            return EXIT_USAGE;
        }
    }
    qsort(rules->jobs, rules->job_count, sizeof(*rules->jobs), compare);
    return 0;
}

static int read_plan(const arc_spec *spec, const arc_plan_options *options, const json_node **out)
{
    arc_plan *plan = NULL;
    char *text = NULL;
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc_plan_build(spec, options, &plan, NULL, &err);
    if (status == ARC_OK)
        status = arc_plan_copy_text(plan, ARC_PLAN_JSON, &text, &err);
    *out = status == ARC_OK ? json_parse(text, strlen(text), NULL, 0) : NULL;
    arc_text_free(text);
    arc_plan_unref(plan);
    if (status == ARC_OK)
        return 0;
    cli_fail("%s", err.message);
    return EXIT_USAGE;
}

static void put_agents(const struct sim_rules *rules, struct text *out)
{
    struct json_out json = {out, 0};
    char id[24];
    json_open(&json, NULL, '[');
    for (size_t i = 0; i < rules->kind_count; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        json_open(&json, NULL, '{');
        json_put_text(&json, "id", id);
        json_put_raw(&json, "labels", rules->kinds[i]);
        json_close(&json, '}');
    }
    json_close(&json, ']');
}

int sim_choose_agents(struct sim_rules *rules, const char *inputs, const struct arg_list *agents)
{
    arc_plan_options options = ARC_PLAN_OPTIONS_INIT;
    struct text text = {NULL, 0, 0};
    const json_node *plan = NULL;
    options.inputs_json = inputs;
    options.inputs_len = strlen(inputs);
    int failed = read_plan(rules->spec, &options, &plan);
    for (size_t i = 0; failed == 0 && i < agents->count; i++)
        failed = take_given(rules, agents->items[i]);
    if (failed == 0 && agents->count == 0)
        take_selectors(rules, plan);
    json_free(plan);
    plan = NULL;
    if (failed == 0) {
        put_agents(rules, &text);
        options.agents_json = text_get(&text);
        options.agents_len = text.len;
        failed = read_plan(rules->spec, &options, &plan);
    }
    if (failed == 0)
        failed = take_jobs(rules, plan);
    json_free(plan);
    text_deinit(&text);
    return failed;
}

void sim_free_agents(struct sim_rules *rules)
{
    for (size_t i = 0; i < rules->kind_count; i++)
        mem_free(rules->kinds[i]);
    for (size_t i = 0; i < rules->job_count; i++)
        mem_free(rules->jobs[i]);
    mem_free(rules->kinds);
    mem_free(rules->jobs);
}
