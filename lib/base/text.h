/* SPDX-License-Identifier: Apache-2.0 */
/* Encodings of text and bytes: UTF-8 (RFC 3629), base64 (RFC 4648), hex, percent (RFC 3986),
 * numbers with a fraction, and "did you mean". */
#ifndef ARC_BASE_TEXT_H
#define ARC_BASE_TEXT_H

#include "base/arena.h"
#include "base/buf.h"

/* 1: every byte is ASCII and none is a NUL, which is most texts and quick to see. */
int arc__text_is_ascii(arc_slice text);
/* No overlong forms, no surrogates, nothing above U+10FFFF. *bad_at (may be NULL) is the first bad
 * offset. NUL is valid UTF-8; callers that refuse it look for it. */
int arc__utf8_valid(arc_slice text, size_t *bad_at);
size_t arc__ascii_prefix(arc_slice text); /* how many bytes at the start are ASCII */
/* The length of the longest valid prefix of at most max bytes that does not cut a character. */
size_t arc__utf8_prefix(arc_slice text, size_t max);
/* Writes one character (not a surrogate, at most U+10FFFF) and answers its length, 1 to 4. */
size_t arc__utf8_put(char *to, uint32_t character);
/* The character at the start of text, which is valid and not empty; *len (may be NULL) its bytes.
 */
uint32_t arc__utf8_get(arc_slice text, size_t *len);
/* The characters of a valid text. */
size_t arc__utf8_count(arc_slice text);
/* Appends text with each bad sequence replaced by U+FFFD; 1: something was replaced. */
int arc__utf8_repair(struct arc_buf *out, arc_slice text);

void arc__base64_add(struct arc_buf *out, arc_slice bytes, int padded);
/* Padded or not; URL alphabet accepted too. ARC_EINVAL on anything else. */
arc_status arc__base64_decode(arc_slice text, struct arc_arena *arena, arc_slice *out,
                              arc_err *err);
void arc__hex_add(struct arc_buf *out, arc_slice bytes); /* lower case */
/* %XX and nothing else is decoded ("+" stays). ARC_EINVAL on a bad escape or a decoded NUL. */
arc_status arc__percent_decode(arc_slice text, struct arc_arena *arena, arc_slice *out,
                               arc_err *err);
/* Escapes all but unreserved characters. */
void arc__percent_add(struct arc_buf *out, arc_slice text);

/* Whole text as a decimal number: digits, then at will a fraction and an exponent, a minus before
 * it. What the host's locale is does not matter. 0: it is none, has more than 500 characters, or is
 * too large for a double; one that is too small is zero. */
int arc__text_to_double(arc_slice text, double *out);

/* The candidate nearest to word by edit distance (with transpositions), or ARC_NONE when none is
 * near enough to be meant. */
arc_slice arc__nearest(arc_slice word, const arc_slice *candidates, size_t count);

#endif
