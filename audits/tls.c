/*
 * tls: the certificates of a server, how long they hold, and what it speaks.
 *
 * What keeps a client from connecting (an expired certificate, another name, an unknown issuer) is
 * measured here: verified = 0, with the reason. `days_left` is that of the certificate that expires
 * first, of all the server sends and all the chain is built of: an intermediate that runs out takes
 * every site down with it.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/net.h"
#include "runner/io/starttls.h"
#include "runner/io/tls.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

#define CHAIN_SHOWN 8 /* certificates, of evidence that is shown at once */

struct tls_spec {
	const char *address, *name, *ca_file;
	int starttls;
	struct net_place place; /* of address, taken apart by tls_check() */
};

static const struct key_row tls_keys[] = {
	{.name = "address",
	 .type = KEY_TEXT,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct tls_spec, address),
	 .help = "host and port to connect to; without a port 443, or that of starttls",
	 .example = "\"shop.example:443\""},
	{.name = "name",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct tls_spec, name),
	 .help = "name to ask for and to find in the certificate, the host if absent",
	 .example = "shop.example"},
	{.name = "ca_file",
	 .type = KEY_PATH,
	 .flags = KEY_POLICY,
	 .offset = offsetof(struct tls_spec, ca_file),
	 .help = "PEM file of the issuers to trust, in place of the system's",
	 .example = "ca.pem"},
	{.name = "starttls",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct tls_spec, starttls),
	 .choices = starttls_names,
	 .def = "none",
	 .help = "the protocol that is spoken before TLS begins",
	 .example = "smtp"},
	KEY_END,
};

static const struct value_row tls_values[] = {
	{.name = "verified",
	 .type = VALUE_INT,
	 .unit = "",
	 .most = 1,
	 .implied = "== 1",
	 .help = "1 when a careful client would trust the certificate for this name, else 0"},
	{.name = "days_left",
	 .type = VALUE_REAL,
	 .unit = "",
	 .help = "days until the first certificate of the whole chain expires; negative since"},
	{.name = "protocol",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "the best the server speaks: TLSv1.3, TLSv1.2, .."},
	{.name = "cipher", .type = VALUE_TEXT, .unit = "", .help = "cipher suite agreed on"},
	{.name = "key_bits",
	 .type = VALUE_INT,
	 .unit = "",
	 .help = "size of the server's public key"},
	{.name = "names",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "names and addresses in the certificate, sorted, a space between"},
	{.name = "issuer",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "who issued the server's certificate, as in CN=R11,O=Let's Encrypt,C=US"},
	{.name = "connect",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "time to connect"},
	{.name = "handshake",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "the TLS handshake, from its first byte to its end"},
	{.name = NULL},
};

static void tls_check(struct keys_context *ctx, struct check *c)
{
	struct tls_spec *spec = c->spec;
	struct net_place named;
	struct err e = {0};
	bool is_name = false;

	if (spec->address == NULL)
		return;
	if (net_place_parse(ctx->arena, spec->address, starttls_port((enum starttls)spec->starttls),
			    &spec->place, &e) == 0) {
		is_name = true;
		if (spec->name == NULL)
			return;
		if (net_place_parse(ctx->arena, spec->name, "443", &named, &e) == 0) {
			if (strcmp(named.host, spec->name) == 0)
				return;
			(void)err_set(&e, ERR_DEFINITION, "\"%s\" is more than a name", spec->name);
			(void)err_help(&e, "write name: \"%s\"; the port belongs to address",
				       named.host);
		}
	}
	(void)err_context(&e, "check \"%s\"", c->name); /* always -1 */
	e.pos = keys_pos(c->spec_node, is_name ? "name" : "address");
	diags_add(ctx->diags, &e);
}

/* The dot behind a whole name is for the resolver: no certificate has it, nor SNI (RFC 6066, 3). */
static const char *name_of(struct arena *a, const struct tls_spec *spec)
{
	const char *name = spec->name != NULL ? spec->name : spec->place.host;
	size_t n = strlen(name);

	return n > 1 && name[n - 1] == '.' ? arena_strndup(a, name, n - 1) : name;
}

static const char *question_text(struct arena *a, const struct tls_spec *spec)
{
	bool has_words = spec->starttls != STARTTLS_NONE;

	return arena_printf(a, "%s%sTLS handshake with %s port %s as %s",
			    has_words ? starttls_names[spec->starttls] : "",
			    has_words ? " STARTTLS, " : "", spec->place.host, spec->place.port,
			    name_of(a, spec));
}

static void tls_describe(struct probe *p, struct buf *out)
{
	const struct tls_spec *spec = p->checks[0]->spec;

	(void)buf_printf(out, "%s\n",
			 question_text(p->arena, spec)); /* the definition is bounded */
}

