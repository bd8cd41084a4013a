/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra lsp: the Language Server Protocol 3.17 over the standard streams. What is known of a
 * place comes from the library; here are messages, open documents and positions, which the protocol
 * counts from 0 and in UTF-16 units unless the editor offers characters. */
#include <arcentra/assist.h>
#include <arcentra/spec.h>
#include <arcentra/version.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/templates.h"

#define MESSAGE_BYTES_MAX (32u << 20)
#define HEADER_BYTES_MAX 4096u
#define DOCUMENTS_MAX 256u

/* The numbers of the protocol. */
#define SYNC_FULL 1
#define SEVERITY_ERROR 1
#define SEVERITY_WARNING 2
#define ERROR_PARSE (-32700)
#define ERROR_METHOD (-32601)
#define ERROR_PARAMS (-32602)
#define ERROR_NOT_INITIALIZED (-32002)

struct document {
    struct document *next;
    char *uri, *text;
    char *path; /* of the file that it is; "" where the editor alone has it */
    size_t len;
    int64_t version;
};

struct lsp {
    FILE *in, *out;
    struct document *documents;
    size_t document_count;
    int characters; /* positions count characters, not UTF-16 units */
    int initialized, shut_down, over;
};

/* A position as the protocol says it. */
struct position {
    int64_t line, character;
};

/* --- messages -------------------------------------------------------------------------------- */

/* The bytes of the next message, NUL-terminated; NULL: the stream is over or is not of the
 * protocol. Owner: the caller, mem_free. */
static char *read_message(struct lsp *lsp, size_t *len)
{
    char line[HEADER_BYTES_MAX];
    long long size = -1;
    for (;;) {
        if (fgets(line, sizeof(line), lsp->in) == NULL)
            return NULL;
        if (strcmp(line, "\r\n") == 0 || strcmp(line, "\n") == 0)
            break;
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            size = strtoll(line + 15, NULL, 10);
    }
    if (size < 0 || size > (long long)MESSAGE_BYTES_MAX) {
        cli_fail("A message without a length, or with one beyond %u bytes.", MESSAGE_BYTES_MAX);
        return NULL;
    }
    char *bytes = mem_new((size_t)size + 1);
    *len = fread(bytes, 1, (size_t)size, lsp->in);
    if (*len == (size_t)size)
        return bytes;
    mem_free(bytes);
    return NULL;
}

static void write_message(struct lsp *lsp, const struct text *text)
{
    fprintf(lsp->out, "Content-Length: %zu\r\n\r\n", text->len);
    fwrite(text_get(text), 1, text->len, lsp->out);
    fflush(lsp->out);
}

/* Opens a message; what follows are its members, then end_message. */
static struct json_out begin_message(struct text *text)
{
    struct json_out json = {text, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "jsonrpc", "2.0");
    return json;
}

static void end_message(struct lsp *lsp, struct json_out *json)
{
    json_close(json, '}');
    write_message(lsp, json->out);
    text_deinit(json->out);
}

/* The id comes back as it came: a number or a text. */
static void put_id(struct json_out *json, const json_node *message)
{
    const json_node *id = json_get(message, "id");
    if (json_is_text(id))
        json_put_text(json, "id", json_text(id));
    else
        json_put_raw(json, "id", id != NULL ? json_text(id) : "null");
}

static void answer(struct lsp *lsp, const json_node *message, const char *result)
{
    struct text text = {NULL, 0, 0};
    struct json_out json = begin_message(&text);
    put_id(&json, message);
    json_put_raw(&json, "result", result);
    end_message(lsp, &json);
}

static void answer_error(struct lsp *lsp, const json_node *message, int code, const char *why)
{
    struct text text = {NULL, 0, 0};
    struct json_out json = begin_message(&text);
    put_id(&json, message);
    json_open(&json, "error", '{');
    json_put_int(&json, "code", code);
    json_put_text(&json, "message", why);
    json_close(&json, '}');
    end_message(lsp, &json);
}

