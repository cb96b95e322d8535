/*
 * The way to an answer, phase by phase, and the certificates met on it. A phase that did not happen
 * has no time: on a plain connection there is no handshake that took 0 s. Phases are those of the
 * last request when redirects were followed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audits/http_kind.h"
#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/io/clock.h"
#include "runner/io/http.h"
#include "runner/model/kind.h"

#define SECONDS_A_DAY 86400

static const char *const phases[] = {"dns", "connect", "tls", "first_byte"};

bool http_wants_connection(const struct check *c)
{
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		if (http_is_expected(c, phases[i]))
			return true;
	return false;
}

static void emit_phase(struct probe *p, const char *name, bool has_happened, double s,
		       const char *why_not)
{
	if (!http_is_expected(p->checks[0], name))
		return;
	http_emit(p,
		  has_happened ? measurement_real(name, s, "s") : measurement_none(name, why_not));
}

static void emit_times(struct probe *p, const struct http_response *res)
{
	static const char reused[] = "the connection was there already";
	bool is_new = res->connect_s > 0;
	double ready = res->tls_s > 0 ? res->tls_s : is_new ? res->connect_s : res->request_s;

	emit_phase(p, "dns", is_new, res->dns_s - res->request_s, reused);
	emit_phase(p, "connect", is_new, res->connect_s - res->dns_s, reused);
	emit_phase(p, "tls", res->tls_s > 0, res->tls_s - res->connect_s,
		   is_new ? "there was no TLS handshake: the connection is plain" : reused);
	emit_phase(p, "first_byte", true, res->first_byte_s - ready, NULL);
}

static int by_expiry(const void *a, const void *b)
{
	const struct http_certificate *x = a, *y = b;

	return x->not_after_s < y->not_after_s ? -1 : x->not_after_s > y->not_after_s;
}

/* "2027-01-31T12:00:00Z /CN=example.com", the first to expire first. */
static const char *chain_evidence(struct probe *p, const struct http_certificate *chain, size_t n)
{
	struct buf b;
	const char *text;
	char when[UTC_MAX];

	buf_init(&b, EVIDENCE_MAX_BYTES);
	for (size_t i = 0; i < n; i++) {
		(void)utc_format(chain[i].not_after_s * 1000, 0, when); /* length is known */
		(void)buf_printf(&b, "%sexpires %s: ", i > 0 ? "\n" : "", when); /* cut when full */
		str_escape(&b, chain[i].subject, strlen(chain[i].subject));
	}
	text = arena_strdup(p->arena, b.data);
	buf_release(&b);
	return text;
}

static void emit_days_left(struct probe *p, const struct http_response *res)
{
	struct http_certificate *chain;
	struct measurement m;
	double seconds;

	if (!http_is_expected(p->checks[0], "tls_days_left"))
		return;
	if (res->n_chain == 0) {
		http_emit(p, measurement_none("tls_days_left",
					      "there is no certificate: the connection is plain"));
		return;
	}
	chain = arena_array(p->arena, res->n_chain, sizeof(*chain));
	memcpy(chain, res->chain, res->n_chain * sizeof(*chain));
	qsort(chain, res->n_chain, sizeof(*chain), by_expiry);
	seconds = (double)chain[0].not_after_s - (double)clock_wall_ms(p->world->clock) / 1000;
	m = measurement_real("tls_days_left", seconds / SECONDS_A_DAY, "");
	m.n = (int64_t)res->n_chain;
	m.evidence = chain_evidence(p, chain, res->n_chain);
	http_emit(p, m);
}

void http_emit_phases(struct probe *p, const struct http_response *res)
{
	const struct check *c = p->checks[0];

	emit_times(p, res);
	emit_days_left(p, res);
	if (http_is_expected(c, "url"))
		http_emit(p, measurement_text("url", arena_strdup(p->arena, res->url)));
	if (http_is_expected(c, "redirects"))
		http_emit(p, measurement_int("redirects", res->n_redirects, ""));
	if (http_is_expected(c, "http_version"))
		http_emit(p, measurement_text("http_version", res->http_version));
}
