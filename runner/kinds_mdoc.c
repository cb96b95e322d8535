/*
 * Rows as prose. The same words serve `assize kinds KIND` (key_row_words).
 */
#include "runner/kinds_mdoc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "audits/kinds.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/num.h"
#include "runner/load_parts.h"
#include "runner/model/challenge.h"
#include "runner/model/kind.h"

static void put_limit(struct buf *out, const struct key_row *row, int64_t v)
{
	char text[NUM_REAL_MAX];

	if (row->type == KEY_DURATION)
		(void)num_format_duration(v, text);
	else if (row->type == KEY_SIZE)
		(void)num_format_size(v, text);
	else
		(void)num_format_real((double)v, text);
	(void)buf_puts(out, text);
}

/* Where a path is read from, when definitions are from a commit. */
static const char *policy_words(const struct key_row *row)
{
	if (!(row->flags & KEY_POLICY))
		return "";
	return row->flags & KEY_WORLD ? ", policy where a commit has it" : ", policy";
}

void key_row_words(struct buf *out, const struct key_row *row)
{
	if (row->type == KEY_ENUM) {
		for (size_t i = 0; row->choices[i]; i++)
			(void)buf_printf(out, "%s%s",
					 i == 0		       ? ""
					 : row->choices[i + 1] ? ", "
							       : " or ",
					 row->choices[i]);
	} else {
		(void)buf_printf(out, "%s%s", key_type_words(row->type), policy_words(row));
	}
	if (row->min != 0 || row->max != 0) {
		(void)buf_puts(out, row->max == INT64_MAX ? ", at least " : ", ");
		put_limit(out, row, row->min);
		if (row->max != INT64_MAX) {
			(void)buf_puts(out, " to ");
			put_limit(out, row, row->max);
		}
	}
	if (row->flags & KEY_REQUIRED)
		(void)buf_puts(out, ", required");
	if (row->def && *row->def != '\0')
		(void)buf_printf(out, ", default %s", row->def);
}

void target_words(struct buf *out, unsigned bits, int is_optional)
{
	bool has_any = false;

	for (int t = TARGET_SQLITE; t <= TARGET_LAST; t++) {
		if (!(bits & TARGET_BIT(t)))
			continue;
		(void)buf_printf(out, "%s%s", has_any ? " or " : "",
				 target_type_name((enum target_type)t));
		has_any = true;
	}
	if (!has_any)
		(void)buf_puts(out, "no target");
	else
		(void)buf_puts(out, is_optional ? " target, or none" : " target");
}

/* Text on a line of its own: no request at its start, no escapes inside. */
static void put_text(struct buf *out, const char *s)
{
	if (*s == '.' || *s == '\'')
		(void)buf_puts(out, "\\&");
	for (; *s; s++) {
		if (*s == '\\')
			(void)buf_puts(out, "\\e");
		else if (*s == '-')
			(void)buf_puts(out, "\\-");
		else
			(void)buf_putc(out, *s);
	}
}

/* A sentence from a line of help. */
static void put_sentence(struct buf *out, const char *s)
{
	size_t at = out->len;

	put_text(out, s);
	if (out->len > at && out->data[at] >= 'a' && out->data[at] <= 'z')
		out->data[at] = (char)(out->data[at] - 'a' + 'A');
	(void)buf_puts(out, ".\n");
}

/* Literal text, which a macro would take apart at blanks, quotes and brackets. */
static void put_quoted(struct buf *out, const char *before, const char *s)
{
	(void)buf_printf(out, "%s \\(oq", before);
	put_text(out, s);
	(void)buf_puts(out, "\\(cq\n");
}

/* A paragraph with each sentence on a line of its own, as mdoc wants it. */
static void put_paragraph(struct buf *out, const char *s)
{
	while (*s) {
		const char *end = strstr(s, ". ");
		size_t n = end ? (size_t)(end - s) + 1 : strlen(s);
		char *line = xmalloc(n + 1);

		memcpy(line, s, n);
		line[n] = '\0';
		put_text(out, line);
		(void)buf_puts(out, "\n");
		free(line);
		s += n;
		s += strspn(s, " ");
	}
}

static void put_words(struct buf *out, const struct key_row *row)
{
	struct buf words;

	buf_init(&words, BUF_UNBOUNDED);
	key_row_words(&words, row);
	(void)buf_puts(out, "(");
	put_text(out, words.data);
	(void)buf_puts(out, ")\n.br\n");
	buf_release(&words);
}

/*
 * What stands below a name, once: tables described by the keys of a table are said to be, and
 * targets, audits and the like have sections of their own.
 */
static bool has_sub_rows(const struct key_row *rows, const struct key_row *row)
{
	if (row->type == KEY_GROUP)
		return row->sub != NULL;
	if (row->type != KEY_NAMED)
		return false;
	for (const struct key_row *other = rows; other->name; other++)
		if (strcmp(other->name, row->sub[0].name) == 0)
			return false;
	return true;
}

static void put_rows(struct buf *out, const struct key_row *rows)
{
	(void)buf_puts(out, ".Bl -tag -width Ds\n");
	for (const struct key_row *row = rows; row->name; row++) {
		(void)buf_printf(out, ".It Ic %s\n", row->name);
		put_words(out, row);
		put_sentence(out, row->help);
		if (row->example)
			put_quoted(out, "Example:", row->example);
		if (has_sub_rows(rows, row))
			put_rows(out, row->sub);
	}
	(void)buf_puts(out, ".El\n");
}

