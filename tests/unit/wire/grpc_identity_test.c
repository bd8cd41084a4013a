/* SPDX-License-Identifier: Apache-2.0 */
/* The identity of a peer as a connection keeps it. */
#include "shim.h"

#include <stdlib.h>

#include "pair.h"

static arc_grpc_identity identity_of(arc_slice subject, arc_slice common_name,
                                     const arc_slice *names, size_t count)
{
    return (arc_grpc_identity){sizeof(arc_grpc_identity), subject, common_name, names, count};
}

static void it_is_copied_and_replaced(void)
{
    struct pair pair = {0};
    char text[] = "CN=agent-1,O=Example";
    arc_slice names[] = {ARC_LIT("dns:agent-1.example"), ARC_LIT("ip:10.0.0.1")};
    arc_grpc_identity given =
        identity_of(arc__slice(text, sizeof(text) - 1), arc__slice(text + 3, 7), names, 2);
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK(arc_grpc_conn_get_identity(pair.server) == NULL);
    CHECK_OK(arc_grpc_conn_set_identity(pair.server, &given, NULL));
    memset(text, 'x', sizeof(text) - 1);
    names[0] = names[1] = ARC_NONE;
    const arc_grpc_identity *kept = arc_grpc_conn_get_identity(pair.server);
    CHECK_TEXT(kept->subject, "CN=agent-1,O=Example");
    CHECK_TEXT(kept->common_name, "agent-1");
    CHECK_INT(kept->name_count, 2);
    CHECK_TEXT(kept->names[0], "dns:agent-1.example");
    CHECK_TEXT(kept->names[1], "ip:10.0.0.1");
    CHECK_INT(kept->size, sizeof(*kept));
    /* What is there may be given again, cut shorter. */
    given = identity_of(ARC_NONE, kept->common_name, kept->names + 1, 1);
    CHECK_OK(arc_grpc_conn_set_identity(pair.server, &given, NULL));
    kept = arc_grpc_conn_get_identity(pair.server);
    CHECK_INT(kept->subject.len, 0);
    CHECK_TEXT(kept->common_name, "agent-1");
    CHECK_INT(kept->name_count, 1);
    CHECK_TEXT(kept->names[0], "ip:10.0.0.1");
    CHECK(arc_grpc_conn_get_identity(pair.client) == NULL);
    pair_close(&pair);
}

static void what_is_no_text_is_refused(void)
{
    static const struct {
        arc_slice text;
        const char *why;
    } rows[] = {
        {{"good.example\0.evil.example", 26}, "holds a NUL"},
        {{"\0", 1}, "holds a NUL"},
        {{"caf\xe9", 4}, "is not UTF-8"},
        {{"\xc0\x80", 2}, "is not UTF-8"},
        {{"\xed\xa0\x80", 3}, "is not UTF-8"},
        {{"a\nb", 3}, "control character"},
        {{"a\x7f", 2}, "control character"},
    };
    static const char *const subjects[] = {"subject", "common name", "alternative name"};
    struct pair pair = {0};
    arc_slice names[2] = {ARC_LIT("dns:fine"), ARC_NONE};
    arc_grpc_identity fine = identity_of(ARC_LIT("CN=f\xc3\xbcr"), ARC_LIT("f\xc3\xbcr"), names, 1);
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(arc_grpc_conn_set_identity(pair.server, &fine, NULL));
    for (size_t i = 0; i < ARC_COUNT_OF(rows) * 3; i++) {
        arc_grpc_identity given = fine;
        arc_err err = ARC_ERR_INIT;
        arc_slice text = rows[i / 3].text;
        if (i % 3 == 0)
            given.subject = text;
        if (i % 3 == 1)
            given.common_name = text;
        names[1] = text;
        given.name_count = i % 3 == 2 ? 2 : 1;
        CHECK_STATUS(arc_grpc_conn_set_identity(pair.server, &given, &err), ARC_EINVAL);
        CHECK_TEXT(arc__slice_cstr(err.subject), subjects[i % 3]);
        CHECK(strstr(err.message, rows[i / 3].why) != NULL);
    }
    /* What was known before stays. */
    CHECK_TEXT(arc_grpc_conn_get_identity(pair.server)->common_name, "f\xc3\xbcr");
    pair_close(&pair);
}

