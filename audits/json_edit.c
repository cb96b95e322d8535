/*
 * One pass over a text that is known to be JSON: it only has to find where things end. Nesting is
 * as deep as the parser allowed.
 */
#include "audits/json_edit.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/io/json.h"

/* A node that is looked for. */
struct wanted {
	struct json_t *node;
	bool is_found;
};

struct search {
	const struct json_doc *doc;
	struct wanted *wanted; /* by address, each once */
	size_t n_wanted, n_found;
	size_t *numbers;
	size_t n; /* values so far */
};

/* No order of JSON's, but one. */
static int by_address(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return (uintptr_t)x->node < (uintptr_t)y->node ? -1
						       : (uintptr_t)x->node > (uintptr_t)y->node;
}

static void note(struct search *s, struct json_t *at)
{
	const struct wanted key = {at, false};
	struct wanted *found =
		bsearch(&key, s->wanted, s->n_wanted, sizeof(*s->wanted), by_address);

	if (found == NULL || found->is_found)
		return;
	found->is_found = true;
	s->numbers[s->n_found++] = s->n;
}

static void count(struct search *s, struct json_t *at)
{
	struct json_value v;
	const char *name;
	struct json_t *child;
	void *walk = NULL;

	if (s->n_found < s->n_wanted)
		note(s, at);
	s->n++;
	json_read(s->doc, at, &v);
	if (v.type == JSON_IS_ARRAY)
		for (size_t i = 0; i < v.n; i++)
			count(s, json_item(at, i));
	if (v.type == JSON_IS_OBJECT)
		while (json_member_next(at, &walk, &name, &child))
			count(s, child);
}

size_t json_numbers_of(const struct json_doc *d, struct json_t *const *nodes, size_t n,
		       size_t *numbers)
{
	struct search s = {.doc = d, .numbers = numbers};

	s.wanted = xmalloc((n + 1) * sizeof(*s.wanted));
	for (size_t i = 0; i < n; i++)
		s.wanted[i] = (struct wanted){nodes[i], false};
	qsort(s.wanted, n, sizeof(*s.wanted), by_address);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || s.wanted[i].node != s.wanted[i - 1].node)
			s.wanted[s.n_wanted++] = s.wanted[i];
	count(&s, json_root(d));
	free(s.wanted);
	return s.n_found;
}

/* Does a token of a pointer stand for the name? */
static bool is_name(const char *token, const char *name)
{
	for (; *token != '\0'; token++, name++) {
		char c = *token;

		if (c == '~')
			c = *++token == '1' ? '/' : '~';
		if (c != *name)
			return false;
	}
	return *name == '\0';
}

size_t json_number_of(const struct json_doc *d, struct json_t *node)
{
	size_t number;

	return json_numbers_of(d, &node, 1, &number) == 1 ? number : (size_t)-1;
}

size_t json_size_of(const struct json_doc *d, struct json_t *node)
{
	struct search s = {.doc = d};

	count(&s, node);
	return s.n;
}

/* A pointer to its parent and the name in that: the parent is a node of its own. */
size_t json_number_at(const struct json_doc *d, const char *pointer)
{
	const char *last = strrchr(pointer, '/'), *name;
	char *copy = xstrdup(pointer);
	struct json_t *parent, *child;
	struct json_value v;
	void *walk = NULL;
	size_t number;

	if (last != NULL)
		copy[last - pointer] = '\0';
	parent = json_pointer_at(d, copy);
	number = json_number_of(d, parent);
	json_read(d, parent, &v);
	free(copy);
	if (last == NULL || json_pointer_at(d, pointer) == NULL)
		return last == NULL ? 0 : (size_t)-1;
	number++;
	if (v.type == JSON_IS_ARRAY)
		for (size_t i = (size_t)strtoul(last + 1, NULL, 10); i > 0; i--)
			number += json_size_of(d, json_item(parent, i - 1));
	while (v.type == JSON_IS_OBJECT && json_member_next(parent, &walk, &name, &child) &&
	       !is_name(last + 1, name))
		number += json_size_of(d, child);
	return number;
}

