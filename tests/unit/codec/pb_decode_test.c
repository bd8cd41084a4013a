/* SPDX-License-Identifier: Apache-2.0 */
#include "random_message.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/buf.h"
#include "codec/codec.h"
#include "shim.h"

#define BUDGET ((size_t)8 * 1024 * 1024)

struct room {
    struct arc_mem mem;
    struct arc_arena arena;
    struct arc_buf buf;
};

static void room_init(struct room *room)
{
    room->mem = arc__mem_default();
    arc__arena_init(&room->arena, &room->mem, BUDGET);
    arc__buf_init(&room->buf, &room->mem, BUDGET * 2);
}

static void room_deinit(struct room *room)
{
    arc__arena_deinit(&room->arena);
    arc__buf_deinit(&room->buf);
}

static arc_status decode(struct room *room, const ProtobufCMessageDescriptor *descriptor,
                         arc_slice bytes, void **message)
{
    return arc__pb_decode(descriptor, bytes, &room->arena, NULL, message, NULL);
}

/* ---- against protobuf-c itself -------------------------------------------------------------- */

/* What protobuf-c reads in bytes, written by it and read again by us (which drops what is unknown),
 * is what we read in them at once. */
static int same_as_theirs(struct room *room, const ProtobufCMessageDescriptor *descriptor,
                          arc_slice bytes, const void *ours)
{
    struct arc_buf *buf = &room->buf;
    void *again = NULL;
    ProtobufCMessage *theirs =
        protobuf_c_message_unpack(descriptor, NULL, bytes.len, (const uint8_t *)bytes.ptr);
    if (theirs == NULL)
        return 0;
    arc__buf_clear(buf);
    CHECK_OK(arc__pb_encode(theirs, buf, NULL));
    protobuf_c_message_free_unpacked(theirs, NULL);
    CHECK_OK(decode(room, descriptor, arc__buf_slice(buf), &again));
    arc__buf_clear(buf);
    if (again == NULL)
        return 0;
    CHECK_OK(arc__pb_encode(again, buf, NULL));
    size_t split = buf->len;
    CHECK_OK(arc__pb_encode(ours, buf, NULL));
    return arc__slice_equal(arc__slice(buf->ptr, split),
                            arc__slice(buf->ptr + split, buf->len - split));
}

static void every_message_comes_back(void)
{
    struct room room;
    room_init(&room);
    for (size_t i = 0; i < MESSAGE_TYPES; i++) {
        for (uint64_t seed = 1; seed <= 12; seed++) {
            struct dice dice = dice_of(seed * 1000 + i);
            const ProtobufCMessageDescriptor *descriptor = message_types[i].descriptor;
            struct arc_buf bytes;
            void *message = NULL;
            arc__arena_reset(&room.arena);
            arc__buf_init(&bytes, &room.mem, BUDGET);
            const void *first = random_message(&dice, descriptor, &room.arena, 5);
            CHECK_OK(arc__pb_encode(first, &bytes, NULL));
            CHECK_OK(decode(&room, descriptor, arc__buf_slice(&bytes), &message));
            if (!CHECK_INT(message != NULL &&
                               same_as_theirs(&room, descriptor, arc__buf_slice(&bytes), message),
                           1))
                printf("# %s seed %d\n", message_types[i].name, (int)seed);
            arc__buf_clear(&room.buf);
            CHECK_OK(arc__pb_encode(message, &room.buf, NULL));
            CHECK(arc__slice_equal(arc__buf_slice(&room.buf), arc__buf_slice(&bytes)));
            arc__buf_deinit(&bytes);
        }
    }
    room_deinit(&room);
}

/* Ours may refuse more; what it takes must mean the same. */
static void check_taken(struct room *room, const ProtobufCMessageDescriptor *descriptor,
                        arc_slice bytes)
{
    void *message = NULL;
    arc_status status = decode(room, descriptor, bytes, &message);
    if (status == ARC_OK) {
        CHECK(same_as_theirs(room, descriptor, bytes, message));
    } else {
        CHECK(message == NULL && (status == ARC_EINVAL || status == ARC_ELIMIT));
    }
}

