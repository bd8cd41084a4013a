/* SPDX-License-Identifier: Apache-2.0 */
/**
 * For who writes a store (<arcentra/sys/store.h>): its tables. Of the second tier, as all of sys/:
 * within a minor version it stays as it is, between two of them columns and tables are appended.
 */
#ifndef ARCENTRA_SYS_TABLES_H
#define ARCENTRA_SYS_TABLES_H

#include <arcentra/base.h>

ARC_BEGIN_DECLS

/* The lists of numbers here have no name, so that nobody passes one by a type whose size is the
 * compiler's business. The library itself gives them their names. */
#ifndef ARC_NUMBERS
#define ARC_NUMBERS(name) enum
#endif

/* Every stored table, once. The row structs, the SQL schema of each store, the memory store's rows
 * and the column numbers of queries are all made from these lists. A column is added at the end of
 * its table. Names are those of the contract; times are nanoseconds of the wall clock, 0: not yet.
 *
 *   C(table, type, name, flags)   type TEXT (arc_slice, UTF-8) | BLOB (arc_slice) | INT (int64_t)
 *   flags   KEY: part of the primary key, in order; INDEX: has an index of its own;
 *           UNIQUE: indexed, no two rows share a value that is not empty or 0;
 *           VERSION: the number that ARC_STORE_UPDATE expects;
 *           FIXED: has one value as long as its row is there: a PUT over a row need not write it;
 *           REF: is the key of a row of another table, so it is no longer than a key may be.
 */
#define ARC_COL_PLAIN 0u
#define ARC_COL_KEY 1u
#define ARC_COL_INDEX 2u
#define ARC_COL_UNIQUE 4u
#define ARC_COL_VERSION 8u
#define ARC_COL_FIXED 16u
#define ARC_COL_REF 32u

/* clang-format off */
#define ARC_TABLES(T)                                                                              \
    T(pipeline) T(definition) T(pipeline_run) T(job_run) T(step_run) T(agent) T(token)             \
    T(event) T(agent_event) T(request_key) T(counter) T(step_run_artifact) T(outbox) T(pruned)     \
    T(replica) T(inbox)

/* A pipeline and the counters over its runs. metadata is a JSON object of texts. version is the seq
 * of its last event, revision counts every write of the row. */
#define ARC_COLS_pipeline(C)                                                                       \
    C(pipeline, TEXT, id, ARC_COL_KEY)                                                             \
    C(pipeline, TEXT, project_id, ARC_COL_INDEX)                                                   \
    C(pipeline, TEXT, name, ARC_COL_INDEX)                                                         \
    C(pipeline, TEXT, description, ARC_COL_PLAIN)                                                  \
    C(pipeline, TEXT, repo_url, ARC_COL_PLAIN)                                                     \
    C(pipeline, TEXT, default_branch, ARC_COL_PLAIN)                                               \
    C(pipeline, TEXT, pipeline_file_path, ARC_COL_PLAIN)                                           \
    C(pipeline, INT, save_mode, ARC_COL_PLAIN)                                                     \
    C(pipeline, TEXT, pr_target_branch, ARC_COL_PLAIN)                                             \
    C(pipeline, TEXT, metadata, ARC_COL_PLAIN)                                                     \
    C(pipeline, TEXT, created_by, ARC_COL_PLAIN)                                                   \
    C(pipeline, TEXT, last_editor, ARC_COL_PLAIN)                                                  \
    C(pipeline, INT, is_enabled, ARC_COL_PLAIN)                                                    \
    C(pipeline, INT, status, ARC_COL_INDEX)                                                        \
    C(pipeline, INT, total_runs, ARC_COL_PLAIN)                                                    \
    C(pipeline, INT, success_runs, ARC_COL_PLAIN)                                                  \
    C(pipeline, INT, failed_runs, ARC_COL_PLAIN)                                                   \
    C(pipeline, TEXT, definition_sha, ARC_COL_PLAIN)                                               \
    C(pipeline, INT, version, ARC_COL_PLAIN)                                                       \
    C(pipeline, INT, created_at_ns, ARC_COL_INDEX)                                                 \
    C(pipeline, INT, updated_at_ns, ARC_COL_PLAIN)                                                 \
    C(pipeline, INT, deleted_at_ns, ARC_COL_INDEX)                                                 \
    C(pipeline, INT, revision, ARC_COL_VERSION)