/* A line a certificate, the server's own first. */
static int by_end(const void *a, const void *b)
{
	const struct tls_certificate *x = a, *y = b;

	return (x->days_left > y->days_left) - (x->days_left < y->days_left);
}

static const char *evidence_of(struct arena *a, const struct tls_facts *f)
{
	struct tls_certificate *chain = arena_array(a, f->n_chain, sizeof(*chain));
	const char *text;
	struct buf b;

	/* As sent, unless they are so many that the one that matters would not be shown. */
	memcpy(chain, f->chain, f->n_chain * sizeof(*chain));
	if (f->n_chain > CHAIN_SHOWN)
		qsort(chain, f->n_chain, sizeof(*chain), by_end);

	buf_init(&b, EVIDENCE_MAX_BYTES);
	if (!f->is_verified)
		(void)buf_printf(&b, "not trusted: %s\n", f->verify_reason); /* cut when full */
	(void)buf_printf(&b, "%s, %s, %s of %d bits", f->protocol, f->cipher, f->key_type,
			 f->key_bits);
	for (size_t i = 0; i < f->n_chain; i++) {
		const struct tls_certificate *c = &chain[i];

		(void)buf_printf(&b, "\n%s: %.1f days left%s", c->subject, c->days_left,
				 c->is_sent ? "" : ", not sent by the server");
	}
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

static double first_to_expire(const struct tls_facts *f)
{
	double least = f->chain[0].days_left;

	for (size_t i = 1; i < f->n_chain; i++)
		if (f->chain[i].days_left < least)
			least = f->chain[i].days_left;
	return least;
}

static void emit_facts(struct probe *p, const struct tls_facts *f, double connect_s)
{
	const struct tls_spec *spec = p->checks[0]->spec;
	const char *evidence = evidence_of(p->arena, f);
	struct measurement all[] = {
		measurement_int("verified", f->is_verified, ""),
		measurement_real("days_left", first_to_expire(f), ""),
		measurement_text("protocol", f->protocol),
		measurement_text("cipher", f->cipher),
		measurement_int("key_bits", f->key_bits, ""),
		f->names != NULL ? measurement_text("names", f->names)
				 : measurement_none("names", "they have more than 64 KiB"),
		measurement_text("issuer", f->chain[0].issuer),
		measurement_real("connect", connect_s, "s"),
		measurement_real("handshake", f->handshake_s, "s"),
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		all[i].evidence = evidence;
		all[i].query = question_text(p->arena, spec);
		all[i].n = (int64_t)f->n_chain;
		probe_emit(p, 0, &all[i]);
	}
}

static int tls_probe(struct probe *p, struct err *e)
{
	const struct tls_spec *spec = p->checks[0]->spec;
	const struct net_wait wait = {
		.clock = p->world->clock,
		.deadline_ms = p->deadline_ms,
		.is_cancelled = &p->world->is_interrupted,
	};
	const struct tls_question question = {
		.name = name_of(p->arena, spec),
		.ca_file = spec->ca_file,
		.now_ms = clock_wall_ms(p->world->clock),
	};
	struct net_connected c;
	struct tls_facts facts;
	int rc;

	if (net_connect(p->arena, &spec->place, &wait, &c, e) != 0)
		return err_context(e, "%s", spec->address);
	if (c.fd < 0)
		return err_set(e, ERR_MEASURE, "%s: could not connect: connection refused",
			       spec->address);
	rc = starttls_ask(p->arena, c.fd, (enum starttls)spec->starttls, &wait, e);
	if (rc == 0)
		rc = tls_look(p->arena, c.fd, &question, &wait, &facts, e);
	(void)close(c.fd); /* nothing was sent that could be lost */
	if (rc != 0)
		return err_context(e, "%s", spec->address);
	emit_facts(p, &facts, c.connect_s);
	return 0;
}

const struct audit_kind audit_kind_tls = {
	.name = "tls",
	.family = "network",
	.summary = "a TLS server: certificates, days left of the whole chain, protocol, cipher",
	.blind =
		"One server of perhaps many behind the name, asked once: the others may show other "
		"certificates. Whether a certificate was revoked is not looked up. The protocol is "
		"the best both sides speak: that a server takes old ones as well is not seen. "
		"What is spoken inside is not looked at. With starttls: that a server lets a "
		"client "
		"go on without TLS is not seen.",
	.spec_size = sizeof(struct tls_spec),
	.keys = tls_keys,
	.values = tls_values,
	.scalar_key = "address",
	.check = tls_check,
	.describe = tls_describe,
	.probe = tls_probe,
};