/* --- positions ------------------------------------------------------------------------------- */

static size_t char_len(const char *at)
{
    unsigned char c = (unsigned char)*at;
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* The line of a text from 0, and its end; NULL when it has fewer. */
static const char *find_line(const struct document *document, int64_t line, const char **end)
{
    const char *at = document->text, *stop = document->text + document->len;
    for (int64_t l = 0; l < line; l++) {
        const char *next = memchr(at, '\n', (size_t)(stop - at));
        if (next == NULL)
            return NULL;
        at = next + 1;
    }
    const char *next = memchr(at, '\n', (size_t)(stop - at));
    *end = next != NULL ? next : stop;
    return at;
}

/* UTF-16 units of a part of a line. */
static int64_t units(const char *from, int64_t characters, const char *end)
{
    int64_t count = 0;
    for (int64_t i = 0; i < characters && from < end; i++) {
        count += char_len(from) == 4 ? 2 : 1;
        from += char_len(from);
    }
    return count;
}

static int64_t characters_of(const char *from, int64_t wanted, const char *end)
{
    int64_t count = 0;
    for (int64_t unit = 0; unit < wanted && from < end; count++) {
        unit += char_len(from) == 4 ? 2 : 1;
        from += char_len(from);
    }
    return count;
}

/* Ours, from 1 and in characters. */
static arc_assist_place place_of(const struct lsp *lsp, const struct document *document,
                                 const json_node *position)
{
    arc_assist_place place = ARC_ASSIST_PLACE_INIT;
    int64_t line = json_get_int(position, "line"), column = json_get_int(position, "character");
    const char *end = NULL, *at = find_line(document, line, &end);
    if (at != NULL && !lsp->characters)
        column = characters_of(at, column, end);
    place.text = document->text;
    place.len = document->len;
    place.line = line >= 0 && line < UINT32_MAX - 1 ? (uint32_t)line + 1 : 1;
    place.column = column >= 0 && column < UINT32_MAX - 1 ? (uint32_t)column + 1 : 1;
    return place;
}

static void put_position(const struct lsp *lsp, const struct document *document,
                         struct json_out *json, const char *key, int64_t line, int64_t column)
{
    const char *end = NULL, *at = line > 0 ? find_line(document, line - 1, &end) : NULL;
    int64_t character = column > 0 ? column - 1 : 0;
    if (at != NULL && !lsp->characters)
        character = units(at, character, end);
    json_open(json, key, '{');
    json_put_int(json, "line", line > 0 ? line - 1 : 0);
    json_put_int(json, "character", character);
    json_close(json, '}');
}

static void put_range(const struct lsp *lsp, const struct document *document, struct json_out *json,
                      const char *key, const json_node *place)
{
    json_open(json, key, '{');
    put_position(lsp, document, json, "start", json_get_int(place, "line"),
                 json_get_int(place, "column"));
    put_position(lsp, document, json, "end", json_get_int(place, "endLine"),
                 json_get_int(place, "endColumn"));
    json_close(json, '}');
}

/* --- findings -------------------------------------------------------------------------------- */

/* Whether a place of a finding lies in the document, and not in a template. */
static int is_here(const struct document *document, const json_node *finding,
                   const json_node *place)
{
    const json_node *file = json_get(place, "file");
    return strcmp(json_text(file != NULL ? file : json_get(finding, "file")), document->path) == 0;
}

/* The place that a finding is shown at: its own, or that of the include that leads to it. */
static const json_node *shown_at(const struct document *document, const json_node *finding)
{
    const json_node *related = json_get(finding, "related");
    const json_node *place = finding;
    for (size_t i = 0; i < json_count(related) && !is_here(document, finding, place); i++)
        place = json_at(related, i);
    return place;
}

static void put_finding(const struct lsp *lsp, const struct document *document,
                        const json_node *finding, struct json_out *json)
{
    struct text message = {NULL, 0, 0};
    const char *hint = json_get_text(finding, "hint");
    const json_node *related = json_get(finding, "related");
    int error = strcmp(json_get_text(finding, "severity"), "error") == 0;
    if (!is_here(document, finding, finding))
        text_printf(&message, "%s:%" PRId64 ": ", json_get_text(finding, "file"),
                    json_get_int(finding, "line"));
    text_put(&message, json_get_text(finding, "message"));
    if (hint[0] != '\0')
        text_printf(&message, " (%s)", hint);
    json_open(json, NULL, '{');
    put_range(lsp, document, json, "range", shown_at(document, finding));
    json_put_int(json, "severity", error ? SEVERITY_ERROR : SEVERITY_WARNING);
    json_put_text(json, "code", json_get_text(finding, "code"));
    json_put_text(json, "source", "arcentra");
    json_put_text(json, "message", text_get(&message));
    json_open(json, "relatedInformation", '[');
    for (size_t i = 0; i < json_count(related); i++) {
        const json_node *place = json_at(related, i);
        if (!is_here(document, finding, place))
            continue; /* in another text, whose lines are not here */
        json_open(json, NULL, '{');
        json_open(json, "location", '{');
        json_put_text(json, "uri", document->uri);
        put_range(lsp, document, json, "range", place);
        json_close(json, '}');
        json_put_text(json, "message", json_get_text(place, "message"));
        json_close(json, '}');
    }
    json_close(json, ']');
    json_close(json, '}');
    text_deinit(&message);
}

static void publish(struct lsp *lsp, const struct document *document, const json_node *findings)
{
    struct text text = {NULL, 0, 0};
    struct json_out json = begin_message(&text);
    json_put_text(&json, "method", "textDocument/publishDiagnostics");
    json_open(&json, "params", '{');
    json_put_text(&json, "uri", document->uri);
    json_put_int(&json, "version", document->version);
    json_open(&json, "diagnostics", '[');
    for (size_t i = 0; i < json_count(findings); i++)
        put_finding(lsp, document, json_at(findings, i), &json);
    json_close(&json, ']');
    json_close(&json, '}');
    end_message(lsp, &json);
}

static void check(struct lsp *lsp, const struct document *document)
{
    arc_spec *spec = NULL;
    arc_diags *diags = NULL;
    char *text = NULL;
    struct templates templates = {NULL, document->path};
    arc_spec_options options = ARC_SPEC_OPTIONS_INIT;
    options.file = document->path;
    options.resolve = document->path[0] != '\0' ? templates_find : NULL;
    options.user = &templates;
    arc_status status =
        arc_spec_check(document->text, document->len, &options, &spec, &diags, NULL);
    if (diags == NULL || arc_diags_copy_text(diags, ARC_DIAGS_JSON, &text, NULL) != ARC_OK)
        cli_fail("%s was not checked: %s.", document->uri, arc_status_name(status));
    const json_node *findings = text != NULL ? json_parse(text, strlen(text), NULL, 0) : NULL;
    publish(lsp, document, findings);
    json_free(findings);
    arc_text_free(text);
    arc_diags_free(diags);
    arc_spec_unref(spec);
}

/* --- documents ------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    if (at == NULL)
        return -1;
    return (int)(at - digits) < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

/* "file:///a%20b" as "/a b"; "" for all others. Owner: the caller, mem_free. */
static char *path_of(const char *uri)
{
    struct text path = {NULL, 0, 0};
    if (strncmp(uri, "file:///", 8) == 0)
        uri += 7;
    else
        uri = "";
    for (text_put(&path, ""); *uri != '\0'; uri++) {
        int high = *uri == '%' ? hex_digit(uri[1]) : -1;
        int low = high >= 0 ? hex_digit(uri[2]) : -1;
        char c = low >= 0 ? (char)(high * 16 + low) : *uri;
        if (c == '\0') {
            text_clear(&path);
            break;
        }
        text_add(&path, &c, 1);
        uri += low >= 0 ? 2 : 0;
    }
    return text_take(&path);
}

static struct document *find_document(const struct lsp *lsp, const json_node *params)
{
    const char *uri = json_get_text(json_get(params, "textDocument"), "uri");
    struct document *document = lsp->documents;
    while (document != NULL && strcmp(document->uri, uri) != 0)
        document = document->next;
    return document;
}

static void set_text(struct document *document, const json_node *version, const char *text)
{
    mem_free(document->text);
    document->text = mem_copy(text);
    document->len = strlen(text);
    document->version = json_get_int(version, "version");
}

static void forget(struct lsp *lsp, struct document *document)
{
    struct document **at = &lsp->documents;
    while (*at != document)
        at = &(*at)->next;
    *at = document->next;
    lsp->document_count--;
    mem_free(document->uri);
    mem_free(document->path);
    mem_free(document->text);
    mem_free(document);
}

static void did_open(struct lsp *lsp, const json_node *params)
{
    const json_node *given = json_get(params, "textDocument");
    struct document *document = find_document(lsp, params);
    if (document == NULL) {
        if (lsp->document_count == DOCUMENTS_MAX)
            forget(lsp, lsp->documents);
        document = mem_new(sizeof(*document));
        document->uri = mem_copy(json_get_text(given, "uri"));
        document->path = path_of(document->uri);
        document->next = lsp->documents;
        lsp->documents = document;
        lsp->document_count++;
    }
    set_text(document, given, json_get_text(given, "text"));
    check(lsp, document);
}

static void did_change(struct lsp *lsp, const json_node *params)
{
    const json_node *changes = json_get(params, "contentChanges");
    struct document *document = find_document(lsp, params);
    size_t count = json_count(changes);
    if (document == NULL || count == 0)
        return;
    /* Full texts, as we asked for: the last one holds. */
    set_text(document, json_get(params, "textDocument"),
             json_get_text(json_at(changes, count - 1), "text"));
    check(lsp, document);
}

static void did_close(struct lsp *lsp, const json_node *params)
{
    struct document *document = find_document(lsp, params);
    if (document == NULL)
        return;
    publish(lsp, document, NULL); /* what is closed has no findings any more */
    forget(lsp, document);
}

/* --- questions ------------------------------------------------------------------------------- */

typedef arc_status ask(const arc_assist_place *place, char **json, arc_err *err);
/* Turns what the library said into a result; NULL there: nothing is known. */
typedef void show(const struct lsp *lsp, const struct document *document, const json_node *said,
                  struct json_out *json);

static int completion_kind(const char *kind)
{
    static const struct {
        const char *kind;
        int number;
    } kinds[] = {{"key", 10},    {"value", 12}, {"name", 18},
                 {"context", 9}, {"member", 5}, {"function", 3}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].kind, kind) == 0)
            return kinds[i].number;
    }
    return 1;
}