static void bytes_that_are_cut_are_read_as_protobuf_c_reads_them(void)
{
    struct room room;
    room_init(&room);
    for (size_t i = 0; i < MESSAGE_TYPES; i++) {
        struct dice dice = dice_of(77 + i);
        const ProtobufCMessageDescriptor *descriptor = message_types[i].descriptor;
        struct arc_buf bytes;
        arc__arena_reset(&room.arena);
        arc__buf_init(&bytes, &room.mem, BUDGET);
        CHECK_OK(arc__pb_encode(random_message(&dice, descriptor, &room.arena, 3), &bytes, NULL));
        for (size_t len = 0; len < bytes.len; len++) {
            /* A block of exactly that size: a look behind its end is seen. */
            char *copy = malloc(len > 0 ? len : 1);
            if (copy == NULL)
                break;
            memcpy(copy, bytes.ptr, len);
            arc__arena_reset(&room.arena);
            check_taken(&room, descriptor, arc__slice(copy, len));
            free(copy);
        }
        arc__buf_deinit(&bytes);
    }
    room_deinit(&room);
}

static void damaged_bytes_are_refused_or_mean_what_protobuf_c_reads(void)
{
    struct room room;
    room_init(&room);
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct dice dice = dice_of(seed);
        const ProtobufCMessageDescriptor *descriptor =
            message_types[roll_below(&dice, MESSAGE_TYPES)].descriptor;
        struct arc_buf bytes;
        arc__arena_reset(&room.arena);
        arc__buf_init(&bytes, &room.mem, BUDGET);
        CHECK_OK(arc__pb_encode(random_message(&dice, descriptor, &room.arena, 3), &bytes, NULL));
        for (int i = 0; bytes.len > 0 && i < 3; i++)
            bytes.ptr[roll_below(&dice, bytes.len)] = (char)roll(&dice);
        check_taken(&room, descriptor, arc__buf_slice(&bytes));
        arc__buf_deinit(&bytes);
    }
    room_deinit(&room);
}

/* ---- single rules --------------------------------------------------------------------------- */

static void put_tag(struct arc_buf *buf, uint32_t number, uint32_t wire)
{
    uint32_t tag = number << 3 | wire;
    for (; tag >= 0x80; tag >>= 7)
        arc__buf_add_char(buf, (char)(tag | 0x80));
    arc__buf_add_char(buf, (char)tag);
}

static void put_text(struct arc_buf *buf, uint32_t number, arc_slice text)
{
    put_tag(buf, number, 2);
    size_t len = text.len;
    for (; len >= 0x80; len >>= 7)
        arc__buf_add_char(buf, (char)(len | 0x80));
    arc__buf_add_char(buf, (char)len);
    arc__buf_add_slice(buf, text);
}

static void text_must_be_clean_in_every_string_field(void)
{
    static const struct {
        arc_slice text;
        arc_status want;
    } cases[] = {
        {{"adm\0x", 5}, ARC_EINVAL},       {{"\0", 1}, ARC_EINVAL},
        {{"\xFF\xFE", 2}, ARC_EINVAL},     {{"\xC0\xAF", 2}, ARC_EINVAL},
        {{"\xED\xA0\x80", 3}, ARC_EINVAL}, {{"\xE2\x82", 2}, ARC_EINVAL},
        {{"\xE2\x82\xAC", 3}, ARC_OK},     {{"", 0}, ARC_OK},
    };
    struct room room;
    size_t fields = 0;
    room_init(&room);
    for (size_t i = 0; i < MESSAGE_TYPES; i++) {
        const ProtobufCMessageDescriptor *descriptor = message_types[i].descriptor;
        for (unsigned f = 0; f < descriptor->n_fields; f++) {
            const ProtobufCFieldDescriptor *field = &descriptor->fields[f];
            int is_map = arc__pb_is_map(field) &&
                         arc__pb_message_of(field)->fields[1].type == PROTOBUF_C_TYPE_STRING;
            if (field->type != PROTOBUF_C_TYPE_STRING && !is_map)
                continue;
            fields++;
            for (size_t c = 0; c < ARC_COUNT_OF(cases); c++) {
                void *message = NULL;
                char inner_room[64];
                struct arc_buf inner;
                arc__buf_clear(&room.buf);
                arc__arena_reset(&room.arena);
                arc__buf_init(&inner, &room.mem, sizeof(inner_room));
                put_text(&inner, 1 + (uint32_t)(c & 1), cases[c].text);
                put_text(&room.buf, field->id, is_map ? arc__buf_slice(&inner) : cases[c].text);
                CHECK_STATUS(decode(&room, descriptor, arc__buf_slice(&room.buf), &message),
                             cases[c].want);
                arc__buf_deinit(&inner);
            }
        }
    }
    CHECK(fields > 300);
    room_deinit(&room);
}

