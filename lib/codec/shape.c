/* SPDX-License-Identifier: Apache-2.0 */
/* Reading descriptors: kinds, names, storage, enum words. Nothing here depends on a message's data
 * but for the elements of a field. */
#include "codec/shape.h"

#include <arcentra/base.h>

#include <stdio.h>
#include <string.h>

#include "google/protobuf/field_mask.pb-c.h"
#include "google/protobuf/struct.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"

/* clang-format off */
#define LIMIT(name, standard, most, sentence) \
    enum { most_##name = (most), standard_##name = (standard) }; \
    _Static_assert((int)standard_##name <= (int)most_##name, #name);
#include "codec/limits.def"
#undef LIMIT
/* clang-format on */
_Static_assert(most_depth <= ARC_PB_DEPTH_MOST, "a frame for each level");
_Static_assert(most_json_depth <= ARC_PB_DEPTH_MOST, "a frame for each level");

struct arc_pb_limits arc__pb_limits(const struct arc_pb_limits *limits)
{
    static const struct arc_pb_limits none;
    const struct arc_pb_limits *from = limits != NULL ? limits : &none;
    struct arc_pb_limits out;
/* clang-format off */
#define LIMIT(name, standard, most, sentence) \
    out.name##_max = from->name##_max == 0 ? (standard) : \
        from->name##_max > (most) ? (most) : from->name##_max;
#include "codec/limits.def"
#undef LIMIT
    /* clang-format on */
    return out;
}

enum arc_pb_kind arc__pb_kind(const ProtobufCMessageDescriptor *descriptor)
{
    if (descriptor == &google__protobuf__struct__descriptor)
        return ARC_PB_STRUCT;
    if (descriptor == &google__protobuf__value__descriptor)
        return ARC_PB_VALUE;
    if (descriptor == &google__protobuf__list_value__descriptor)
        return ARC_PB_LIST_VALUE;
    if (descriptor == &google__protobuf__timestamp__descriptor)
        return ARC_PB_TIMESTAMP;
    if (descriptor == &google__protobuf__field_mask__descriptor)
        return ARC_PB_FIELD_MASK;
    return ARC_PB_PLAIN;
}

int arc__pb_is_map(const ProtobufCFieldDescriptor *field)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE)
        return 0;
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    return entry->n_fields == 2 && entry->fields[0].id == 1 && entry->fields[1].id == 2 &&
           entry->fields[0].type == PROTOBUF_C_TYPE_STRING &&
           strcmp(entry->fields[0].name, "key") == 0 &&
           strcmp(entry->fields[1].name, "value") == 0 &&
           arc__slice_starts(arc__slice_from(arc__slice_cstr(entry->short_name),
                                             strlen(entry->short_name) - strlen("Entry")),
                             ARC_LIT("Entry"));
}

size_t arc__pb_size_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM:
        return 4;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    return sizeof(void *);
}

const void *arc__pb_element(const void *message, const ProtobufCFieldDescriptor *field, size_t i)
{
    const char *array = *(const char *const *)arc__pb_member_const(message, field->offset);
    return array + i * arc__pb_size_of(field->type);
}

void *arc__pb_append(void *message, const ProtobufCFieldDescriptor *field, struct arc_arena *arena)
{
    size_t *count = arc__pb_member(message, field->quantifier_offset);
    char **array = arc__pb_member(message, field->offset);
    size_t size = arc__pb_size_of(field->type);
    if ((*count & (*count - 1)) == 0) { /* 0 or a power of two: full */
        char *larger = arc__arena_array(arena, *count == 0 ? 1 : *count * 2, size);
        if (larger == NULL)
            return NULL;
        if (*count > 0)
            memcpy(larger, *array, *count * size);
        *array = larger;
    }
    void *element = *array + *count * size;
    *count += 1;
    return element;
}

void arc__pb_mark(void *message, const ProtobufCFieldDescriptor *field)
{
    if (arc__pb_in_oneof(field)) {
        uint32_t *set = arc__pb_member(message, field->quantifier_offset);
        if (*set != field->id) /* the members share their place: what another left is not ours */
            memset(arc__pb_member(message, field->offset), 0, arc__pb_size_of(field->type));
        *set = field->id;
    } else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->type != PROTOBUF_C_TYPE_STRING &&
               field->type != PROTOBUF_C_TYPE_MESSAGE) {
        protobuf_c_boolean *has = arc__pb_member(message, field->quantifier_offset);
        *has = 1;
    }
}