/* A saved definition; sha is the SHA-256 of canonical, format 1 json, 2 yaml (SpecFormat). */
#define ARC_COLS_definition(C)                                                                     \
    C(definition, TEXT, pipeline_id, ARC_COL_KEY)                                                  \
    C(definition, TEXT, sha, ARC_COL_KEY)                                                          \
    C(definition, INT, format, ARC_COL_PLAIN)                                                      \
    C(definition, TEXT, text, ARC_COL_PLAIN)                                                       \
    C(definition, TEXT, canonical, ARC_COL_PLAIN)                                                  \
    C(definition, TEXT, editor, ARC_COL_PLAIN)                                                     \
    C(definition, TEXT, message, ARC_COL_PLAIN)                                                    \
    C(definition, INT, created_at_ns, ARC_COL_PLAIN)

/* Projections of a run. version is the seq of the last event that changed anything else here. held:
 * the engine leaves the run alone, ARC_HELD_…, and held_why says why. home: the replica that acts
 * for the run, which no event says; empty: none. */
#define ARC_COLS_pipeline_run(C)                                                                   \
    C(pipeline_run, TEXT, id, ARC_COL_KEY)                                                         \
    C(pipeline_run, TEXT, pipeline_id, ARC_COL_INDEX | ARC_COL_FIXED | ARC_COL_REF)                \
    C(pipeline_run, TEXT, pipeline_name, ARC_COL_FIXED)                                            \
    C(pipeline_run, TEXT, project_id, ARC_COL_FIXED)                                               \
    C(pipeline_run, TEXT, namespace, ARC_COL_FIXED)                                                \
    C(pipeline_run, INT, number, ARC_COL_FIXED)                                                    \
    C(pipeline_run, INT, status, ARC_COL_INDEX)                                                    \
    C(pipeline_run, TEXT, reason, ARC_COL_PLAIN)                                                   \
    C(pipeline_run, INT, trigger_type, ARC_COL_FIXED)                                              \
    C(pipeline_run, TEXT, triggered_by, ARC_COL_FIXED)                                             \
    C(pipeline_run, TEXT, branch, ARC_COL_FIXED)                                                   \
    C(pipeline_run, TEXT, ref, ARC_COL_FIXED)                                                      \
    C(pipeline_run, TEXT, definition_sha, ARC_COL_FIXED)                                           \
    C(pipeline_run, TEXT, variables, ARC_COL_FIXED)                                                \
    C(pipeline_run, TEXT, plan_hash, ARC_COL_FIXED)                                                \
    C(pipeline_run, INT, total_jobs, ARC_COL_FIXED)                                                \
    C(pipeline_run, INT, completed_jobs, ARC_COL_PLAIN)                                            \
    C(pipeline_run, INT, failed_jobs, ARC_COL_PLAIN)                                               \
    C(pipeline_run, INT, running_jobs, ARC_COL_PLAIN)                                              \
    C(pipeline_run, INT, version, ARC_COL_PLAIN)                                                   \
    C(pipeline_run, INT, created_at_ns, ARC_COL_FIXED)                                             \
    C(pipeline_run, INT, started_at_ns, ARC_COL_PLAIN)                                             \
    C(pipeline_run, INT, ended_at_ns, ARC_COL_PLAIN)                                               \
    C(pipeline_run, TEXT, rerun_of, ARC_COL_FIXED)                                                 \
    C(pipeline_run, INT, attempt, ARC_COL_FIXED)                                                   \
    C(pipeline_run, INT, priority, ARC_COL_FIXED)                                                  \
    C(pipeline_run, INT, held, ARC_COL_PLAIN)                                                      \
    C(pipeline_run, TEXT, held_why, ARC_COL_PLAIN)                                                 \
    C(pipeline_run, TEXT, home, ARC_COL_PLAIN)

