/*
 * invalid_rules: one condition a rule, and what can be wrong with a rule before anything is asked.
 */
#include "audits/invalid_rules.h"

#include <stddef.h>
#include <string.h>

#include "audits/column.h"
#include "audits/formats.h"
#include "audits/scan.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/db_dialect.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/model/pattern.h"

#define MAX_SET_BYTES (1024 * 1024)

const char *const invalid_rule_names[INVALID_N_RULES] = {"in",		"range",  "matches",
							 "not_matches", "length", "format"};

const struct key_row invalid_rules_rows[] = {
	{.name = "in",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct rules, in),
	 .help = "the values there may be, as text",
	 .example = "[new, paid, shipped]"},
	{.name = "in_file",
	 .type = KEY_PATH,
	 .flags = KEY_POLICY,
	 .offset = offsetof(struct rules, in_file),
	 .help = "file with the values there may be, one a line",
	 .example = "audits/countries.txt"},
	{.name = "min",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct rules, min),
	 .help = "least value there may be: a number, or a text or date as the column holds it",
	 .example = "0"},
	{.name = "max",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct rules, max),
	 .help = "largest value there may be",
	 .example = "10000"},
	{.name = "matches",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct rules, matches),
	 .help = "regular expression found in every value; ^ and $ for all of it",
	 .example = "'^[A-Z]{3}-[0-9]+$'"},
	{.name = "not_matches",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct rules, not_matches),
	 .help = "regular expression found in no value",
	 .example = "'(?i)lorem ipsum'"},
	{.name = "min_length",
	 .type = KEY_INT,
	 .offset = offsetof(struct rules, min_length),
	 .min = 1,
	 .max = INT32_MAX,
	 .help = "fewest characters a value may have",
	 .example = "1"},
	{.name = "max_length",
	 .type = KEY_INT,
	 .offset = offsetof(struct rules, max_length),
	 .min = 1,
	 .max = INT32_MAX,
	 .help = "most characters a value may have",
	 .example = "80"},
	{.name = "format",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct rules, format),
	 .choices = format_names,
	 .def = "any",
	 .help = "what every value is",
	 .example = "email"},
	KEY_END,
};

/* ---- rules as conditions ---- */

