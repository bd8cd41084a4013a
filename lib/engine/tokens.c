/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials. Only SHA-256 hashes are kept; tokens are 160 random bits, so a hash is enough. */
#include <stdio.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "base/text.h"
#include "engine/engine_private.h"

#define TOKEN_BYTES_MAX 65536u
#define SECRET_BYTES_MAX 32u

arc_status arc__secret_new(struct arc_engine *engine, const char *prefix, size_t bytes, char *out,
                           size_t size, arc_err *err)
{
    uint8_t raw[SECRET_BYTES_MAX];
    size_t at = strlen(prefix);
    if (bytes > sizeof(raw) || size < at + 2 * bytes + 1)
        return arc__fail(err, ARC_EINTERNAL, "token", "The token does not fit its buffer.");
    if (arc__engine_random(engine, raw, bytes) != 0)
        return arc__fail(err, ARC_EINTERNAL, "random", "There is no entropy.");
    memcpy(out, prefix, at);
    arc__hex(raw, bytes, out + at);
    arc__wipe(raw, sizeof(raw));
    return ARC_OK;
}

arc_status arc__token_add(struct arc_engine *engine, const struct arc_row_token *row, arc_err *err)
{
    struct token *token = arc__alloc(&engine->mem, sizeof(*token));
    void *old = NULL;
    if (token == NULL)
        return arc__fail_nomem(err);
    arc__arena_init(&token->arena, &engine->mem, TOKEN_BYTES_MAX);
    token->row = *row;
    token->known = 1;
    arc__row_own(ARC_TABLE_token, &token->row, &token->arena);
    arc_status status = token->arena.failed
                            ? arc__fail_nomem(err)
                            : arc__map_put(&engine->tokens, row->hash, token, &old, err);
    if (status != ARC_OK) {
        arc__token_drop(engine, token);
        return status;
    }
    if (old != NULL)
        arc__token_drop(engine, old);
    return ARC_OK;
}

void arc__token_drop(struct arc_engine *engine, struct token *token)
{
    arc__arena_deinit(&token->arena);
    arc__free(&engine->mem, token);
}

static int is_valid(const struct arc_engine *engine, const struct arc_row_token *row)
{
    return row->revoked_at_ns == 0 &&
           (row->expires_at_ns == 0 || engine->now.wall_ns < row->expires_at_ns) &&
           (row->max_uses == 0 || row->uses < row->max_uses);
}

/* The lookup is by hash: what its time could tell is about the hash, not about the token. */
struct token *arc__token_find(struct arc_engine *engine, arc_slice secret, uint32_t kind)
{
    char hash[ARC_SHA256_HEX_LEN + 1];
    arc__sha256_hex(secret, hash);
    struct token *token = arc__map_get(&engine->tokens, arc__slice(hash, ARC_SHA256_HEX_LEN));
    if (token == NULL || token->row.kind != kind || !is_valid(engine, &token->row))
        return NULL;
    return token;
}

static const struct {
    const char *word;
    uint32_t bit;
} scope_words[] = {{"read", ARC_SCOPE_READ},
                   {"run", ARC_SCOPE_RUN},
                   {"write", ARC_SCOPE_WRITE},
                   {"admin", ARC_SCOPE_ADMIN}};

static uint32_t scopes_of(arc_slice words)
{
    uint32_t scopes = 0;
    while (words.len > 0) {
        arc_slice rest, word = arc__slice_cut(words, ',', &rest);
        for (size_t i = 0; i < ARC_COUNT_OF(scope_words); i++)
            scopes |= arc__slice_is(word, scope_words[i].word) ? scope_words[i].bit : 0;
        words = rest;
    }
    /* admin is all of it; write and run are of no use to somebody who may not look */
    if (scopes & ARC_SCOPE_ADMIN)
        scopes |= ARC_SCOPE_READ | ARC_SCOPE_RUN | ARC_SCOPE_WRITE;
    return scopes;
}

static arc_slice scope_text(uint32_t scopes, struct arc_arena *arena)
{
    char text[64] = "";
    size_t at = 0;
    for (size_t i = 0; i < ARC_COUNT_OF(scope_words); i++) {
        if (scopes & scope_words[i].bit)
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", at > 0 ? "," : "",
                                   scope_words[i].word);
    }
    return arc__arena_copy(arena, arc__slice(text, at));
}