/* ---- names ---------------------------------------------------------------------------------- */

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

size_t arc__pb_camel(const char *name, char *out, size_t size)
{
    size_t len = 0;
    for (int after = 0; *name != '\0' && len + 1 < size; name++) {
        if (*name == '_') {
            after = 1;
            continue;
        }
        out[len++] = after ? upper(*name) : *name;
        after = 0;
    }
    out[len] = '\0';
    return len;
}

static int is_camel_of(const char *name, arc_slice text)
{
    size_t at = 0;
    for (int after = 0; *name != '\0'; name++) {
        if (*name == '_') {
            after = 1;
            continue;
        }
        if (at >= text.len || text.ptr[at++] != (after ? upper(*name) : *name))
            return 0;
        after = 0;
    }
    return at == text.len;
}

const ProtobufCFieldDescriptor *arc__pb_field(const ProtobufCMessageDescriptor *descriptor,
                                              arc_slice name)
{
    for (unsigned i = 0; name.len > 0 && i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (field->name[0] == name.ptr[0] &&
            (is_camel_of(field->name, name) || arc__slice_is(name, field->name)))
            return field;
    }
    return NULL;
}

int arc__pb_has(const ProtobufCMessageDescriptor *descriptor, uint64_t present, const char *field)
{
    const ProtobufCFieldDescriptor *found = arc__pb_field(descriptor, arc__slice_cstr(field));
    if (found == NULL)
        return 0;
    size_t index = (size_t)(found - descriptor->fields);
    return index < ARC_PB_FIELDS_MAX && (present >> index & 1) != 0;
}

