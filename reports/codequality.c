/*
 * GitLab code quality: a JSON array, one entry for everything that does not simply pass. GitLab
 * stops reading at the first entry it cannot take and compares fingerprints between branches, so
 * each entry has all members it requires and a fingerprint of its own that stays the same from run
 * to run.
 *
 * The severities are GitLab's five words. A shut gate and a run that proves nothing block; what is
 * undecided ranks with what is disproved; what the gate let through or does not mind (ruling.h) is
 * "info", and a gate that was overridden is "minor", as a warning is.
 */
#include "reports/report.h"

#include <string.h>

#include "reports/cases.h"
#include "reports/text.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/io/json.h"

static const char *severity(const struct report_case *c)
{
	if (!ruling_is_none(&c->ruling))
		return "info";
	if (c->outcome == OUTCOME_WARN)
		return "minor";
	if (c->severity >= 9)
		return "blocker";
	return c->severity >= 7 ? "critical" : "major";
}

/* Relative to the repository, without "./" in front. */
static const char *path_of(const struct report_case *c)
{
	const char *path = c->file;

	while (path[0] == '/' || strncmp(path, "./", 2) == 0)
		path += path[0] == '/' ? 1 : 2;
	return path[0] != '\0' ? path : "assize.yaml";
}

void report_codequality(struct buf *out, const struct report *r)
{
	struct arena *a = arena_new();
	size_t n;
	struct report_case *cases = report_cases(a, r, &n);
	struct report_case **ranked = report_cases_ranked(a, cases, n);
	struct json_writer w;

	json_writer_init(&w, out, true);
	json_open(&w, NULL, '[');
	for (size_t i = 0; i < n; i++) {
		const struct report_case *c = ranked[i];

		if (c->outcome == OUTCOME_PASS || c->outcome == OUTCOME_SKIP)
			continue;
		json_open(&w, NULL, '{');
		json_put_text(&w, "description",
			      arena_printf(a, "%s %s: %s", c->state, c->name, c->message));
		json_put_text(&w, "check_name", c->rule);
		json_put_text(&w, "fingerprint", c->fingerprint);
		json_put_text(&w, "severity", severity(c));
		json_open(&w, "location", '{');
		text_json(&w, "path", path_of(c));
		json_open(&w, "lines", '{');
		json_put_int(&w, "begin", c->line > 0 ? c->line : 1);
		json_close(&w, '}');
		json_close(&w, '}');
		json_close(&w, '}');
	}
	json_close(&w, ']');
	arena_free(a);
}
