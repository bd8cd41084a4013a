/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include "shim.h"

#include <string.h>

#include "base/status.h"
#include "base/text.h"

static arc_status deep(arc_err *err)
{
    return arc__fail_at(err, ARC_ENOTFOUND, 3, 9, "run", "No run has the id %s.", "r1");
}

static arc_status middle(arc_err *err)
{
    ARC_TRY(deep(err));
    return arc__fail(err, ARC_EINTERNAL, "never", "Not reached.");
}

static void a_forwarded_error_arrives_as_it_was_raised(void)
{
    arc_err err = ARC_ERR_INIT;
    CHECK_STATUS(middle(&err), ARC_ENOTFOUND);
    CHECK_INT(err.status, ARC_ENOTFOUND);
    CHECK_INT(err.line, 3);
    CHECK_INT(err.column, 9);
    CHECK_TEXT(arc__slice_cstr(err.subject), "run");
    CHECK_TEXT(arc__slice_cstr(err.message), "No run has the id r1.");
    CHECK_STATUS(middle(NULL), ARC_ENOTFOUND);
}

static void an_error_struct_holds_the_last_failure(void)
{
    arc_err err = ARC_ERR_INIT;
    (void)deep(&err);
    CHECK_STATUS(arc__fail(&err, ARC_EIO, NULL, "%s", "The disk is full."), ARC_EIO);
    CHECK_INT(err.status, ARC_EIO);
    CHECK_INT(err.line, 0);
    CHECK_INT(err.column, 0);
    CHECK_TEXT(arc__slice_cstr(err.subject), "");
    CHECK_TEXT(arc__slice_cstr(err.message), "The disk is full.");
    /* Its old words may be among the new ones. */
    (void)arc__fail(&err, ARC_EIO, "store", "Open: %s", err.message);
    CHECK_TEXT(arc__slice_cstr(err.message), "Open: The disk is full.");
    CHECK_STATUS(arc__fail_nomem(&err), ARC_ENOMEM);
    CHECK_TEXT(arc__slice_cstr(err.message), "Out of memory.");
    CHECK_STATUS(arc__fail_nomem(NULL), ARC_ENOMEM);
}

static void a_message_is_one_line(void)
{
    arc_err err = ARC_ERR_INIT;
    (void)arc__fail(&err, ARC_EINVAL, "a\nb", "%s", "x\r\ny\x1B[0m\tz\x7F");
    CHECK_TEXT(arc__slice_cstr(err.subject), "a b");
    CHECK_TEXT(arc__slice_cstr(err.message), "x  y [0m z ");
}

