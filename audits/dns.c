/*
 * dns: the records of a name, as one name server tells them.
 *
 * That a name or its records do not exist is an answer (count = 0); that the server fails, refuses
 * or keeps silent is none.
 */
#include <stddef.h>
#include <string.h>

#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/dns.h"
#include "runner/io/net.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

#define RESOLVER_FILE	 "/etc/resolv.conf"
#define MAX_JUDGED_BYTES (64 * 1024)

static const char *const type_names[] = {"A",  "AAAA", "CNAME", "MX",  "TXT",
					 "NS", "SRV",  "CAA",	"SOA", NULL};
static const enum dns_type types[] = {DNS_A,  DNS_AAAA, DNS_CNAME, DNS_MX, DNS_TXT,
				      DNS_NS, DNS_SRV,	DNS_CAA,   DNS_SOA};

struct dns_spec {
	const char *name, *server;
	int type;
	struct texts records;
	struct net_place place; /* of server, taken apart by dns_check() */
};

static const struct key_row dns_keys[] = {
	{.name = "name",
	 .type = KEY_TEXT,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct dns_spec, name),
	 .help = "the whole name to ask for; no domain is added",
	 .example = "shop.example"},
	{.name = "type",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct dns_spec, type),
	 .choices = type_names,
	 .def = "A",
	 .help = "which records",
	 .example = "MX"},
	{.name = "server",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct dns_spec, server),
	 .help = "address of the name server to ask, port 53 unless it has one; the first of "
		 "/etc/resolv.conf if absent",
	 .example = "\"9.9.9.9\""},
	{.name = "records",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct dns_spec, records),
	 .help = "the records there must be, and no others: missing and unexpected count the rest",
	 .example = "[192.0.2.1, 192.0.2.2]"},
	KEY_END,
};

static const struct value_row dns_values[] = {
	{.name = "count",
	 .type = VALUE_INT,
	 .unit = "",
	 .implied = ">= 1",
	 .help = "records of the type, 0 also when the name does not exist"},
	{.name = "missing",
	 .type = VALUE_INT,
	 .unit = "",
	 .implied = "== 0",
	 .needs_key = "records",
	 .help = "records of the list that are not there"},
	{.name = "unexpected",
	 .type = VALUE_INT,
	 .unit = "",
	 .implied = "== 0",
	 .needs_key = "records",
	 .help = "records that are not in the list"},
	{.name = "answer",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "the records, sorted, with \", \" between: \"10 mail.example, 20 "
		 "backup.example\""},
	{.name = "ttl",
	 .type = VALUE_INT,
	 .unit = "s",
	 .help = "the shortest time to live of these records"},
	{.name = "time",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "until the answer was there"},
	{.name = NULL},
};

static void report(struct keys_context *ctx, const struct check *c, const char *key, struct err *e)
{
	(void)err_context(e, "check \"%s\"", c->name); /* always -1 */
	e->pos = keys_pos(c->spec_node, key);
	diags_add(ctx->diags, e);
}

static void read_records(struct keys_context *ctx, const struct check *c, struct dns_spec *spec)
{
	for (size_t i = 0; i < spec->records.n; i++) {
		const char *text = spec->records.items[i];
		const char *plain = dns_record_plain(ctx->arena, types[spec->type], text);

		if (plain != NULL)
			spec->records.items[i] = plain;
		else
			diags_at(ctx->diags, spec->records.positions[i],
				 spec->type == 0 ? "type: AAAA is for addresses with colons, CNAME "
						   "for names"
						 : "type: A is for addresses with dots, CNAME for "
						   "names",
				 "check \"%s\": \"%s\" is no %s record", c->name,
				 str_escaped(ctx->arena, text), type_names[spec->type]);
	}
}

static void dns_check(struct keys_context *ctx, struct check *c)
{
	struct dns_spec *spec = c->spec;
	struct err e = {0};

	if (spec->name != NULL && !dns_name_is_valid(spec->name)) {
		(void)err_set(&e, ERR_DEFINITION, "\"%s\" is no name", spec->name);
		(void)err_help(&e, "labels of at most 63 bytes, no dot at the end, xn-- for others "
				   "than ASCII");
		report(ctx, c, "name", &e);
	}
	read_records(ctx, c, spec);
	if (spec->server == NULL)
		return;
	e = (struct err){0};
	if (net_place_parse(ctx->arena, spec->server, "53", &spec->place, &e) != 0) {
		report(ctx, c, "server", &e);
	} else if (!net_is_address(spec->place.host)) {
		(void)err_set(&e, ERR_DEFINITION, "\"%s\" is a name", spec->server);
		(void)err_help(&e, "write the address of the name server");
		report(ctx, c, "server", &e);
	}
}

static void dns_describe(struct probe *p, struct buf *out)
{
	const struct dns_spec *spec = p->checks[0]->spec;

	(void)buf_printf(out, "ask %s for the %s records of %s\n",
			 spec->server != NULL ? spec->server : "the resolver's name server",
			 type_names[spec->type], spec->name); /* the definition is bounded */
}

static bool has_record(const struct dns_answer *answer, const char *data)
{
	for (size_t i = 0; i < answer->n; i++)
		if (strcmp(answer->records[i].data, data) == 0)
			return true;
	return false;
}