static void show_completion(const struct lsp *lsp, const struct document *document,
                            const json_node *said, struct json_out *json)
{
    const json_node *items = json_get(said, "items");
    json_open(json, "result", '{');
    json_put_bool(json, "isIncomplete", 0);
    json_open(json, "items", '[');
    for (size_t i = 0; i < json_count(items); i++) {
        const json_node *item = json_at(items, i);
        char order[16];
        snprintf(order, sizeof(order), "%05zu", i % 100000); /* the order of the table */
        json_open(json, NULL, '{');
        json_put_text(json, "label", json_get_text(item, "label"));
        json_put_int(json, "kind", completion_kind(json_get_text(item, "kind")));
        json_put_text(json, "detail", json_get_text(item, "detail"));
        json_put_text(json, "documentation", json_get_text(item, "meaning"));
        json_put_text(json, "sortText", order);
        json_open(json, "textEdit", '{');
        put_range(lsp, document, json, "range", said);
        json_put_text(json, "newText", json_get_text(item, "insert"));
        json_close(json, '}');
        json_close(json, '}');
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void show_hover(const struct lsp *lsp, const struct document *document,
                       const json_node *said, struct json_out *json)
{
    json_open(json, "result", '{');
    put_range(lsp, document, json, "range", said);
    json_open(json, "contents", '{');
    json_put_text(json, "kind", "markdown");
    json_put_text(json, "value", json_get_text(said, "text"));
    json_close(json, '}');
    json_close(json, '}');
}

static void show_definition(const struct lsp *lsp, const struct document *document,
                            const json_node *said, struct json_out *json)
{
    json_open(json, "result", '{');
    json_put_text(json, "uri", document->uri);
    put_range(lsp, document, json, "range", said);
    json_close(json, '}');
}

/* Stages, jobs and steps: three levels, however the text is nested. */
static void put_symbol(const struct lsp *lsp, const struct document *document,
                       const json_node *symbol, int depth, struct json_out *json)
{
    static const char *const kinds[] = {"stage", "job", "step"};
    static const int numbers[] = {3, 12, 6}; /* namespace, function, method */
    const json_node *children = json_get(symbol, "children");
    const char *kind = json_get_text(symbol, "kind");
    json_open(json, NULL, '{');
    json_put_text(json, "name", json_get_text(symbol, "name"));
    json_put_text(json, "detail", kind);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i], kind) == 0)
            json_put_int(json, "kind", numbers[i]);
    }
    put_range(lsp, document, json, "range", symbol);
    put_range(lsp, document, json, "selectionRange", symbol);
    json_open(json, "children", '[');
    for (size_t i = 0; depth < 3 && i < json_count(children); i++)
        put_symbol(lsp, document, json_at(children, i), depth + 1, json);
    json_close(json, ']');
    json_close(json, '}');
}

