/*
 * Values out of answers. A step that captures says it needs the value, so whatever keeps it from
 * being exactly one (capture.h) is an error of the step.
 *
 * Hexadecimal numbers are those of Ethereum: quantities without leading zeros and words of 32 bytes
 * alike. One beyond 2^63 is a real that lies between its neighbours (see json.c for why that is
 * enough for every bound but an equal one) and is sent on as it was written.
 */
#include "audits/journey.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/http.h"
#include "runner/io/json.h"

#define MAX_HEX_DIGITS 64 /* 256 bits */

/* ---- the answer ---- */

static const char *json_problem(struct journey_answer *x, const struct buf *body, const char *head)
{
	struct err e = {0};

	if (body->len == 0)
		return "the body is empty, not JSON";
	if (json_parse(body->data, body->len, &x->doc, &e) == 0)
		return NULL;
	if (head == NULL)
		return "the body is not JSON";
	return arena_printf(x->arena, "the body is not JSON (%s), it begins \"%s\"", e.message,
			    str_escaped(x->arena, head));
}

static const char *torn_problem(const struct http_response *res, const struct buf *body)
{
	if (res->is_length_known || body->len == 0)
		return NULL;
	return "nothing marked the end of the body, so it may be torn";
}

void journey_answer_init(struct journey_answer *x, const struct http_response *res,
			 const struct buf *body, const char *head, bool wants_json)
{
	const char *problem = capture_no_text(x->arena, res->content_type, body->data, body->len);

	x->doc = NULL;
	x->view = (struct capture_view){
		.json_problem = wants_json ? json_problem(x, body, head) : "",
		.text = problem == NULL ? body->data : NULL,
		.n_text = body->len,
		.text_problem = problem,
		.torn_problem = torn_problem(res, body),
		.headers = res->headers,
		.n_headers = res->n_headers,
	};
	x->view.json = x->doc;
}

void journey_answer_release(struct journey_answer *x)
{
	json_free(x->doc);
}

/* ---- what the text means ---- */

static int read_hex(struct captured *out, struct err *e)
{
	const char *shown = out->is_secret ? "***" : out->text;
	const char *digits;
	size_t n;

	if (out->value.type != VALUE_TEXT || !str_starts(out->text, "0x"))
		return err_set(e, ERR_MEASURE, "\"%.80s\" is not a hexadecimal number like 0x1b4",
			       shown);
	digits = out->text + 2;
	n = strlen(digits);
	if (n == 0)
		return err_set(e, ERR_MEASURE,
			       "the number is empty (0x): no contract at this address, or none "
			       "with this function");
	if (n > MAX_HEX_DIGITS || strspn(digits, "0123456789abcdefABCDEF") != n)
		return err_set(e, ERR_MEASURE,
			       "\"%.80s\" is not one hexadecimal number of at most %d digits",
			       shown, MAX_HEX_DIGITS);
	digits += strspn(digits, "0");
	n = strlen(digits);
	if (n < 16 || (n == 16 && digits[0] < '8')) {
		out->value = (struct value){
			.type = VALUE_INT,
			.integer = (int64_t)strtoull(digits, NULL, 16), /* "" is 0 */
		};
		return 0;
	}
	/* Towards zero or not, strtod() never puts it on the far side of a neighbour. */
	out->value = (struct value){.type = VALUE_REAL, .real = strtod(out->text, NULL)};
	out->is_rounded = true;
	return 0;
}

/* As it is sent: digits that stood in a text are sent as they stood there. */
static const char *sent_text(const struct journey_capture *c, const struct journey_answer *answer,
			     const struct measurement *m)
{
	struct capture_view view = answer->view;
	char text[NUM_REAL_MAX];

	if (m->value.type == VALUE_TEXT)
		return m->value.text;
	if (!capture_is_of_json(&c->source)) {
		view.is_text_kept = true;
		return capture_take(&c->source, m->name, &view, answer->arena).value.text;
	}
	if (m->value.type == VALUE_INT)
		return arena_printf(answer->arena, "%" PRId64, m->value.integer);
	(void)num_format_real(m->value.real, text); /* cannot fail */
	return arena_strdup(answer->arena, text);
}

int journey_capture_take(const struct journey_capture *c, const char *name,
			 const struct journey_answer *answer, struct captured *out, struct err *e)
{
	struct measurement m = capture_take(&c->source, name, &answer->view, answer->arena);
	struct captured taken = {
		.name = name,
		.is_secret = c->is_secret,
		.is_hex = c->is_hex,
		.value = m.value,
		.is_rounded = m.is_rounded,
	};

	if (m.value.type == VALUE_NONE)
		return err_set(e, ERR_MEASURE, "could not capture \"%s\": %s", name, m.reason);
	taken.text = sent_text(c, answer, &m);
	if (c->is_hex && read_hex(&taken, e) != 0)
		return err_context(e, "could not capture \"%s\"", name);
	if (c->is_secret && strlen(taken.text) < JOURNEY_MIN_SECRET)
		return err_set(
			e, ERR_MEASURE,
			"could not capture \"%s\": a secret of fewer than %d bytes cannot be "
			"masked",
			name, JOURNEY_MIN_SECRET);
	*out = taken;
	return 0;
}

/* ---- JSON-RPC ---- */

static int explain_error(const struct json_doc *doc, struct arena *a, struct err *e)
{
	struct json_value message = {.type = JSON_ABSENT}, code = message;

	/* Valid pointers: these cannot fail. */
	(void)json_pointer(doc, "/error/message", &message, e);
	(void)json_pointer(doc, "/error/code", &code, e);
	return err_set(e, ERR_MEASURE, "the call was answered with an error: %s (code %" PRId64 ")",
		       message.type == JSON_IS_TEXT ? str_escaped(a, message.text) : "no message",
		       code.type == JSON_IS_INT ? code.integer : 0);
}

int journey_rpc_check(const struct journey_answer *answer, struct err *e)
{
	struct json_value error = {.type = JSON_ABSENT}, result = error, id = error;
	const struct json_doc *doc = answer->view.json;
	int rc = 0;

	if (doc == NULL)
		return err_set(e, ERR_MEASURE, "%s", answer->view.json_problem);
	/* Valid pointers: these cannot fail. */
	(void)json_pointer(doc, "/error", &error, e);
	(void)json_pointer(doc, "/result", &result, e);
	(void)json_pointer(doc, "/id", &id, e);
	if (error.type != JSON_ABSENT && error.type != JSON_IS_NULL)
		rc = explain_error(doc, answer->arena, e);
	else if (result.type == JSON_ABSENT)
		rc = err_set(e, ERR_MEASURE, "the answer has neither a result nor an error");
	else if (id.type != JSON_IS_INT || id.integer != 1)
		rc = err_set(e, ERR_MEASURE,
			     "the answer is not the one to this call: its id is "
			     "another");
	return rc;
}