static void the_error_names_the_field(void)
{
    struct room room;
    arc_err err = ARC_ERR_INIT;
    void *message = NULL;
    room_init(&room);
    struct arc_buf event, meta;
    arc__buf_init(&event, &room.mem, 256);
    arc__buf_init(&meta, &room.mem, 256);
    put_text(&meta, 1, (arc_slice){"a\0b", 3});
    put_text(&event, 2, arc__buf_slice(&meta));
    put_text(&room.buf, 2, ARC_LIT(""));
    put_text(&room.buf, 2, arc__buf_slice(&event));
    CHECK_STATUS(arc__pb_decode(&gateway__v1__event_batch__descriptor, arc__buf_slice(&room.buf),
                                &room.arena, NULL, &message, &err),
                 ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), "events[1].meta.agent_id");
    CHECK_TEXT(arc__slice_cstr(err.message), "The text holds a NUL.");
    CHECK(message == NULL);
    arc__buf_deinit(&event);
    arc__buf_deinit(&meta);
    room_deinit(&room);
}

static void the_last_value_counts_and_messages_are_merged(void)
{
    struct room room;
    void *message = NULL;
    struct arc_buf part;
    room_init(&room);
    arc__buf_init(&part, &room.mem, 256);
    put_text(&room.buf, 1, ARC_LIT("first"));
    put_text(&room.buf, 1, ARC_LIT("last"));
    put_text(&part, 1, ARC_LIT("agent"));
    put_text(&room.buf, 2, arc__buf_slice(&part)); /* meta.agent_id */
    arc__buf_clear(&part);
    put_text(&part, 3, ARC_LIT("step"));
    put_text(&room.buf, 2, arc__buf_slice(&part)); /* meta.step_id */
    CHECK_OK(
        decode(&room, &gateway__v1__log_batch__descriptor, arc__buf_slice(&room.buf), &message));
    const Gateway__V1__LogBatch *batch = message;
    if (CHECK_INT(batch != NULL && batch->meta != NULL, 1)) {
        CHECK_TEXT(arc__slice_cstr(batch->batch_id), "last");
        CHECK_TEXT(arc__slice_cstr(batch->meta->agent_id), "agent");
        CHECK_TEXT(arc__slice_cstr(batch->meta->step_id), "step");
    }
    arc__buf_deinit(&part);
    room_deinit(&room);
}

static void the_last_member_of_a_oneof_counts(void)
{
    struct room room;
    void *message = NULL;
    room_init(&room);
    put_text(&room.buf, 3, ARC_LIT("")); /* heartbeat */
    put_text(&room.buf, 4, ARC_LIT("")); /* task_ack */
    CHECK_OK(decode(&room, &agent__v1__connect_request__descriptor, arc__buf_slice(&room.buf),
                    &message));
    const Agent__V1__ConnectRequest *request = message;
    if (CHECK_INT(request != NULL, 1)) {
        CHECK_INT(request->payload_case, AGENT__V1__CONNECT_REQUEST__PAYLOAD_TASK_ACK);
        CHECK(request->task_ack->base.descriptor == &agent__v1__task_ack__descriptor);
    }
    room_deinit(&room);
}

static void packed_and_unpacked_lists_are_one_list(void)
{
    struct room room;
    void *message = NULL;
    room_init(&room);
    put_tag(&room.buf, 5, 0);
    arc__buf_add_char(&room.buf, 7);
    put_text(&room.buf, 5, (arc_slice){"\x01\x80\x01\x03", 4});
    CHECK_OK(
        decode(&room, &gateway__v1__ingest_ack__descriptor, arc__buf_slice(&room.buf), &message));
    const Gateway__V1__IngestAck *ack = message;
    if (CHECK_INT(ack != NULL && ack->n_rejected_seqs == 4, 1)) {
        CHECK_INT(ack->rejected_seqs[0], 7);
        CHECK_INT(ack->rejected_seqs[2], 128);
        CHECK_INT(ack->rejected_seqs[3], 3);
    }
    arc__buf_clear(&room.buf);
    put_text(&room.buf, 5, (arc_slice){"\x01\x80", 2}); /* the last number is cut */
    CHECK_STATUS(
        decode(&room, &gateway__v1__ingest_ack__descriptor, arc__buf_slice(&room.buf), &message),
        ARC_EINVAL);
    room_deinit(&room);
}

