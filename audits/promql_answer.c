/*
 * Everything that can come back from a query API and is not the answer to the query has its own
 * sentence: a proxy's page, an answer that leaves a store out, a server that ran out of time. The
 * shapes of Prometheus, Thanos, Mimir and VictoriaMetrics differ in what they say beside the
 * result: warnings and infos (lists of texts), isPartial (a flag).
 */
#include "audits/promql.h"

#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/json.h"
#include "runner/model/kind.h"

#define MAX_FOREIGN 300 /* bytes of their words in ours */

/* Foreign text for a message: one line, escaped, cut. */
static const char *theirs(struct probe *p, const char *text, size_t n)
{
	struct buf b;
	const char *head, *cut;

	while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL && text[n - 1] != '\0')
		n--;
	buf_init(&b, 8 * MAX_FOREIGN);
	head = probe_head(p, text, n, MAX_FOREIGN);
	str_escape(&b, head, strlen(head));
	cut = arena_printf(p->arena, "%s%s", b.len > 0 ? b.data : "", n > MAX_FOREIGN ? "..." : "");
	buf_release(&b);
	return cut;
}

static const char *text_of(struct probe *p, const struct json_doc *doc, const struct json_t *at)
{
	struct json_value v;

	json_read(doc, at, &v);
	return v.type == JSON_IS_TEXT ? theirs(p, v.text, v.n) : NULL;
}

static bool is_html(const struct promql_reply *r)
{
	return strncasecmp(r->content_type, "text/html", 9) == 0;
}

/* What is no JSON and does not claim to have worked. */
static int refuse_status(struct probe *p, const struct promql_reply *r, struct err *e)
{
	const char *said = r->n > 0 && !is_html(r) ? theirs(p, r->text, r->n) : "";
	const char *colon = said[0] != '\0' ? ": " : "";

	if (r->status == 401 || r->status == 403) {
		(void)err_set(e, ERR_MEASURE, "the server wants other credentials (status %ld)%s%s",
			      r->status, colon, said);
		return err_help(e, "headers of the target: Authorization, or the tenant "
				   "(X-Scope-OrgID for Mimir, THANOS-TENANT for Thanos)");
	}
	if (r->status == 404) {
		(void)err_set(e, ERR_MEASURE, "there is no query API at \"%s\" (status 404)",
			      r->url);
		return err_help(e, "the URL of the target may lack a path: /prometheus (Mimir), "
				   "/select/0/prometheus (VictoriaMetrics cluster)");
	}
	if (r->status == 429)
		return err_set(e, ERR_MEASURE, "the server has too many queries (status 429)%s%s",
			       colon, said);
	if (r->status >= 300 && r->status < 400) {
		(void)err_set(e, ERR_MEASURE, "the query was redirected (status %ld), not answered",
			      r->status);
		return err_help(e, "name the server itself in the target, https included");
	}
	return err_set(e, ERR_MEASURE, "the server did not answer the query (status %ld)%s%s",
		       r->status, colon, said);
}

/* status: error, with a type and a sentence. */
static int refuse_error(struct probe *p, const struct json_doc *doc, const struct promql_reply *r,
			struct err *e)
{
	static const struct {
		const char *type, *words;
	} rows[] = {
		{"bad_data", "the query is not valid"},
		{"execution", "the query could not be executed"},
		{"timeout", "the server ran out of time for the query"},
		{"canceled", "the server gave the query up"},
		{"unavailable", "the server is not available"},
		{"internal", "the server failed"},
		{"not_found", "the server has no such thing"},
		{"too_many_requests", "the server has too many queries"},
	};
	const char *type = text_of(p, doc, json_member(json_root(doc), "errorType"));
	const char *said = text_of(p, doc, json_member(json_root(doc), "error"));

	said = said != NULL && said[0] != '\0' ? said : "it does not say why";
	for (size_t i = 0; type != NULL && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].type, type) == 0)
			return err_set(e, ERR_MEASURE, "%s: %s", rows[i].words, said);
	return err_set(e, ERR_MEASURE, "the server refused the query (status %ld%s%s): %s",
		       r->status, type != NULL ? ", error type " : "", type != NULL ? type : "",
		       said);
}

static int check_status(struct probe *p, const struct json_doc *doc, const struct promql_reply *r,
			struct err *e)
{
	const char *status = text_of(p, doc, json_member(json_root(doc), "status"));

	if (status != NULL && strcmp(status, "error") == 0)
		return refuse_error(p, doc, r, e);
	if (r->status != 200)
		return refuse_status(p, r, e);
	if (status == NULL || strcmp(status, "success") != 0) {
		(void)err_set(e, ERR_MEASURE,
			      "the answer is JSON, but not that of a query API: it has no "
			      "status: success");
		return err_help(e, "the URL of the target may lead to something else");
	}
	return 0;
}