static arc_status unauthenticated(struct arc_engine *engine, arc_err *err)
{
    return arc__homes_unknown(engine, ARC_EUNAUTHENTICATED, "token",
                              "The token is missing or not valid.", err);
}

static void set_principal(struct arc_principal *out, enum arc_principal_kind kind, arc_slice id,
                          arc_slice name)
{
    *out = (struct arc_principal){.kind = kind};
    (void)arc__slice_to_cstr(id, out->id, sizeof(out->id));
    (void)arc__slice_to_cstr(name, out->name, sizeof(out->name));
}

/* "<agentId>:<secret>". An unknown agent costs the same hash and compare as a known one. */
static arc_status authenticate_agent(struct arc_engine *engine, arc_slice token,
                                     struct arc_principal *out, arc_err *err)
{
    static const char nobody[ARC_SHA256_HEX_LEN + 1] = {0};
    char hash[ARC_SHA256_HEX_LEN + 1];
    arc_slice secret, id = arc__slice_cut(token, ':', &secret);
    const struct agent *agent = arc__agent_find(engine, id);
    int known = agent != NULL && !agent->is_host && agent->row.unregistered_at_ns == 0 &&
                agent->row.token_hash.len == ARC_SHA256_HEX_LEN;
    arc__sha256_hex(secret, hash);
    int equal =
        arc__equal_secret(hash, known ? agent->row.token_hash.ptr : nobody, ARC_SHA256_HEX_LEN);
    if (!known || !equal)
        return unauthenticated(engine, err);
    set_principal(out, ARC_PRINCIPAL_AGENT, agent->row.id, agent->row.name);
    return ARC_OK;
}

arc_status arc__engine_authenticate(struct arc_engine *engine, arc_slice token,
                                    struct arc_principal *out, arc_err *err)
{
    if (!engine->opened) /* credentials are not read yet */
        return arc__fail(err, ARC_EUNAVAILABLE, "engine", "Unfinished runs are being taken up.");
    if (token.len == 0 || token.len > 512)
        return arc__fail(err, ARC_EUNAUTHENTICATED, "token", "The token is missing or not valid.");
    if (memchr(token.ptr, ':', token.len) != NULL)
        return authenticate_agent(engine, token, out, err);
    const struct token *known = arc__token_find(engine, token, 2);
    if (known == NULL)
        return unauthenticated(engine, err);
    set_principal(out, ARC_PRINCIPAL_USER, known->row.id, known->row.name);
    out->scopes = scopes_of(known->row.scopes);
    (void)arc__slice_to_cstr(known->row.project_id, out->project_id, sizeof(out->project_id));
    return ARC_OK;
}

arc_status arc__do_token_create(struct arc_engine *engine, struct cmd_box *box, arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    int api = cmd->u.token.kind == 2;
    char secret[ARC_TOKEN_SIZE + 8], hash[ARC_SHA256_HEX_LEN + 1];
    arc_id id;
    ARC_TRY(arc__engine_new_id(engine, &id, err));
    ARC_TRY(arc__secret_new(engine, api ? "arct_" : "art_", 20, secret, sizeof(secret), err));
    arc__sha256_hex(arc__slice_cstr(secret), hash);
    struct arc_row_token row = {
        .id = arc__turn_copy(engine, arc__id_slice(&id)),
        .kind = cmd->u.token.kind,
        .hash = arc__turn_copy(engine, arc__slice_cstr(hash)),
        .name = cmd->u.token.name,
        .scopes = api ? scope_text(cmd->u.token.scopes, &engine->turn.arena) : ARC_NONE,
        .project_id = cmd->u.token.project_id,
        .max_uses = cmd->u.token.max_uses,
        .expires_at_ns = cmd->u.token.expires_at_ns,
        .version = 1,
        .created_at_ns = engine->now.wall_ns,
    };
    ARC_TRY(arc__turn_op(engine, ARC_STORE_INSERT, ARC_TABLE_token, &row, 0, err));
    arc_status status = arc__token_add(engine, &row, err);
    if (status != ARC_OK)
        return arc__turn_spoil(engine, status);
    box->answer.id = arc__arena_copy(&cmd->arena, row.id);
    box->answer.secret = arc__arena_copy(&cmd->arena, arc__slice_cstr(secret));
    arc__wipe(secret, sizeof(secret));
    if (cmd->arena.failed)
        return arc__turn_spoil(engine, arc__fail_nomem(err));
    return ARC_OK;
}
