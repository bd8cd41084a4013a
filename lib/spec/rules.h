/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of single blocks, called by the walk once the keys and types of the block were looked
 * at. Each takes the block as it was written and says what it finds; a value of a wrong type was
 * complained about before and is passed over. */
#ifndef ARC_SPEC_RULES_H
#define ARC_SPEC_RULES_H

#include "spec/shape.h"

/* --- saying ------------------------------------------------------------------------------- */

/* A finding at a value; path is that of the map that holds it (of a list's item: of the list). */
struct arc_diag *arc__say(struct arc_check *check, enum arc_diag_code code,
                          const struct arc_node *node, const struct arc_path *path, arc_slice hint,
                          const arc_slice *args, size_t arg_count);
/* The same at the key of the value. */
struct arc_diag *arc__say_key(struct arc_check *check, enum arc_diag_code code,
                              const struct arc_node *node, const struct arc_path *path,
                              arc_slice hint, const arc_slice *args, size_t arg_count);
/* "needs the key": where another key of the block asks for it. what: "A trigger of type `cron`". */
void arc__say_needed(struct arc_check *check, const struct arc_node *map,
                     const struct arc_path *path, arc_slice what, const char *key);
/* The key says nothing; why is a clause. */
void arc__say_ignored(struct arc_check *check, const struct arc_node *node,
                      const struct arc_path *path, const char *why);

/* The value when it is a scalar that says something, or NULL. */
const struct arc_node *arc__scalar_of(const struct arc_node *map, enum arc_field_id id);
/* A duration that can be read and is not 0: 1 and *ns. */
int arc__duration_of(const struct arc_node *map, enum arc_field_id id, int64_t *ns);
/* 1: the value is literal, without a template. */
int arc__is_literal(const struct arc_node *node);

/* --- blocks ------------------------------------------------------------------------------- */

/* All that holds between the keys of one block. */
void arc__check_block(struct arc_check *check, enum arc_object object, const struct arc_node *map,
                      const struct arc_path *path);
void arc__check_trigger(struct arc_check *check, const struct arc_node *map,
                        const struct arc_path *path);
void arc__check_matrix(struct arc_check *check, const struct arc_node *map,
                       const struct arc_path *path);
/* Whether `secrets` can be named where a value stands. */
enum arc_plain_in { ARC_PLAIN_HERE, ARC_PLAIN_ELSEWHERE };
/* A value that reaches programs, with all that it holds (it is as deep as the document may be):
 * what looks like a secret. path is its own. */
void arc__check_plain(struct arc_check *check, const struct arc_node *node,
                      const struct arc_path *path, enum arc_plain_in in);
/* 1: a key of a matrix is an axis. */
int arc__is_axis(const struct arc_node *child);

/* --- jobs --------------------------------------------------------------------------------- */

/* What holds in a job, and between it and those that it waits for. The walk calls it at the end of
 * a job, which is at hand then; where memory is out, the arena says so. */
void arc__check_job(struct arc_check *check, struct arc_spec_job *job);
/* The selectors of a job and its steps must be those of one agent. 0: memory is out. */
int arc__check_selectors(struct arc_check *check, const struct arc_spec_job *job,
                         const struct arc_node *steps, const struct arc_path *path);

/* The path of a job, in the caller's frames; NULL for no job: the pipeline. */
const struct arc_path *arc__job_path(const struct arc_spec *spec, const struct arc_spec_job *job,
                                     struct arc_path frames[6]);
/* Concurrency groups against each other. 0: memory is out. */
int arc__check_groups(struct arc_check *check);

/* 1: the condition of a job asks for the success of what it depends on. */
int arc__wants_success(struct arc_check *check, const struct arc_node *job);

/* What a foreign key is called here: a hint, or ARC_NONE. */
arc_slice arc__foreign_hint(struct arc_check *check, enum arc_object object, arc_slice key);

/* The same for a name in an expression; member: what stands behind its dot, or ARC_NONE. */
arc_slice arc__foreign_name(struct arc_check *check, arc_slice name, arc_slice member);
/* 1: a key of the map that is unknown was meant as `key`, so that nothing need be said of its
 * absence, nor of what would have stood there. */
int arc__foreign_means(struct arc_check *check, enum arc_object object, const struct arc_node *map,
                       const char *key);

#endif
