/*
 * A capture yields one value or a sentence that says why not. Of several places, headers or cookies
 * it never picks the first; a pattern does, because text is read from its beginning.
 */
#include "audits/capture.h"

#include <string.h>
#include <strings.h>

#include "audits/jsonpath.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utf16.h"
#include "runner/io/http.h"
#include "runner/io/json.h"
#include "runner/model/pattern.h"

/* ---- reading ---- */

static int parse_path(struct arena *a, const char *text, size_t n, struct capture *c, struct err *e)
{
	struct jsonpath *path;

	if (jsonpath_parse(a, text, n, &path, e) != 0)
		return -1;
	c->path = path;
	c->stem = jsonpath_stem(a, path);
	return 0;
}

static bool is_count(const char *text)
{
	return str_starts(text, "count(") && str_ends(text, ")");
}

int capture_parse_json(struct arena *a, const char *text, struct capture *out, struct err *e)
{
	struct capture c = {.text = text};
	int code = 0;

	if (is_count(text)) {
		c.source = CAPTURE_COUNT;
		code = parse_path(a, text + 6, strlen(text) - 7, &c, e);
	} else if (text[0] == '$') {
		c.source = CAPTURE_PATH;
		code = parse_path(a, text, strlen(text), &c, e);
	} else if (json_pointer_is_valid(text)) {
		c.source = CAPTURE_POINTER;
	} else {
		(void)err_set(e, ERR_DEFINITION, "\"%s\" is not a JSON Pointer and no JSONPath",
			      text);
		code = err_help(e, "for example /jobs/0/state, where ~0 stands for ~ and ~1 for "
				   "/; or $.jobs[0].state");
	}
	if (code == 0)
		*out = c;
	return code;
}

static int parse_pattern(struct arena *a, const char *text, struct capture *out, struct err *e)
{
	struct pattern *pattern;

	if (pattern_compile(a, text + 1, strlen(text) - 2, false, &pattern, e) != 0)
		return -1;
	if (pattern_groups(pattern) > 1) {
		(void)err_set(e, ERR_DEFINITION, "the pattern %s has %zu groups", text,
			      pattern_groups(pattern));
		return err_help(e, "keep the one that is the value, write the others as (?:...)");
	}
	*out = (struct capture){.source = CAPTURE_PATTERN, .text = text, .pattern = pattern};
	return 0;
}

static int parse_name(const char *text, size_t n_prefix, enum capture_source source,
		      struct capture *out, struct err *e)
{
	const char *name = text + n_prefix;

	if (name[0] == '\0' || strpbrk(name, " \t\r\n:;=,") != NULL)
		return err_set(e, ERR_DEFINITION, "\"%s\" is no name of a %s", name,
			       source == CAPTURE_HEADER ? "header" : "cookie");
	*out = (struct capture){.source = source, .text = text, .name = name};
	return 0;
}

int capture_parse(struct arena *a, const char *text, struct capture *out, struct err *e)
{
	size_t n = strlen(text);

	if (n >= 2 && text[0] == '/' && text[n - 1] == '/')
		return parse_pattern(a, text, out, e);
	if (str_starts(text, "header:"))
		return parse_name(text, strlen("header:"), CAPTURE_HEADER, out, e);
	if (str_starts(text, "cookie:"))
		return parse_name(text, strlen("cookie:"), CAPTURE_COOKIE, out, e);
	if (n == 0 || text[0] == '/' || text[0] == '$' || is_count(text))
		return capture_parse_json(a, text, out, e);
	(void)err_set(e, ERR_DEFINITION, "\"%s\" does not say where a value is", text);
	return err_help(e, "write /pointer, $.path, count($.path[*]), '/pattern (group)/', "
			   "header:Name or cookie:name");
}

bool capture_is_of_json(const struct capture *c)
{
	return c->source == CAPTURE_POINTER || c->source == CAPTURE_PATH ||
	       c->source == CAPTURE_COUNT;
}

bool capture_is_of_body(const struct capture *c)
{
	return capture_is_of_json(c) || c->source == CAPTURE_PATTERN;
}

/* ---- text ---- */

/* The charset of a Content-Type; NULL when it names none. */
static const char *charset_of(struct arena *a, const char *content_type)
{
	static const char key[] = "charset=";

	for (const char *at = content_type; at[0] != '\0'; at++) {
		const char *value = at + sizeof(key) - 1;
		size_t n;

		if (strncasecmp(at, key, sizeof(key) - 1) != 0)
			continue;
		value += value[0] == '"';
		n = strcspn(value, "\"; \t");
		return n > 0 ? str_escaped(a, arena_strndup(a, value, n)) : NULL;
	}
	return NULL;
}

