/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/options.h"
#include "net/loop.h"

/* What TLS 1.2 may use: nothing of the list that RFC 9113 forbids. 1.3 has nothing else. */
#define CIPHERS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"

static const unsigned char alpn_h2[] = {2, 'h', '2'};

struct arc_tls_ctx {
    struct arc_mem mem;
    uint32_t refs; /* its owner and its sessions */
    SSL_CTX *ssl;
    BIO_METHOD *bio; /* sockets without SIGPIPE */
    int server;
    char *cert_file, *key_file, *ca_file; /* to be read again */
    int32_t client_cert_optional;
};

struct arc_tls {
    struct arc_mem mem;
    struct arc_tls_ctx *ctx;
    SSL *ssl;
    uint32_t wants;
    int done; /* the handshake */
    int broken;
};

/* --- a socket for OpenSSL -------------------------------------------------------------------- */

static int bio_fd(BIO *bio)
{
    return (int)(intptr_t)BIO_get_data(bio);
}

static int bio_write(BIO *bio, const char *buf, int len)
{
    ssize_t put = send(bio_fd(bio), buf, (size_t)len, MSG_NOSIGNAL);
    BIO_clear_retry_flags(bio);
    if (put < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)put;
}

static int bio_read(BIO *bio, char *buf, int len)
{
    ssize_t got = recv(bio_fd(bio), buf, (size_t)len, 0);
    BIO_clear_retry_flags(bio);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    return (int)got;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *make_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket");
    if (method == NULL)
        return NULL;
    if (BIO_meth_set_write(method, bio_write) != 1 || BIO_meth_set_read(method, bio_read) != 1 ||
        BIO_meth_set_ctrl(method, bio_ctrl) != 1 || BIO_meth_set_create(method, bio_create) != 1) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

/* --- contexts -------------------------------------------------------------------------------- */

/* "PEM lib", "system lib": it only says which part of OpenSSL knows more. */
static int is_pointer(unsigned long code)
{
    int reason = ERR_GET_REASON(code);
    return (reason & ERR_RFLAG_COMMON) != 0 && (reason & ERR_RFLAG_FATAL) == 0;
}

/* The most telling of OpenSSL's reasons, and none of them is left: the system's where it had one
 * ("No such file or directory" below "system lib"), else the last that is one. 1: it was out of
 * memory. */
static int take_reason(char *buf, size_t size)
{
    unsigned long code, best = 0;
    while ((code = ERR_get_error()) != 0) {
        if (best == 0 || !is_pointer(code))
            best = code;
        if (ERR_SYSTEM_ERROR(code))
            break;
    }
    ERR_clear_error();
    const char *reason = ERR_reason_error_string(best);
    if (best == 0)
        reason = "unknown";
    else if (ERR_SYSTEM_ERROR(best))
        reason = strerror(ERR_GET_REASON(best));
    if (reason != NULL)
        (void)arc__slice_to_cstr(arc__slice_cstr(reason), buf, size);
    else
        ERR_error_string_n(best, buf, size);
    return best != 0 && !ERR_SYSTEM_ERROR(best) && ERR_GET_REASON(best) == ERR_R_MALLOC_FAILURE;
}

static arc_status ssl_fail(arc_err *err, arc_status status, const char *subject, const char *what)
{
    char reason[128];
    if (take_reason(reason, sizeof(reason)))
        return arc__fail_nomem(err);
    return arc__fail(err, status, subject, "%s: %s.", what, reason);
}

/* The same with the file, which is what whoever has to mend it looks for. */
static arc_status file_fail(arc_err *err, const char *file, const char *what)
{
    char reason[128];
    if (take_reason(reason, sizeof(reason)))
        return arc__fail_nomem(err);
    return arc__fail(err, ARC_EINVAL, file, "%s is not usable (%s): %s.", what, file, reason);
}

/* Nobody sits before a library to type a passphrase. */
static int no_passphrase(char *buf, int size, int writing, void *user)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)user;
    return -1;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *user)
{
    (void)ssl;
    (void)user;
    for (unsigned at = 0; at < in_len; at += 1U + in[at]) {
        if (in[at] == 2 && at + 2 < in_len && in[at + 1] == 'h' && in[at + 2] == '2') {
            *out = in + at + 1;
            *out_len = 2;
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static arc_status load_own(const struct arc_tls_ctx *ctx, arc_err *err)
{
    if (!ctx->server && ctx->cert_file == NULL && ctx->key_file == NULL)
        return ARC_OK;
    ARC_REQUIRE(ctx->cert_file != NULL, err, "tls.cert_file");
    ARC_REQUIRE(ctx->key_file != NULL, err, "tls.key_file");
    if (SSL_CTX_use_certificate_chain_file(ctx->ssl, ctx->cert_file) != 1)
        return file_fail(err, ctx->cert_file, "The certificate");
    if (SSL_CTX_use_PrivateKey_file(ctx->ssl, ctx->key_file, SSL_FILETYPE_PEM) != 1)
        return file_fail(err, ctx->key_file, "The key");
    if (SSL_CTX_check_private_key(ctx->ssl) != 1)
        return file_fail(err, ctx->key_file, "The key, with this certificate,");
    return ARC_OK;
}

static arc_status load_files(const struct arc_tls_ctx *ctx, arc_err *err)
{
    ARC_TRY(load_own(ctx, err));
    if (ctx->ca_file != NULL) {
        if (SSL_CTX_load_verify_file(ctx->ssl, ctx->ca_file) != 1)
            return file_fail(err, ctx->ca_file, "The certificate of the authority");
    } else if (!ctx->server && SSL_CTX_set_default_verify_paths(ctx->ssl) != 1) {
        return ssl_fail(err, ARC_EINVAL, "tls", "The system's certificates are not usable");
    }
    return ARC_OK;
}

static arc_status set_rules(const struct arc_tls_ctx *ctx, arc_err *err)
{
    SSL_CTX *ssl = ctx->ssl;
    int verify = SSL_VERIFY_NONE;
    if (SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ssl, CIPHERS_1_2) != 1 || SSL_CTX_set_num_tickets(ssl, 0) != 1)
        return ssl_fail(err, ARC_EINTERNAL, "tls", "The rules of TLS cannot be set");
    (void)SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    (void)SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(ssl, no_passphrase);
    if (ctx->server)
        SSL_CTX_set_alpn_select_cb(ssl, choose_alpn, NULL);
    else if (SSL_CTX_set_alpn_protos(ssl, alpn_h2, sizeof(alpn_h2)) != 0)
        return arc__fail_nomem(err);
    if (!ctx->server || ctx->ca_file != NULL)
        verify = SSL_VERIFY_PEER;
    if (ctx->server && ctx->ca_file != NULL && ctx->client_cert_optional != 1)
        verify |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ssl, verify, NULL);
    return ARC_OK;
}

static int copy_path(const struct arc_mem *mem, const char *path, char **out)
{
    if (path != NULL)
        *out = arc__strdup(mem, arc__slice_cstr(path));
    return path == NULL || *out != NULL;
}

static arc_status open_parts(struct arc_tls_ctx *ctx, const struct arc_tls_options *options,
                             arc_err *err)
{
    ctx->client_cert_optional = options->client_cert_optional;
    if (!copy_path(&ctx->mem, options->cert_file, &ctx->cert_file) ||
        !copy_path(&ctx->mem, options->key_file, &ctx->key_file) ||
        !copy_path(&ctx->mem, options->ca_file, &ctx->ca_file))
        return arc__fail_nomem(err);
    ERR_clear_error();
    ctx->bio = make_bio_method();
    ctx->ssl = SSL_CTX_new(ctx->server ? TLS_server_method() : TLS_client_method());
    if (ctx->bio == NULL || ctx->ssl == NULL)
        return ssl_fail(err, ARC_ENOMEM, "tls", "No context");
    ARC_TRY(set_rules(ctx, err));
    return load_files(ctx, err);
}

arc_status arc__tls_ctx_open(const struct arc_mem *mem, const struct arc_tls_options *given,
                             int server, struct arc_tls_ctx **out, arc_err *err)
{
    struct arc_tls_options options;
    ARC_TRY(arc__options_read(given, sizeof(options), &options, "tls", err));
    struct arc_tls_ctx *ctx = arc__alloc(mem, sizeof(*ctx));
    if (ctx == NULL)
        return arc__fail_nomem(err);
    ctx->mem = *mem;
    ctx->refs = 1;
    ctx->server = server;
    arc_status status = open_parts(ctx, &options, err);
    if (status != ARC_OK) {
        arc__tls_ctx_close(ctx);
        return status;
    }
    *out = ctx;
    return ARC_OK;
}

void arc__tls_ctx_close(struct arc_tls_ctx *ctx)
{
    if (ctx == NULL || --ctx->refs > 0)
        return;
    SSL_CTX_free(ctx->ssl);
    BIO_meth_free(ctx->bio);
    struct arc_mem mem = ctx->mem;
    arc__free(&mem, ctx->cert_file);
    arc__free(&mem, ctx->key_file);
    arc__free(&mem, ctx->ca_file);
    arc__free(&mem, ctx);
}

arc_status arc__tls_ctx_reload(struct arc_tls_ctx **ctx, arc_err *err)
{
    struct arc_tls_ctx *old = *ctx;
    if (old == NULL)
        return arc__fail(err, ARC_ECONFLICT, "tls", "There is no TLS here to be read again.");
    struct arc_tls_options options = {.size = sizeof(options),
                                      .cert_file = old->cert_file,
                                      .key_file = old->key_file,
                                      .ca_file = old->ca_file,
                                      .client_cert_optional = old->client_cert_optional};
    ARC_TRY(arc__tls_ctx_open(&old->mem, &options, old->server, ctx, err));
    arc__tls_ctx_close(old);
    return ARC_OK;
}

/* --- sessions -------------------------------------------------------------------------------- */

static int expect_name(SSL *ssl, const char *name)
{
    unsigned char literal[16];
    if (inet_pton(AF_INET, name, literal) == 1 || inet_pton(AF_INET6, name, literal) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    /* SSL_set_tlsext_host_name() without its cast. */
    return SSL_set1_host(ssl, name) == 1 &&
           SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                    (void *)(uintptr_t)name) == 1;
}

arc_status arc__tls_open(struct arc_tls_ctx *ctx, int fd, const char *name, struct arc_tls **out,
                         arc_err *err)
{
    struct arc_tls *tls = arc__alloc(&ctx->mem, sizeof(*tls));
    if (tls == NULL)
        return arc__fail_nomem(err);
    ERR_clear_error();
    tls->mem = ctx->mem;
    tls->ctx = ctx;
    ctx->refs++;
    tls->ssl = SSL_new(ctx->ssl);
    BIO *bio = tls->ssl != NULL ? BIO_new(ctx->bio) : NULL;
    if (bio == NULL) {
        arc__tls_close(tls);
        return arc__fail_nomem(err);
    }
    BIO_set_data(bio, (void *)(intptr_t)fd);
    SSL_set_bio(tls->ssl, bio, bio);
    if (ctx->server) {
        SSL_set_accept_state(tls->ssl);
        tls->wants = ARC_LOOP_READ;
    } else {
        SSL_set_connect_state(tls->ssl);
        tls->wants = ARC_LOOP_WRITE;
        if (!expect_name(tls->ssl, name)) {
            arc_status status = ssl_fail(err, ARC_EINVAL, name, "The name cannot be checked");
            arc__tls_close(tls);
            return status;
        }
    }
    *out = tls;
    return ARC_OK;
}

void arc__tls_close(struct arc_tls *tls)
{
    if (tls == NULL)
        return;
    if (tls->ssl != NULL && tls->done && !tls->broken) {
        ERR_clear_error();
        (void)SSL_shutdown(tls->ssl); /* what cannot be sent at once is not waited for */
    }
    ERR_clear_error();
    SSL_free(tls->ssl);
    arc__tls_ctx_close(tls->ctx); /* the socket's functions are of it */
    struct arc_mem mem = tls->mem;
    arc__free(&mem, tls);
}

/* Why a handshake failed, in words that help: an untrusted server is the usual reason. */
static arc_status handshake_failed(struct arc_tls *tls, arc_err *err)
{
    long verified = SSL_get_verify_result(tls->ssl);
    ERR_clear_error();
    return arc__fail(err, ARC_EPROTOCOL, "tls", "The certificate of the peer is refused: %s.",
                     X509_verify_cert_error_string(verified));
}

static arc_status outcome(struct arc_tls *tls, int result, const char *what, arc_err *err)
{
    int reason = errno;
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        tls->wants = ARC_LOOP_READ;
        return ARC_EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        tls->wants = ARC_LOOP_WRITE;
        return ARC_EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return arc__fail(err, ARC_EDONE, "tls", "The peer has closed the connection.");
    case SSL_ERROR_SYSCALL:
        tls->broken = 1;
        if (ERR_peek_error() != 0)
            break;
        if (reason == 0 || result == 0)
            return arc__fail(err, ARC_EDONE, "tls", "The peer has closed the connection.");
        return arc__fail(err, ARC_EIO, "tls", "%s: %s.", what, strerror(reason));
    default:
        tls->broken = 1;
        if (!tls->done && SSL_get_verify_result(tls->ssl) != X509_V_OK)
            return handshake_failed(tls, err);
        break;
    }
    return ssl_fail(err, ARC_EPROTOCOL, "tls", what);
}

