/*
 * Leaves of a JSON document, in its order. What stands for a moment or a secret is found by its
 * name and its form before anybody measures it: a time stamp of seconds may well be the same in two
 * answers, and a secret must not get into the record of the draft.
 */
#include "runner/init_json.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "audits/secrets_scan.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/init.h"
#include "runner/io/json.h"
#include "runner/model/result.h"

#define MAX_DEPTH      4
#define MAX_TEXT_BYTES 100
#define MAX_NAME_BYTES 60
#define NEAR_MS	       (INT64_C(400) * 86400 * 1000) /* a number so near to now is a time stamp */

struct walk {
	struct arena *arena;
	const struct json_doc *doc;
	int64_t now_ms;
	struct init_leaf *leaves;
	size_t n, n_more;
	struct map names;
};

static bool has_word(const char *name, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (const char *at = name; *at; at++)
			if (strncasecmp(at, words[i], strlen(words[i])) == 0)
				return true;
	return false;
}

/* "2026-11-26T..." or "2026-11-26 ...", and a bare date. */
static bool is_date(const char *s)
{
	static const char form[] = "dddd-dd-dd";

	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)s[i]) : s[i] != form[i])
			return false;
	return true;
}

/* "3fa85f64-5717-4562-b3fc-2c963f66afa6": of a session, a request, a process. */
static bool is_uuid(const char *s)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'x' ? !isxdigit((unsigned char)s[i]) : s[i] != form[i])
			return false;
	return s[sizeof(form) - 1] == '\0';
}

/* Seconds or milliseconds since 1970, not far from now. */
static bool is_epoch(double x, int64_t now_ms)
{
	double now = (double)now_ms, near = (double)NEAR_MS;

	return (x * 1000 > now - near && x * 1000 < now + near) ||
	       (x > now - near && x < now + near);
}

static void note_secret(void *context, const struct secret_finding *f)
{
	bool *is_found = context;

	(void)f; /* which one is nobody's business */
	*is_found = true;
}

bool init_holds_secret(const char *text)
{
	bool is_found = false;
	struct secret_scan scan = {.context = &is_found, .found = note_secret};

	secret_scan_init(&scan);
	secret_scan_begin(&scan, "value");
	if (secret_scan_add(&scan, text, strlen(text), NULL) != 0 ||
	    secret_scan_end(&scan, NULL) != 0)
		is_found = true; /* what could not be looked at is not written down */
	secret_scan_release(&scan);
	return is_found;
}

static const char *omission(const struct walk *w, const char *name, const struct json_value *v)
{
	static const char *const moments[] = {"time",	 "date",     "uptime",
					      "elapsed", "duration", "latency"};
	static const char *const ids[] = {"request_id", "requestid", "request-id", "trace",
					  "span",	"uuid",	     "nonce"};

	if (init_is_secret_name(name) || (v->type == JSON_IS_TEXT && init_holds_secret(v->text)))
		return "may be a secret";
	if (has_word(name, ids, sizeof(ids) / sizeof(*ids)) || strcasecmp(name, "sid") == 0 ||
	    strcasecmp(name, "etag") == 0 || (v->type == JSON_IS_TEXT && is_uuid(v->text)))
		return "an id";
	if (has_word(name, moments, sizeof(moments) / sizeof(*moments)) || str_ends(name, "_at"))
		return "a time";
	if (v->type == JSON_IS_TEXT && strlen(v->text) > MAX_TEXT_BYTES)
		return "long";
	if (v->type == JSON_IS_TEXT && is_date(v->text))
		return "a time";
	if ((v->type == JSON_IS_INT && is_epoch((double)v->integer, w->now_ms)) ||
	    (v->type == JSON_IS_REAL && is_epoch(v->real, w->now_ms)))
		return "a time";
	if (v->type == JSON_IS_REAL && v->is_rounded)
		return "too large a number";
	return NULL;
}

/* "jobs.waiting" of "/jobs/waiting"; another one when a value of the kind has that name. */
static const char *name_of(struct walk *w, const char *pointer)
{
	static const char *const taken[] = {
		"status",    "total",	     "size",	    "body",	  "dns",
		"connect",   "tls",	     "url",	    "first_byte", "tls_days_left",
		"redirects", "http_version", "content_type"};
	struct arena *a = w->arena;
	const char *name;
	struct buf b;
	bool is_taken = false;

	buf_init(&b, MAX_NAME_BYTES);
	for (const char *s = pointer + (*pointer != '\0'); *s; s++) {
		if (isalpha((unsigned char)*s) || (b.len > 0 && isdigit((unsigned char)*s)))
			(void)buf_putc(&b, *s); /* cut at the ceiling */
		else
			(void)buf_putc(&b, *s == '/' && b.len > 0 ? '.' : '_');
	}
	name = arena_strdup(a, b.len > 0 ? b.data : "elements");
	buf_release(&b);
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		is_taken = is_taken || strcmp(name, taken[i]) == 0;
	if (is_taken)
		name = arena_printf(a, "body.%s", name);
	for (int k = 2; !map_put(&w->names, name, w); k++)
		name = arena_printf(a, "%.*s_%d", MAX_NAME_BYTES, name, k);
	return name;
}

