/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made on the spot, in a directory of their own. */
#ifndef ARC_TEST_NET_CERTS_H
#define ARC_TEST_NET_CERTS_H

#include <stddef.h>

struct certs {
    char dir[256];
    char ca[300], other_ca[300];              /* PEM of two authorities */
    char server_cert[300], server_key[300];   /* localhost, 127.0.0.1, ::1; signed by ca */
    char wrong_cert[300], wrong_key[300];     /* for another name */
    char client_cert[300], client_key[300];   /* signed by ca */
    char foreign_cert[300], foreign_key[300]; /* signed by other_ca */
    char expired_cert[300], expired_key[300]; /* of the server, over since an hour */
    char own_cert[300], own_key[300];         /* of the server, signed by itself */
    char sealed_key[300];                     /* server_key under a passphrase */
    char wish_cert[300], wish_key[300];       /* what certs_wish made last */
    void *issuer;
};
extern struct certs certs; /* of this program */

/* One alternative name, bytes as they are: 'd'ns, 'u'ri, 'e'mail, 'i'p, 'r'egistered id. */
struct cert_alt {
    char kind;
    const char *bytes;
    size_t len;
};

/* A certificate of ca with names that a decent authority might not sign. */
struct cert_wish {
    const char *common_name; /* NULL: none */
    size_t common_name_len;
    const char *second_name, *organisation; /* may be NULL */
    struct cert_alt alts[6];
    size_t repeat;       /* how often alts[0] comes; 0: once */
    const char *purpose; /* extendedKeyUsage; NULL: any */
};

/* The first and the last case of a program that needs them. */
void certs_are_made(void);
void certs_are_removed(void);
/* 0: wish_cert and wish_key are written. */
int certs_wish(const struct cert_wish *wish);

#endif
