/*
 * What is wrong with a journey before it begins: every placeholder must stand for a value that an
 * earlier step captures, so that a misspelt name is found by `assize check` and not half way
 * through, with an order placed.
 */
#include "audits/journey.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/http.h"
#include "runner/model/kind.h"

static const char *const value_names[] = {"ok", "steps", "status", "total"};

/* Where a check looks: all groups before this one of the list, and all of another list. */
struct scope {
	struct keys_context *ctx;
	const struct check *check;
	const struct groups *before, *list;
	size_t index;
};

static bool captures(const struct groups *steps, size_t n_steps, const char *name, size_t n)
{
	for (size_t i = 0; i < n_steps; i++) {
		const struct journey_step *step = steps->items[i].value;

		for (size_t k = 0; k < step->capture.n; k++) {
			const char *theirs = step->capture.items[k].name;

			if (strlen(theirs) == n && memcmp(theirs, name, n) == 0)
				return true;
		}
	}
	return false;
}

static void check_text(const struct scope *s, const char *text, struct pos pos)
{
	const char *name, *rest;
	size_t n;

	while (placeholder_next(text, &name, &n, &rest) != NULL) {
		text = rest;
		if (captures(s->list, s->index, name, n) ||
		    (s->before != NULL && captures(s->before, s->before->n, name, n)))
			continue;
		(void)diags_at(s->ctx->diags, pos,
			       "capture it in an earlier step; braces that mean themselves have a "
			       "space behind them, \"{ \"",
			       "check \"%s\": no step before captures \"%.*s\"", s->check->name,
			       (int)n, name);
	}
}

static void check_pairs(const struct scope *s, const struct pairs *pairs)
{
	for (size_t i = 0; i < pairs->n; i++)
		check_text(s, pairs->items[i].value, pairs->items[i].pos);
}

/* Digits that JSON would have to round are an error: nobody would see it happen. */
static void check_number(const struct scope *s, const struct node *node)
{
	int64_t integer;

	if (node->is_plain && node->len > 0 &&
	    strspn(node->text + (node->text[0] == '-'), "0123456789") ==
		    node->len - (node->text[0] == '-') &&
	    node->len > 1 && num_parse_int(node->text, node->len, &integer) != 0)
		(void)diags_at(s->ctx->diags, node->pos,
			       "quote it to send it as a text, or write the whole body with body:",
			       "check \"%s\": %s cannot be sent as a number without loss",
			       s->check->name, node->text);
}

static void check_node(const struct scope *s, const struct node *node, int depth)
{
	if (depth > JOURNEY_MAX_DEPTH) {
		(void)diags_at(s->ctx->diags, node->pos, NULL,
			       "check \"%s\": what is sent is nested more than %d deep",
			       s->check->name, JOURNEY_MAX_DEPTH);
		return;
	}
	if (node->type == NODE_SCALAR) {
		check_text(s, node->text, node->pos);
		check_number(s, node);
		return;
	}
	for (size_t i = 0; i < node->n; i++)
		check_node(s, node->items[i], depth + 1);
}

static void check_rpc(const struct scope *s, const struct node *rpc)
{
	const struct node *method = rpc->type == NODE_MAPPING ? node_get(rpc, "method") : NULL;
	const struct node *params = method != NULL ? node_get(rpc, "params") : NULL;

	if (method == NULL || method->type != NODE_SCALAR || rpc->n != (params != NULL ? 2U : 1U) ||
	    (params != NULL && params->type == NODE_SCALAR))
		(void)diags_at(
			s->ctx->diags, rpc->pos,
			"for example { method: eth_call, params: [{ to: \"0x..\" }, latest] }",
			"check \"%s\": \"rpc\" wants a method and, as a list or a mapping, "
			"its params",
			s->check->name);
	else
		check_node(s, rpc, 0);
}

