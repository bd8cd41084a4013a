/* SPDX-License-Identifier: Apache-2.0 */
/* The text of the definition that a pipeline was run with last, so that triggers which come one
 * after the other need not ask the store for it. What a sha names never changes, so nothing makes
 * it stale; it goes with the last open run of the pipeline. */
#ifndef ARC_ENGINE_PIPE_TEXT_H
#define ARC_ENGINE_PIPE_TEXT_H

#include "engine/engine_private.h"

/* 1: *text is that of the pipeline's present definition, until the next call of one of these. */
int arc__pipe_text(const struct pipe *pipe, arc_slice *text, uint32_t *format);
/* Without memory, and of a text that is too long, nothing is kept. */
void arc__pipe_keep_text(struct arc_engine *engine, struct pipe *pipe,
                         const struct arc_row_definition *row);
void arc__pipe_forget_text(struct arc_engine *engine, struct pipe *pipe);

#endif