bool invalid_has_rule(const struct rules *r, enum rule rule)
{
	switch (rule) {
	case RULE_SET:
		return r->in.n > 0;
	case RULE_RANGE:
		return r->min || r->max;
	case RULE_MATCHES:
		return r->matches;
	case RULE_NOT_MATCHES:
		return r->not_matches;
	case RULE_LENGTH:
		return r->min_length > 0 || r->max_length > 0;
	case RULE_FORMAT:
		return r->format > 0;
	}
	return false;
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* Is the text what an integer is written as, and nothing else? */
static bool is_written_integer(const char *text)
{
	const char *digits = text + (*text == '-');
	int64_t n;

	return num_parse_int(text, strlen(text), &n) == 0 && *digits >= '0' && *digits <= '9' &&
	       (*digits != '0' || (digits[1] == '\0' && digits == text));
}

static bool are_all(const struct texts *set, bool (*is)(const char *text))
{
	for (size_t i = 0; i < set->n; i++)
		if (!is(set->items[i]))
			return false;
	return true;
}

static int put_netstrings(const struct subject *of, struct buf *out, const struct texts *set,
			  struct err *e)
{
	struct buf list;

	buf_init(&list, BUF_UNBOUNDED); /* the definition is bounded */
	for (size_t i = 0; i < set->n; i++)
		(void)buf_printf(&list, "%zu:%s,", strlen(set->items[i]), set->items[i]);
	(void)buf_printf(out, "NOT assize_in(%s, ", of->x);
	int rc = dialect_literal(of->engine, out, list.data, e);

	(void)buf_putc(out, ')');
	buf_release(&list);
	return rc;
}

static int put_set(const struct subject *of, struct buf *out, const struct texts *set,
		   struct err *e)
{
	if (of->has_functions)
		return put_netstrings(of, out, set, e);

	bool is_bare = of->content == DIALECT_INTEGER && are_all(set, is_written_integer);

	(void)buf_puts(out, "NOT (");
	if (is_bare)
		(void)buf_puts(out, of->x);
	else if (of->content == DIALECT_TEXT && are_all(set, is_ascii))
		dialect_exact_ascii(of->engine, out, of->x);
	else
		dialect_exact(of->engine, out, of->x);
	for (size_t i = 0; i < set->n; i++) {
		(void)buf_puts(out, i == 0 ? " IN (" : ", ");
		if (is_bare)
			(void)buf_puts(out, set->items[i]);
		else if (dialect_literal(of->engine, out, set->items[i], e) != 0)
			return -1;
	}
	(void)buf_puts(out, "))");
	return 0;
}

/* A bound as written, or what an exact single is compared with in its place. */
static const char *bound_of(const struct subject *of, const char *bound, double (*single)(double),
			    char out[static NUM_REAL_MAX])
{
	double number;

	if (!of->is_single || num_parse_real(bound, strlen(bound), &number) != 0)
		return bound;
	(void)num_format_real(single(number), out);
	return out;
}

static int put_range(const struct subject *of, struct buf *out, const struct rules *r,
		     struct err *e)
{
	char single[NUM_REAL_MAX];

	if (r->min && dialect_is_below(of->engine, out, of->x, of->content,
				       bound_of(of, r->min, column_single_below, single), e) != 0)
		return -1;
	if (r->min && r->max)
		(void)buf_puts(out, " OR ");
	return r->max ? dialect_is_above(of->engine, out, of->x, of->content,
					 bound_of(of, r->max, column_single_above, single), e)
		      : 0;
}

/*
 * PostgreSQL knows a text's bytes without fetching one that is stored apart, and no character has
 * more than four: most values need not be looked at.
 */
static void put_bytes(const struct subject *of, struct buf *out, char sign, long long n)
{
	if (of->engine == DB_POSTGRES && of->content == DIALECT_TEXT)
		(void)buf_printf(out, "octet_length(%s) %c %lld AND ", of->x, sign, n);
}

static void put_length_of(const struct subject *of, struct buf *out)
{
	if (of->has_functions)
		(void)buf_printf(out, "assize_length(%s)", of->x);
	else
		dialect_length(of->engine, out, of->x, of->content);
}

static void put_length(const struct subject *of, struct buf *out, const struct rules *r)
{
	if (r->min_length > 0) {
		put_bytes(of, out, '<', 4 * (long long)r->min_length);
		put_length_of(of, out);
		(void)buf_printf(out, " < %lld", (long long)r->min_length);
	}
	if (r->min_length > 0 && r->max_length > 0)
		(void)buf_puts(out, " OR ");
	if (r->max_length > 0) {
		put_bytes(of, out, '>', (long long)r->max_length);
		put_length_of(of, out);
		(void)buf_printf(out, " > %lld", (long long)r->max_length);
	}
}

/* Holds for the rows that break the rule, never for NULL. */
static int put_condition(const struct subject *of, struct buf *out, const struct rules *r,
			 enum rule rule, struct err *e)
{
	enum db_engine engine = of->engine;
	const char *x = of->x;
	int rc = 0;

	switch (rule) {
	case RULE_SET:
		return put_set(of, out, &r->in, e);
	case RULE_RANGE:
		return put_range(of, out, r, e);
	case RULE_LENGTH:
		put_length(of, out, r);
		return 0;
	case RULE_NOT_MATCHES:
		return dialect_matches(engine, out, x, r->not_matches, e);
	case RULE_MATCHES:
		(void)buf_puts(out, "NOT (");
		rc = dialect_matches(engine, out, x, r->matches, e);
		break;
	case RULE_FORMAT:
		(void)buf_puts(out, "NOT (");
		rc = dialect_is_all(engine, out, x, format_pattern(r->format), e);
		break;
	}
	(void)buf_putc(out, ')');
	return rc;
}

const char *invalid_condition(struct arena *a, const struct subject *of, const struct rules *r,
			      enum rule rule, struct err *e)
{
	struct buf b;
	const char *text = NULL;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	if (put_condition(of, &b, r, rule, e) == 0)
		text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

struct subject invalid_subject(struct arena *a, enum db_engine engine, const struct db_table *table,
			       const char *column, enum rule rule)
{
	struct subject of = {.engine = engine};
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	if (rule == RULE_RANGE)
		column_put_compared(engine, table, column, &b);
	else
		column_put_shown(engine, table, column, &b);
	of.x = arena_strndup(a, b.data, b.len);
	of.is_single = rule == RULE_RANGE && column_is_single(engine, table, column);
	buf_release(&b);
	return of;
}

void invalid_add_condition(struct scan *s, const char *column, const struct rules *r,
			   enum rule rule)
{
	struct arena *a = s->probe->arena;
	struct subject of = invalid_subject(a, s->engine, s->table, column, rule);
	const char *condition = invalid_condition(a, &of, r, rule, NULL);
	const char *cheaper[DIALECT_N_CONTENTS] = {NULL};

	if (!condition)
		return;
	of.has_functions = s->engine == DB_SQLITE;
	for (int i = 0; i < DIALECT_N_CONTENTS; i++) {
		of.content = (enum dialect_content)i;
		cheaper[i] = invalid_condition(a, &of, r, rule, NULL);
	}
	(void)scan_add_condition(s, condition, scan_column(s, column), cheaper);
}

/* Lines of the file become the set. */
static void read_set(struct keys_context *ctx, const struct check *c, struct pos pos,
		     struct rules *r)
{
	struct err e = {0};
	struct buf b;
	size_t cap = 0;

	buf_init(&b, MAX_SET_BYTES);
	if (file_read(r->in_file, &b, &e) != 0) {
		diags_at(ctx->diags, pos, NULL, "check \"%s\": %s", c->name, e.message);
		buf_release(&b);
		return;
	}
	if (!str_is_utf8(b.data, b.len) || memchr(b.data, '\0', b.len))
		diags_at(ctx->diags, pos, NULL, "check \"%s\": \"%s\" is not UTF-8 text", c->name,
			 r->in_file);
	/* A byte order mark belongs to no line. */
	const char *text = b.data + (strncmp(b.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0);

	for (const char *s = text; s; s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL)
		cap++;
	r->in.items = arena_array(ctx->arena, cap, sizeof(*r->in.items));
	for (const char *s = text; *s;) {
		size_t n = strcspn(s, "\n");
		size_t len = n > 0 && s[n - 1] == '\r' ? n - 1 : n;

		if (len > 0)
			r->in.items[r->in.n++] = arena_strndup(ctx->arena, s, len);
		s += n + (s[n] == '\n');
	}
	buf_release(&b);
	if (r->in.n == 0)
		diags_at(ctx->diags, pos, NULL, "check \"%s\": \"%s\" holds no values", c->name,
			 r->in_file);
}

static void check_pattern(struct keys_context *ctx, const struct check *c, const struct node *node,
			  const char *key, const char *re)
{
	struct pattern *compiled;
	struct err e = {0};

	if (re && pattern_compile(ctx->arena, re, strlen(re), false, &compiled, &e) != 0)
		diags_at(ctx->diags, keys_pos(node, key), NULL, "check \"%s\": %s", c->name,
			 e.message);
}

/* A range that holds nothing would fail every row, for a reason nobody would see. */
static void check_range(struct keys_context *ctx, const struct check *c, const struct node *node,
			const struct rules *r)
{
	double min, max;

	if (r->min && r->max && num_parse_real(r->min, strlen(r->min), &min) == 0 &&
	    num_parse_real(r->max, strlen(r->max), &max) == 0 && min > max)
		diags_at(ctx->diags, keys_pos(node, "max"), NULL,
			 "check \"%s\": no value is at least %s and at most %s", c->name, r->min,
			 r->max);
	if (r->min_length > 0 && r->max_length > 0 && r->min_length > r->max_length)
		diags_at(ctx->diags, keys_pos(node, "max_length"), NULL,
			 "check \"%s\": no text has at least %lld and at most %lld characters",
			 c->name, (long long)r->min_length, (long long)r->max_length);
}

void invalid_check_rules(struct keys_context *ctx, const struct check *c,
			 const struct group *column, const struct node *node)
{
	struct rules *r = column->value;
	bool has_any = false;

	if (r->in_file && r->in.n > 0)
		diags_at(ctx->diags, column->pos, NULL,
			 "check \"%s\": column \"%s\" has both in: and in_file:", c->name,
			 column->name);
	else if (r->in_file)
		read_set(ctx, c, keys_pos(node, "in_file"), r);
	check_pattern(ctx, c, node, "matches", r->matches);
	check_pattern(ctx, c, node, "not_matches", r->not_matches);
	check_range(ctx, c, node, r);
	for (int rule = 0; rule < INVALID_N_RULES; rule++)
		has_any = has_any || invalid_has_rule(r, (enum rule)rule);
	if (!has_any && !r->in_file)
		diags_at(ctx->diags, column->pos,
			 "add one: in, min, max, matches, max_length, format",
			 "check \"%s\": column \"%s\" has no rule", c->name, column->name);
}
