/* SPDX-License-Identifier: Apache-2.0 */
/* Random messages of any type, by descriptor, for the codec's tests. The same seed gives the same
 * message. Everything in them has a JSON form that reads back. */
#ifndef ARC_TEST_RANDOM_MESSAGE_H
#define ARC_TEST_RANDOM_MESSAGE_H

#include <stdio.h>
#include <string.h>

#include "codec/codec.h"
#include "codec/shape.h"
#include "messages.h"

struct message_type {
    const char *name;
    const ProtobufCMessageDescriptor *descriptor;
};

static const struct message_type message_types[] = {
#define MESSAGE(name, descriptor) {name, &descriptor},
#include "message_table.def"
#undef MESSAGE
};

#define MESSAGE_TYPES (sizeof(message_types) / sizeof(message_types[0]))

struct dice {
    uint64_t state;
};

static inline uint64_t roll(struct dice *dice)
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return dice->state;
}

static inline uint64_t roll_below(struct dice *dice, uint64_t limit)
{
    return roll(dice) % limit;
}

static inline struct dice dice_of(uint64_t seed)
{
    struct dice dice = {seed * UINT64_C(0x9E3779B97F4A7C15) + 1};
    for (int i = 0; i < 8; i++)
        (void)roll(&dice);
    return dice;
}

static inline char *random_text(struct dice *dice, struct arc_arena *arena)
{
    static const char *const bits[] = {"a",    "Zz",   "\"",   "\\", "/",   "\n",
                                       "\t",   "\x01", "\x7f", "ä",  "€",   "\xF0\x9F\x9A\x80",
                                       "0",    " ",    "_",    "{",  "[1]", "\xEF\xBF\xBD",
                                       "null", "-"};
    char text[128];
    size_t len = 0, parts = roll_below(dice, 8);
    for (size_t i = 0; i < parts; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s",
                                bits[roll_below(dice, sizeof(bits) / sizeof(bits[0]))]);
    return arc__pb_string(arena, arc__slice(text, len));
}

static inline double random_double(struct dice *dice)
{
    static const double some[] = {0,       1,
                                  -1,      0.5,
                                  -2.25,   1e300,
                                  -1e-300, 3.14,
                                  1e17,    123456789012345678.0,
                                  0.1,     9007199254740993.0,
                                  5e-324};
    return some[roll_below(dice, sizeof(some) / sizeof(some[0]))];
}

static inline uint64_t random_number(struct dice *dice)
{
    uint64_t value = roll(dice);
    switch (roll_below(dice, 4)) {
    case 0:
        return 0;
    case 1:
        return value & 0x7F;
    case 2:
        return UINT64_MAX;
    default:
        return value;
    }
}

static inline void *random_message(struct dice *dice, const ProtobufCMessageDescriptor *descriptor,
                                   struct arc_arena *arena, int depth);

/* Several fields may point at one word of memory, so a slot gets exactly its type. */
static inline void random_value(struct dice *dice, const ProtobufCFieldDescriptor *field,
                                void *slot, struct arc_arena *arena, int depth)
{
    uint64_t number = random_number(dice);
    uint32_t low = (uint32_t)number;
    char *text = NULL;
    const ProtobufCEnumDescriptor *words = field->descriptor;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        *(char **)slot = random_text(dice, arena);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        text = random_text(dice, arena);
        *(ProtobufCBinaryData *)slot = (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        *(void **)slot = random_message(dice, field->descriptor, arena, depth - 1);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        *(int *)slot = words->values[roll_below(dice, words->n_values)].value;
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)slot = (int)(number & 1);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        *(double *)slot = random_double(dice);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        *(float *)slot = (float)(number & 0xFFFF) / 4.0F;
        break;
    default:
        if (arc__pb_size_of(field->type) == 4)
            memcpy(slot, &low, sizeof(low));
        else
            memcpy(slot, &number, sizeof(number));
    }
}

static inline void random_list(struct dice *dice, void *message,
                               const ProtobufCFieldDescriptor *field, struct arc_arena *arena,
                               int depth)
{
    size_t count = depth > 0 ? roll_below(dice, 4) : 0;
    for (size_t i = 0; i < count; i++) {
        void *slot = arc__pb_append(message, field, arena);
        random_value(dice, field, slot, arena, depth);
        if (arc__pb_is_map(field)) { /* no key twice, and a Struct's entries have values */
            const ProtobufCMessageDescriptor *entry = field->descriptor;
            void *made = *(void **)slot;
            char key[160];
            char **text = arc__pb_member(made, entry->fields[0].offset);
            (void)snprintf(key, sizeof(key), "%zu%s", i, *text);
            *text = arc__pb_cstr(arena, key);
            void **value = arc__pb_member(made, entry->fields[1].offset);
            if (entry->fields[1].type == PROTOBUF_C_TYPE_MESSAGE && *value == NULL)
                *value = random_message(dice, entry->fields[1].descriptor, arena, 0);
        }
    }
}

static inline void *random_message(struct dice *dice, const ProtobufCMessageDescriptor *descriptor,
                                   struct arc_arena *arena, int depth)
{
    void *message = arc__pb_new(descriptor, arena);
    Google__Protobuf__Timestamp *time = message;
    Google__Protobuf__Value *value = message;
    switch (arc__pb_kind(descriptor)) {
    case ARC_PB_TIMESTAMP:
        time->seconds = (int64_t)roll_below(dice, UINT64_C(315537897600)) - INT64_C(62135596800);
        time->nanos = (int32_t)(roll_below(dice, 1000) * (roll(dice) & 1 ? 1 : 1000000));
        return message;
    case ARC_PB_FIELD_MASK:
        (void)arc__pb_add_text(message, "paths", ARC_LIT("default_branch"), arena);
        (void)arc__pb_add_text(message, "paths", ARC_LIT("name"), arena);
        return message;
    case ARC_PB_VALUE:
        if (depth <= 0) {
            value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE;
            return message;
        }
        break;
    default:
        break;
    }
    uint32_t chosen = 0; /* of a Value or a payload: exactly one */
    for (unsigned i = 0; i < descriptor->n_fields; i++)
        chosen += arc__pb_in_oneof(&descriptor->fields[i]) ? 1 : 0;
    chosen = chosen > 0 ? 1 + (uint32_t)roll_below(dice, chosen) : 0;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            random_list(dice, message, field, arena, depth);
            continue;
        }
        if (arc__pb_in_oneof(field) && --chosen != 0)
            continue;
        if (!arc__pb_in_oneof(field) && field->type == PROTOBUF_C_TYPE_MESSAGE &&
            (depth <= 0 || (roll(dice) & 1) != 0))
            continue;
        arc__pb_mark(message, field);
        random_value(dice, field, arc__pb_member(message, field->offset), arena, depth);
    }
    return message;
}

#endif
