/*
 * A step as a request: what the run sends, and the same for `assize plan --curl`, where a variable
 * of the shell stands for every value that an earlier answer gives.
 *
 * For the plan such a value is a marker of characters nobody has to encode, which the writer of the
 * line replaces. Forms stay apart there, because it is curl that has to encode a variable.
 */
#include <string.h>
#include <strings.h>

#include "audits/journey.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/http.h"
#include "runner/model/kind.h"

#define MAX_URL_BYTES 8192

int journey_place(const struct captures *c, const char *s, enum placing how, struct arena *a,
		  const char **out, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, JOURNEY_MAX_SENT);
	rc = captures_place(c, s, how, &b, e);
	if (rc == 0)
		*out = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return rc;
}

/* The step's headers and the type of its body, unless the step has its own. */
static int place_headers(const struct journey_step *step, const struct captures *c, struct arena *a,
			 const char *type, struct http_request *req, struct err *e)
{
	const struct pairs *from = &step->headers;
	struct pair *items = arena_array(a, from->n + 1, sizeof(*items));
	struct pairs *out = arena_alloc(a, sizeof(*out));
	bool has_type = false;

	for (size_t i = 0; i < from->n; i++) {
		items[i] = from->items[i];
		has_type = has_type || strcasecmp(items[i].name, "Content-Type") == 0;
		if (journey_place(c, from->items[i].value, PLACE_RAW, a, &items[i].value, e) != 0)
			return -1;
	}
	*out = (struct pairs){items, from->n};
	if (type != NULL && !has_type)
		items[out->n++] = (struct pair){.name = "Content-Type", .value = type};
	req->extra_headers = out;
	return 0;
}

/* Where to, with everything in its place. */
static int place_url(const struct target *target, const struct journey_step *step,
		     const struct captures *c, struct arena *a, const char **url, struct err *e)
{
	struct err why = {0};
	const char *path;

	if (journey_place(c, step->path, PLACE_ENCODED, a, &path, e) != 0)
		return -1;
	*url = http_join(a, target->location, path);
	if (*url == NULL)
		return err_set(e, ERR_MEASURE, "\"path\" leaves the host of target \"%s\"",
			       target->name);
	if (strlen(*url) > MAX_URL_BYTES)
		return err_set(e, ERR_MEASURE, "the URL has more than %d bytes", MAX_URL_BYTES);
	if (http_check_url(*url, &why) != 0)
		return err_set(e, ERR_MEASURE, "%s", why.message);
	return 0;
}

int journey_request(const struct probe *p, const struct group *g, const struct captures *c,
		    struct http_request *req, struct err *e)
{
	const struct check *check = p->checks[0];
	const struct journey_spec *spec = check->spec;
	const struct journey_step *step = g->value;
	const char *type;

	*req = (struct http_request){
		.method = journey_method(g),
		.headers = &check->target->headers,
		.ca_file = check->target->ca_file,
		.route = &check->target->route,
		.max_body_bytes = spec->max_body,
		.max_redirects = (long)step->redirects,
		.max_connections = (long)check->target->max_connections,
	};
	if (place_url(check->target, step, c, p->arena, &req->url, e) != 0 ||
	    journey_body(g, c, p->arena, &req->body, &type, e) != 0)
		return -1;
	return place_headers(step, c, p->arena, type, req, e);
}

/* ---- for a person ---- */

/* "login_token" for the value "token" of step "login": no variable of the shell's own is so. */
static const char *variable_name(struct arena *a, const char *step, const char *name)
{
	char *text = arena_printf(a, "%s_%s", step, name);

	for (char *at = text; *at != '\0'; at++)
		if (strchr(".-", *at) != NULL)
			*at = '_';
	return text;
}

/* Markers for everything that steps before step (i of list) capture, each with its variable. */
static void mark_all(const struct journey_spec *spec, struct arena *a, struct redactor *variables,
		     struct captures *out)
{
	const struct groups *lists[] = {&spec->steps, &spec->cleanup};
	size_t n = 0;

	for (int l = 0; l < 2; l++)
		for (size_t i = 0; i < lists[l]->n; i++)
			n += ((const struct journey_step *)lists[l]->items[i].value)->capture.n;
	*out = (struct captures){.items = arena_array(a, n + 1, sizeof(*out->items))};
	for (int l = 0; l < 2; l++) {
		for (size_t i = 0; i < lists[l]->n; i++) {
			const struct journey_step *step = lists[l]->items[i].value;

			for (size_t k = 0; k < step->capture.n; k++) {
				const char *name = step->capture.items[k].name;
				const char *variable = variable_name(a, step->id, name);
				const char *text = arena_printf(a, "~value~of~%s~", variable);

				redactor_add_variable(variables, text, variable);
				out->items[out->n++] = (struct captured){
					.name = name,
					.value = {.type = VALUE_TEXT, .text = text},
					.text = text,
				};
			}
		}
	}
}

static const char *comment_of(const struct journey_step *step, struct arena *a)
{
	const char *text = arena_printf(a, "step %s", step->id);

	for (size_t i = 0; i < step->capture.n; i++) {
		const struct group *g = &step->capture.items[i];
		const struct journey_capture *c = g->value;

		text = arena_printf(a, "%s%s %s=(%s)", text, i == 0 ? ", whose answer gives" : ",",
				    variable_name(a, step->id, g->name), str_escaped(a, c->from));
	}
	return text;
}

/* The fields as they are before curl encodes them; names have no variables in them. */
static int place_form(const struct journey_step *step, const struct captures *c, struct arena *a,
		      struct planned_request *out, struct err *e)
{
	struct pair *items = arena_array(a, step->form.n, sizeof(*items));

	for (size_t i = 0; i < step->form.n; i++) {
		items[i] = step->form.items[i];
		items[i].name = journey_encoded(a, items[i].name);
		if (journey_place(c, step->form.items[i].value, PLACE_RAW, a, &items[i].value, e) !=
		    0)
			return -1;
	}
	out->form = (struct pairs){items, step->form.n};
	return 0;
}

/* A path that is a captured one brings its own slash. */
static void drop_slash(const struct journey_step *step, const struct target *target,
		       struct arena *a, struct http_request *req)
{
	size_t n = strlen(target->location);

	while (n > 0 && target->location[n - 1] == '/')
		n--;
	if (str_starts(step->path, "{+"))
		req->url = arena_printf(a, "%.*s%s", (int)n, req->url, req->url + n + 1);
}

int journey_plan(struct probe *p, size_t i, struct planned_request *out, struct err *e)
{
	const struct check *check = p->checks[0];
	const struct journey_spec *spec = check->spec;
	const struct journey_step *step;
	const struct group *g;
	struct captures marks;

	if (i >= spec->steps.n + spec->cleanup.n)
		return 0;
	g = i < spec->steps.n ? &spec->steps.items[i] : &spec->cleanup.items[i - spec->steps.n];
	step = g->value;
	mark_all(spec, p->arena, out->variables, &marks);
	if (journey_request(p, g, &marks, out->request, e) != 0 ||
	    place_form(step, &marks, p->arena, out, e) != 0)
		return -1;
	out->request->timeout_ms = step->timeout_ms > 0 ? step->timeout_ms
				   : i < spec->steps.n	? check->timeout_ms
							: spec->cleanup_timeout_ms;
	out->comment = comment_of(step, p->arena);
	out->has_cookies = true;
	drop_slash(step, check->target, p->arena, out->request);
	return 1;
}