static void count_and_length_have_limits(void)
{
    struct pair pair = {0};
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    static char text[1000];
    arc_slice names[101];
    arc_err err = ARC_ERR_INIT;
    for (size_t i = 0; i < 101; i++)
        names[i] = ARC_LIT("dns:x");
    arc_grpc_identity given = identity_of(ARC_NONE, ARC_NONE, names, 100);
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(arc_grpc_conn_set_identity(pair.server, &given, &err));
    given.name_count = 101;
    CHECK_STATUS(arc_grpc_conn_set_identity(pair.server, &given, &err), ARC_ELIMIT);
    CHECK_TEXT(arc__slice_cstr(err.subject), "identity_names_max");
    CHECK_OK(arc_grpc_conn_set_identity(pair.client, &given, &err)); /* of a server: 1000 */
    pair_close(&pair);

    limits.identity_bytes_max = 100;
    limits.identity_names_max = 2;
    memset(text, 'a', sizeof(text));
    CHECK_OK(pair_open(&pair, NULL, &limits, NULL));
    names[0] = arc__slice(text, 40);
    given = identity_of(arc__slice(text, 40), arc__slice(text, 20), names, 1);
    CHECK_OK(arc_grpc_conn_set_identity(pair.server, &given, &err));
    given.common_name.len++;
    CHECK_STATUS(arc_grpc_conn_set_identity(pair.server, &given, &err), ARC_ELIMIT);
    CHECK_TEXT(arc__slice_cstr(err.subject), "identity_bytes_max");
    given.name_count = 3;
    CHECK_STATUS(arc_grpc_conn_set_identity(pair.server, &given, &err), ARC_ELIMIT);
    CHECK_TEXT(arc__slice_cstr(err.subject), "identity_names_max");
    pair_close(&pair);
    limits.identity_bytes_max = (1 << 20) + 1;
    CHECK_STATUS(pair_open(&pair, NULL, &limits, NULL), ARC_EINVAL);
    pair_close(&pair);
}

static void a_struct_must_say_its_size(void)
{
    struct pair pair = {0};
    arc_grpc_identity none = {0, ARC_NONE, ARC_NONE, NULL, 0};
    arc_grpc_identity lost = {sizeof(lost), ARC_NONE, ARC_NONE, NULL, 1};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_STATUS(arc_grpc_conn_set_identity(pair.server, &none, NULL), ARC_EINVAL);
    CHECK_STATUS(arc_grpc_conn_set_identity(pair.server, &lost, NULL), ARC_EINVAL);
    CHECK_STATUS(arc_grpc_conn_set_identity(NULL, &lost, NULL), ARC_EINVAL);
    CHECK_STATUS(arc_grpc_conn_set_identity(pair.server, NULL, NULL), ARC_EINVAL);
    CHECK(arc_grpc_conn_get_identity(pair.server) == NULL);
    pair_close(&pair);
}

static void without_memory_nothing_changes(void)
{
    struct test_mem state = {0};
    struct arc_mem mem = test_mem(&state);
    struct pair pair = {0};
    arc_slice name = ARC_LIT("dns:one");
    arc_grpc_identity first = identity_of(ARC_LIT("CN=1"), ARC_LIT("1"), &name, 1);
    arc_grpc_identity second = identity_of(ARC_LIT("CN=2"), ARC_LIT("2"), &name, 1);
    CHECK_OK(pair_open(&pair, &mem, NULL, NULL));
    CHECK_OK(arc_grpc_conn_set_identity(pair.server, &first, NULL));
    state.fail_at = state.calls + 1;
    CHECK_STATUS(arc_grpc_conn_set_identity(pair.server, &second, NULL), ARC_ENOMEM);
    CHECK_TEXT(arc_grpc_conn_get_identity(pair.server)->common_name, "1");
    CHECK_OK(arc_grpc_conn_set_identity(pair.server, &second, NULL));
    CHECK_TEXT(arc_grpc_conn_get_identity(pair.server)->common_name, "2");
    pair_close(&pair);
    CHECK_INT(state.live, 0);
}

static const struct test tests[] = {
    {"an identity is copied, and replaced by the next", it_is_copied_and_replaced},
    {"names that are no text are refused, and say which", what_is_no_text_is_refused},
    {"names have limits of number and length, by name", count_and_length_have_limits},
    {"an identity without its size is refused", a_struct_must_say_its_size},
    {"without memory the identity stays what it was", without_memory_nothing_changes},
};
TEST_MAIN(tests)
