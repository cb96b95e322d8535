/*
 * An expectation seen from the side: whether a number that rises or falls without end would leave
 * it. What a second bound is needed for is told by this, and so is the list of terms with it.
 */
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/model/expect.h"
#include "runner/model/expect_term.h"

static unsigned sides_of_comparison(enum term_op op)
{
	switch (op) {
	case OP_LESS:
	case OP_LESS_EQUAL:
		return EXPECT_CEILING;
	case OP_MORE:
	case OP_MORE_EQUAL:
		return EXPECT_FLOOR;
	case OP_EQUAL:
		return EXPECT_FLOOR | EXPECT_CEILING;
	case OP_NOT_EQUAL:
		return 0;
	}
	return 0;
}

static unsigned sides_of(const struct expect_term *t)
{
	switch (t->type) {
	case TERM_COMPARE:
		return t->operands[0].is_text ? 0 : sides_of_comparison(t->op);
	case TERM_BETWEEN:
	case TERM_IN:
	case TERM_WITHIN:
		return EXPECT_FLOOR | EXPECT_CEILING;
	case TERM_NOT_WORSE: /* larger is worse */
		return EXPECT_CEILING;
	case TERM_MATCHES:
		return 0;
	}
	return 0;
}

unsigned expect_sides(const struct expectation *x)
{
	unsigned sides = 0;

	for (size_t i = 0; x != NULL && i < x->n_terms; i++)
		sides |= sides_of(&x->terms[i]);
	return sides;
}

static bool is_left_out(const struct expect_term *t, enum expect_side side)
{
	return t->type == TERM_COMPARE && sides_of(t) == (unsigned)side;
}

const char *expect_with(struct arena *a, const struct expectation *x, enum expect_side side,
			const char *added)
{
	const char *text;
	struct buf b;
	size_t n = 0;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded: nothing below can fail */
	for (size_t i = 0; x != NULL && i < x->n_terms; i++)
		if (!is_left_out(&x->terms[i], side))
			(void)buf_printf(&b, "%s%s", n++ > 0 ? ", " : "[",
					 expect_quoted(a, x->texts[i]));
	if (n == 0)
		(void)buf_puts(&b, expect_quoted(a, added));
	else
		(void)buf_printf(&b, ", %s]", expect_quoted(a, added));
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}
