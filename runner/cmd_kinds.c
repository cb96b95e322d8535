/*
 * assize kinds: what can be checked, from the same rows that read definitions.
 */
#include <stdio.h>
#include <string.h>

#include "audits/kinds.h"
#include "reports/terminal.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/json.h"
#include "runner/kinds_mdoc.h"
#include "runner/model/challenge.h"
#include "runner/model/kind.h"
#include "runner/options.h"
#include "runner/schema_json.h"

static int run_kinds(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"json", "json-schema", "mdoc", NULL};

const struct command command_kinds = {
	.name = "kinds",
	.group = "define",
	.words = "[KIND]",
	.summary = "what can be checked; with a kind: its keys, values, and what it cannot see",
	.accepts = accepts,
	.run = run_kinds,
};

static const char *words_of(struct arena *a, const struct key_row *row)
{
	const char *text;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	key_row_words(&b, row);
	text = arena_strdup(a, b.data);
	buf_release(&b);
	return text;
}

static const char *targets_of(struct arena *a, const struct audit_kind *kind)
{
	const char *text;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	target_words(&b, kind->targets, kind->is_target_optional);
	text = arena_strdup(a, b.data);
	buf_release(&b);
	return text;
}

static void list_kinds(struct app *app)
{
	static const char *const headers[] = {"kind", "target", "measures"};
	size_t n;
	const struct audit_kind *const *kinds = audit_kinds(&n);
	struct table t;

	table_init(&t, app->arena, headers, 3, "lll");
	for (size_t i = 0; i < n; i++)
		table_row(&t, kinds[i]->name, targets_of(app->arena, kinds[i]), kinds[i]->summary);
	table_print(&t, app->out);
	(void)fputs("\nassize kinds KIND shows its keys; the manual: man assize.yaml\n", app->out);
}

static void print_rows(struct app *app, const struct key_row *rows, int indent)
{
	for (const struct key_row *row = rows; row->name; row++) {
		(void)fprintf(app->out, "%*s%-*s %s\n", indent, "", 18 - indent + 2, row->name,
			      row->help);
		(void)fprintf(app->out, "%*s%s\n", 21, "", words_of(app->arena, row));
		if (row->example)
			(void)fprintf(app->out, "%*s%s: %s\n", 21, "", row->name, row->example);
		if (row->sub)
			print_rows(app, row->sub, indent + 2);
	}
}

static void print_values(struct app *app, const struct audit_kind *kind)
{
	if (!kind->values || !kind->values->name)
		return;
	(void)fputs("\nvalues\n", app->out);
	for (const struct value_row *v = kind->values; v->name; v++) {
		(void)fprintf(app->out, "  %-18s %s", *v->name ? v->name : "(the value)", v->help);
		if (v->unit && *v->unit)
			(void)fprintf(app->out, " [%s]", v->unit);
		(void)fputc('\n', app->out);
		if (v->implied)
			(void)fprintf(app->out, "%*s%s unless written otherwise\n", 21, "",
				      v->implied);
	}
}

/* The paragraph of what a kind cannot see, at 76 columns. */
static void print_wrapped(FILE *out, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column > 0 && column + 1 + n > 76) {
			(void)fputc('\n', out);
			column = 0;
		}
		(void)fprintf(out, "%s%.*s", column > 0 ? " " : "  ", (int)n, text);
		column += n + (column > 0 ? 1 : 2);
		text += n;
		text += strspn(text, " ");
	}
	(void)fputc('\n', out);
}

static void print_notes(FILE *out, const struct audit_kind *kind)
{
	const char *name, *text;

	if (!kind->note)
		return;
	(void)fprintf(out, "\n%s\n", kind->notes_title);
	for (size_t i = 0; (text = kind->note(i, &name)); i++)
		(void)fprintf(out, "  %-18s %s\n", name, text);
}

static void print_attacks(FILE *out, const struct attack_row *rows, bool is_control)
{
	for (const struct attack_row *row = rows; row->name; row++)
		if (row->is_control == is_control)
			(void)fprintf(out, "  %-18s %s\n", row->name, row->help);
}

static void print_arsenal(FILE *out, const struct arsenal *arsenal)
{
	if (!arsenal)
		return;
	(void)fputs("\nattacks of assize challenge, as claims: names them\n", out);
	print_attacks(out, arsenal->rows, false);
	(void)fputs("\nharmless changes, which it must not notice\n", out);
	print_attacks(out, arsenal->rows, true);
}

static void show_kind(struct app *app, const struct audit_kind *kind)
{
	(void)fprintf(app->out, "%s: %s\n\n", kind->name, kind->summary);
	(void)fprintf(app->out, "audits: %s\n", targets_of(app->arena, kind));
	if (kind->scalar_key)
		(void)fprintf(app->out, "short:  %s: TEXT stands for %s: { %s: TEXT }\n",
			      kind->name, kind->name, kind->scalar_key);
	(void)fputs("\nkeys\n", app->out);
	print_rows(app, kind->keys, 2);
	print_values(app, kind);
	print_notes(app->out, kind);
	print_arsenal(app->out, kind->arsenal);
	(void)fputs("\nwhat it cannot see\n", app->out);
	print_wrapped(app->out, kind->blind);
}