static int ends_in(arc_slice text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

int arc__pb_is_time(const ProtobufCFieldDescriptor *field)
{
    static const char *const whole[] = {"timestamp", "timestamp_ns", "time_ns", "last_heartbeat"};
    static const char *const ends[] = {"_at", "_time", "_at_ns", "_time_ns"};
    if (field->type != PROTOBUF_C_TYPE_INT64 || field->label == PROTOBUF_C_LABEL_REPEATED)
        return 0;
    arc_slice name = arc__slice_cstr(field->name);
    for (size_t i = 0; i < ARC_COUNT_OF(whole); i++) {
        if (arc__slice_is(name, whole[i]))
            return 1;
    }
    for (size_t i = 0; i < ARC_COUNT_OF(ends); i++) {
        if (ends_in(name, ends[i]))
            return 1;
    }
    return 0;
}

/* ---- enum words ----------------------------------------------------------------------------- */

/* Bytes of "STEP_RUN_STATUS_" if the value's name begins with the name of StepRunStatus in that
 * spelling, else 0. */
static size_t type_prefix(const char *type, const char *value)
{
    size_t len = 0;
    for (const char *c = type; *c != '\0'; c++) {
        int is_capital = *c >= 'A' && *c <= 'Z';
        if (is_capital && c != type && !(c[-1] >= 'A' && c[-1] <= 'Z')) {
            if (value[len] != '_')
                return 0;
            len++;
        }
        if (value[len] != upper(*c))
            return 0;
        len++;
    }
    return value[len] == '_' ? len + 1 : 0;
}

static size_t common_prefix(const ProtobufCEnumDescriptor *descriptor)
{
    const char *first = descriptor->values[0].name;
    size_t len = strlen(first);
    for (unsigned i = 1; i < descriptor->n_values; i++) {
        size_t same = 0;
        while (same < len && descriptor->values[i].name[same] == first[same])
            same++;
        len = same;
    }
    while (len > 0 && first[len - 1] != '_')
        len--;
    return len;
}

/* The enum's own name in front of its values, with the underscore behind it. */
static size_t enum_prefix(const ProtobufCEnumDescriptor *descriptor)
{
    if (descriptor->n_values == 0)
        return 0;
    size_t len = type_prefix(descriptor->short_name, descriptor->values[0].name);
    for (unsigned i = 1; len > 0 && i < descriptor->n_values; i++) {
        if (type_prefix(descriptor->short_name, descriptor->values[i].name) != len)
            len = 0;
    }
    return len > 0 || descriptor->n_values == 1 ? len : common_prefix(descriptor);
}

arc_slice arc__pb_enum_word(const ProtobufCEnumDescriptor *descriptor, int value, char *out,
                            size_t size)
{
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(descriptor, value);
    if (found == NULL)
        return ARC_NONE;
    const char *word = found->name + enum_prefix(descriptor);
    size_t len = 0;
    if (value == 0 && strcmp(word, "UNSPECIFIED") == 0)
        word = "";
    for (; word[len] != '\0' && len + 1 < size; len++)
        out[len] = lower(word[len]);
    out[len] = '\0';
    return arc__slice(out, len);
}

int arc__pb_enum_value(const ProtobufCEnumDescriptor *descriptor, arc_slice word, int *value)
{
    size_t prefix = enum_prefix(descriptor);
    if (word.len == 0) {
        *value = 0;
        return 1;
    }
    for (unsigned i = 0; i < descriptor->n_values; i++) {
        arc_slice name = arc__slice_cstr(descriptor->values[i].name);
        if (arc__slice_compare_nocase(name, word) == 0 ||
            arc__slice_compare_nocase(arc__slice_from(name, prefix), word) == 0) {
            *value = descriptor->values[i].value;
            return 1;
        }
    }
    return 0;
}

/* ---- maps ----------------------------------------------------------------------------------- */

static arc_slice key_of(const ProtobufCMessage *entry)
{
    const ProtobufCFieldDescriptor *key = &entry->descriptor->fields[0];
    return arc__slice_cstr(*(const char *const *)arc__pb_member_const(entry, key->offset));
}

static void sift_down(const ProtobufCMessage **heap, size_t root, size_t count)
{
    for (size_t child = root * 2 + 1; child < count; child = root * 2 + 1) {
        if (child + 1 < count &&
            arc__slice_compare(key_of(heap[child]), key_of(heap[child + 1])) < 0)
            child++;
        if (arc__slice_compare(key_of(heap[root]), key_of(heap[child])) >= 0)
            return;
        const ProtobufCMessage *swapped = heap[root];
        heap[root] = heap[child];
        heap[child] = swapped;
        root = child;
    }
}

/* Heap sort: no memory, no recursion, and n log n whatever the keys are. */
static void sort_by_key(const ProtobufCMessage **entries, size_t count)
{
    for (size_t i = count / 2; i > 0; i--)
        sift_down(entries, i - 1, count);
    for (size_t i = count; i > 1; i--) {
        const ProtobufCMessage *last = entries[i - 1];
        entries[i - 1] = entries[0];
        entries[0] = last;
        sift_down(entries, 0, i - 1);
    }
}

arc_status arc__pb_map_twice(const void *message, const ProtobufCFieldDescriptor *field,
                             struct arc_arena *arena, arc_slice *key, arc_err *err)
{
    size_t count = arc__pb_count(message, field);
    *key = ARC_NONE;
    if (count < 2)
        return ARC_OK;
    const ProtobufCMessage *few[16];
    const ProtobufCMessage **entries =
        count <= ARC_COUNT_OF(few) ? few : arc__arena_array(arena, count, sizeof(*entries));
    if (entries == NULL)
        return arc__pb_refused(arena, count * sizeof(*entries), err);
    memcpy(entries, arc__pb_element(message, field, 0), count * sizeof(*entries));
    sort_by_key(entries, count);
    for (size_t i = 1; i < count; i++) {
        if (arc__slice_equal(key_of(entries[i - 1]), key_of(entries[i]))) {
            *key = key_of(entries[i]);
            if (key->len == 0)
                *key = (arc_slice){"", 0}; /* the empty key is a key */
            return ARC_OK;
        }
    }
    return ARC_OK;
}

arc_status arc__pb_refused(const struct arc_arena *arena, size_t size, arc_err *err)
{
    if (size > arena->max_bytes || arena->used_bytes > arena->max_bytes - size)
        return arc__fail(err, ARC_ELIMIT, "message", "The message needs more than %zu bytes.",
                         arena->max_bytes);
    return arc__fail_nomem(err);
}

/* ---- times ---------------------------------------------------------------------------------- */

/* Days from 1970-01-01 of a date of the Gregorian calendar, and back: years begin in March, so that
 * the leap day is the last of its year; 400 years have 146097 days. */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t in_era = days - era * 146097;
    int64_t of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * of_era + of_era / 4 - of_era / 100);
    int64_t from_march = (5 * in_year + 2) / 153;
    *day = (int)(in_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = of_era + era * 400 + (*month <= 2);
}

