/*
 * SARIF 2.1.0 (OASIS): a result for everything that does not simply pass, at the line that judged
 * it; a rule for each check that has one; the run as its invocation.
 *
 * kind "open" is SARIF's word for undecided, but its level must then be "none", and readers let
 * what has no level through: undecided is therefore kind "fail", level "error", and the property
 * outcome tells it apart. Checks that pass or were skipped have no result: code scanning services
 * show every result as an alert whatever its kind. What a skipped check leaves open is the result
 * of its run (cases.h).
 *
 * A fingerprint is made of the names of check and series alone, so that an alert stays the same one
 * while values, lines and bounds change. primaryLocationLineHash is the one GitHub compares; it
 * would otherwise be made of the text of the line, which several series may share.
 */
#include "reports/report.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "reports/cases.h"
#include "reports/text.h"
#include "reports/view.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/map.h"
#include "runner/base/utc.h"
#include "runner/io/json.h"

/* GitHub refuses a run with more. The worst come first; how many are left out is said. */
#define MAX_RESULTS 25000
/* And a rule with more. */
#define MAX_TAGS 20

struct sarif {
	struct json_writer w;
	struct arena *a;
	const struct report *r;
	struct report_case **results; /* worst first */
	size_t n_results, n_left_out;
	const struct report_case **rules; /* a case of each rule */
	size_t *rule_of;		  /* rule_of[i] of results[i] */
	size_t n_rules;
};

static bool has_result(const struct report_case *c)
{
	return c->outcome != OUTCOME_PASS && c->outcome != OUTCOME_SKIP;
}

static void collect(struct sarif *s)
{
	size_t n;
	struct report_case *cases = report_cases(s->a, s->r, &n);
	struct report_case **ranked = report_cases_ranked(s->a, cases, n);
	struct map seen;

	map_init(&seen, s->a);
	s->results = ranked;
	s->rules = arena_array(s->a, n, sizeof(const struct report_case *));
	s->rule_of = arena_array(s->a, n, sizeof(*s->rule_of));
	for (size_t i = 0; i < n; i++) {
		size_t *rule;

		if (!has_result(ranked[i]))
			continue;
		if (s->n_results == MAX_RESULTS) {
			s->n_left_out++;
			continue;
		}
		rule = map_get(&seen, ranked[i]->rule);
		if (rule == NULL) {
			rule = arena_alloc(s->a, sizeof(*rule));
			*rule = s->n_rules;
			s->rules[s->n_rules++] = ranked[i];
			(void)map_put(&seen, ranked[i]->rule, rule); /* it was not there */
		}
		s->rule_of[s->n_results] = *rule;
		ranked[s->n_results++] = ranked[i];
	}
}

/*
 * A message is a template: "{0}" stands for an argument and "[text](target)" for a link (3.11.5,
 * 3.11.6). Neither may come out of foreign text. A backslash takes the meaning from the bracket or
 * backslash behind it, so one of its own is doubled: else it would give the bracket its meaning
 * back. Texts without a link stay as they are, for readers that show them without reading them so.
 */
static void put_message(struct sarif *s, const char *key, const char *text)
{
	bool has_link = strstr(text, "](") != NULL;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	for (const char *p = text; *p != '\0'; p++) {
		size_t digits = *p == '{' ? strspn(p + 1, "0123456789") : 0;

		if (digits > 0 && p[1 + digits] == '}') {
			(void)buf_printf(&b, "{{%.*s}}", (int)digits, p + 1);
			p += 1 + digits;
			continue;
		}
		if (has_link && (*p == '[' || *p == ']' || *p == '\\'))
			(void)buf_putc(&b, '\\');
		(void)buf_putc(&b, *p);
	}
	json_open(&s->w, key, '{');
	json_put_text_n(&s->w, "text", b.data, b.len);
	json_close(&s->w, '}');
	buf_release(&b);
}