arc_status arc__tls_handshake(struct arc_tls *tls, arc_err *err)
{
    const unsigned char *protocol = NULL;
    unsigned protocol_len = 0;
    if (tls->done)
        return ARC_OK;
    ERR_clear_error();
    errno = 0;
    int result = SSL_do_handshake(tls->ssl);
    if (result != 1)
        return outcome(tls, result, "The TLS handshake failed", err);
    SSL_get0_alpn_selected(tls->ssl, &protocol, &protocol_len);
    if (protocol_len != 2 || memcmp(protocol, "h2", 2) != 0)
        return arc__fail(err, ARC_EPROTOCOL, "tls", "The peer does not offer HTTP/2 (ALPN h2).");
    tls->done = 1;
    return ARC_OK;
}

arc_status arc__tls_read(struct arc_tls *tls, char *buf, size_t size, size_t *got, arc_err *err)
{
    ERR_clear_error();
    errno = 0;
    int result = SSL_read(tls->ssl, buf, size > INT_MAX ? INT_MAX : (int)size);
    if (result <= 0)
        return outcome(tls, result, "Reading failed", err);
    *got = (size_t)result;
    return ARC_OK;
}

arc_status arc__tls_write(struct arc_tls *tls, const char *buf, size_t size, size_t *put,
                          arc_err *err)
{
    ERR_clear_error();
    errno = 0;
    int result = SSL_write(tls->ssl, buf, size > INT_MAX ? INT_MAX : (int)size);
    if (result <= 0)
        return outcome(tls, result, "Writing failed", err);
    *put = (size_t)result;
    return ARC_OK;
}