/* depends_on is a JSON array of instance keys. */
#define ARC_COLS_job_run(C)                                                                        \
    C(job_run, TEXT, id, ARC_COL_KEY)                                                              \
    C(job_run, TEXT, run_id, ARC_COL_INDEX | ARC_COL_FIXED)                                        \
    C(job_run, TEXT, pipeline_id, ARC_COL_FIXED)                                                   \
    C(job_run, INT, job_index, ARC_COL_FIXED)                                                      \
    C(job_run, TEXT, name, ARC_COL_FIXED)                                                          \
    C(job_run, TEXT, stage, ARC_COL_FIXED)                                                         \
    C(job_run, INT, status, ARC_COL_PLAIN)                                                         \
    C(job_run, TEXT, reason, ARC_COL_PLAIN)                                                        \
    C(job_run, INT, attempt, ARC_COL_PLAIN)                                                        \
    C(job_run, TEXT, agent_id, ARC_COL_PLAIN)                                                      \
    C(job_run, INT, continue_on_error, ARC_COL_FIXED)                                              \
    C(job_run, INT, total_steps, ARC_COL_FIXED)                                                    \
    C(job_run, TEXT, depends_on, ARC_COL_FIXED)                                                    \
    C(job_run, INT, created_at_ns, ARC_COL_FIXED)                                                  \
    C(job_run, INT, queued_at_ns, ARC_COL_PLAIN)                                                   \
    C(job_run, INT, started_at_ns, ARC_COL_PLAIN)                                                  \
    C(job_run, INT, ended_at_ns, ARC_COL_PLAIN)

/* step_index counts from 0 within the job; job_attempt is the attempt of the job that it is of,
 * attempt the step's own. args, env, metrics and outputs are JSON objects. One that was deleted is
 * hidden, and stays. */
#define ARC_COLS_step_run(C)                                                                       \
    C(step_run, TEXT, id, ARC_COL_KEY)                                                             \
    C(step_run, TEXT, run_id, ARC_COL_INDEX | ARC_COL_FIXED)                                       \
    C(step_run, TEXT, pipeline_id, ARC_COL_INDEX | ARC_COL_FIXED | ARC_COL_REF)                    \
    C(step_run, TEXT, job_id, ARC_COL_INDEX | ARC_COL_FIXED)                                       \
    C(step_run, TEXT, job_name, ARC_COL_FIXED)                                                     \
    C(step_run, INT, job_index, ARC_COL_FIXED)                                                     \
    C(step_run, INT, job_attempt, ARC_COL_FIXED)                                                   \
    C(step_run, TEXT, name, ARC_COL_FIXED)                                                         \
    C(step_run, INT, step_index, ARC_COL_FIXED)                                                    \
    C(step_run, TEXT, uses, ARC_COL_FIXED)                                                         \
    C(step_run, TEXT, action, ARC_COL_FIXED)                                                       \
    C(step_run, TEXT, args, ARC_COL_PLAIN)                                                         \
    C(step_run, TEXT, env, ARC_COL_PLAIN)                                                          \
    C(step_run, TEXT, timeout, ARC_COL_PLAIN)                                                      \
    C(step_run, TEXT, when, ARC_COL_FIXED)                                                         \
    C(step_run, INT, continue_on_error, ARC_COL_FIXED)                                             \
    C(step_run, INT, status, ARC_COL_PLAIN)                                                        \
    C(step_run, TEXT, reason, ARC_COL_PLAIN)                                                       \
    C(step_run, INT, attempt, ARC_COL_PLAIN)                                                       \
    C(step_run, TEXT, agent_id, ARC_COL_PLAIN)                                                     \
    C(step_run, INT, fence, ARC_COL_PLAIN)                                                         \
    C(step_run, INT, exit_code, ARC_COL_PLAIN)                                                     \
    C(step_run, TEXT, error_message, ARC_COL_PLAIN)                                                \
    C(step_run, TEXT, metrics, ARC_COL_PLAIN)                                                      \
    C(step_run, TEXT, outputs, ARC_COL_PLAIN)                                                      \
    C(step_run, INT, log_lines, ARC_COL_PLAIN)                                                     \
    C(step_run, INT, created_at_ns, ARC_COL_FIXED)                                                 \
    C(step_run, INT, started_at_ns, ARC_COL_PLAIN)                                                 \
    C(step_run, INT, ended_at_ns, ARC_COL_PLAIN)                                                   \
    C(step_run, INT, deleted_at_ns, ARC_COL_PLAIN)

