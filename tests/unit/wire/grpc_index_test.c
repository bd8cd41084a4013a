/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor sets, whole, cut and broken, and what is found in them. And the wire format that they
 * are read with. */
#include "shim.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/grpc_index.h"
#include "wire/grpc_services.h"
#include "wire/pb.h"

/* --- sets written by hand -------------------------------------------------------------------- */

static void put(struct arc_buf *out, uint32_t number, const char *text)
{
    arc__pb_add_bytes(out, number, arc__slice_cstr(text));
}

static struct arc_buf start(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf out;
    arc__buf_init(&out, &mem, 64 << 20);
    return out;
}

/* Puts what was built as a field of another and frees it. */
static void close_into(struct arc_buf *out, uint32_t number, struct arc_buf *inner)
{
    arc__pb_add_bytes(out, number, arc__buf_slice(inner));
    arc__buf_deinit(inner);
}

/* A descriptor that has a name alone. */
static void named(struct arc_buf *out, uint32_t number, const char *name)
{
    struct arc_buf one = start();
    put(&one, 1, name);
    close_into(out, number, &one);
}

static void extension(struct arc_buf *out, uint32_t field, const char *name, const char *type,
                      uint64_t number)
{
    struct arc_buf one = start();
    put(&one, 1, name);
    put(&one, 2, type);
    arc__pb_add_varint(&one, 3, number);
    close_into(out, field, &one);
}

/* a.proto, package p.q: message M { field f, oneof o, nested N { enum E { V } }, extension x },
 * enum F { W }, service S { method D }, extensions of .p.q.M: 7 (file), 5 (in M). */
static struct arc_buf make_set(void)
{
    struct arc_buf set = start(), file = start(), m = start(), n = start(), e = start(),
                   f = start(), s = start();
    put(&file, 1, "a.proto");
    put(&file, 2, "p.q");
    put(&file, 3, "b.proto");
    put(&e, 1, "E");
    named(&e, 2, "V");
    close_into(&n, 4, &e);
    put(&n, 1, "N"); /* after its parts: the order is the writer's */
    put(&m, 1, "M");
    named(&m, 2, "f");
    named(&m, 8, "o");
    close_into(&m, 3, &n);
    extension(&m, 6, "x", ".p.q.M", 5);
    close_into(&file, 4, &m);
    put(&f, 1, "F");
    named(&f, 2, "W");
    close_into(&file, 5, &f);
    put(&s, 1, "S");
    named(&s, 2, "D");
    close_into(&file, 6, &s);
    extension(&file, 7, "y", ".p.q.M", 7);
    arc__pb_add_varint(&file, 99, 12345);
    close_into(&set, 1, &file);
    return set;
}

static struct arc_buf make_empty_file(const char *name)
{
    struct arc_buf set = start();
    named(&set, 1, name);
    return set;
}

static arc_status add(struct arc_grpc_index **index, struct arc_buf *set)
{
    struct arc_mem mem = arc__mem_default();
    arc_status status = arc__grpc_index_open(&mem, *index, arc__buf_slice(set), 1, index, NULL);
    arc__buf_deinit(set);
    return status;
}

/* --- what is found --------------------------------------------------------------------------- */

