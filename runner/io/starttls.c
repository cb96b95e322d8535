/*
 * One exchange a protocol, each as short as its standard allows: nothing is asked of a server that
 * is not needed to be let into TLS, and nobody logs in.
 */
#include "runner/io/starttls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/net.h"

#define MAX_SHOWN 120 /* bytes of a line, in a message */

const char *const starttls_names[] = {"none", "smtp", "imap", "pop3", "postgres", "ldap", NULL};

struct talk {
	struct arena *arena;
	int fd;
	const struct net_wait *wait;
	struct buf in;
	size_t at; /* bytes of in that were read */
};

const char *starttls_port(enum starttls how)
{
	switch (how) {
	case STARTTLS_NONE:
		break;
	case STARTTLS_SMTP:
		return "25";
	case STARTTLS_IMAP:
		return "143";
	case STARTTLS_POP3:
		return "110";
	case STARTTLS_POSTGRES:
		return "5432";
	case STARTTLS_LDAP:
		return "389";
	}
	return "443";
}

static const char *shown(struct talk *t, const char *line)
{
	size_t n = strlen(line);

	return str_escaped(t->arena, arena_strndup(t->arena, line, n < MAX_SHOWN ? n : MAX_SHOWN));
}

static int say(struct talk *t, const char *words, struct err *e)
{
	return net_send(t->fd, words, strlen(words), t->wait, e);
}

static int hear(struct talk *t, struct err *e)
{
	long n = net_read(t->fd, &t->in, t->wait, e);

	if (n == 0)
		return err_set(e, ERR_MEASURE, "the other side closed before TLS began");
	return n < 0 ? -1 : 0;
}

/* The next line without its end; NULL: there is none, e says why. */
static const char *next_line(struct talk *t, struct err *e)
{
	const char *end, *line;
	size_t n;

	while ((end = memchr(t->in.data + t->at, '\n', t->in.len - t->at)) == NULL)
		if (hear(t, e) != 0)
			return NULL;
	n = (size_t)(end - (t->in.data + t->at));
	line = arena_strndup(t->arena, t->in.data + t->at, n);
	t->at += n + 1;
	if (n > 0 && line[n - 1] == '\r')
		line = arena_strndup(t->arena, line, n - 1);
	return line;
}

static int refuse(struct talk *t, const char *what, const char *line, struct err *e)
{
	return err_set(e, ERR_MEASURE, "%s: \"%s\"", what, shown(t, line));
}

/* ---- SMTP ---- */

/* An answer of one or several lines ("250-..", then "250 .."); has_offer: is STARTTLS in one? */
static int smtp_answer(struct talk *t, const char *code, const char *what, bool *has_offer,
		       struct err *e)
{
	const char *line;

	do {
		line = next_line(t, e);
		if (line == NULL)
			return -1;
		if (strncmp(line, code, 3) != 0 || strchr(" -", line[3]) == NULL)
			return refuse(t, what, line, e);
		if (line[3] != '\0' && strcasecmp(line + 4, "STARTTLS") == 0)
			*has_offer = true;
	} while (line[3] == '-');
	return 0;
}

/* "[192.0.2.1]": a host that has no name of its own says so (RFC 5321, 4.1.3). */
static const char *address_literal(struct talk *t)
{
	struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
	socklen_t n = sizeof(own);
	char text[INET6_ADDRSTRLEN] = "127.0.0.1";

	(void)getsockname(t->fd, (struct sockaddr *)&own, &n); /* AF_UNSPEC when it fails */
	if (own.ss_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&own)->sin6_addr, text,
				sizeof(text)); /* the text has room for every address */
		return arena_printf(t->arena, "[IPv6:%s]", text);
	}
	if (own.ss_family == AF_INET)
		(void)inet_ntop(AF_INET, &((const struct sockaddr_in *)&own)->sin_addr, text,
				sizeof(text)); /* same */
	return arena_printf(t->arena, "[%s]", text);
}

static int ask_smtp(struct talk *t, struct err *e)
{
	bool has_offer = false;

	if (smtp_answer(t, "220", "this is no SMTP server that would talk to us", &has_offer, e) !=
		    0 ||
	    say(t, arena_printf(t->arena, "EHLO %s\r\n", address_literal(t)), e) != 0)
		return -1;
	has_offer = false;
	if (smtp_answer(t, "250", "the server does not take EHLO", &has_offer, e) != 0)
		return -1;
	if (!has_offer)
		return err_set(e, ERR_MEASURE, "the server does not offer STARTTLS");
	if (say(t, "STARTTLS\r\n", e) != 0)
		return -1;
	return smtp_answer(t, "220", "the server refuses STARTTLS", &has_offer, e);
}

/* ---- IMAP and POP3 ---- */

static int ask_imap(struct talk *t, struct err *e)
{
	const char *line = next_line(t, e);

	if (line == NULL)
		return -1;
	if (strncasecmp(line, "* OK", 4) != 0)
		return refuse(t, "this is no IMAP server that would talk to us", line, e);
	if (say(t, "a1 STARTTLS\r\n", e) != 0)
		return -1;
	do { /* what it says of its own accord begins with a star */
		line = next_line(t, e);
		if (line == NULL)
			return -1;
	} while (str_starts(line, "* "));
	if (strncasecmp(line, "a1 OK", 5) != 0)
		return refuse(t, "the server refuses STARTTLS", line, e);
	return 0;
}

