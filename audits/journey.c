/*
 * journey: what a visitor does, step after step, on one set of cookies.
 *
 * A step is as it should be (`ok`) when its answer has the status it takes and matches its pattern;
 * what it captures must be there, or the journey cannot go on. The first step that is not as it
 * should be ends the journey: the steps behind it are no measurement, each says which step it was.
 * Whatever happened, `cleanup` is gone through at the end, with time of its own, so that an audit
 * that places an order does not leave one behind each time something fails in between.
 */
#include "audits/journey.h"

#include <stdlib.h>
#include <string.h>

#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/io/http.h"
#include "runner/model/kind.h"

static const struct key_row capture_keys[] = {
	{.name = "from",
	 .type = KEY_TEXT,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct journey_capture, from),
	 .help = "where in the answer: a JSON Pointer, a JSONPath, count(JSONPath), /regular "
		 "expression/, "
		 "header:NAME or cookie:NAME",
	 .example = "/token"},
	{.name = "secret",
	 .type = KEY_BOOL,
	 .offset = offsetof(struct journey_capture, is_secret),
	 .def = "false",
	 .help = "never shown, never recorded: masked in everything the journey says, as are "
		 "in quoted answers the cookies and the Authorization that a server gives"},
	{.name = "hex",
	 .type = KEY_BOOL,
	 .offset = offsetof(struct journey_capture, is_hex),
	 .def = "false",
	 .help = "the text is a hexadecimal number like 0x1b4, as Ethereum writes them"},
	KEY_END,
};

static const struct key_row step_keys[] = {
	{.name = "id",
	 .type = KEY_NAME,
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .offset = offsetof(struct journey_step, id),
	 .help = "name of the step, unique in the journey",
	 .example = "login"},
	{.name = "path",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct journey_step, path),
	 .def = "/",
	 .help = "what to request, behind the target's URL; {NAME} is a captured value, "
		 "percent-encoded, {+NAME} the same as it is, for paths and URLs of this host",
	 .example = "/orders/{order}"},
	{.name = "method",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct journey_step, method),
	 .choices = http_methods,
	 .help = "request method; GET, or POST when there is a form, json, rpc or body",
	 .example = "DELETE"},
	{.name = "headers",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct journey_step, headers),
	 .help = "headers of this step, over those of the target",
	 .example = "{ X-CSRF-Token: \"{csrf}\" }"},
	{.name = "form",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct journey_step, form),
	 .help = "fields to send as a form",
	 .example = "{ user: ada, password: \"${env:PASSWORD}\" }"},
	{.name = "json",
	 .type = KEY_NODE,
	 .offset = offsetof(struct journey_step, json),
	 .help = "what to send as JSON; a text that is one {NAME} becomes a number when that "
		 "value is one",
	 .example = "{ sku: A-1, amount: 2 }"},
	{.name = "rpc",
	 .type = KEY_NODE,
	 .offset = offsetof(struct journey_step, rpc),
	 .help = "a JSON-RPC 2.0 call, method and params; an answer with an error is none",
	 .example = "{ method: eth_blockNumber, params: [] }"},
	{.name = "body",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct journey_step, body),
	 .help = "anything else to send; its type is a header",
	 .example = "'<ping/>'"},
	{.name = "status",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct journey_step, status),
	 .help = "statuses the step takes: 201, or 2xx for a hundred of them; 2xx if absent",
	 .example = "[200, 204]"},
	{.name = "matches",
	 .type = KEY_PATTERN,
	 .offset = offsetof(struct journey_step, matches),
	 .help = "regular expression the body must match",
	 .example = "welcome, [a-z]+"},
	{.name = "capture",
	 .type = KEY_NAMED,
	 .offset = offsetof(struct journey_step, capture),
	 .sub = capture_keys,
	 .sub_size = sizeof(struct journey_capture),
	 .help = "values to take out of the answer, for later steps and to expect something of",
	 .example = "{ order: /id, csrf: { from: \"header:X-CSRF-Token\", secret: true } }"},
	{.name = "redirects",
	 .type = KEY_INT,
	 .offset = offsetof(struct journey_step, redirects),
	 .min = 0,
	 .max = 20,
	 .def = "0",
	 .help = "redirects to follow; with 0 a redirect is the answer"},
	{.name = "timeout",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct journey_step, timeout_ms),
	 .min = 1,
	 .max = 3600 * 1000,
	 .help = "of this step alone, within the check's",
	 .example = "2s"},
	KEY_END,
};