/* labels is a JSON object of texts; token_hash is the hex SHA-256 of the auth token's secret. home:
 * the replica that it is connected to, empty: none; online: as its last event says. */
#define ARC_COLS_agent(C)                                                                          \
    C(agent, TEXT, id, ARC_COL_KEY)                                                                \
    C(agent, TEXT, name, ARC_COL_INDEX)                                                            \
    C(agent, TEXT, labels, ARC_COL_PLAIN)                                                          \
    C(agent, TEXT, os, ARC_COL_PLAIN)                                                              \
    C(agent, TEXT, arch, ARC_COL_PLAIN)                                                            \
    C(agent, TEXT, agent_version, ARC_COL_PLAIN)                                                   \
    C(agent, TEXT, ip, ARC_COL_PLAIN)                                                              \
    C(agent, INT, max_concurrent, ARC_COL_PLAIN)                                                   \
    C(agent, INT, protocol_level, ARC_COL_PLAIN)                                                   \
    C(agent, TEXT, incarnation, ARC_COL_PLAIN)                                                     \
    C(agent, TEXT, token_hash, ARC_COL_PLAIN)                                                      \
    C(agent, INT, approved, ARC_COL_PLAIN)                                                         \
    C(agent, INT, enabled, ARC_COL_PLAIN)                                                          \
    C(agent, INT, version, ARC_COL_VERSION)                                                        \
    C(agent, INT, created_at_ns, ARC_COL_PLAIN)                                                    \
    C(agent, INT, last_seen_ns, ARC_COL_PLAIN)                                                     \
    C(agent, INT, unregistered_at_ns, ARC_COL_PLAIN)                                               \
    C(agent, TEXT, home, ARC_COL_PLAIN)                                                            \
    C(agent, INT, online, ARC_COL_PLAIN)

/* Registration tokens (kind 1) and API tokens (kind 2). hash is the hex SHA-256 of the token;
 * scopes are words with commas: read,run,write,admin. */
#define ARC_COLS_token(C)                                                                          \
    C(token, TEXT, id, ARC_COL_KEY)                                                                \
    C(token, INT, kind, ARC_COL_PLAIN)                                                             \
    C(token, TEXT, hash, ARC_COL_UNIQUE)                                                           \
    C(token, TEXT, name, ARC_COL_PLAIN)                                                            \
    C(token, TEXT, scopes, ARC_COL_PLAIN)                                                          \
    C(token, TEXT, project_id, ARC_COL_PLAIN)                                                      \
    C(token, INT, max_uses, ARC_COL_PLAIN)                                                         \
    C(token, INT, uses, ARC_COL_PLAIN)                                                             \
    C(token, INT, version, ARC_COL_VERSION)                                                        \
    C(token, INT, created_at_ns, ARC_COL_PLAIN)                                                    \
    C(token, INT, expires_at_ns, ARC_COL_PLAIN)                                                    \
    C(token, INT, revoked_at_ns, ARC_COL_PLAIN)

/* The truth. stream is the id of the run, pipeline or agent; seq counts from 1 without gaps in it;
 * position counts over all streams. type is the CloudEvents type; body is a JSON object. */