/* RFC 3986: what is no path character is a percent sign and two digits. */
static const char *uri_of(struct arena *a, const char *path)
{
	static const char plain[] = "-._~/!$&'()*+,;=@";
	const char *uri;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	if (path[0] == '/')
		(void)buf_puts(&b, "file://");
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	for (const unsigned char *p = (const unsigned char *)path; *p != '\0'; p++) {
		if (*p < 0x80 && (isalnum(*p) || strchr(plain, *p) != NULL))
			(void)buf_putc(&b, (char)*p);
		else
			(void)buf_printf(&b, "%%%02X", (unsigned)*p);
	}
	uri = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return uri;
}

static void put_location(struct sarif *s, const struct report_case *c)
{
	const char *file = c->file[0] != '\0' ? c->file : "assize.yaml";

	json_open(&s->w, "locations", '[');
	json_open(&s->w, NULL, '{');
	json_open(&s->w, "physicalLocation", '{');
	json_open(&s->w, "artifactLocation", '{');
	json_put_text(&s->w, "uri", uri_of(s->a, file));
	if (file[0] != '/')
		json_put_text(&s->w, "uriBaseId", "SRCROOT");
	json_close(&s->w, '}');
	json_open(&s->w, "region", '{');
	json_put_int(&s->w, "startLine", c->line > 0 ? c->line : 1);
	if (c->line > 0 && c->col > 0)
		json_put_int(&s->w, "startColumn", c->col);
	json_close(&s->w, '}');
	json_close(&s->w, '}');
	json_open(&s->w, "logicalLocations", '[');
	json_open(&s->w, NULL, '{');
	json_put_text(&s->w, "fullyQualifiedName", c->name);
	json_close(&s->w, '}');
	json_close(&s->w, ']');
	json_close(&s->w, '}');
	json_close(&s->w, ']');
}

static void put_properties(struct sarif *s, const struct report_case *c)
{
	const struct result *r = c->result;
	double number;

	json_open(&s->w, "properties", '{');
	json_put_text(&s->w, "outcome", c->state);
	json_put_int(&s->w, "severity", c->severity);
	if (c->title != NULL)
		json_put_text(&s->w, "title", c->title);
	if (c->details[0] != '\0')
		json_put_text(&s->w, "details", c->details);
	if (r != NULL) {
		if (result_number(r, &number) && isfinite(number))
			json_put_real(&s->w, "value", number);
		text_json(&s->w, "unit", r->unit);
		text_json(&s->w, "bound", r->bound);
		text_json(&s->w, "series", r->series);
		if (isfinite(r->room))
			json_put_real(&s->w, "room", r->room);
	}
	json_close(&s->w, '}');
}

static const char *level(const struct report_case *c)
{
	if (c->is_aside)
		return "note"; /* the gate the report is about does not mind it */
	return c->outcome == OUTCOME_WARN ? "warning" : "error";
}

/* Services close an alert with an accepted suppression, and keep it. */
static void put_suppression(struct sarif *s, const struct ruling *x)
{
	struct buf b;

	if (!ruling_lets_through(x))
		return;
	buf_init(&b, BUF_UNBOUNDED);
	ruling_put(&b, x);
	json_open(&s->w, "suppressions", '[');
	json_open(&s->w, NULL, '{');
	json_put_text(&s->w, "kind", "external");
	json_put_text(&s->w, "status", "accepted");
	text_json(&s->w, "justification", b.data);
	json_close(&s->w, '}');
	json_close(&s->w, ']');
	buf_release(&b);
}

