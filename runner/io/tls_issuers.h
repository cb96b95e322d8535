/*
 * tls_issuers: what is wrong with a file of certificates that somebody is told to trust.
 *
 * Asked once libssl has refused the file, whose own words for it ("PEM lib") name neither a line
 * nor a reason. It reads PEM (RFC 7468): blocks of other things than certificates may stand there.
 */
#ifndef ASSIZE_IO_TLS_ISSUERS_H
#define ASSIZE_IO_TLS_ISSUERS_H

#include <stdbool.h>

struct err;

/* Sets e (ERR_MEASURE) and is true when something is found. name may be that of held content. */
bool tls_issuers_explain(const char *name, struct err *e);

#endif