static void malformed_bytes_are_refused(void)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"\x08", 1},                                              /* a tag alone */
        {"\x02\x00", 2},                                          /* field 0 */
        {"\x0B", 1},                                              /* a group begins */
        {"\x0C", 1},                                              /* a group ends */
        {"\x0E\x00", 2},                                          /* wire type 6 */
        {"\x0A\x05 four", 6},                                     /* longer than there is */
        {"\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11},     /* as long as can be said */
        {"\x08\x01", 2},                                          /* a number for a text */
        {"\xFA\x07\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02", 12}, /* a length beyond 64 bits */
        {"\xF8\xFF\xFF\xFF\xFF\x7F\x00", 7},                      /* a tag beyond 32 bits */
        {"\xA8\x80\x80\x80\x80\x00\x01", 7},                      /* a tag of six bytes */
        {"\x2A\x81\x80\x80\x80\x80\x00x", 8},                     /* a length of six bytes */
    };
    struct room room;
    room_init(&room);
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        void *message = NULL;
        if (!CHECK_STATUS(decode(&room, &agent__v1__unregister_request__descriptor,
                                 arc__slice(cases[i].bytes, cases[i].len), &message),
                          ARC_EINVAL))
            printf("# case %zu\n", i);
        CHECK(message == NULL);
    }
    room_deinit(&room);
}

static void unknown_fields_are_skipped_and_cost_nothing(void)
{
    struct room room;
    void *message = NULL;
    room_init(&room);
    while (room.buf.len < 4 * 1024 * 1024 - 64) {
        put_tag(&room.buf, 3000, 0);
        arc__buf_add_char(&room.buf, 1);
    }
    put_text(&room.buf, 2, ARC_LIT("why"));
    CHECK_OK(decode(&room, &agent__v1__unregister_request__descriptor, arc__buf_slice(&room.buf),
                    &message));
    if (message != NULL)
        CHECK_TEXT(arc__slice_cstr(((Agent__V1__UnregisterRequest *)message)->reason), "why");
    CHECK(room.arena.used_bytes < 1024);
    room_deinit(&room);
}

static void a_map_with_a_key_twice_is_refused(void)
{
    for (int entries = 2; entries < 200; entries += 33) {
        for (int twice = 0; twice < 2; twice++) {
            struct room room;
            void *message = NULL;
            room_init(&room);
            for (int i = 0; i < entries; i++) {
                char key[16];
                struct arc_buf entry;
                arc__buf_init(&entry, &room.mem, 64);
                (void)snprintf(key, sizeof(key), "k%d", twice && i == entries - 1 ? 0 : i * 7);
                put_text(&entry, 1, arc__slice_cstr(key));
                put_text(&entry, 2, ARC_LIT("v"));
                put_text(&room.buf, 2, arc__buf_slice(&entry));
                arc__buf_deinit(&entry);
            }
            CHECK_STATUS(decode(&room, &agent__v1__update_labels_request__descriptor,
                                arc__buf_slice(&room.buf), &message),
                         twice ? ARC_EINVAL : ARC_OK);
            room_deinit(&room);
        }
    }
}

/* ---- bombs ---------------------------------------------------------------------------------- */

/* n messages inside each other: Value { ListValue { Value { … } } }, made from the inside out. */
static void put_nested(struct arc_buf *buf, size_t levels)
{
    char *room = malloc(levels * 12 + 1);
    if (room == NULL)
        return;
    size_t at = levels * 12;
    size_t end = at;
    for (size_t i = 1; i < levels; i++) { /* the outermost is the message itself */
        size_t len = end - at;
        char digits[10];
        size_t n = 0;
        do {
            digits[n++] = (char)((len & 0x7F) | (len >= 0x80 ? 0x80 : 0));
            len >>= 7;
        } while (len > 0);
        at -= n;
        memcpy(room + at, digits, n);
        /* Value.list_value is field 6, ListValue.values field 1; the innermost is a Value. */
        room[--at] = (char)((levels - i) % 2 == 1 ? 6 << 3 | 2 : 1 << 3 | 2);
    }
    arc__buf_add(buf, room + at, end - at);
    free(room);
}