static void show_symbols(const struct lsp *lsp, const struct document *document,
                         const json_node *said, struct json_out *json)
{
    json_open(json, "result", '[');
    for (size_t i = 0; i < json_count(said); i++)
        put_symbol(lsp, document, json_at(said, i), 0, json);
    json_close(json, ']');
}

static void reply(struct lsp *lsp, const json_node *message, ask *question, show *shower)
{
    const json_node *params = json_get(message, "params");
    const struct document *document = find_document(lsp, params);
    struct text text = {NULL, 0, 0};
    char *said = NULL;
    arc_err err = ARC_ERR_INIT;
    if (document == NULL) {
        answer_error(lsp, message, ERROR_PARAMS, "The document is not open.");
        return;
    }
    arc_assist_place place = place_of(lsp, document, json_get(params, "position"));
    if (question(&place, &said, &err) != ARC_OK) {
        answer_error(lsp, message, ERROR_PARAMS, err.message);
        return;
    }
    const json_node *root = json_parse(said, strlen(said), NULL, 0);
    struct json_out json = begin_message(&text);
    put_id(&json, message);
    if (strcmp(said, "null") == 0)
        json_put_raw(&json, "result", "null");
    else
        shower(lsp, document, root, &json);
    end_message(lsp, &json);
    json_free(root);
    arc_text_free(said);
}