#define ARC_COLS_event(C)                                                                          \
    C(event, TEXT, stream, ARC_COL_KEY)                                                            \
    C(event, INT, seq, ARC_COL_KEY)                                                                \
    C(event, INT, position, ARC_COL_UNIQUE)                                                        \
    C(event, TEXT, type, ARC_COL_PLAIN)                                                            \
    C(event, INT, time_ns, ARC_COL_PLAIN)                                                          \
    C(event, TEXT, body, ARC_COL_PLAIN)

/* What agents pushed. tombstone: the reason why it was refused for good, else empty. */
#define ARC_COLS_agent_event(C)                                                                    \
    C(agent_event, TEXT, agent_id, ARC_COL_KEY)                                                    \
    C(agent_event, INT, epoch, ARC_COL_KEY)                                                        \
    C(agent_event, INT, seq, ARC_COL_KEY)                                                          \
    C(agent_event, TEXT, event_id, ARC_COL_PLAIN)                                                  \
    C(agent_event, TEXT, type, ARC_COL_PLAIN)                                                      \
    C(agent_event, TEXT, pipeline_id, ARC_COL_PLAIN)                                               \
    C(agent_event, TEXT, step_run_id, ARC_COL_PLAIN)                                               \
    C(agent_event, TEXT, digest, ARC_COL_PLAIN)                                                    \
    C(agent_event, TEXT, payload, ARC_COL_PLAIN)                                                   \
    C(agent_event, TEXT, tombstone, ARC_COL_PLAIN)                                                 \
    C(agent_event, INT, time_ns, ARC_COL_PLAIN)                                                    \
    C(agent_event, INT, received_at_ns, ARC_COL_PLAIN)

/* Idempotency: scope is "trigger:<pipeline id>" and the like, digest that of the request's body. */
#define ARC_COLS_request_key(C)                                                                    \
    C(request_key, TEXT, scope, ARC_COL_KEY)                                                       \
    C(request_key, TEXT, request_id, ARC_COL_KEY)                                                  \
    C(request_key, TEXT, digest, ARC_COL_PLAIN)                                                    \
    C(request_key, TEXT, result, ARC_COL_PLAIN)                                                    \
    C(request_key, INT, created_at_ns, ARC_COL_INDEX)

/* Numbers that only grow: the last fence handed out, the last event position. */
#define ARC_COLS_counter(C)                                                                        \
    C(counter, TEXT, name, ARC_COL_KEY)                                                            \
    C(counter, INT, value, ARC_COL_PLAIN)

/* What steps have kept: records, not bytes. id is that of the event. expire_at_ns 0: never. */
#define ARC_COLS_step_run_artifact(C)                                                              \
    C(step_run_artifact, TEXT, id, ARC_COL_KEY)                                                    \
    C(step_run_artifact, TEXT, step_run_id, ARC_COL_INDEX)                                         \
    C(step_run_artifact, TEXT, run_id, ARC_COL_INDEX)                                              \
    C(step_run_artifact, TEXT, pipeline_id, ARC_COL_PLAIN)                                         \
    C(step_run_artifact, TEXT, job_id, ARC_COL_PLAIN)                                              \
    C(step_run_artifact, INT, attempt, ARC_COL_PLAIN)                                              \
    C(step_run_artifact, TEXT, name, ARC_COL_PLAIN)                                                \
    C(step_run_artifact, TEXT, path, ARC_COL_PLAIN)                                                \
    C(step_run_artifact, INT, size, ARC_COL_PLAIN)                                                 \
    C(step_run_artifact, TEXT, digest, ARC_COL_PLAIN)                                              \
    C(step_run_artifact, INT, created_at_ns, ARC_COL_PLAIN)                                        \
    C(step_run_artifact, INT, expire_at_ns, ARC_COL_PLAIN)

/* Notices that the host has not dealt with, written with the event that caused them; id sorts in the
 * order of the log. about is "pipeline", "stage:NAME" or "job:KEY"; params a JSON object. claimed_by
 * deals with it until claimed_until_ns. */