static void put_values(struct buf *out, const struct audit_kind *kind)
{
	if (!kind->values || !kind->values->name)
		return;
	(void)buf_puts(out, ".Pp\nValues:\n.Bl -tag -width Ds\n");
	for (const struct value_row *v = kind->values; v->name; v++) {
		(void)buf_printf(out, ".It %s%s\n", *v->name ? "Va " : "the value", v->name);
		if (v->unit && *v->unit) {
			(void)buf_puts(out, "(in ");
			put_text(out, v->unit);
			(void)buf_puts(out, ")\n.br\n");
		}
		put_sentence(out, v->help);
		if (v->implied)
			put_quoted(out, "Expected without being written:", v->implied);
	}
	(void)buf_puts(out, ".El\n");
}

static void put_notes(struct buf *out, const struct audit_kind *kind)
{
	const char *name, *text;

	if (!kind->note)
		return;
	(void)buf_printf(out, ".Pp\n%s:\n.Bl -tag -width Ds\n", kind->notes_title);
	for (size_t i = 0; (text = kind->note(i, &name)); i++) {
		(void)buf_puts(out, ".It ");
		put_text(out, name);
		(void)buf_puts(out, "\n");
		put_sentence(out, text);
	}
	(void)buf_puts(out, ".El\n");
}

static void put_attacks(struct buf *out, const struct attack_row *rows, bool is_control)
{
	(void)buf_puts(out, ".Bl -tag -width Ds\n");
	for (const struct attack_row *row = rows; row->name; row++) {
		if (row->is_control != is_control)
			continue;
		(void)buf_puts(out, ".It Cm ");
		put_text(out, row->name);
		(void)buf_puts(out, "\n");
		put_sentence(out, row->help);
	}
	(void)buf_puts(out, ".El\n");
}

/* Kinds that are attacked in one way have its list once, with the first of them. */
static const struct audit_kind *first_with(const struct arsenal *arsenal)
{
	size_t n;
	const struct audit_kind *const *kinds = audit_kinds(&n);

	for (size_t i = 0; i < n; i++)
		if (kinds[i]->arsenal && kinds[i]->arsenal->rows == arsenal->rows)
			return kinds[i];
	return NULL;
}

static void put_arsenal(struct buf *out, const struct audit_kind *kind)
{
	const struct audit_kind *first = kind->arsenal ? first_with(kind->arsenal) : NULL;

	if (!first)
		return;
	if (first != kind) {
		(void)buf_printf(out, ".Pp\nAttacks of challenge: those of kind\n.Ic %s .\n",
				 first->name);
		return;
	}
	(void)buf_puts(out, ".Pp\nAttacks of challenge:\n");
	put_attacks(out, kind->arsenal->rows, false);
	(void)buf_puts(out, ".Pp\nHarmless changes, which it must not notice:\n");
	put_attacks(out, kind->arsenal->rows, true);
}

static void put_kind(struct buf *out, const struct audit_kind *kind)
{
	(void)buf_printf(out, ".Ss %s\n", kind->name);
	put_sentence(out, kind->summary);
	(void)buf_puts(out, "Audits: ");
	target_words(out, kind->targets, kind->is_target_optional);
	(void)buf_puts(out, ".\n");
	if (kind->scalar_key)
		(void)buf_printf(out,
				 ".Pp\n\\(oq%s: X\\(cq is short for "
				 "\\(oq%s: { %s: X }\\(cq.\n",
				 kind->name, kind->name, kind->scalar_key);
	(void)buf_puts(out, ".Pp\nKeys:\n");
	put_rows(out, kind->keys);
	put_values(out, kind);
	put_notes(out, kind);
	put_arsenal(out, kind);
	(void)buf_puts(out, ".Pp\n.Em What it cannot see .\n");
	put_paragraph(out, kind->blind);
}

void kinds_mdoc(struct buf *out)
{
	const struct {
		const char *title;
		const struct key_row *rows;
	} mappings[] = {
		{"The file", file_rows},
		{"Targets", target_rows},
		{"Audits", audit_rows},
		{"Checks", check_rows},
		{"Gates", gate_rows},
		{"Entries of require and advise", selector_rows},
		{"Error budgets", budget_rows},
		{"Burn rates of an error budget", burn_rows},
		{"Baselines", baseline_rows},
		{"Rollback sets", set_rows},
		{"Waivers", waiver_rows},
		{"Who is told", notify_rows},
		{"Anchors of the ledger", anchor_rows},
	};
	size_t n;
	const struct audit_kind *const *kinds = audit_kinds(&n);

	(void)buf_puts(out, ".Sh KEYS\n");
	for (size_t i = 0; i < sizeof(mappings) / sizeof(*mappings); i++) {
		(void)buf_printf(out, ".Ss %s\n", mappings[i].title);
		if (mappings[i].rows == check_rows)
			(void)buf_puts(out, "Beside these, exactly one kind (see\n.Sx KINDS ) .\n"
					    "Keys an audit has too take its value unless given.\n");
		put_rows(out, mappings[i].rows);
	}
	(void)buf_puts(out, ".Sh KINDS\n");
	for (size_t i = 0; i < n; i++)
		put_kind(out, kinds[i]);
}
