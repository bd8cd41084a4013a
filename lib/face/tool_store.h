/* SPDX-License-Identifier: Apache-2.0 */
/* Stores as tools open them: by URL, without an engine, waited for. */
#ifndef ARC_FACE_TOOL_STORE_H
#define ARC_FACE_TOOL_STORE_H

#include "engine/desk.h"
#include "face/env.h"
#include "port/log_store.h"

/* Of sqlite:PATH; NULL: it is no such URL. */
const char *arc__tool_store_path(const char *url);
/* A store is made by a control plane, or where create is 1; a tool that makes one by a slip of the
 * pen helps nobody. flags: ARC_STORE_…. */
arc_status arc__tool_store_open(const struct arc_mem *mem, const arc_env *env, const char *url,
                                uint32_t flags, struct arc_desk *out, arc_err *err);
void arc__tool_store_close(struct arc_desk *desk);
/* What it takes on the disk, and of it what is not yet in the file itself; -1: not a file. */
void arc__tool_store_bytes(const char *url, int64_t *file, int64_t *wal);
/* The step logs of the store: dir, or beside a SQLite file. *out NULL: there is no such directory.
 */
arc_status arc__tool_logs_open(const struct arc_mem *mem, const char *url, const char *dir,
                               struct arc_log_store **out, arc_err *err);

#endif