#define ARC_COLS_outbox(C)                                                                         \
    C(outbox, TEXT, id, ARC_COL_KEY)                                                               \
    C(outbox, TEXT, run_id, ARC_COL_INDEX)                                                         \
    C(outbox, TEXT, pipeline_id, ARC_COL_PLAIN)                                                    \
    C(outbox, TEXT, about, ARC_COL_PLAIN)                                                          \
    C(outbox, TEXT, result, ARC_COL_PLAIN)                                                         \
    C(outbox, TEXT, plugin, ARC_COL_PLAIN)                                                         \
    C(outbox, TEXT, action, ARC_COL_PLAIN)                                                         \
    C(outbox, TEXT, params, ARC_COL_PLAIN)                                                         \
    C(outbox, TEXT, fault, ARC_COL_PLAIN)                                                          \
    C(outbox, INT, created_at_ns, ARC_COL_PLAIN)                                                   \
    C(outbox, TEXT, claimed_by, ARC_COL_PLAIN)                                                     \
    C(outbox, INT, claimed_until_ns, ARC_COL_PLAIN)

/* What has been deleted of a pipeline: its counters go on counting those runs. run_id: the one that
 * is being deleted in parts, else empty. newest: the greatest number among them, status that run's. */
#define ARC_COLS_pruned(C)                                                                         \
    C(pruned, TEXT, pipeline_id, ARC_COL_KEY)                                                      \
    C(pruned, TEXT, run_id, ARC_COL_PLAIN)                                                         \
    C(pruned, INT, total, ARC_COL_PLAIN)                                                           \
    C(pruned, INT, success, ARC_COL_PLAIN)                                                         \
    C(pruned, INT, failed, ARC_COL_PLAIN)                                                          \
    C(pruned, INT, newest, ARC_COL_PLAIN)                                                          \
    C(pruned, INT, status, ARC_COL_PLAIN)                                                          \
    C(pruned, INT, version, ARC_COL_VERSION)                                                       \
    C(pruned, INT, updated_at_ns, ARC_COL_PLAIN)

/* A process that serves this store together with others, from its start on; seen_at_ns is when it
 * wrote last, lease_ns how long it may be silent before another one takes over what it is home of:
 * that one's id is its heir then. epoch is the upper half of the fences that it hands out. The row
 * ARC_REPLICA_LEADER is no process; its heir is the one that does what one of them has to do. */
#define ARC_COLS_replica(C)                                                                        \
    C(replica, TEXT, id, ARC_COL_KEY)                                                              \
    C(replica, TEXT, name, ARC_COL_PLAIN)                                                          \
    C(replica, INT, version, ARC_COL_VERSION)                                                      \
    C(replica, INT, epoch, ARC_COL_UNIQUE)                                                         \
    C(replica, TEXT, heir, ARC_COL_PLAIN)                                                          \
    C(replica, INT, started_at_ns, ARC_COL_PLAIN)                                                  \
    C(replica, INT, seen_at_ns, ARC_COL_PLAIN)                                                     \
    C(replica, INT, lease_ns, ARC_COL_PLAIN)
#define ARC_REPLICA_LEADER "leader"

/* What a replica has changed that others have in memory, until they have read it: a run, or an agent
 * that has come to it. addressee is the home of a run, or an agent that has a job of it. */
#define ARC_COLS_inbox(C)                                                                          \
    C(inbox, TEXT, id, ARC_COL_KEY)                                                                \
    C(inbox, TEXT, addressee, ARC_COL_PLAIN)                                                       \
    C(inbox, TEXT, run_id, ARC_COL_PLAIN)                                                          \
    C(inbox, TEXT, agent_id, ARC_COL_PLAIN)

/* A column has the same name in the struct of its row; for C++ one of them is a keyword, and gets an
 * underscore there: namespace_. */