/* A success beside which an error is named is neither. */
static int check_no_error(struct probe *p, const struct json_doc *doc, struct err *e)
{
	static const char *const names[] = {"error", "errorType"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct json_t *at = json_member(json_root(doc), names[i]);
		const char *said = text_of(p, doc, at);
		struct json_value v;

		json_read(doc, at, &v);
		if (v.type == JSON_ABSENT || v.type == JSON_IS_NULL ||
		    (said != NULL && said[0] == '\0'))
			continue;
		(void)err_set(e, ERR_MEASURE,
			      "the answer calls itself a success and names an error (%s)%s%s",
			      names[i], said != NULL ? ": " : "", said != NULL ? said : "");
		return err_help(e, "whatever answers for the server is not to be believed: ask it "
				   "itself, or see to what stands before it");
	}
	return 0;
}

/* A list of texts that weakens the answer. */
static int check_annotations(struct probe *p, struct promql_answer *out, const char *name,
			     bool is_allowed, struct err *e)
{
	const struct json_t *list = json_member(json_root(out->doc), name);
	struct json_value v;
	const char *first, *more = "";

	json_read(out->doc, list, &v);
	if (v.type == JSON_ABSENT || v.type == JSON_IS_NULL ||
	    (v.type == JSON_IS_ARRAY && v.n == 0))
		return 0;
	first = text_of(p, out->doc, json_item(list, 0));
	if (first == NULL)
		return err_set(e, ERR_MEASURE, "the answer holds %s that are no texts", name);
	if (v.n > 1)
		more = arena_printf(p->arena, " (and %zu more)", v.n - 1);
	if (is_allowed) {
		if (out->remark == NULL)
			out->remark = arena_printf(p->arena, "the server says: %s%s", first, more);
		return 0;
	}
	(void)err_set(e, ERR_MEASURE, "the server answered with %s: %s%s", name, first, more);
	return err_help(e, "repair the query; warnings: %s takes the answer nevertheless",
			strcmp(name, "infos") == 0 ? "infos" : "allow");
}

static int check_partial(struct promql_answer *out, bool is_allowed, struct err *e)
{
	struct json_value v;

	json_read(out->doc, json_member(json_root(out->doc), "isPartial"), &v);
	if (v.type == JSON_ABSENT || (v.type == JSON_IS_BOOL && !v.boolean))
		return 0;
	if (is_allowed) {
		out->remark = "the answer is partial: a part of the storage did not answer";
		return 0;
	}
	(void)err_set(e, ERR_MEASURE,
		      "the answer is partial: a part of the storage did not answer");
	return err_help(e,
			"see to the storage nodes; partial: allow takes the answer nevertheless");
}

static int check_type(struct probe *p, struct promql_answer *out, bool is_range, struct err *e)
{
	const struct json_t *data = json_member(json_root(out->doc), "data");
	struct json_value v;

	out->type = text_of(p, out->doc, json_member(data, "resultType"));
	out->result = json_member(data, "result");
	if (out->type == NULL)
		return err_set(e, ERR_MEASURE, "the answer does not say what type its result has");
	if (strcmp(out->type, "string") == 0)
		return err_set(e, ERR_MEASURE, "the query gives a text, not a number");
	if (!is_range && strcmp(out->type, "matrix") == 0) {
		(void)err_set(e, ERR_MEASURE,
			      "the query gives many points of each series, not one");
		return err_help(e, "use a function over time, such as avg_over_time(), or range:");
	}
	if (is_range ? strcmp(out->type, "matrix") != 0
		     : strcmp(out->type, "vector") != 0 && strcmp(out->type, "scalar") != 0)
		return err_set(e, ERR_MEASURE,
			       "the result is of type \"%s\", which was not asked for", out->type);
	json_read(out->doc, out->result, &v);
	if (v.type != JSON_IS_ARRAY)
		return err_set(e, ERR_MEASURE, "the answer has no result, or none that is a list");
	return 0;
}

static void free_doc(void *doc)
{
	json_free(doc);
}

int promql_answer_read(struct probe *p, const struct promql_reply *r,
		       const struct promql_spec *spec, struct promql_answer *out, struct err *e)
{
	*out = (struct promql_answer){0};
	if (r->n == 0 && r->status / 100 == 2)
		return err_set(e, ERR_MEASURE, "the answer is empty (status %ld)", r->status);
	if (is_html(r) && r->status == 200) {
		(void)err_set(e, ERR_MEASURE,
			      "the answer is an HTML page, not that of a query API");
		return err_help(e, "the URL of the target may lead to a login or a console");
	}
	if (json_parse(r->text, r->n, &out->doc, e) != 0) {
		if (r->status == 200)
			return err_context(e, "the answer is no JSON, or torn");
		*e = (struct err){0};
		return refuse_status(p, r, e);
	}
	arena_defer(p->arena, free_doc, out->doc);
	if (check_status(p, out->doc, r, e) != 0 || check_no_error(p, out->doc, e) != 0 ||
	    check_annotations(p, out, "warnings", spec->warnings == PROMQL_WARNINGS_ALLOW, e) !=
		    0 ||
	    check_annotations(p, out, "infos", spec->warnings != PROMQL_WARNINGS_REFUSE, e) != 0 ||
	    check_partial(out, spec->partial != 0, e) != 0)
		return -1;
	return check_type(p, out, spec->range.step_ms > 0, e);
}