static void long_words_are_cut_between_characters(void)
{
    /* Of one, two, three and four bytes, at every offset to the field's end. */
    static const char *const characters[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    for (size_t c = 0; c < ARC_COUNT_OF(characters); c++) {
        for (int pad = 0; pad < 5; pad++) {
            char text[1024] = "";
            arc_err err = ARC_ERR_INIT;
            size_t len = (size_t)pad, width = strlen(characters[c]);
            memset(text, '.', len);
            for (; len + width < sizeof(text); len += width)
                memcpy(text + len, characters[c], width + 1);
            (void)arc__fail(&err, ARC_EINVAL, text, "%s", text);
            CHECK(arc__utf8_valid(arc__slice_cstr(err.message), NULL));
            CHECK(arc__utf8_valid(arc__slice_cstr(err.subject), NULL));
            CHECK(strlen(err.message) > sizeof(err.message) - 1 - width);
            CHECK(strlen(err.subject) > sizeof(err.subject) - 1 - width);
            CHECK(strncmp(err.message, text, strlen(err.message)) == 0);
        }
    }
}

static arc_status required(const char *name, arc_err *err)
{
    ARC_REQUIRE(name != NULL, err, "name");
    return ARC_OK;
}

static void a_required_argument_is_named_when_it_is_missing(void)
{
    arc_err err = ARC_ERR_INIT;
    CHECK_OK(required("x", &err));
    CHECK_INT(err.status, ARC_OK);
    CHECK_STATUS(required(NULL, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), "name");
}

static void every_status_has_a_word_of_its_own(void)
{
    for (arc_status a = ARC_OK; a >= ARC_EDONE; a--) {
        const char *word = arc_status_name(a);
        CHECK(word != NULL && strcmp(word, "unknown") != 0);
        for (arc_status b = a - 1; b >= ARC_EDONE; b--)
            CHECK(strcmp(word, arc_status_name(b)) != 0);
    }
    CHECK_TEXT(arc__slice_cstr(arc_status_name(ARC_OK)), "ok");
    CHECK_TEXT(arc__slice_cstr(arc_status_name(ARC_ENOTFOUND)), "not_found");
    CHECK_TEXT(arc__slice_cstr(arc_status_name(ARC_ECONFLICT)), "conflict");
    CHECK_TEXT(arc__slice_cstr(arc_status_name(1)), "unknown");
    CHECK_TEXT(arc__slice_cstr(arc_status_name(ARC_EDONE - 1)), "unknown");
    CHECK_TEXT(arc__slice_cstr(arc_status_name(INT32_MIN)), "unknown");
    CHECK_TEXT(arc__slice_cstr(arc_status_name(INT32_MAX)), "unknown");
}

static void the_doors_answer_with_the_agreed_codes(void)
{
    static const struct {
        arc_status status;
        int grpc, http, retry;
    } agreed[] = {
        {ARC_OK, 0, 200, 0},
        {ARC_ENOMEM, 8, 503, 1},
        {ARC_EINVAL, 3, 400, 0},
        {ARC_ENOTFOUND, 5, 404, 0},
        {ARC_ECONFLICT, 10, 409, 1},
        {ARC_EAGAIN, 14, 503, 1},
        {ARC_ELIMIT, 8, 429, 0},
        {ARC_EUNAVAILABLE, 14, 503, 1},
        {ARC_EUNAUTHENTICATED, 16, 401, 0},
        {ARC_EDENIED, 7, 403, 0},
        {ARC_EUNIMPLEMENTED, 12, 501, 0},
        {ARC_EDEADLINE, 4, 504, 0},
        {ARC_ECANCELLED, 1, 499, 0},
        {ARC_EPRECONDITION, 9, 412, 0},
        {ARC_EINTERNAL, 13, 500, 0},
        {ARC_EIO, 13, 500, 0},
        {ARC_EPROTOCOL, 13, 502, 0},
        {ARC_EEXISTS, 6, 409, 0},
        {ARC_EDONE, 0, 200, 0},
        {ARC_EDONE - 1, 13, 500, 0}, /* no status counts as internal */
        {7, 13, 500, 0},
        {INT32_MIN, 13, 500, 0},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(agreed); i++) {
        CHECK_INT(arc__status_grpc(agreed[i].status), agreed[i].grpc);
        CHECK_INT(arc__status_http(agreed[i].status), agreed[i].http);
        CHECK_INT(arc__status_may_retry(agreed[i].status), agreed[i].retry);
    }
}

static void a_peers_code_comes_back_as_the_same_code(void)
{
    for (arc_status status = ARC_OK; status >= ARC_EDONE; status--) {
        int code = arc__status_grpc(status);
        CHECK_INT(arc__status_grpc(arc__status_from_grpc(code)), code);
    }
    CHECK_STATUS(arc__status_from_grpc(0), ARC_OK);
    CHECK_STATUS(arc__status_from_grpc(8), ARC_ELIMIT);
    CHECK_STATUS(arc__status_from_grpc(14), ARC_EUNAVAILABLE);
    CHECK_STATUS(arc__status_from_grpc(13), ARC_EINTERNAL);
    CHECK_STATUS(arc__status_from_grpc(2), ARC_EINTERNAL);
    CHECK_STATUS(arc__status_from_grpc(17), ARC_EINTERNAL);
    CHECK_STATUS(arc__status_from_grpc(-1), ARC_EINTERNAL);
}

static void the_version_is_three_numbers(void)
{
    arc_slice rest = arc__slice_cstr(arc_version());
    uint64_t number = 0;
    for (int i = 0; i < 3; i++)
        CHECK(arc__slice_to_u64(arc__slice_cut(rest, '.', &rest), &number));
    CHECK_INT(rest.len, 0);
}

static const struct test tests[] = {
    {"a forwarded error arrives as it was raised", a_forwarded_error_arrives_as_it_was_raised},
    {"an error struct holds the last failure", an_error_struct_holds_the_last_failure},
    {"an error's message is one line", a_message_is_one_line},
    {"long words of an error are cut between characters", long_words_are_cut_between_characters},
    {"a required argument is named when it is missing",
     a_required_argument_is_named_when_it_is_missing},
    {"every status has a word of its own", every_status_has_a_word_of_its_own},
    {"the doors answer with the agreed codes", the_doors_answer_with_the_agreed_codes},
    {"a peer's code comes back as the same code", a_peers_code_comes_back_as_the_same_code},
    {"the version is three numbers", the_version_is_three_numbers},
};
TEST_MAIN(tests)