const char *capture_no_text(struct arena *a, const char *content_type, const char *s, size_t n)
{
	const char *charset;

	if (n == 0)
		return NULL;
	if (utf16_is_likely(s, n))
		return "the body is UTF-16: only UTF-8 is read as text";
	if (memchr(s, '\0', n) != NULL)
		return "the body holds a NUL byte: it is no text";
	if (str_is_utf8(s, n))
		return NULL;
	charset = charset_of(a, content_type);
	if (charset == NULL)
		return "the body is not valid UTF-8, and the server names no charset: it is no "
		       "text";
	if (strcasecmp(charset, "utf-8") == 0 || strcasecmp(charset, "utf8") == 0)
		return "the body is not valid UTF-8, though the server says so: it is no text";
	return arena_printf(a,
			    "the body is not valid UTF-8, the server says it is %.40s: let it send "
			    "UTF-8, or judge status and size, which need no text",
			    charset);
}

/* ---- taking ---- */

/* A number as JSON writes it: no leading zero, no sign but a minus. */
static struct measurement measure_text(const char *name, const char *s, size_t n,
				       const struct capture_view *view, struct arena *a)
{
	size_t first = n > 0 && s[0] == '-';
	bool is_canonical =
		n == first + 1 || (n > first && (s[first] != '0' || s[first + 1] == '.'));
	int64_t integer;
	double real;

	is_canonical = is_canonical && !view->is_text_kept;
	if (is_canonical && num_parse_int(s, n, &integer) == 0)
		return measurement_int(name, integer, "");
	/* Digits alone that are no int64 stay text: every digit is kept. */
	if (is_canonical && n > first && s[first] != '.' && s[n - 1] != '.' &&
	    memchr(s, '.', n) != NULL && num_parse_real(s, n, &real) == 0) {
		struct measurement m = measurement_real(name, real, "");

		m.is_rounded = num_is_mistaken(s, n);
		return m;
	}
	if (memchr(s, '\0', n) != NULL || !str_is_utf8(s, n))
		return measurement_none(name, "what was found is no text (not UTF-8)");
	return measurement_text(name, arena_strndup(a, s, n));
}

static struct measurement measure_json(const struct capture *c, const char *name,
				       const struct json_value *v, struct arena *a)
{
	struct measurement m;

	switch (v->type) {
	case JSON_ABSENT:
		return measurement_none(name,
					arena_printf(a, "the body has nothing at \"%s\"", c->text));
	case JSON_IS_NULL:
		return measurement_none(name, arena_printf(a, "there is null at \"%s\"", c->text));
	case JSON_IS_ARRAY:
	case JSON_IS_OBJECT:
		return measurement_none(
			name, arena_printf(a, "there is an %s at \"%s\", not a value",
					   v->type == JSON_IS_ARRAY ? "array" : "object", c->text));
	case JSON_IS_BOOL:
		return measurement_text(name, v->boolean ? "true" : "false");
	case JSON_IS_TEXT:
		return measurement_text(name, arena_strndup(a, v->text, v->n));
	case JSON_IS_INT:
		return measurement_int(name, v->integer, "");
	case JSON_IS_REAL:
		break;
	}
	m = measurement_real(name, v->real, "");
	m.is_rounded = v->is_rounded;
	if (m.is_rounded)
		m.reason = "an integer beyond 2^63: its last digits are not kept";
	return m;
}

static struct measurement take_count(const struct capture *c, const char *name,
				     const struct json_doc *d, size_t n, struct arena *a)
{
	struct json_nodes found = {.items = NULL};
	struct json_value v = {.type = JSON_ABSENT};
	struct err e = {0};
	int code = jsonpath_select(c->stem, d, &found, &e);
	bool has_members;

	if (code == 0 && found.n == 1)
		json_read(d, found.items[0], &v);
	json_nodes_release(&found);
	if (code != 0)
		return measurement_none(name, arena_strdup(a, e.message));
	has_members = v.type == JSON_IS_ARRAY || v.type == JSON_IS_OBJECT;
	if (v.type == JSON_ABSENT || (!has_members && !jsonpath_is_singular(c->path)))
		return measurement_none(
			name, arena_printf(a,
					   "the body has %s where \"%s\" begins to look, so "
					   "there is nothing to count",
					   v.type == JSON_ABSENT    ? "nothing"
					   : v.type == JSON_IS_NULL ? "null"
								    : "a single value",
					   c->text));
	return measurement_int(name, (int64_t)n, "");
}