static void add(struct walk *w, const char *pointer, const char *path, bool is_count,
		const char *omitted)
{
	if (w->n == INIT_MAX_LEAVES) {
		w->n_more++;
		return;
	}
	w->leaves[w->n++] = (struct init_leaf){.name = name_of(w, pointer),
					       .path = path,
					       .is_count = is_count,
					       .omitted = omitted};
}

/* A member behind a pointer and behind a JSONPath. */
static const char *pointer_to(struct arena *a, const char *parent, const char *name)
{
	const char *pointer;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the page is limited */
	(void)buf_printf(&b, "%s/", parent);
	for (; *name; name++) {
		if (*name == '~' || *name == '/')
			(void)buf_puts(&b, *name == '~' ? "~0" : "~1");
		else
			(void)buf_putc(&b, *name);
	}
	pointer = arena_strdup(a, b.data);
	buf_release(&b);
	return pointer;
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20)
			return true;
	return false;
}

static const char *jsonpath_to(struct arena *a, const char *parent, const char *name)
{
	const char *path;
	struct buf b;

	if (str_is_name(name) && !strpbrk(name, ".-"))
		return arena_printf(a, "%s.%s", parent, name);
	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_printf(&b, "%s['", parent);
	for (; *name; name++) {
		if (*name == '\'' || *name == '\\')
			(void)buf_putc(&b, '\\');
		(void)buf_putc(&b, *name);
	}
	(void)buf_puts(&b, "']");
	path = arena_strdup(a, b.data);
	buf_release(&b);
	return path;
}

static void visit(struct walk *w, struct json_t *at, const char *pointer, const char *path,
		  unsigned depth)
{
	const char *name = strrchr(pointer, '/');
	struct json_value v;
	struct json_t *member;
	void *cursor = NULL;

	json_read(w->doc, at, &v);
	name = name ? name + 1 : "";
	switch (v.type) {
	case JSON_IS_OBJECT:
		if (depth > MAX_DEPTH) {
			w->n_more++;
			return;
		}
		while (json_member_next(at, &cursor, &name, &member))
			visit(w, member, pointer_to(w->arena, pointer, name),
			      jsonpath_to(w->arena, path, name), depth + 1);
		return;
	case JSON_IS_ARRAY:
		add(w, pointer, arena_printf(w->arena, "count(%s[*])", path), true,
		    v.n == 0		? "empty"
		    : has_control(path) ? "no JSONPath holds such a name"
					: NULL);
		return;
	case JSON_IS_NULL:
		add(w, pointer, pointer, false, "null");
		return;
	case JSON_IS_BOOL:
	case JSON_IS_INT:
	case JSON_IS_REAL:
	case JSON_IS_TEXT:
		if (*pointer) /* a document that is one scalar has no name for it */
			add(w, pointer, pointer, false, omission(w, name, &v));
		return;
	case JSON_ABSENT:
		return;
	}
}

void init_json_leaves(struct arena *a, const struct init_page *page, int64_t now_ms,
		      struct init_leaf **out, size_t *n, size_t *n_more)
{
	struct walk w = {.arena = a, .now_ms = now_ms};
	struct json_doc *doc;

	*n = *n_more = 0;
	if (json_parse(page->body, page->n_body, &doc, NULL) != 0)
		return; /* a page of another kind */
	w.doc = doc;
	w.leaves = arena_array(a, INIT_MAX_LEAVES, sizeof(*w.leaves));
	map_init(&w.names, a);
	visit(&w, json_root(doc), "", "$", 0);
	json_free(doc);
	*out = w.leaves;
	*n = w.n;
	*n_more = w.n_more;
}

bool init_json_is_same(const struct result *x, const struct result *y)
{
	if (x->value.type != y->value.type)
		return false;
	switch (x->value.type) {
	case VALUE_INT:
		return x->value.integer == y->value.integer;
	case VALUE_REAL: /* read from the same digits or not */
		return !(x->value.real < y->value.real) && !(x->value.real > y->value.real);
	case VALUE_TEXT:
		return strcmp(x->value.text, y->value.text) == 0;
	case VALUE_NONE:
		break;
	}
	return false;
}

void init_json_put_bound(struct buf *out, const struct init_leaf *leaf)
{
	const struct value *v = &leaf->value->value;
	char digits[NUM_REAL_MAX];

	if (leaf->is_count) {
		(void)buf_puts(out, "\">= 1\"");
		return;
	}
	switch (v->type) {
	case VALUE_INT:
		(void)buf_printf(out, "\"== %lld\"", (long long)v->integer);
		break;
	case VALUE_REAL:
		(void)num_format_real(v->real, digits); /* its length */
		(void)buf_printf(out, "\"== %s\"", digits);
		break;
	case VALUE_TEXT:
		init_put_equal(out, v->text);
		break;
	case VALUE_NONE: /* left out */
		break;
	}
}