static bool is_listed(const struct texts *list, const char *data)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i], data) == 0)
			return true;
	return false;
}

static struct measurement measure_text(struct arena *a, enum dns_type type,
				       const struct dns_answer *answer)
{
	struct measurement m;
	struct buf b;

	if (answer->n == 0)
		return measurement_none("answer", "there is no such record");
	buf_init(&b, MAX_JUDGED_BYTES);
	for (size_t i = 0; i < answer->n; i++) {
		const char *data = answer->records[i].data;

		(void)buf_printf(&b, "%s%s", i > 0 ? ", " : "",
				 type == DNS_TXT || type == DNS_CAA ? dns_record_text(a, data)
								    : data);
	}
	m = b.is_full ? measurement_none("answer", "the records have more than 64 KiB")
		      : measurement_text("answer", arena_strndup(a, b.data, b.len));
	buf_release(&b);
	return m;
}

static struct measurement measure_ttl(const struct dns_answer *answer)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < answer->n; i++)
		if (answer->records[i].ttl_s < least)
			least = answer->records[i].ttl_s;
	return answer->n > 0 ? measurement_int("ttl", least, "s")
			     : measurement_none("ttl", "there is no such record");
}

/* What is missing, what is unexpected, then what is there. */
static const char *evidence_of(struct arena *a, const struct dns_spec *spec,
			       const struct dns_answer *answer)
{
	const char *text;
	struct buf b;

	buf_init(&b, EVIDENCE_MAX_BYTES); /* cut when full */
	if (answer->is_missing)
		(void)buf_puts(&b, "the name does not exist (NXDOMAIN)\n");
	for (size_t i = 0; i < spec->records.n; i++)
		if (!has_record(answer, spec->records.items[i]))
			(void)buf_printf(&b, "missing: %s\n", spec->records.items[i]);
	for (size_t i = 0; i < answer->n; i++) {
		const char *data = answer->records[i].data;
		bool is_unexpected = spec->records.n > 0 && !is_listed(&spec->records, data);

		(void)buf_printf(&b, "%s%s\n", is_unexpected ? "unexpected: " : "", data);
	}
	text = arena_strndup(a, b.data, b.len > 0 ? b.len - 1 : 0);
	buf_release(&b);
	return text;
}

static void emit_all(struct probe *p, const struct dns_answer *answer, double seconds,
		     const char *query)
{
	const struct dns_spec *spec = p->checks[0]->spec;
	const char *evidence = evidence_of(p->arena, spec, answer);
	int64_t n_missing = 0, n_unexpected = 0;

	for (size_t i = 0; i < spec->records.n; i++)
		n_missing += !has_record(answer, spec->records.items[i]);
	for (size_t i = 0; i < answer->n; i++)
		n_unexpected += !is_listed(&spec->records, answer->records[i].data);

	struct measurement all[] = {
		measurement_int("count", (int64_t)answer->n, ""),
		measure_text(p->arena, types[spec->type], answer),
		measure_ttl(answer),
		measurement_real("time", seconds, "s"),
		measurement_int("missing", n_missing, ""),
		measurement_int("unexpected", n_unexpected, ""),
	};
	size_t n = sizeof(all) / sizeof(all[0]) - (spec->records.n > 0 ? 0 : 2);

	for (size_t i = 0; i < n; i++) {
		all[i].evidence = evidence;
		all[i].query = query;
		all[i].n = (int64_t)answer->n;
		probe_emit(p, 0, &all[i]);
	}
}

static int dns_probe(struct probe *p, struct err *e)
{
	const struct dns_spec *spec = p->checks[0]->spec;
	const struct clock *clock = p->world->clock;
	const struct net_wait wait = {
		.clock = clock,
		.deadline_ms = p->deadline_ms,
		.is_cancelled = &p->world->is_interrupted,
	};
	struct dns_question q = {.name = spec->name, .type = types[spec->type]};
	struct net_place server = spec->place;
	struct dns_answer answer;
	const char *query;
	int64_t begin_us;

	if (spec->server == NULL && dns_first_server(p->arena, RESOLVER_FILE, &server, e) != 0)
		return -1;
	query = arena_printf(p->arena, "%s %s at %s port %s", spec->name, type_names[spec->type],
			     server.host, server.port);
	begin_us = clock_monotonic_us(clock);
	if (dns_ask(p->arena, &server, &q, &wait, &answer, e) != 0)
		return err_context(e, "%s", query);
	emit_all(p, &answer, (double)(clock_monotonic_us(clock) - begin_us) / 1e6, query);
	return 0;
}

const struct audit_kind audit_kind_dns = {
	.name = "dns",
	.family = "network",
	.summary = "records of a name at a name server: which, how many, for how long",
	.blind = "One name server is asked: others may answer otherwise, and what is cached "
		 "elsewhere "
		 "stays until its time is over. Signatures (DNSSEC) are not verified, so a forged "
		 "answer is believed. The machine's hosts file and search domains are not looked "
		 "at.",
	.spec_size = sizeof(struct dns_spec),
	.keys = dns_keys,
	.values = dns_values,
	.scalar_key = "name",
	.check = dns_check,
	.describe = dns_describe,
	.probe = dns_probe,
};
