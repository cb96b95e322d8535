/*
 * mail: one message, to one mail server, by SMTP (RFC 5321) through libcurl.
 *
 * smtps:// is TLS from the first byte. smtp:// must become TLS by STARTTLS before anything else is
 * said, or nothing is sent; only a server on this machine (localhost, 127.0.0.0/8, ::1) is spoken
 * to in the clear, unless a ca_file is given to hold it to. The message is plain text: header
 * fields as RFC 5322 and RFC 2047 want them, the body quoted-printable (RFC 2045), so that it is
 * ASCII in short lines whatever it holds; marked as sent by no person (RFC 3834). Recipients that
 * the server refuses do not keep the mail from the others. Blocks; thread-safe.
 */
#ifndef ASSIZE_IO_MAIL_H
#define ASSIZE_IO_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct texts;

struct mail {
	const char *server; /* smtp:// or smtps://, host, port */
	const char *from;   /* bare addresses */
	const struct texts *to;
	const char *user, *password; /* NULL = without logging in */
	const char *ca_file;	     /* NULL = the system's */
	const char *subject, *body;  /* UTF-8; lines end with \n */
	const char *id;		     /* of the message: letters, digits, . and - */
	int64_t at_ms;
	int64_t timeout_ms;
	struct buf *refused; /* who was, and in what words: "a@x.org (550 no such mailbox), ..." */
};

/* A limit for m->refused; what is beyond it is left out. */
#define MAIL_MAX_REFUSED 4096

/* *is_final: the server refused it for good (a status of 500 and above), for all recipients. */
int mail_send(const struct mail *m, bool *is_final, struct err *e);

/* The message as it is sent, lines ended by CRLF. */
void mail_write(struct buf *out, const struct mail *m);

#endif