/* --- the session ----------------------------------------------------------------------------- */

static void initialize(struct lsp *lsp, const json_node *message)
{
    const json_node *offered =
        json_get(json_get(json_get(json_get(message, "params"), "capabilities"), "general"),
                 "positionEncodings");
    struct text text = {NULL, 0, 0};
    for (size_t i = 0; i < json_count(offered); i++)
        lsp->characters |= strcmp(json_text(json_at(offered, i)), "utf-32") == 0;
    struct json_out json = begin_message(&text);
    put_id(&json, message);
    json_open(&json, "result", '{');
    json_open(&json, "capabilities", '{');
    json_put_text(&json, "positionEncoding", lsp->characters ? "utf-32" : "utf-16");
    json_put_int(&json, "textDocumentSync", SYNC_FULL);
    json_open(&json, "completionProvider", '{');
    json_put_raw(&json, "triggerCharacters", "[\".\",\" \",\":\",\"-\",\"{\"]");
    json_close(&json, '}');
    json_put_bool(&json, "hoverProvider", 1);
    json_put_bool(&json, "definitionProvider", 1);
    json_put_bool(&json, "documentSymbolProvider", 1);
    json_close(&json, '}');
    json_open(&json, "serverInfo", '{');
    json_put_text(&json, "name", "arcentra");
    json_put_text(&json, "version", ARC_VERSION);
    json_close(&json, '}');
    json_close(&json, '}');
    end_message(lsp, &json);
    lsp->initialized = 1;
}

