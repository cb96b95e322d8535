/*
 * tcp: does a port take connections, in what time, and what does it say?
 *
 * A refusal is an answer (open = 0): the machine said that nobody listens there. Silence is none:
 * whether the service, the machine or the way there is at fault nobody can tell from here.
 */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/net.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

enum reading { READ_NOTHING, READ_LINE, READ_ALL };

static const char *const readings[] = {"nothing", "line", "all", NULL};

struct tcp_spec {
	const char *address, *send;
	int reading;
	int64_t max_answer;
	struct net_place place; /* of address, taken apart by tcp_check() */
};

static const struct key_row tcp_keys[] = {
	{.name = "address",
	 .type = KEY_TEXT,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct tcp_spec, address),
	 .help = "host and port to connect to",
	 .example = "\"db.example:5432\""},
	{.name = "send",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct tcp_spec, send),
	 .help = "bytes to send once connected",
	 .example = "\"PING\\r\\n\""},
	{.name = "read",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct tcp_spec, reading),
	 .choices = readings,
	 .def = "nothing",
	 .help = "what to wait for: the first line, or everything until the other side closes",
	 .example = "line"},
	{.name = "max_answer",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct tcp_spec, max_answer),
	 .min = 1,
	 .max = 16 * 1024 * 1024,
	 .def = "64KiB",
	 .help = "a longer answer, or line, is not judged"},
	KEY_END,
};

static const struct value_row tcp_values[] = {
	{.name = "open",
	 .type = VALUE_INT,
	 .unit = "",
	 .most = 1,
	 .implied = "== 1",
	 .help = "1 when the connection was taken, 0 when it was refused"},
	{.name = "connect",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "from the first packet to the connection; the name was known by then"},
	{.name = "answer",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .needs_key = "read",
	 .help = "what the other side said, without the newlines at its end"},
	{.name = "answered",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .needs_key = "read",
	 .help = "from the connection to the end of the answer"},
	{.name = NULL},
};

static void tcp_check(struct keys_context *ctx, struct check *c)
{
	struct tcp_spec *spec = c->spec;
	struct err e = {0};

	if (spec->reading == READ_NOTHING && node_get(c->spec_node, "max_answer") != NULL)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "max_answer"),
			       "add read: line or read: all",
			       "check \"%s\": \"max_answer\" is about an answer that is read",
			       c->name);
	if (spec->address == NULL)
		return;
	if (net_place_parse(ctx->arena, spec->address, NULL, &spec->place, &e) != 0) {
		(void)err_context(&e, "check \"%s\"", c->name); /* always -1 */
		e.pos = keys_pos(c->spec_node, "address");
		diags_add(ctx->diags, &e);
	}
}

static void tcp_describe(struct probe *p, struct buf *out)
{
	const struct tcp_spec *spec = p->checks[0]->spec;

	/* The definition is bounded. */
	(void)buf_printf(out, "connect to %s%s%s\n", spec->address,
			 spec->send != NULL ? ", send something" : "",
			 spec->reading == READ_LINE  ? ", read a line"
			 : spec->reading == READ_ALL ? ", read to the end"
						     : "");
}

struct tcp_talk {
	struct probe *probe;
	const struct tcp_spec *spec;
	const struct net_wait *wait;
	const char *query, *evidence;
};

static void emit(const struct tcp_talk *t, struct measurement m)
{
	m.query = t->query;
	m.evidence = t->evidence;
	probe_emit(t->probe, 0, &m);
}

/* Reads as the check says; the whole of it is in out. */
static int read_answer(const struct tcp_talk *t, int fd, struct buf *out, struct err *e)
{
	for (;;) {
		long n = net_read(fd, out, t->wait, e);

		if (n < 0)
			return out->len == 0
				       ? -1
				       : err_context(e, "the answer broke off after %zu bytes",
						     out->len);
		if (t->spec->reading == READ_LINE && memchr(out->data, '\n', out->len) != NULL)
			return 0;
		if (n > 0)
			continue;
		if (t->spec->reading == READ_ALL)
			return 0;
		if (out->len == 0)
			return err_set(e, ERR_MEASURE, "the other side closed without a word");
		return err_set(e, ERR_MEASURE,
			       "the other side closed in the middle of its line, after %zu bytes",
			       out->len);
	}
}