#ifdef __cplusplus
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#define namespace namespace_
#endif
#define ARC_FIELD_TEXT(name) arc_slice name;
#define ARC_FIELD_BLOB(name) arc_slice name;
#define ARC_FIELD_INT(name) int64_t name;
#define ARC_ROW_FIELD(table, type, name, flags) ARC_FIELD_##type(name)
#define ARC_ROW_STRUCT(table) struct arc_row_##table { ARC_COLS_##table(ARC_ROW_FIELD) };
ARC_TABLES(ARC_ROW_STRUCT)
#ifdef __cplusplus
#undef namespace
#ifdef __clang__
#pragma clang diagnostic pop
#endif
#endif

#define ARC_TABLE_ENUM(table) ARC_TABLE_##table,
ARC_NUMBERS(arc_table) { ARC_TABLES(ARC_TABLE_ENUM) ARC_TABLE_COUNT };

/* Column numbers: ARC_COL_pipeline_project_id and so on, from 0 in each table. */
#define ARC_COL_ENUM(table, type, name, flags) ARC_COL_##table##_##name,
#define ARC_COL_ENUMS(table) ARC_NUMBERS(arc_cols_##table) { ARC_COLS_##table(ARC_COL_ENUM) ARC_COL_##table##_COUNT };
ARC_TABLES(ARC_COL_ENUMS)

/* How many columns all tables have together. A store that was compiled with other tables than the
 * library that opens it says another number, and is refused. */
#define ARC_COL_ADD(table) + ARC_COL_##table##_COUNT
#define ARC_COLS_ALL ((uint32_t)(0 ARC_TABLES(ARC_COL_ADD)))

ARC_NUMBERS(arc_col_type) { ARC_COL_TEXT, ARC_COL_BLOB, ARC_COL_INT };
/* clang-format on */

/* Of a run's row. */
#define ARC_HELD_DAMAGED 1  /* quarantined: its events do not make a run that can go on */
#define ARC_HELD_IMPORTED 2 /* a record of a run of another control plane; in no counter */
#define ARC_HELD_PRUNED 3   /* being deleted in parts: some of its rows and events are gone */

/** A column. Since: 0.1. */
typedef struct arc_col_def {
    const char *name;
    uint32_t type;   /* ARC_COL_TEXT, ARC_COL_BLOB, ARC_COL_INT */
    uint32_t flags;  /* ARC_COL_KEY and so on */
    uint32_t offset; /* in the row struct */
} arc_col_def;

/** A table. Since: 0.1. */
typedef struct arc_table_def {
    const char *name; /* without the "t_" that it has in SQL */
    const struct arc_col_def *cols;
    uint32_t col_count;
    uint32_t key_count;  /* the key columns stand first */
    int32_t version_col; /* -1: none */
    uint32_t row_size;   /* of the struct */
    uint32_t text_count;
    const uint16_t *texts; /* the columns that are no INT, in their order */
} arc_table_def;

/**
 * A list that people page through: the rows that have one value in each column but the last, which
 * is the key, are found in its order without being sorted, however many there are. A store keeps an
 * index over these columns, in place of one over the first alone. Since: 0.1.
 */
#define ARC_LISTING_COLS_MAX 3
typedef struct arc_listing {
    uint32_t table; /* ARC_TABLE_… */
    uint32_t cols[ARC_LISTING_COLS_MAX];
    uint32_t count;
    /* A list of some rows alone, which is short however many there are: those that have this number
     * in a column. Its index is in place of no other, and for queries in the order of its columns.
     */
    int32_t only_col; /* -1: of all rows */
    int64_t only;
    int has_value; /* 1: of the rows whose first column is not empty; nobody lists the others */
    int of_shared; /* 1: asked for only where several processes share the store */
} arc_listing;
/* The status of a job_run that waits to be placed. */
#define ARC_JOB_RUN_WAITS 2

/**
 * A table by its number, for stores that treat all of them alike; NULL: there is none of this
 * number. Owner: the library, static. Thread: any. Since: 0.1.
 */
ARC_API const arc_table_def *arc_table_get(uint32_t table);

/**
 * The list number index, from 0; NULL: there are not so many. Owner: the library, static.
 * Thread: any. Since: 0.1.
 */
ARC_API const arc_listing *arc_listing_get(size_t index);

ARC_END_DECLS

#endif