static struct measurement take_path(const struct capture *c, const char *name,
				    const struct json_doc *d, struct arena *a)
{
	struct json_nodes found = {.items = NULL};
	struct json_value v = {.type = JSON_ABSENT};
	struct measurement m;
	struct err e = {0};

	if (jsonpath_select(c->path, d, &found, &e) != 0) {
		m = measurement_none(name, arena_printf(a, "%s: %s", c->text, e.message));
	} else if (c->source == CAPTURE_COUNT) {
		m = take_count(c, name, d, found.n, a);
	} else if (found.n > 1) {
		m = measurement_none(name,
				     arena_printf(a,
						  "\"%s\" selects %zu places, not one; narrow "
						  "it, or count(...) them",
						  c->text, found.n));
	} else {
		if (found.n == 1)
			json_read(d, found.items[0], &v);
		m = measure_json(c, name, &v, a);
	}
	json_nodes_release(&found);
	return m;
}

static struct measurement take_json(const struct capture *c, const char *name,
				    const struct capture_view *view, struct arena *a)
{
	struct json_value v;
	struct err e = {0};

	if (view->json == NULL)
		return measurement_none(name, view->json_problem);
	json_read(view->json, json_root(view->json), &v);
	if (view->torn_problem != NULL && (v.type == JSON_IS_INT || v.type == JSON_IS_REAL))
		return measurement_none(name, view->torn_problem); /* 12 may have been 123 */
	if (c->source != CAPTURE_POINTER)
		return take_path(c, name, view->json, a);
	if (json_pointer(view->json, c->text, &v, &e) != 0)
		return measurement_none(name, arena_strdup(a, e.message));
	return measure_json(c, name, &v, a);
}

static struct measurement take_pattern(const struct capture *c, const char *name,
				       const struct capture_view *view, struct arena *a)
{
	struct err e = {0};
	size_t from, n;
	int found;

	if (view->text == NULL || view->torn_problem != NULL)
		return measurement_none(name, view->text == NULL ? view->text_problem
								 : view->torn_problem);
	found = pattern_capture(c->pattern, view->text, view->n_text, &from, &n, &e);
	if (found < 0)
		return measurement_none(name, arena_printf(a, "%s: %s", c->text, e.message));
	if (found == 0)
		return measurement_none(name,
					arena_printf(a, "the body does not match %s", c->text));
	return measure_text(name, view->text + from, n, view, a);
}

static struct measurement take_header(const struct capture *c, const char *name,
				      const struct capture_view *view, struct arena *a)
{
	const char *value = NULL;

	for (size_t i = 0; i < view->n_headers; i++) {
		if (strcasecmp(view->headers[i].name, c->name) != 0)
			continue;
		if (value != NULL)
			return measurement_none(
				name,
				arena_printf(a, "the answer has several headers %s", c->name));
		value = view->headers[i].value;
	}
	if (value == NULL)
		return measurement_none(name,
					arena_printf(a, "the answer has no header %s", c->name));
	return measure_text(name, value, strlen(value), view, a);
}

/* "session=abc; Path=/": RFC 6265, section 5.2; quotes belong to the value. */
static struct measurement take_cookie(const struct capture *c, const char *name,
				      const struct capture_view *view, struct arena *a)
{
	const char *value = NULL;
	size_t n_name = strlen(c->name);

	for (size_t i = 0; i < view->n_headers; i++) {
		const char *set = view->headers[i].value;

		if (strcasecmp(view->headers[i].name, "Set-Cookie") != 0 ||
		    strncmp(set, c->name, n_name) != 0 || set[n_name] != '=')
			continue;
		if (value != NULL)
			return measurement_none(
				name, arena_printf(a, "the answer sets the cookie %s several times",
						   c->name));
		value = set + n_name + 1;
	}
	if (value == NULL)
		return measurement_none(name,
					arena_printf(a, "the answer sets no cookie %s", c->name));
	return measure_text(name, value, strcspn(value, "; \t"), view, a);
}

struct measurement capture_take(const struct capture *c, const char *name,
				const struct capture_view *view, struct arena *a)
{
	switch (c->source) {
	case CAPTURE_POINTER:
	case CAPTURE_PATH:
	case CAPTURE_COUNT:
		return take_json(c, name, view, a);
	case CAPTURE_PATTERN:
		return take_pattern(c, name, view, a);
	case CAPTURE_HEADER:
		return take_header(c, name, view, a);
	case CAPTURE_COOKIE:
		return take_cookie(c, name, view, a);
	}
	return measurement_none(name, "nothing was looked for");
}