uint32_t arc__tls_wants(const struct arc_tls *tls)
{
    return tls->wants;
}

size_t arc__tls_pending(const struct arc_tls *tls)
{
    int pending = SSL_pending(tls->ssl);
    return pending > 0 ? (size_t)pending : 0;
}

/* --- who the peer is ------------------------------------------------------------------------- */

/* As RFC 2253 asks, but characters beyond ASCII stay what they are. */
#define SUBJECT_FLAGS (XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB)

/* What was read of a certificate: texts one after the other, and how long each of them is. Its size
 * is bounded by OpenSSL, which takes 100 KiB of certificates and no more. */
struct reading {
    struct arc_buf text;
    arc_slice *parts; /* subject, common name, then the names */
    size_t count;
};

static void end_part(struct reading *reading, size_t from)
{
    reading->parts[reading->count++].len = reading->text.len - from;
}

static arc_status unreadable(arc_err *err, const char *what)
{
    char reason[128];
    if (take_reason(reason, sizeof(reason)))
        return arc__fail_nomem(err);
    return arc__fail(err, ARC_EINVAL, what, "The %s in the certificate cannot be read.", what);
}

/* Printing hides a NUL behind an escape; comparing elsewhere would stop at it. */
static arc_status check_entries(const X509_NAME *name, arc_err *err)
{
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        unsigned char *text = NULL;
        int len =
            ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)));
        if (len < 0)
            return unreadable(err, "subject");
        int has_nul = memchr(text, '\0', (size_t)len) != NULL;
        OPENSSL_free(text);
        if (has_nul)
            return arc__fail(err, ARC_EINVAL, "subject",
                             "The subject in the certificate holds a NUL.");
    }
    return ARC_OK;
}