struct bomb {
    arc_slice bytes;
    arc_status status;
    size_t used_bytes;
};

static void *set_off(void *user)
{
    struct bomb *bomb = user;
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    void *message = NULL;
    arc__arena_init(&arena, &mem, BUDGET);
    bomb->status = arc__pb_decode(&google__protobuf__value__descriptor, bomb->bytes, &arena, NULL,
                                  &message, NULL);
    bomb->used_bytes = arena.used_bytes;
    arc__arena_deinit(&arena);
    return NULL;
}

static int on_small_stack(void *(*run)(void *), void *user)
{
    pthread_attr_t attr;
    pthread_t thread;
    int ok = pthread_attr_init(&attr) == 0 && pthread_attr_setstacksize(&attr, 64 * 1024) == 0 &&
             pthread_create(&thread, &attr, run, user) == 0;
    if (ok)
        (void)pthread_join(thread, NULL);
    (void)pthread_attr_destroy(&attr);
    return ok;
}

static void no_depth_crashes_a_small_stack(void)
{
    static const size_t levels[] = {1,  2,   3,   63,   64,    65,     66,
                                    67, 100, 134, 1000, 10000, 100000, 1000000};
    for (size_t i = 0; i < ARC_COUNT_OF(levels); i++) {
        struct room room;
        room_init(&room);
        put_nested(&room.buf, levels[i]);
        if (room.buf.len > 4194304) /* over the limit of bytes as well: leave the inside out */
            arc__buf_truncate(&room.buf, 4194304);
        struct bomb bomb = {arc__buf_slice(&room.buf), ARC_EINTERNAL, 0};
        if (CHECK_INT(on_small_stack(set_off, &bomb), 1)) {
            if (levels[i] <= 64) {
                CHECK_STATUS(bomb.status, ARC_OK);
            } else {
                CHECK(bomb.status == ARC_ELIMIT || bomb.status == ARC_EINVAL);
            }
            CHECK(bomb.used_bytes < 16 * 1024);
        }
        room_deinit(&room);
    }
}

/* Bytes that become far more memory: each is refused by a named limit, within the budget. */
static void no_bytes_are_amplified_beyond_the_budget(void)
{
    static const struct {
        const char *unit;
        size_t len;
        const ProtobufCMessageDescriptor *descriptor;
    } cases[] = {
        {"\x12\x00", 2, &gateway__v1__event_batch__descriptor},         /* empty events */
        {"\x12\x02\x12\x00", 4, &gateway__v1__event_batch__descriptor}, /* event { meta {} } */
        {"\x12\x04\x12\x00\x22\x00", 6, &gateway__v1__event_batch__descriptor}, /* + payload */
        {"\x0A\x00", 2, &google__protobuf__list_value__descriptor},
        {"\x28\x01", 2, &gateway__v1__ingest_ack__descriptor},        /* numbers, one by one */
        {"\x0A\x00", 2, &google__protobuf__struct__descriptor},       /* the same empty key */
        {"\x12\x02\x0A\x00", 4, &gateway__v1__log_batch__descriptor}, /* meta, merged for ever */
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        struct room room;
        void *message = NULL;
        room_init(&room);
        while (room.buf.len + cases[i].len <= 4194304)
            arc__buf_add(&room.buf, cases[i].unit, cases[i].len);
        if (!CHECK_STATUS(decode(&room, cases[i].descriptor, arc__buf_slice(&room.buf), &message),
                          ARC_ELIMIT))
            printf("# case %zu\n", i);
        CHECK(message == NULL);
        CHECK(room.arena.used_bytes <= BUDGET);
        room_deinit(&room);
    }
}