static const struct key_row journey_keys[] = {
	{.name = "steps",
	 .type = KEY_LIST,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct journey_spec, steps),
	 .sub = step_keys,
	 .sub_size = sizeof(struct journey_step),
	 .help = "requests, one after the other; cookies are kept",
	 .example = "[{ id: home, path: / }, { id: cart, path: /cart }]"},
	{.name = "cleanup",
	 .type = KEY_LIST,
	 .offset = offsetof(struct journey_spec, cleanup),
	 .sub = step_keys,
	 .sub_size = sizeof(struct journey_step),
	 .help = "requests at the end, whatever happened before; each is made that has what it "
		 "needs",
	 .example = "[{ id: cancel, method: DELETE, path: \"/orders/{order}\" }]"},
	{.name = "cleanup_timeout",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct journey_spec, cleanup_timeout_ms),
	 .min = 1,
	 .max = 600 * 1000,
	 .def = "5s",
	 .help = "time for all of cleanup, beyond the check's timeout"},
	{.name = "max_body",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct journey_spec, max_body),
	 .min = 1,
	 .max = 64 * 1024 * 1024,
	 .def = "1MiB",
	 .help = "a step whose answer is longer is not measured"},
	KEY_END,
};

static const struct value_row journey_values[] = {
	{.name = "ok",
	 .type = VALUE_INT,
	 .unit = "",
	 .most = 1,
	 .implied = "== 1",
	 .help = "1 when a step's answer is as it should be, else 0; cleanup too, a series a step"},
	{.name = "steps",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "time of each step, a series a step"},
	{.name = "status",
	 .type = VALUE_INT,
	 .unit = "",
	 .help = "status of each answer, a series a step"},
	{.name = "total",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "times of all steps together, without cleanup"},
	{.name = NULL},
};

const char *journey_method(const struct group *g)
{
	const struct journey_step *step = g->value;

	if (keys_has(g, "method"))
		return http_methods[step->method];
	return step->body != NULL || step->form.n > 0 || step->json != NULL || step->rpc != NULL
		       ? "POST"
		       : "GET";
}

bool journey_status_is_valid(const char *text)
{
	return strlen(text) == 3 && text[0] >= '1' && text[0] <= '5' &&
	       (strcmp(text + 1, "xx") == 0 || strspn(text + 1, "0123456789") == 2);
}

bool journey_takes_status(const struct journey_step *step, long status)
{
	if (step->status.n == 0)
		return status >= 200 && status <= 299;
	for (size_t i = 0; i < step->status.n; i++) {
		const char *text = step->status.items[i];

		if (text[1] == 'x' ? status / 100 == text[0] - '0' : status == atol(text))
			return true;
	}
	return false;
}

static bool has_capture(const struct groups *steps, const char *name)
{
	for (size_t i = 0; i < steps->n; i++) {
		const struct journey_step *step = steps->items[i].value;

		for (size_t k = 0; k < step->capture.n; k++) {
			const struct journey_capture *c = step->capture.items[k].value;

			if (strcmp(step->capture.items[k].name, name) == 0)
				return !c->is_secret;
		}
	}
	return false;
}

static bool journey_has_value(const struct check *c, const char *name, struct value_row *row)
{
	const struct journey_spec *spec = c->spec;

	if (!has_capture(&spec->steps, name))
		return false;
	/* The answer decides whether it is a number or a text. */
	*row = (struct value_row){.name = name, .type = VALUE_NONE, .unit = ""};
	return true;
}

static void describe_steps(struct probe *p, const struct groups *steps, const char *what,
			   struct buf *out)
{
	const char *base = p->checks[0]->target->location;

	/* The definition is bounded, so are these. */
	for (size_t i = 0; i < steps->n; i++) {
		const struct group *g = &steps->items[i];
		const struct journey_step *step = g->value;
		const char *url = http_join(p->arena, base, step->path);

		(void)buf_printf(out, "%s %s: %s %s\n", what, step->id, journey_method(g),
				 url != NULL ? url : step->path);
	}
}

static void journey_describe(struct probe *p, struct buf *out)
{
	const struct journey_spec *spec = p->checks[0]->spec;

	describe_steps(p, &spec->steps, "step", out);
	describe_steps(p, &spec->cleanup, "cleanup", out);
}

const struct audit_kind audit_kind_journey = {
	.name = "journey",
	.family = "http",
	.summary = "requests that build on one another: log in, place an order, cancel it",
	.blind =
		"A journey is one visitor, alone, who makes no mistakes; nothing in a page is "
		"run. A step that answers with a status it takes and a page that says \"sorry\" "
		"is as it should be unless matches or a capture looks at the page. What a journey "
		"changed on the server and cleanup does not undo stays: after kill -9, or when the "
		"answer with the name of the thing to remove was lost. Interrupted, a journey has "
		"less than a second for its cleanup.",
	.spec_size = sizeof(struct journey_spec),
	.keys = journey_keys,
	.values = journey_values,
	.targets = TARGET_BIT(TARGET_HTTP),
	.check = journey_check,
	.arsenal = &arsenal_journey,
	.has_value = journey_has_value,
	.describe = journey_describe,
	.request = journey_plan,
	.probe = journey_probe,
};