static void all_kinds(void)
{
    static const char *const known[] = {"p.q.M",     "p.q.M.f",   "p.q.M.o", "p.q.M.N",
                                        "p.q.M.N.E", "p.q.M.N.V", "p.q.M.x", "p.q.F",
                                        "p.q.W",     "p.q.S",     "p.q.S.D", "p.q.y"};
    static const char *const unknown[] = {"", "p", "p.q", "p.q.", "M", "p.q.M.N.E.V", ".p.q.M"};
    struct arc_grpc_index *index = NULL;
    struct arc_buf set = make_set();
    size_t count;
    CHECK_OK(add(&index, &set));
    CHECK_INT(index->symbol_count, ARC_COUNT_OF(known));
    for (size_t i = 0; i < ARC_COUNT_OF(known); i++) {
        const struct arc_grpc_symbol *symbol =
            arc__grpc_index_symbol(index, arc__slice_cstr(known[i]));
        CHECK(symbol != NULL);
        CHECK(symbol == NULL || symbol->file == 0);
    }
    for (size_t i = 0; i < ARC_COUNT_OF(unknown); i++)
        CHECK(arc__grpc_index_symbol(index, arc__slice_cstr(unknown[i])) == NULL);
    CHECK(arc__grpc_index_symbol(index, ARC_LIT("p.q.M"))->is_message);
    CHECK(!arc__grpc_index_symbol(index, ARC_LIT("p.q.M.f"))->is_message);
    CHECK(arc__grpc_index_file(index, ARC_LIT("a.proto")) != NULL);
    CHECK(arc__grpc_index_file(index, ARC_LIT("b.proto")) == NULL);
    const struct arc_grpc_extension *all =
        arc__grpc_index_extensions(index, ARC_LIT("p.q.M"), &count);
    CHECK_INT(count, 2);
    CHECK(count != 2 || (all[0].number == 5 && all[1].number == 7));
    CHECK(arc__grpc_index_extensions(index, ARC_LIT("p.q.F"), &count) == NULL);
    arc__grpc_index_close(index);
}

static void several_sets(void)
{
    struct arc_grpc_index *index = NULL;
    struct arc_buf first = make_empty_file("z.proto"), second = make_set(), third = make_set(),
                   bad = start();
    CHECK_OK(add(&index, &first));
    CHECK_OK(add(&index, &second));
    CHECK_OK(add(&index, &third)); /* the same file again */
    CHECK_INT(index->file_count, 3);
    CHECK_INT(arc__grpc_index_file(index, ARC_LIT("z.proto"))->file, 0);
    CHECK_INT(arc__grpc_index_file(index, ARC_LIT("a.proto"))->file, 1);
    CHECK_INT(arc__grpc_index_symbol(index, ARC_LIT("p.q.M"))->file, 1);
    CHECK_INT(index->symbol_count, 12);
    put(&bad, 1, "x");
    CHECK_STATUS(add(&index, &bad), ARC_EINVAL);
    CHECK_INT(index->file_count, 3);
    CHECK(arc__grpc_index_symbol(index, ARC_LIT("p.q.M.N.V")) != NULL);
    arc__grpc_index_close(index);
}

static void real_sets(void)
{
    struct arc_grpc_index *index = NULL;
    struct arc_mem mem = arc__mem_default();
    arc_slice set = arc__slice(arc__grpc_service_files, arc__grpc_service_files_len);
    CHECK_OK(arc__grpc_index_open(&mem, NULL, set, 0, &index, NULL));
    CHECK_INT(index->file_count, 3);
    CHECK(arc__grpc_index_symbol(index, ARC_LIT("grpc.health.v1.Health.Watch")) != NULL);
    CHECK(arc__grpc_index_symbol(index, ARC_LIT("grpc.health.v1.HealthCheckResponse.SERVING")) !=
          NULL);
    arc__grpc_index_close(index);
}

/* --- hostile sets ---------------------------------------------------------------------------- */

/* Whatever becomes of it, it is a clean answer. */
static int try_bytes(arc_slice bytes)
{
    struct test_mem state = {0};
    struct arc_mem mem = test_mem(&state);
    struct arc_grpc_index *index = NULL;
    char *exact = malloc(bytes.len + (bytes.len == 0)); /* ASan sees a read beyond it */
    if (exact == NULL)
        return 0;
    if (bytes.len > 0)
        memcpy(exact, bytes.ptr, bytes.len);
    arc_status status =
        arc__grpc_index_open(&mem, NULL, arc__slice(exact, bytes.len), 0, &index, NULL);
    CHECK(status == ARC_OK || status == ARC_EINVAL || status == ARC_ELIMIT);
    if (status == ARC_OK)
        arc__grpc_index_close(index);
    CHECK_INT(state.live, 0);
    free(exact);
    return status == ARC_OK;
}