static void a_packed_list_is_counted_before_it_takes_memory(void)
{
    struct room room;
    void *message = NULL;
    room_init(&room);
    char *many = calloc(1, 1000000);
    if (many != NULL) {
        put_text(&room.buf, 5, arc__slice(many, 10000));
        CHECK_OK(decode(&room, &gateway__v1__ingest_ack__descriptor, arc__buf_slice(&room.buf),
                        &message));
        arc__buf_clear(&room.buf);
        arc__arena_reset(&room.arena);
        put_text(&room.buf, 5, arc__slice(many, 1000000));
        CHECK_STATUS(decode(&room, &gateway__v1__ingest_ack__descriptor, arc__buf_slice(&room.buf),
                            &message),
                     ARC_ELIMIT);
        CHECK(room.arena.used_bytes < 1024);
        free(many);
    }
    room_deinit(&room);
}

/* `count` parts of `unit`, with the limits as they are. */
static arc_status decode_many(const ProtobufCMessageDescriptor *descriptor, arc_slice unit,
                              size_t count)
{
    struct room room;
    void *message = NULL;
    room_init(&room);
    for (size_t i = 0; i < count; i++)
        arc__buf_add_slice(&room.buf, unit);
    arc_status status = decode(&room, descriptor, arc__buf_slice(&room.buf), &message);
    room_deinit(&room);
    return status;
}

static void the_defaults_are_the_promised_ones(void)
{
    const ProtobufCMessageDescriptor *acks = &gateway__v1__ingest_ack__descriptor;
    const ProtobufCMessageDescriptor *events = &gateway__v1__event_batch__descriptor;
    const ProtobufCMessageDescriptor *log = &gateway__v1__log_batch__descriptor;
    CHECK_OK(decode_many(acks, ARC_LIT("\x28\x01"), 10000));
    CHECK_STATUS(decode_many(acks, ARC_LIT("\x28\x01"), 10001), ARC_ELIMIT);
    /* The batch is one, each event with its meta three more, and a payload. */
    CHECK_OK(decode_many(events, ARC_LIT("\x12\x04\x12\x00\x22\x00"), 10000));
    CHECK_STATUS(decode_many(events, ARC_LIT("\x12\x00"), 10001), ARC_ELIMIT);
    /* A message that is merged counts each time. */
    CHECK_OK(decode_many(log, ARC_LIT("\x12\x00"), 49999));
    CHECK_STATUS(decode_many(log, ARC_LIT("\x12\x00"), 50000), ARC_ELIMIT);
    for (size_t more = 0; more < 2; more++) {
        struct room room;
        void *message = NULL;
        room_init(&room);
        char *text = malloc(262144 + more);
        if (text != NULL) {
            memset(text, 'x', 262144 + more);
            put_text(&room.buf, 1, arc__slice(text, 262144 + more));
            CHECK_STATUS(decode(&room, log, arc__buf_slice(&room.buf), &message),
                         more == 0 ? ARC_OK : ARC_ELIMIT);
        }
        free(text);
        room_deinit(&room);
    }
}

static void each_limit_holds_and_can_be_set(void)
{
    struct room room;
    void *message = NULL;
    const ProtobufCMessageDescriptor *events = &gateway__v1__event_batch__descriptor;
    room_init(&room);
    for (int i = 0; i < 3; i++)
        put_text(&room.buf, 2,
                 ARC_LIT("\x0A\x03"
                         "abc"));
    arc_slice bytes = arc__buf_slice(&room.buf);
    const struct {
        struct arc_pb_limits limits;
        arc_status want;
    } cases[] = {
        {{0}, ARC_OK},
        {{.message_bytes_max = (uint32_t)bytes.len}, ARC_OK},
        {{.message_bytes_max = (uint32_t)bytes.len - 1}, ARC_ELIMIT},
        {{.elements_max = 3}, ARC_OK},
        {{.elements_max = 2}, ARC_ELIMIT},
        {{.messages_max = 4}, ARC_OK},
        {{.messages_max = 3}, ARC_ELIMIT},
        {{.depth_max = 2}, ARC_OK},
        {{.depth_max = 1}, ARC_ELIMIT},
        {{.string_bytes_max = 3}, ARC_OK},
        {{.string_bytes_max = 2}, ARC_ELIMIT},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++)
        CHECK_STATUS(arc__pb_decode(events, bytes, &room.arena, &cases[i].limits, &message, NULL),
                     cases[i].want);
    struct arc_pb_limits large = arc__pb_limits(&(struct arc_pb_limits){.depth_max = UINT32_MAX});
    CHECK(large.depth_max <= ARC_PB_DEPTH_MOST && large.messages_max == 50000);
    struct arc_arena tiny;
    arc__arena_init(&tiny, &room.mem, 100);
    CHECK_STATUS(arc__pb_decode(events, bytes, &tiny, NULL, &message, NULL), ARC_ELIMIT);
    arc__arena_deinit(&tiny);
    room_deinit(&room);
}