static void check_body(const struct scope *s, const struct group *g)
{
	const struct journey_step *step = g->value;
	const char *method = journey_method(g);
	int n = (step->body != NULL) + (step->form.n > 0) + (step->json != NULL) +
		(step->rpc != NULL);

	if (n > 1)
		(void)diags_at(s->ctx->diags, g->pos, "a request has one body",
			       "check \"%s\": step \"%s\" has more than one of form, json, rpc and "
			       "body",
			       s->check->name, step->id);
	if (n > 0 && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0))
		(void)diags_at(s->ctx->diags, keys_pos(g->node, "method"), "leave the method out",
			       "check \"%s\": a %s request has no body", s->check->name, method);
	if (step->body != NULL)
		check_text(s, step->body, keys_pos(g->node, "body"));
	check_pairs(s, &step->form);
	if (step->json != NULL)
		check_node(s, step->json, 0);
	if (step->rpc != NULL)
		check_rpc(s, step->rpc);
}

static void check_capture(const struct scope *s, const struct group *g)
{
	struct journey_capture *capture = g->value;
	struct err e = {0};

	for (size_t i = 0; i < sizeof(value_names) / sizeof(value_names[0]); i++)
		if (strcmp(value_names[i], g->name) == 0)
			(void)diags_at(s->ctx->diags, g->pos, "choose another name",
				       "check \"%s\": \"%s\" is a value of every journey",
				       s->check->name, g->name);
	if (!str_is_name(g->name))
		(void)diags_at(s->ctx->diags, g->pos, "use letters, digits, _ . and -",
			       "check \"%s\": \"%s\" cannot be the name of a value", s->check->name,
			       g->name);
	if (captures(s->list, s->index, g->name, strlen(g->name)) ||
	    (s->before != NULL && captures(s->before, s->before->n, g->name, strlen(g->name))))
		(void)diags_at(s->ctx->diags, g->pos, "choose another name",
			       "check \"%s\": an earlier step captures \"%s\" already",
			       s->check->name, g->name);
	if (capture->from == NULL ||
	    capture_parse(s->ctx->arena, capture->from, &capture->source, &e) == 0)
		return;
	(void)err_context(&e, "check \"%s\"", s->check->name); /* always -1 */
	e.pos = g->pos;
	diags_add(s->ctx->diags, &e);
}

static void check_path(const struct scope *s, const struct group *g)
{
	const struct journey_step *step = g->value;
	const struct target *target = s->check->target;

	check_text(s, step->path, keys_pos(g->node, "path"));
	if (target != NULL && http_join(s->ctx->arena, target->location, step->path) == NULL)
		(void)diags_at(s->ctx->diags, keys_pos(g->node, "path"),
			       "write a path; a journey stays at one host",
			       "check \"%s\": \"path\" leaves the host of target \"%s\"",
			       s->check->name, target->name);
}

static bool has_step(const struct groups *steps, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++) {
		const struct journey_step *step = steps->items[i].value;

		if (step->id != NULL && strcmp(step->id, id) == 0)
			return true;
	}
	return false;
}

static void check_step(const struct scope *s)
{
	const struct group *g = &s->list->items[s->index];
	const struct journey_step *step = g->value;

	if (step->id == NULL || step->path == NULL)
		return; /* reported with the keys */
	if (has_step(s->list, s->index, step->id) ||
	    (s->before != NULL && has_step(s->before, s->before->n, step->id)))
		(void)diags_at(s->ctx->diags, keys_pos(g->node, "id"), "choose another name",
			       "check \"%s\": there are two steps \"%s\"", s->check->name,
			       step->id);
	for (size_t i = 0; i < step->status.n; i++)
		if (!journey_status_is_valid(step->status.items[i]))
			(void)diags_at(s->ctx->diags, step->status.positions[i],
				       "write 204, or 2xx for all from 200 to 299",
				       "check \"%s\": \"%s\" is no status", s->check->name,
				       str_escaped(s->ctx->arena, step->status.items[i]));
	check_path(s, g);
	check_pairs(s, &step->headers);
	check_body(s, g);
	for (size_t i = 0; i < step->capture.n; i++)
		check_capture(s, &step->capture.items[i]);
}

void journey_check(struct keys_context *ctx, struct check *c)
{
	const struct journey_spec *spec = c->spec;
	struct scope s = {.ctx = ctx, .check = c, .list = &spec->steps};

	for (s.index = 0; s.index < spec->steps.n; s.index++)
		check_step(&s);
	s.list = &spec->cleanup;
	s.before = &spec->steps;
	for (s.index = 0; s.index < spec->cleanup.n; s.index++)
		check_step(&s);
}