static void cut_sets(void)
{
    struct arc_buf set = make_set();
    int fine = 0;
    for (size_t i = 0; i <= set.len; i++)
        fine += try_bytes(arc__slice(set.ptr, i));
    CHECK_INT(fine, 2); /* nothing, and everything */
    arc__buf_deinit(&set);
    for (size_t i = 0; i < arc__grpc_service_files_len; i += 3)
        (void)try_bytes(arc__slice(arc__grpc_service_files, i));
}

static void bent_sets(void)
{
    static const unsigned char masks[] = {0x01, 0x02, 0x04, 0x80, 0xff};
    struct arc_buf set = make_set();
    for (size_t i = 0; i < set.len; i++) {
        for (size_t k = 0; k < ARC_COUNT_OF(masks); k++) {
            set.ptr[i] = (char)(set.ptr[i] ^ (char)masks[k]);
            (void)try_bytes(arc__buf_slice(&set));
            set.ptr[i] = (char)(set.ptr[i] ^ (char)masks[k]);
        }
    }
    CHECK(try_bytes(arc__buf_slice(&set)));
    arc__buf_deinit(&set);
}

/* Messages in messages; depth 1 is one message. */
static struct arc_buf make_deep(int depth)
{
    struct arc_buf set = start(), file = start(), inner = start();
    put(&inner, 1, "m");
    for (int i = 1; i < depth; i++) {
        struct arc_buf outer = start();
        put(&outer, 1, "m");
        close_into(&outer, 3, &inner);
        inner = outer;
    }
    char name[32];
    snprintf(name, sizeof(name), "deep%d.proto",
             depth); /* a name that is known is not read again */
    put(&file, 1, name);
    close_into(&file, 4, &inner);
    close_into(&set, 1, &file);
    return set;
}

static void limits(void)
{
    struct arc_grpc_index *index = NULL;
    struct arc_buf deep = make_deep(ARC_GRPC_INDEX_DEPTH_MAX);
    struct arc_buf deeper = make_deep(ARC_GRPC_INDEX_DEPTH_MAX + 1), deepest = make_deep(5000);
    CHECK_OK(add(&index, &deep));
    CHECK_STATUS(add(&index, &deeper), ARC_ELIMIT);
    CHECK_STATUS(add(&index, &deepest), ARC_ELIMIT);
    for (int i = 1; i < ARC_GRPC_INDEX_SETS_MAX; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%d.proto", i);
        struct arc_buf more = make_empty_file(name);
        CHECK_OK(add(&index, &more));
    }
    struct arc_buf more = make_empty_file("more.proto");
    CHECK_STATUS(add(&index, &more), ARC_ELIMIT);
    arc__grpc_index_close(index);
}

static void long_names(void)
{
    char name[ARC_GRPC_INDEX_NAME_MAX_BYTES + 2];
    struct arc_grpc_index *index = NULL;
    for (int over = 0; over < 2; over++) {
        struct arc_buf set = start(), file = start();
        memset(name, 'n', sizeof(name));
        name[ARC_GRPC_INDEX_NAME_MAX_BYTES - 2 + over] = '\0';
        put(&file, 1, over ? "over.proto" : "fits.proto");
        put(&file, 2, "p");
        named(&file, 4, name);
        close_into(&set, 1, &file);
        CHECK_STATUS(add(&index, &set), over ? ARC_ELIMIT : ARC_OK);
    }
    for (int over = 0; over < 2; over++) {
        memset(name, 'n', sizeof(name));
        name[ARC_GRPC_INDEX_NAME_MAX_BYTES + over] = '\0';
        struct arc_buf set = make_empty_file(name);
        CHECK_STATUS(add(&index, &set), over ? ARC_EINVAL : ARC_OK);
    }
    static const char *const bad[] = {"", "a b", "a.b", "\xff", "a-b"};
    for (size_t i = 0; i < ARC_COUNT_OF(bad); i++) {
        struct arc_buf set = start(), file = start();
        put(&file, 1, "bad.proto");
        named(&file, 4, bad[i]);
        close_into(&set, 1, &file);
        CHECK_STATUS(add(&index, &set), ARC_EINVAL);
    }
    arc__grpc_index_close(index);
}