struct pass {
	const char *at, *end;
	size_t wanted; /* its text is from .. to */
	const char *from, *to;
	size_t number;
	enum json_edit (*edit)(void *ctx, size_t number, struct buf *out);
	void *ctx;
};

static void copy(struct buf *out, const char *from, const char *to)
{
	if (out != NULL)
		(void)buf_add(out, from, (size_t)(to - from)); /* nothing grows much */
}

static void skip_space(struct pass *p)
{
	while (p->at < p->end && strchr(" \t\r\n", *p->at) != NULL && *p->at != '\0')
		p->at++;
}

static void skip_text(struct pass *p)
{
	p->at++;
	while (p->at < p->end && *p->at != '"')
		p->at += *p->at == '\\' ? 2 : 1;
	p->at++;
}

static void pass_value(struct pass *p, struct buf *out);

/* From the bracket to behind its partner. out NULL: only past it. */
static void pass_container(struct pass *p, struct buf *out)
{
	bool is_object = *p->at == '{', is_first = true;
	const char *from = p->at++;

	copy(out, from, p->at);
	while (true) {
		enum json_edit what = JSON_KEEP;
		const char *begin = p->at;
		struct buf instead;

		skip_space(p);
		if (p->at >= p->end || *p->at == ']' || *p->at == '}') {
			copy(out, begin, p->at);
			break;
		}
		if (is_object) {
			skip_text(p);
			skip_space(p);
			p->at++; /* the colon */
			skip_space(p);
		}
		buf_init(&instead, BUF_UNBOUNDED);
		if (out != NULL)
			what = p->edit(p->ctx, p->number, &instead);
		if (what != JSON_DROP) {
			if (!is_first && out != NULL)
				(void)buf_putc(out, ',');
			copy(out, begin, p->at);
			is_first = false;
		}
		if (what == JSON_REPLACE)
			(void)buf_add(out, instead.data, instead.len);
		buf_release(&instead);
		pass_value(p, what == JSON_KEEP ? out : NULL);
		begin = p->at;
		skip_space(p);
		if (what != JSON_DROP)
			copy(out, begin, p->at);
		if (p->at < p->end && *p->at == ',')
			p->at++;
	}
	from = p->at++;
	copy(out, from, p->at);
}

/* The value at hand was asked for already. */
static void pass_value(struct pass *p, struct buf *out)
{
	const char *from = p->at;
	bool is_wanted = p->number++ == p->wanted;

	if (*p->at == '{' || *p->at == '[') {
		pass_container(p, out);
	} else {
		if (*p->at == '"')
			skip_text(p);
		else
			while (p->at < p->end && strchr(",]} \t\r\n", *p->at) == NULL)
				p->at++;
		copy(out, from, p->at);
	}
	if (is_wanted) {
		p->from = from;
		p->to = p->at;
	}
}

void json_span(const char *s, size_t n, size_t number, size_t *from, size_t *length)
{
	struct pass p = {.at = s, .end = s + n, .wanted = number, .from = s, .to = s};

	skip_space(&p);
	pass_value(&p, NULL);
	*from = (size_t)(p.from - s);
	*length = (size_t)(p.to - p.from);
}

void json_edit(const char *s, size_t n,
	       enum json_edit (*edit)(void *ctx, size_t number, struct buf *out), void *ctx,
	       struct buf *out)
{
	struct pass p = {.at = s, .end = s + n, .wanted = (size_t)-1, .edit = edit, .ctx = ctx};
	enum json_edit what;

	skip_space(&p);
	copy(out, s, p.at);
	what = edit(ctx, 0, out);
	pass_value(&p, what == JSON_KEEP ? out : NULL);
	copy(out, p.at, p.end);
}