static void put_rows(struct json_writer *w, struct arena *a, const struct key_row *rows)
{
	json_open(w, "keys", '[');
	for (const struct key_row *row = rows; row->name; row++) {
		json_open(w, NULL, '{');
		json_put_text(w, "name", row->name);
		json_put_text(w, "takes", words_of(a, row));
		json_put_bool(w, "is_required", (row->flags & KEY_REQUIRED) != 0);
		json_put_text(w, "default", row->def);
		json_put_text(w, "help", row->help);
		json_put_text(w, "example", row->example);
		if (row->sub)
			put_rows(w, a, row->sub);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_notes(struct json_writer *w, const struct audit_kind *kind)
{
	const char *name, *text;

	json_open(w, "notes", '[');
	for (size_t i = 0; (text = kind->note(i, &name)); i++) {
		json_open(w, NULL, '{');
		json_put_text(w, "name", name);
		json_put_text(w, "text", text);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_arsenal(struct json_writer *w, const struct arsenal *arsenal)
{
	json_open(w, "attacks", '[');
	for (const struct attack_row *row = arsenal ? arsenal->rows : NULL; row && row->name;
	     row++) {
		json_open(w, NULL, '{');
		json_put_text(w, "name", row->name);
		json_put_bool(w, "is_harmless", row->is_control);
		json_put_text(w, "help", row->help);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_kind(struct json_writer *w, struct arena *a, const struct audit_kind *kind)
{
	json_open(w, NULL, '{');
	json_put_text(w, "name", kind->name);
	json_put_text(w, "family", kind->family);
	json_put_text(w, "summary", kind->summary);
	json_put_text(w, "target", targets_of(a, kind));
	put_rows(w, a, kind->keys);
	json_open(w, "values", '[');
	for (const struct value_row *v = kind->values; v && v->name; v++) {
		json_open(w, NULL, '{');
		json_put_text(w, "name", v->name);
		json_put_text(w, "unit", v->unit);
		json_put_text(w, "implied", v->implied);
		json_put_text(w, "help", v->help);
		json_close(w, '}');
	}
	json_close(w, ']');
	if (kind->note)
		put_notes(w, kind);
	put_arsenal(w, kind->arsenal);
	json_put_text(w, "blind", kind->blind);
	json_close(w, '}');
}

/* The formats for machines, of one kind or all. */
static void print_machine(struct app *app, const struct options *o, const struct audit_kind *one)
{
	size_t n;
	const struct audit_kind *const *kinds = audit_kinds(&n);
	struct json_writer w;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* as large as our own tables */
	if (o->is_json_schema) {
		schema_json(&b);
	} else if (o->is_mdoc) {
		kinds_mdoc(&b);
	} else {
		json_writer_init(&w, &b, true);
		json_open(&w, NULL, '[');
		for (size_t i = 0; i < n; i++)
			if (!one || kinds[i] == one)
				put_kind(&w, app->arena, kinds[i]);
		json_close(&w, ']');
	}
	(void)fwrite(b.data, 1, b.len, app->out); /* main looks at the stream */
	buf_release(&b);
}

static int no_such_kind(struct app *app, const char *word)
{
	size_t n;
	const struct audit_kind *const *kinds = audit_kinds(&n);
	const char **names = arena_array(app->arena, n, sizeof(*names));
	struct err e = {0};
	int closest;

	for (size_t i = 0; i < n; i++)
		names[i] = kinds[i]->name;
	closest = str_closest(word, names, n);
	(void)err_set(&e, ERR_USAGE, "no such kind: \"%s\"", str_escaped(app->arena, word));
	if (closest >= 0)
		(void)err_help(&e, "did you mean \"%s\"?", names[closest]);
	else
		(void)err_help(&e, "assize kinds lists them");
	return app_fail(app, &e);
}

static int run_kinds(struct app *app, const struct command *self, int argc, char **argv)
{
	const struct audit_kind *one = NULL;
	struct options o;
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &o, &status))
		return status;
	if (o.n_words > 1) {
		(void)err_set(&e, ERR_USAGE, "assize kinds takes the name of one kind");
		return app_fail(app, &e);
	}
	if (o.n_words > 0) {
		one = audit_kind_find(o.words[0]);
		if (!one)
			return no_such_kind(app, o.words[0]);
	}
	if (o.is_json || o.is_json_schema || o.is_mdoc)
		print_machine(app, &o, one);
	else if (one)
		show_kind(app, one);
	else
		list_kinds(app);
	return EXIT_PASS;
}
