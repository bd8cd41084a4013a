/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pipe_text.h"

#include "base/sha256.h"

struct arc_pipe_text {
    char sha[ARC_SHA256_HEX_LEN + 1];
    uint32_t format;
    size_t len;
    char text[];
};

int arc__pipe_text(const struct pipe *pipe, arc_slice *text, uint32_t *format)
{
    const struct arc_pipe_text *kept = pipe->text;
    if (kept == NULL || !arc__slice_is(pipe->row.definition_sha, kept->sha))
        return 0;
    *text = arc__slice(kept->text, kept->len);
    *format = kept->format;
    return 1;
}

void arc__pipe_keep_text(struct arc_engine *engine, struct pipe *pipe,
                         const struct arc_row_definition *row)
{
    struct arc_pipe_text *kept = NULL;
    arc__pipe_forget_text(engine, pipe);
    if (pipe->users == 0 || row->text.len > engine->options.definition_kept_max ||
        row->sha.len > ARC_SHA256_HEX_LEN)
        return;
    kept = arc__alloc(&engine->mem, sizeof(*kept) + row->text.len);
    if (kept == NULL)
        return;
    (void)arc__slice_to_cstr(row->sha, kept->sha, sizeof(kept->sha));
    kept->format = (uint32_t)row->format;
    kept->len = row->text.len;
    memcpy(kept->text, row->text.ptr, row->text.len);
    pipe->text = kept;
}

void arc__pipe_forget_text(struct arc_engine *engine, struct pipe *pipe)
{
    arc__free(&engine->mem, pipe->text);
    pipe->text = NULL;
}