static arc_status read_subject(struct reading *reading, const X509_NAME *name, arc_err *err)
{
    char *text = NULL;
    ARC_TRY(check_entries(name, err));
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL || X509_NAME_print_ex(bio, name, 0, SUBJECT_FLAGS) < 0) {
        BIO_free(bio);
        return unreadable(err, "subject");
    }
    long len = BIO_get_mem_data(bio, &text);
    if (len > 0)
        arc__buf_add(&reading->text, text, (size_t)len);
    BIO_free(bio);
    end_part(reading, 0);
    return ARC_OK;
}

static arc_status read_common_name(struct reading *reading, const X509_NAME *name, arc_err *err)
{
    size_t from = reading->text.len;
    int at = -1, next;
    unsigned char *text = NULL;
    while ((next = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0)
        at = next;
    if (at >= 0) {
        int len =
            ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
        if (len < 0)
            return unreadable(err, "common name");
        arc__buf_add(&reading->text, text, (size_t)len);
        OPENSSL_free(text);
    }
    end_part(reading, from);
    return ARC_OK;
}

static void add_string(struct reading *reading, const char *kind, const ASN1_STRING *text)
{
    size_t from = reading->text.len;
    arc__buf_add_cstr(&reading->text, kind);
    arc__buf_add(&reading->text, ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
    end_part(reading, from);
}

static arc_status add_address(struct reading *reading, const ASN1_STRING *bytes, arc_err *err)
{
    size_t from = reading->text.len;
    char text[INET6_ADDRSTRLEN];
    int len = ASN1_STRING_length(bytes);
    if ((len != 4 && len != 16) ||
        inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(bytes), text,
                  sizeof(text)) == NULL)
        return unreadable(err, "alternative name");
    arc__buf_add_cstr(&reading->text, "ip:");
    arc__buf_add_cstr(&reading->text, text);
    end_part(reading, from);
    return ARC_OK;
}

/* Kinds that nobody goes by here are left out: directory names, registered ids, other names. */
static arc_status read_names(struct reading *reading, const GENERAL_NAMES *names, arc_err *err)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            add_string(reading, "dns:", name->d.dNSName);
        else if (name->type == GEN_URI)
            add_string(reading, "uri:", name->d.uniformResourceIdentifier);
        else if (name->type == GEN_EMAIL)
            add_string(reading, "email:", name->d.rfc822Name);
        else if (name->type == GEN_IPADD)
            ARC_TRY(add_address(reading, name->d.iPAddress, err));
    }
    return ARC_OK;
}