static void fails_cleanly(void)
{
    for (int sticky = 0; sticky < 2; sticky++) {
        for (uint64_t n = 1; n < 200; n++) {
            struct test_mem state = {.fail_at = n, .sticky = sticky};
            struct arc_mem mem = test_mem(&state);
            struct arc_grpc_index *index = NULL;
            struct arc_buf one = make_set(), two = make_deep(3);
            arc_status status =
                arc__grpc_index_open(&mem, NULL, arc__buf_slice(&one), 1, &index, NULL);
            if (status == ARC_OK) {
                status = arc__grpc_index_open(&mem, index, arc__buf_slice(&two), 1, &index, NULL);
                CHECK(arc__grpc_index_symbol(index, ARC_LIT("p.q.M")) != NULL);
            }
            CHECK(status == ARC_OK || status == ARC_ENOMEM);
            arc__grpc_index_close(index);
            CHECK_INT(state.live, 0);
            arc__buf_deinit(&one);
            arc__buf_deinit(&two);
            if (state.calls < n) {
                CHECK_OK(status);
                break;
            }
            CHECK(n < 199);
        }
    }
}

/* --- the wire format ------------------------------------------------------------------------- */

static void fields(void)
{
    struct arc_buf out = start();
    struct arc_pb_field field;
    arc_slice found;
    arc__pb_add_varint(&out, 1, UINT64_MAX);
    arc__pb_add_varint(&out, (1u << 29) - 1, 0);
    put(&out, 2, "first");
    put(&out, 2, "last");
    arc__buf_add_slice(&out, ARC_LIT("\x19"
                                     "12345678\x25"
                                     "1234"));
    arc_slice rest = arc__buf_slice(&out);
    CHECK(arc__pb_valid(rest));
    CHECK(arc__pb_find(rest, 2, &found));
    CHECK_TEXT(found, "last");
    CHECK(arc__pb_find(rest, 7, &found));
    CHECK_INT(found.len, 0);
    CHECK_INT(arc__pb_next(&rest, &field), 1);
    CHECK(field.number == 1 && field.value == UINT64_MAX);
    CHECK_INT(arc__pb_next(&rest, &field), 1);
    CHECK(field.number == (1u << 29) - 1 && field.value == 0);
    CHECK_INT(arc__pb_head_size(2, 5), 2);
    CHECK_INT(arc__pb_head_size(16, 128), 4);
    arc__buf_deinit(&out);
}

static void bad_fields(void)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"\x00", 1},                                              /* number 0 */
        {"\x08", 1},                                              /* no value */
        {"\x08\x80", 2},                                          /* half a value */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11},     /* more than 64 bits */
        {"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12}, /* more than ten bytes */
        {"\x0b\x0c", 2},                                          /* a group */
        {"\x0e", 1},                                              /* a type that is none */
        {"\x12\x05"
         "1234",
         6},                                                  /* short bytes */
        {"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11}, /* 2^64 - 1 bytes */
        {"\x19"
         "1234567",
         8},
        {"\x25"
         "123",
         4},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++)
        CHECK(!arc__pb_valid(arc__slice(cases[i].bytes, cases[i].len)));
    CHECK(arc__pb_valid(ARC_NONE));
}

static const struct test tests[] = {
    {"files, messages, fields, enums, values, methods are found", all_kinds},
    {"sets add up, and a bad one changes nothing", several_sets},
    {"the descriptors of health and reflection can be read", real_sets},
    {"a set that is cut anywhere is refused", cut_sets},
    {"a set with a bit turned is read or refused", bent_sets},
    {"depth and number of sets have a limit", limits},
    {"names are identifiers of bounded length", long_names},
    {"every failed allocation of an index ends cleanly", fails_cleanly},
    {"fields are read as they were written", fields},
    {"what is no field is refused", bad_fields},
};
TEST_MAIN(tests)