/* ---- memory --------------------------------------------------------------------------------- */

static void decoding_survives_every_failed_allocation(void)
{
    struct room room;
    struct dice dice = dice_of(5);
    room_init(&room);
    const ProtobufCMessageDescriptor *descriptor = &agent__v1__step_run__descriptor;
    CHECK_OK(arc__pb_encode(random_message(&dice, descriptor, &room.arena, 5), &room.buf, NULL));
    for (int sticky = 0; sticky < 2; sticky++) {
        arc_status status = ARC_ENOMEM;
        for (uint64_t n = 1; status != ARC_OK; n++) {
            struct test_mem state = {.fail_at = n, .sticky = sticky};
            struct arc_mem mem = test_mem(&state);
            struct arc_arena arena;
            void *message = NULL;
            arc__arena_init(&arena, &mem, BUDGET);
            status =
                arc__pb_decode(descriptor, arc__buf_slice(&room.buf), &arena, NULL, &message, NULL);
            CHECK(status == ARC_OK || (status == ARC_ENOMEM && message == NULL));
            arc__arena_deinit(&arena);
            CHECK_INT(state.live, 0);
            if (n > 10000 || (status != ARC_OK && status != ARC_ENOMEM))
                break;
        }
        CHECK_OK(status);
    }
    room_deinit(&room);
}

static void encoding_reports_a_full_buffer(void)
{
    struct room room;
    room_init(&room);
    Agent__V1__UnregisterRequest *request =
        arc__pb_new(&agent__v1__unregister_request__descriptor, &room.arena);
    request->reason = arc__pb_cstr(&room.arena, "a reason that is longer than the buffer");
    struct arc_buf tiny;
    arc__buf_init(&tiny, &room.mem, 16);
    CHECK_STATUS(arc__pb_encode(request, &tiny, NULL), ARC_ELIMIT);
    arc__buf_deinit(&tiny);
    struct test_mem state = {.fail_at = 1};
    struct arc_mem mem = test_mem(&state);
    arc__buf_init(&tiny, &mem, 1024);
    CHECK_STATUS(arc__pb_encode(request, &tiny, NULL), ARC_ENOMEM);
    arc__buf_deinit(&tiny);
    CHECK_INT(state.live, 0);
    room_deinit(&room);
}

static const struct test tests[] = {
    {"every message of the contract comes back as it was", every_message_comes_back},
    {"bytes that are cut are read as protobuf-c reads them",
     bytes_that_are_cut_are_read_as_protobuf_c_reads_them},
    {"damaged bytes are refused or mean what protobuf-c reads",
     damaged_bytes_are_refused_or_mean_what_protobuf_c_reads},
    {"text must be UTF-8 without NUL in every string field",
     text_must_be_clean_in_every_string_field},
    {"the error names the field", the_error_names_the_field},
    {"the last value counts and messages are merged",
     the_last_value_counts_and_messages_are_merged},
    {"the last member of a oneof counts", the_last_member_of_a_oneof_counts},
    {"packed and unpacked parts make one list", packed_and_unpacked_lists_are_one_list},
    {"malformed bytes are refused", malformed_bytes_are_refused},
    {"unknown fields are skipped and cost nothing", unknown_fields_are_skipped_and_cost_nothing},
    {"a map with a key twice is refused", a_map_with_a_key_twice_is_refused},
    {"no depth of nesting crashes a stack of 64 KiB", no_depth_crashes_a_small_stack},
    {"no bytes are amplified beyond the budget", no_bytes_are_amplified_beyond_the_budget},
    {"a packed list is counted before it takes memory",
     a_packed_list_is_counted_before_it_takes_memory},
    {"the limits of the wire format are the promised ones", the_defaults_are_the_promised_ones},
    {"each limit of the wire format holds and can be set", each_limit_holds_and_can_be_set},
    {"decoding survives every failed allocation", decoding_survives_every_failed_allocation},
    {"encoding reports a full buffer", encoding_reports_a_full_buffer},
};

TEST_MAIN(tests)