static void put_result(struct sarif *s, const struct report_case *c, size_t rule)
{
	json_open(&s->w, NULL, '{');
	json_put_text(&s->w, "ruleId", c->rule);
	json_put_int(&s->w, "ruleIndex", (int64_t)rule);
	json_put_text(&s->w, "kind", "fail");
	json_put_text(&s->w, "level", level(c));
	put_message(s, "message",
		    c->kind == CASE_SERIES ? arena_printf(s->a, "%s: %s", c->name, c->message)
					   : c->message);
	put_location(s, c);
	json_open(&s->w, "partialFingerprints", '{');
	json_put_text(&s->w, "assizeSeries/v1", c->fingerprint);
	json_put_text(&s->w, "primaryLocationLineHash",
		      arena_printf(s->a, "%.16s:1", c->fingerprint));
	json_close(&s->w, '}');
	put_suppression(s, &c->ruling);
	json_put_real(&s->w, "rank", (double)c->severity * 10);
	put_properties(s, c);
	json_close(&s->w, '}');
}

static const char *help_of(struct arena *a, const struct report_case *c)
{
	const struct check_info *info = c->result != NULL ? c->result->check : NULL;
	const char *text;
	struct buf b;

	if (c->kind == CASE_RUN)
		return "A run that did not come to its end, or measured nothing, proves nothing: "
		       "run it again, and look at the log of the one that ended early.";
	if (c->kind == CASE_GATE)
		return "The gate opens when everything it requires has passed, lately and about "
		       "this subject. Repair or measure again what the message names; there is no "
		       "switch that opens it.";
	buf_init(&b, BUF_UNBOUNDED);
	if (info->why != NULL) {
		text_put(&b, info->why);
		(void)buf_putc(&b, ' ');
	}
	(void)buf_puts(&b, "Measured by kind ");
	text_put(&b, info->kind);
	(void)buf_puts(&b, ": \"assize kinds ");
	text_put(&b, info->kind);
	(void)buf_puts(&b, "\" tells what a pass proves and what it does not.");
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

static const char *description_of(const struct report_case *c)
{
	switch (c->kind) {
	case CASE_RUN:
		return "The run is complete and measured something";
	case CASE_GATE:
		return "The gate is open";
	case CASE_SERIES:
		return c->title != NULL && c->title[0] != '\0' ? c->title : c->rule;
	}
	return c->rule;
}

static void put_rule(struct sarif *s, const struct report_case *c)
{
	const char *words = c->result != NULL ? c->result->check->tags : "";
	size_t n_tags = 0;

	json_open(&s->w, NULL, '{');
	json_put_text(&s->w, "id", c->rule);
	put_message(s, "shortDescription", description_of(c));
	put_message(s, "fullDescription", description_of(c));
	put_message(s, "help", help_of(s->a, c));
	json_open(&s->w, "defaultConfiguration", '{');
	json_put_text(&s->w, "level", "error");
	json_close(&s->w, '}');
	json_open(&s->w, "properties", '{');
	json_put_int(&s->w, "severity", c->severity);
	if (c->result != NULL && c->result->check->owner != NULL)
		text_json(&s->w, "owner", c->result->check->owner);
	json_open(&s->w, "tags", '[');
	for (size_t n; *words != '\0' && n_tags < MAX_TAGS; words += n) {
		words += strspn(words, " ");
		n = strcspn(words, " ");
		if (n == 0)
			continue;
		text_json(&s->w, NULL, arena_strndup(s->a, words, n));
		n_tags++;
	}
	json_close(&s->w, ']');
	json_close(&s->w, '}');
	json_close(&s->w, '}');
}

static void put_tool(struct sarif *s)
{
	json_open(&s->w, "tool", '{');
	json_open(&s->w, "driver", '{');
	json_put_text(&s->w, "name", "assize");
	text_json(&s->w, "version", s->r->run.version);
	json_open(&s->w, "rules", '[');
	for (size_t i = 0; i < s->n_rules; i++)
		put_rule(s, s->rules[i]);
	json_close(&s->w, ']');
	json_close(&s->w, '}');
	json_close(&s->w, '}');
}

static void put_time(struct json_writer *w, const char *key, int64_t ms)
{
	char text[UTC_MAX];

	if (ms < 0)
		return;
	(void)utc_format(ms, 1, text);
	json_put_text(w, key, text);
}

/* What kept the tool from doing its work is told here as well as in the results. */
static void put_notification(struct sarif *s, const char *level, const char *text)
{
	json_open(&s->w, NULL, '{');
	json_put_text(&s->w, "level", level);
	put_message(s, "message", text);
	json_close(&s->w, '}');
}

static void put_invocation(struct sarif *s)
{
	const struct run_info *run = &s->r->run;
	const struct decision *d = report_decision(s->r);
	const char *problem = report_problem(s->a, s->r);
	bool is_open = d != NULL && d->is_open; /* whatever the run has come to */

	json_open(&s->w, "invocations", '[');
	json_open(&s->w, NULL, '{');
	json_put_bool(&s->w, "executionSuccessful",
		      (problem == NULL || is_open) && report_exit_status(s->r) < 2);
	json_put_int(&s->w, "exitCode", report_exit_status(s->r));
	json_put_text(&s->w, "exitCodeDescription", report_verdict(s->a, s->r));
	put_time(&s->w, "startTimeUtc", run->begin_ms);
	put_time(&s->w, "endTimeUtc", run->end_ms);
	text_json(&s->w, "machine", run->host);
	text_json(&s->w, "account", run->user);
	json_open(&s->w, "toolExecutionNotifications", '[');
	if (problem != NULL)
		put_notification(s, is_open ? "note" : "error", problem);
	if (s->n_left_out > 0)
		put_notification(s, "error",
				 arena_printf(s->a, "%zu more results are left out of this file",
					      s->n_left_out));
	json_close(&s->w, ']');
	json_close(&s->w, '}');
	json_close(&s->w, ']');
}

static void put_provenance(struct sarif *s)
{
	const struct run_info *run = &s->r->run;
	struct buf b;

	/* Up to its last slash this names the series of runs that replace one another. */
	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_puts(&b, "assize/");
	text_put(&b, run->command);
	(void)buf_putc(&b, '/');
	text_put(&b, run->selection);
	(void)buf_printf(&b, "/%" PRId64, run->id);
	json_open(&s->w, "automationDetails", '{');
	json_put_text_n(&s->w, "id", b.data, b.len);
	json_close(&s->w, '}');
	buf_release(&b);
	json_open(&s->w, "originalUriBaseIds", '{');
	json_open(&s->w, "SRCROOT", '{');
	put_message(s, "description",
		    "The top of the checkout; without one the directory assize was started in");
	json_close(&s->w, '}');
	json_close(&s->w, '}');
	json_open(&s->w, "properties", '{');
	text_json(&s->w, "subject", run->subject);
	text_json(&s->w, "commit", run->commit);
	text_json(&s->w, "job", run->job_url);
	json_put_text(&s->w, "outcome", outcome_name(run->outcome));
	json_close(&s->w, '}');
}

void report_sarif(struct buf *out, const struct report *r)
{
	struct sarif s = {.a = arena_new(), .r = r};

	collect(&s);
	json_writer_init(&s.w, out, true);
	json_open(&s.w, NULL, '{');
	json_put_text(&s.w, "$schema",
		      "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
		      "sarif-schema-2.1.0.json");
	json_put_text(&s.w, "version", "2.1.0");
	json_open(&s.w, "runs", '[');
	json_open(&s.w, NULL, '{');
	put_tool(&s);
	put_invocation(&s);
	put_provenance(&s);
	json_put_text(&s.w, "columnKind", "unicodeCodePoints");
	json_open(&s.w, "results", '[');
	for (size_t i = 0; i < s.n_results; i++)
		put_result(&s, s.results[i], s.rule_of[i]);
	json_close(&s.w, ']');
	json_close(&s.w, '}');
	json_close(&s.w, ']');
	json_close(&s.w, '}');
	arena_free(s.a);
}