static struct measurement measure_answer(const struct tcp_talk *t, const struct buf *b)
{
	const char *newline = t->spec->reading == READ_LINE ? memchr(b->data, '\n', b->len) : NULL;
	size_t n = newline != NULL ? (size_t)(newline - b->data) : b->len;

	while (n > 0 && strchr("\r\n", b->data[n - 1]) != NULL)
		n--;
	if (n > 0 && memchr(b->data, '\0', n) != NULL)
		return measurement_none("answer", "the answer holds a NUL byte: it is no text");
	if (!str_is_utf8(b->data, n))
		return measurement_none("answer", "the answer is not valid UTF-8: it is no text");
	return measurement_text("answer", arena_strndup(t->probe->arena, b->data, n));
}

static void talk(struct tcp_talk *t, int fd)
{
	const struct tcp_spec *spec = t->spec;
	int64_t begin_us = clock_monotonic_us(t->wait->clock);
	struct err e = {0};
	struct buf answer;
	int rc = 0;

	buf_init(&answer, (size_t)spec->max_answer);
	if (spec->send != NULL)
		rc = net_send(fd, spec->send, strlen(spec->send), t->wait, &e);
	if (rc == 0 && spec->reading != READ_NOTHING)
		rc = read_answer(t, fd, &answer, &e);
	if (spec->reading == READ_NOTHING) {
		buf_release(&answer);
		return;
	}
	if (rc != 0) {
		const char *why = arena_strdup(t->probe->arena, e.message);

		emit(t, measurement_none("answer", why));
		emit(t, measurement_none("answered", why));
	} else {
		double seconds = (double)(clock_monotonic_us(t->wait->clock) - begin_us) / 1e6;

		emit(t, measure_answer(t, &answer));
		emit(t, measurement_real("answered", seconds, "s"));
	}
	buf_release(&answer);
}

static int tcp_probe(struct probe *p, struct err *e)
{
	const struct tcp_spec *spec = p->checks[0]->spec;
	const struct net_wait wait = {
		.clock = p->world->clock,
		.deadline_ms = p->deadline_ms,
		.is_cancelled = &p->world->is_interrupted,
	};
	struct tcp_talk t = {.probe = p, .spec = spec, .wait = &wait};
	struct net_connected c;

	if (net_connect(p->arena, &spec->place, &wait, &c, e) != 0)
		return err_context(e, "%s", spec->address);
	t.query = arena_printf(p->arena, "connect to %s", spec->address);
	t.evidence = c.tried[0] != '\0' ? c.tried : c.address;
	emit(&t, measurement_int("open", c.fd >= 0, ""));
	if (c.fd < 0) {
		static const char *const others[] = {"connect", "answer", "answered"};

		for (size_t i = 0; i < (spec->reading != READ_NOTHING ? 3 : 1); i++)
			emit(&t, measurement_none(others[i], "the connection was refused"));
		return 0;
	}
	emit(&t, measurement_real("connect", c.connect_s, "s"));
	talk(&t, c.fd);
	(void)close(c.fd); /* everything was read */
	return 0;
}

const struct audit_kind audit_kind_tcp = {
	.name = "tcp",
	.family = "network",
	.summary = "a port: does it take connections, in what time, what does it say",
	.blind = "A port that takes connections says nothing about the program behind it: a full "
		 "queue, a proxy without a backend and a honeypot take them too. Only this "
		 "machine's "
		 "way there is tried, and of several addresses the first one that answers.",
	.spec_size = sizeof(struct tcp_spec),
	.keys = tcp_keys,
	.values = tcp_values,
	.scalar_key = "address",
	.check = tcp_check,
	.describe = tcp_describe,
	.probe = tcp_probe,
};