#define SECONDS_OF_DAY INT64_C(86400)
#define FIRST_SECOND INT64_C(-62135596800) /* 0001-01-01 */
#define LAST_SECOND INT64_C(253402300799)  /* 9999-12-31T23:59:59 */

void arc__pb_timestamp_add(struct arc_buf *out, int64_t seconds, int32_t nanos)
{
    if (seconds < FIRST_SECOND || seconds > LAST_SECOND || nanos < 0 || nanos > 999999999) {
        seconds = seconds < 0 ? FIRST_SECOND : LAST_SECOND; /* the nearest that has a text form */
        nanos = 0;
    }
    int64_t days = seconds / SECONDS_OF_DAY, rest = seconds % SECONDS_OF_DAY;
    if (rest < 0) {
        days--;
        rest += SECONDS_OF_DAY;
    }
    int64_t year = 0;
    int month = 0, day = 0;
    date_of(days, &year, &month, &day);
    arc__buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year, month, day, (int)(rest / 3600),
                    (int)(rest / 60 % 60), (int)(rest % 60));
    if (nanos % 1000000 == 0 && nanos != 0)
        arc__buf_printf(out, ".%03d", (int)(nanos / 1000000));
    else if (nanos % 1000 == 0 && nanos != 0)
        arc__buf_printf(out, ".%06d", (int)(nanos / 1000));
    else if (nanos != 0)
        arc__buf_printf(out, ".%09d", (int)nanos);
    arc__buf_add_char(out, 'Z');
}

/* Exactly `digits` digits at *at; -1: something else stands there. */
static int digits_at(arc_slice text, size_t *at, size_t digits)
{
    int value = 0;
    for (size_t i = 0; i < digits; i++, (*at)++) {
        if (*at >= text.len || text.ptr[*at] < '0' || text.ptr[*at] > '9')
            return -1;
        value = value * 10 + (text.ptr[*at] - '0');
    }
    return value;
}

static int char_at(arc_slice text, size_t *at, char c)
{
    int there = *at < text.len && upper(text.ptr[*at]) == c;
    *at += there ? 1 : 0;
    return there;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + leap;
}

/* "2026-01-31T08:00:00": seconds as if it were UTC. */
static int civil_at(arc_slice text, size_t *at, int64_t *seconds)
{
    int part[6]; /* year, month, day, hour, minute, second */
    static const size_t width[] = {4, 2, 2, 2, 2, 2};
    static const char behind[] = {'-', '-', 'T', ':', ':'};
    for (size_t i = 0; i < 6; i++) {
        part[i] = digits_at(text, at, width[i]);
        if (part[i] < 0 || (i < 5 && !char_at(text, at, behind[i])))
            return 0;
    }
    if (part[0] < 1 || part[1] < 1 || part[1] > 12 || part[2] < 1 ||
        part[2] > days_in(part[0], part[1]) || part[3] > 23 || part[4] > 59 || part[5] > 59)
        return 0;
    *seconds = days_of(part[0], part[1], part[2]) * SECONDS_OF_DAY + part[3] * 3600 + part[4] * 60 +
               part[5];
    return 1;
}

int arc__pb_timestamp_parse(arc_slice text, int64_t *seconds, int32_t *nanos)
{
    size_t at = 0;
    int64_t sum = 0, fraction = 0;
    if (!civil_at(text, &at, &sum))
        return 0;
    if (char_at(text, &at, '.')) {
        size_t digits = 0;
        for (; digits < 9 && at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9'; digits++)
            fraction = fraction * 10 + (text.ptr[at++] - '0');
        if (digits == 0)
            return 0;
        for (; digits < 9; digits++)
            fraction *= 10;
    }
    if (!char_at(text, &at, 'Z')) {
        int sign = char_at(text, &at, '+') ? 1 : char_at(text, &at, '-') ? -1 : 0;
        int hours = sign != 0 ? digits_at(text, &at, 2) : -1;
        int minutes = hours >= 0 && char_at(text, &at, ':') ? digits_at(text, &at, 2) : -1;
        if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
            return 0;
        sum -= sign * (hours * 3600 + minutes * 60);
    }
    if (at != text.len || sum < FIRST_SECOND || sum > LAST_SECOND)
        return 0;
    *seconds = sum;
    *nanos = (int32_t)fraction;
    return 1;
}