static const struct {
    const char *method;
    ask *question;
    show *shower;
} questions[] = {
    {"textDocument/completion", arc_assist_complete, show_completion},
    {"textDocument/hover", arc_assist_hover, show_hover},
    {"textDocument/definition", arc_assist_define, show_definition},
    {"textDocument/documentSymbol", arc_assist_symbols, show_symbols},
};

static const struct {
    const char *method;
    void (*take)(struct lsp *lsp, const json_node *params);
} notices[] = {
    {"textDocument/didOpen", did_open},
    {"textDocument/didChange", did_change},
    {"textDocument/didClose", did_close},
};

static void take_request(struct lsp *lsp, const json_node *message, const char *method)
{
    if (strcmp(method, "initialize") == 0) {
        initialize(lsp, message);
        return;
    }
    if (!lsp->initialized) {
        answer_error(lsp, message, ERROR_NOT_INITIALIZED, "`initialize` comes first.");
        return;
    }
    if (strcmp(method, "shutdown") == 0) {
        lsp->shut_down = 1;
        answer(lsp, message, "null");
        return;
    }
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        if (strcmp(questions[i].method, method) == 0) {
            reply(lsp, message, questions[i].question, questions[i].shower);
            return;
        }
    }
    answer_error(lsp, message, ERROR_METHOD, "This server does not know the method.");
}

static void take(struct lsp *lsp, const char *bytes, size_t len)
{
    char why[256] = "";
    const json_node *message = json_parse(bytes, len, why, sizeof(why));
    const char *method = json_get_text(message, "method");
    if (message == NULL) {
        answer_error(lsp, NULL, ERROR_PARSE, why);
    } else if (strcmp(method, "exit") == 0) {
        lsp->over = 1;
    } else if (json_get(message, "id") != NULL && method[0] != '\0') {
        take_request(lsp, message, method);
    } else {
        for (size_t i = 0; lsp->initialized && i < sizeof(notices) / sizeof(notices[0]); i++) {
            if (strcmp(notices[i].method, method) == 0)
                notices[i].take(lsp, json_get(message, "params"));
        }
    }
    json_free(message);
}

int cmd_lsp(const struct command *command, int argc, char **argv)
{
    struct lsp lsp = {.in = stdin, .out = stdout};
    struct arg_list rest = {NULL, 0, NULL};
    int exit_code = 0, stdio = 0;
    const struct arg table[] = {
        {"stdio", 0, ARG_SWITCH, NULL, NULL, "Speak over the standard streams (always so).", &stdio,
         0, 0},
    };
    if (cli_parse(command, table, sizeof(table) / sizeof(table[0]), argc, argv, &rest, 0, 0,
                  &exit_code) == 0) {
        size_t len = 0;
        char *bytes = NULL;
        while (!lsp.over && (bytes = read_message(&lsp, &len)) != NULL) {
            take(&lsp, bytes, len);
            mem_free(bytes);
        }
        /* The protocol: 0 after shutdown, 1 when the editor went without a word. */
        exit_code = lsp.shut_down ? EXIT_OK : EXIT_FAILED;
    }
    while (lsp.documents != NULL)
        forget(&lsp, lsp.documents);
    arg_list_deinit(&rest);
    return exit_code;
}
