/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made on the spot, in a directory of their own. */
#ifndef ARC_TEST_NET_CERTS_H
#define ARC_TEST_NET_CERTS_H

struct certs {
    char dir[256];
    char ca[300], other_ca[300];              /* PEM of two authorities */
    char server_cert[300], server_key[300];   /* localhost, 127.0.0.1, ::1; signed by ca */
    char wrong_cert[300], wrong_key[300];     /* for another name */
    char client_cert[300], client_key[300];   /* signed by ca */
    char foreign_cert[300], foreign_key[300]; /* signed by other_ca */
};

/* 0: made. */
int certs_make(struct certs *certs);
void certs_remove(struct certs *certs);

#endif
