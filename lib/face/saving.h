/* SPDX-License-Identifier: Apache-2.0 */
/* Backups of a store and putting them back, a step at a time: the work behind two kinds of
 * arc_store_job. */
#ifndef ARC_FACE_SAVING_H
#define ARC_FACE_SAVING_H

#include <arcentra/store.h>

#include "base/mem.h"

struct arc_saving;
/* restores 1: from options->path into the store; 0: the other way round. options are read. */
arc_status arc__saving_new(const struct arc_mem *mem, const arc_store_backup_options *options,
                           int restores, struct arc_saving **out, arc_err *err);
/* About so many pages, or rows. ARC_EDONE: it is done. A failure ends it. */
arc_status arc__saving_step(struct arc_saving *saving, uint32_t budget, arc_err *err);
void arc__saving_progress(const struct arc_saving *saving, arc_store_progress *out);
void arc__saving_report(const struct arc_saving *saving, arc_store_saved *out);
/* What is not done leaves nothing. NULL is fine. */
void arc__saving_free(struct arc_saving *saving);

#endif