static arc_status tell(struct reading *reading, struct arc_grpc_conn *conn, arc_err *err)
{
    struct arc_grpc_identity identity = {.size = sizeof(identity)};
    ARC_TRY(arc__buf_check(&reading->text, err));
    const char *at = reading->text.ptr;
    for (size_t i = 0; i < reading->count; i++) {
        reading->parts[i].ptr = at;
        at += reading->parts[i].len;
    }
    identity.subject = reading->parts[0];
    identity.common_name = reading->parts[1];
    identity.names = reading->parts + 2;
    identity.name_count = reading->count - 2;
    return arc_grpc_conn_set_identity(conn, &identity, err);
}

static arc_status read_certificate(struct reading *reading, const struct arc_mem *mem,
                                   const X509 *cert, const GENERAL_NAMES *names, arc_err *err)
{
    size_t most = names != NULL ? (size_t)sk_GENERAL_NAME_num(names) : 0;
    reading->parts = arc__alloc_array(mem, most + 2, sizeof(*reading->parts));
    if (reading->parts == NULL)
        return arc__fail_nomem(err);
    ARC_TRY(read_subject(reading, X509_get_subject_name(cert), err));
    ARC_TRY(read_common_name(reading, X509_get_subject_name(cert), err));
    return names != NULL ? read_names(reading, names, err) : ARC_OK;
}

arc_status arc__tls_identify(const struct arc_tls *tls, struct arc_grpc_conn *conn, arc_err *err)
{
    X509 *cert = SSL_get0_peer_certificate(tls->ssl);
    struct reading reading = {.count = 0};
    int critical = 0;
    if (cert == NULL || SSL_get_verify_result(tls->ssl) != X509_V_OK)
        return ARC_OK;
    ERR_clear_error();
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
    if (names == NULL && critical != -1) /* -1: there are none; else damaged, or twice */
        return unreadable(err, "alternative name");
    arc__buf_init(&reading.text, &tls->mem, SIZE_MAX);
    arc_status status = read_certificate(&reading, &tls->mem, cert, names, err);
    if (status == ARC_OK)
        status = tell(&reading, conn, err);
    GENERAL_NAMES_free(names);
    arc__buf_deinit(&reading.text);
    arc__free(&tls->mem, reading.parts);
    return status;
}
