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

#include "net/loop.h"

static const unsigned char alpn_h2[] = {2, 'h', '2'};

struct arc_tls_ctx {
    struct arc_mem mem;
    SSL_CTX *ssl;
    BIO_METHOD *bio; /* sockets without SIGPIPE */
    int server;
};

struct arc_tls {
    struct arc_mem mem;
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

static const char *reason_text(char *buf, size_t size)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(code);
    if (reason != NULL)
        return reason;
    if (code == 0)
        return "unknown";
    ERR_error_string_n(code, buf, size);
    return buf;
}

static arc_status ssl_fail(arc_err *err, arc_status status, const char *subject, const char *what)
{
    char buf[128];
    arc_status failed =
        arc__fail(err, status, subject, "%s: %s.", what, reason_text(buf, sizeof(buf)));
    ERR_clear_error();
    return failed;
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

static arc_status load_files(SSL_CTX *ssl, const struct arc_tls_options *options, int server,
                             arc_err *err)
{
    if (server || options->cert_file != NULL || options->key_file != NULL) {
        ARC_REQUIRE(options->cert_file != NULL, err, "tls.cert_file");
        ARC_REQUIRE(options->key_file != NULL, err, "tls.key_file");
        if (SSL_CTX_use_certificate_chain_file(ssl, options->cert_file) != 1)
            return ssl_fail(err, ARC_EINVAL, options->cert_file, "The certificate is not usable");
        if (SSL_CTX_use_PrivateKey_file(ssl, options->key_file, SSL_FILETYPE_PEM) != 1)
            return ssl_fail(err, ARC_EINVAL, options->key_file, "The key is not usable");
        if (SSL_CTX_check_private_key(ssl) != 1)
            return ssl_fail(err, ARC_EINVAL, options->key_file,
                            "The key does not belong to the certificate");
    }
    if (options->ca_file != NULL) {
        if (SSL_CTX_load_verify_file(ssl, options->ca_file) != 1)
            return ssl_fail(err, ARC_EINVAL, options->ca_file,
                            "The certificates of the authority are not usable");
    } else if (!server && SSL_CTX_set_default_verify_paths(ssl) != 1) {
        return ssl_fail(err, ARC_EINVAL, "tls", "The system's certificates are not usable");
    }
    return ARC_OK;
}

static arc_status set_rules(SSL_CTX *ssl, const struct arc_tls_options *options, int server,
                            arc_err *err)
{
    long mode = SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER;
    int verify = SSL_VERIFY_NONE;
    if (SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1)
        return ssl_fail(err, ARC_EINTERNAL, "tls", "TLS 1.2 cannot be asked for");
    (void)SSL_CTX_set_mode(ssl, mode);
    (void)SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (server)
        SSL_CTX_set_alpn_select_cb(ssl, choose_alpn, NULL);
    else if (SSL_CTX_set_alpn_protos(ssl, alpn_h2, sizeof(alpn_h2)) != 0)
        return arc__fail_nomem(err);
    if (!server)
        verify = SSL_VERIFY_PEER;
    else if (options->ca_file != NULL)
        verify = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ssl, verify, NULL);
    /* Sessions are not resumed: clients here connect once and stay. */
    (void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    return ARC_OK;
}

arc_status arc__tls_ctx_open(const struct arc_mem *mem, const struct arc_tls_options *options,
                             int server, struct arc_tls_ctx **out, arc_err *err)
{
    ARC_REQUIRE(options != NULL && options->size == sizeof(*options), err, "tls");
    struct arc_tls_ctx *ctx = arc__alloc(mem, sizeof(*ctx));
    if (ctx == NULL)
        return arc__fail_nomem(err);
    ERR_clear_error();
    ctx->mem = *mem;
    ctx->server = server;
    ctx->bio = make_bio_method();
    ctx->ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    arc_status status = ARC_OK;
    if (ctx->bio == NULL || ctx->ssl == NULL)
        status = ssl_fail(err, ARC_ENOMEM, "tls", "No context");
    if (status == ARC_OK)
        status = set_rules(ctx->ssl, options, server, err);
    if (status == ARC_OK)
        status = load_files(ctx->ssl, options, server, err);
    if (status != ARC_OK) {
        arc__tls_ctx_close(ctx);
        return status;
    }
    *out = ctx;
    return ARC_OK;
}

void arc__tls_ctx_close(struct arc_tls_ctx *ctx)
{
    if (ctx == NULL)
        return;
    SSL_CTX_free(ctx->ssl);
    BIO_meth_free(ctx->bio);
    struct arc_mem mem = ctx->mem;
    arc__free(&mem, ctx);
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
    tls->ssl = SSL_new(ctx->ssl);
    BIO *bio = tls->ssl != NULL ? BIO_new(ctx->bio) : NULL;
    if (bio == NULL) {
        arc__tls_close(tls);
        return ssl_fail(err, ARC_ENOMEM, "tls", "No session");
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
            arc__tls_close(tls);
            return ssl_fail(err, ARC_EINVAL, name, "The name cannot be checked");
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