static int ask_pop3(struct talk *t, struct err *e)
{
	const char *line = next_line(t, e);

	if (line == NULL)
		return -1;
	if (!str_starts(line, "+OK"))
		return refuse(t, "this is no POP3 server that would talk to us", line, e);
	if (say(t, "STLS\r\n", e) != 0)
		return -1;
	line = next_line(t, e);
	if (line == NULL)
		return -1;
	return str_starts(line, "+OK") ? 0 : refuse(t, "the server refuses STLS", line, e);
}

/* ---- PostgreSQL ---- */

static int ask_postgres(struct talk *t, struct err *e)
{
	static const unsigned char request[] = {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f};

	if (net_send(t->fd, request, sizeof(request), t->wait, e) != 0 || hear(t, e) != 0)
		return -1;
	t->at = 1;
	switch (t->in.data[0]) {
	case 'S':
		return 0;
	case 'N':
		return err_set(e, ERR_MEASURE, "the server does not speak TLS (ssl is off)");
	case 'E': /* an old one that does not know the request, or one that is full */
		return refuse(t, "the server answers with an error", t->in.data + 1, e);
	default:
		return refuse(t, "this is no PostgreSQL server", t->in.data, e);
	}
}

/* ---- LDAP ---- */

/* A piece of BER. */
struct ber {
	const unsigned char *p;
	size_t n;
};

/* 0: a value with this tag, taken from the front of in; 1: more bytes are needed; -1: no. */
static int ber_take(struct ber *in, unsigned tag, struct ber *out)
{
	size_t head = 2, n;

	if (in->n > 0 && in->p[0] != tag)
		return -1;
	if (in->n < 2)
		return 1;
	n = in->p[1];
	if (n >= 0x80) { /* the length of the length */
		size_t n_more = n & 0x7f;

		if (n_more < 1 || n_more > 3)
			return -1;
		if (in->n < 2 + n_more)
			return 1;
		n = 0;
		for (size_t i = 0; i < n_more; i++)
			n = n << 8 | in->p[2 + i];
		head += n_more;
	}
	if (n > STARTTLS_MAX_BYTES)
		return -1;
	if (in->n < head + n)
		return 1;
	*out = (struct ber){in->p + head, n};
	*in = (struct ber){in->p + head + n, in->n - head - n};
	return 0;
}

/* The whole answer: 0 and its result, what the server has to say through *says. */
static int read_extended(struct talk *t, struct ber message, int *result, const char **says)
{
	struct ber id, answer, code, dn, text;

	if (ber_take(&message, 0x02, &id) != 0 || ber_take(&message, 0x78, &answer) != 0 ||
	    ber_take(&answer, 0x0a, &code) != 0 || code.n != 1 ||
	    ber_take(&answer, 0x04, &dn) != 0 || ber_take(&answer, 0x04, &text) != 0)
		return -1;
	*result = code.p[0];
	*says = arena_strndup(t->arena, (const char *)text.p, text.n);
	return 0;
}

static int ask_ldap(struct talk *t, struct err *e)
{
	static const char request[] = "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
				      "1.3.6.1.4.1.1466.20037";
	struct ber in, message;
	const char *says = "";
	int result = 0, code;

	if (net_send(t->fd, request, sizeof(request) - 1, t->wait, e) != 0)
		return -1;
	do {
		if (hear(t, e) != 0)
			return -1;
		in = (struct ber){(const unsigned char *)t->in.data, t->in.len};
		code = ber_take(&in, 0x30, &message);
	} while (code > 0);
	if (code < 0 || read_extended(t, message, &result, &says) != 0)
		return refuse(t, "this is no LDAP server", t->in.data, e);
	t->at = t->in.len - in.n;
	if (result != 0)
		return err_set(e, ERR_MEASURE, "the server refuses StartTLS: result %d, \"%s\"",
			       result, shown(t, says));
	return 0;
}

/* ---- all ---- */

static int ask(struct talk *t, enum starttls how, struct err *e)
{
	switch (how) {
	case STARTTLS_NONE:
		return 0;
	case STARTTLS_SMTP:
		return ask_smtp(t, e);
	case STARTTLS_IMAP:
		return ask_imap(t, e);
	case STARTTLS_POP3:
		return ask_pop3(t, e);
	case STARTTLS_POSTGRES:
		return ask_postgres(t, e);
	case STARTTLS_LDAP:
		return ask_ldap(t, e);
	}
	return 0;
}

int starttls_ask(struct arena *a, int fd, enum starttls how, const struct net_wait *wait,
		 struct err *e)
{
	struct talk t = {.arena = a, .fd = fd, .wait = wait};
	int rc;

	buf_init(&t.in, STARTTLS_MAX_BYTES);
	rc = ask(&t, how, e);
	if (rc == 0 && t.at < t.in.len)
		rc = err_set(e, ERR_MEASURE,
			     "the server, or somebody between, sends more than its consent to TLS");
	buf_release(&t.in);
	return rc != 0 ? err_context(e, "%s", starttls_names[how]) : 0;
}
