/*
 * assize waive: add a waiver to the file waivers are in.
 *
 * The file stays the user's: an entry is added at its end and nothing else of it is touched. The
 * whole definition is loaded with the file as it would be before the file is replaced, so that a
 * waiver that cannot count is refused by the same words as one written by hand.
 */
#include <stdio.h>
#include <string.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/grant.h"
#include "runner/init.h"
#include "runner/io/file.h"
#include "runner/io/yaml.h"
#include "runner/load.h"
#include "runner/model/definition.h"
#include "runner/options.h"

static int run_waive(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file",	"var",	  "gate", "series", "until", "owner",
				      "reason", "ticket", "id",	  "output", "quiet", NULL};

static const struct option_meaning meanings[] = {
	{"id", "name of the waiver"},
	{"output", "the file to add it to"},
	{NULL, NULL},
};

const struct command command_waive = {
	.name = "waive",
	.group = "decide",
	.words = "CHECK --gate NAME --until TIME --owner WHO --reason TEXT --ticket ID",
	.summary = "add a waiver: a failure somebody answers for at a gate, until a moment",
	.accepts = accepts,
	.meanings = meanings,
	.run = run_waive,
};

#define WAIVER_FILE "waivers.yaml"

struct waive {
	struct app *app;
	struct options o;
	struct definition *definition;
	struct definition *known; /* the same with the file, included or not */
	const char *path;	  /* of the file, absolute */
	const char *id;
	int64_t granted_ms, expires_ms;
	const char *text;    /* of the file as it would be */
	uint32_t entry_line; /* where the entry begins in it */
};

static int read_words(struct waive *w, struct err *e)
{
	const struct grant_text texts[] = {{"gate", w->o.gates.n > 0 ? "there" : NULL},
					   {"until", w->o.until},
					   {"owner", w->o.owner},
					   {"reason", w->o.reason},
					   {"ticket", w->o.ticket},
					   {NULL, NULL}};
	int64_t now = clock_wall_ms(&w->app->clock);

	if (w->o.n_words != 1) {
		(void)err_set(e, ERR_USAGE, "assize waive takes one check");
		return err_help(e, "assize waive tasks/missing --gate release --until 14d "
				   "--owner platform --reason \"...\" --ticket OPS-417");
	}
	if (!str_is_utf8(w->o.words[0], strlen(w->o.words[0])))
		return err_set(e, ERR_USAGE, "\"%s\" is no check: it is not UTF-8 text",
			       str_escaped(w->app->arena, w->o.words[0]));
	if (w->o.is_to_stdout)
		return err_set(e, ERR_USAGE, "assize waive adds to a file, which - is not");
	if (w->o.series != NULL && strcmp(w->o.series, "*") == 0) {
		(void)err_set(e, ERR_USAGE, "--series takes the name of one series, not a glob");
		return err_help(e, "without it the waiver is of all series of the check");
	}
	if (grant_texts("waive", texts,
			arena_printf(w->app->arena,
				     "assize waive %s --gate release --until 14d --owner platform "
				     "--reason \"...\" --ticket OPS-417",
				     str_as_word(w->app->arena, w->o.words[0])),
			e) != 0)
		return -1;
	w->granted_ms = now - now % 1000;
	return grant_until(w->o.until, w->granted_ms, &w->expires_ms, e);
}

/* The file the newest waiver is in, or else one beside the root. */
static void find_file(struct waive *w)
{
	const struct definition *d = w->definition;
	struct arena *a = w->app->arena;

	if (w->o.output != NULL)
		w->path = file_absolute(a, w->app->cwd, w->o.output);
	else if (d->n_waivers > 0)
		w->path = file_absolute(a, w->app->cwd, d->waivers[d->n_waivers - 1]->pos.file);
	else
		w->path = arena_printf(a, "%s/" WAIVER_FILE, d->root_dir);
}

static const char *next_id(const struct waive *w)
{
	const struct definition *d = w->known;

	for (size_t n = 1;; n++) {
		const char *id = arena_printf(w->app->arena, "W-%zu", n);
		size_t i = 0;

		while (i < d->n_waivers && strcmp(d->waivers[i]->id, id) != 0)
			i++;
		if (i == d->n_waivers)
			return id;
	}
}

static void put_key(struct buf *out, size_t indent, const char *key, const char *text)
{
	(void)buf_printf(out, "%*s%s: ", (int)indent, "", key);
	init_put_text(out, text);
	(void)buf_putc(out, '\n');
}

static void put_time(struct buf *out, size_t indent, const char *key, int64_t ms)
{
	char text[UTC_MAX];

	(void)utc_format(ms, ms % 1000 != 0, text);
	(void)buf_printf(out, "%*s%s: %s\n", (int)indent, "", key, text);
}

/* dash: how far the "-" of an entry is indented. */
static void put_entry(struct buf *out, const struct waive *w, size_t dash)
{
	size_t indent = dash + 2;

	(void)buf_printf(out, "%*s- id: ", (int)dash, "");
	init_put_text(out, w->id);
	(void)buf_putc(out, '\n');
	put_key(out, indent, "check", w->o.words[0]);
	if (w->o.series != NULL)
		put_key(out, indent, "series", w->o.series);
	(void)buf_printf(out, "%*sgates: ", (int)indent, "");
	init_put_list(out, w->o.gates.items, w->o.gates.n);
	(void)buf_putc(out, '\n');
	put_key(out, indent, "owner", w->o.owner);
	put_key(out, indent, "reason", w->o.reason);
	put_key(out, indent, "ticket", w->o.ticket);
	put_time(out, indent, "granted", w->granted_ms);
	put_time(out, indent, "expires", w->expires_ms);
}

/* Columns before the "-" of the first entry, -1 when the list is not one entry a line. */
static int dash_of(const struct buf *text, const struct node *list)
{
	const struct node *first =
		list->type == NODE_SEQUENCE && list->n > 0 ? list->items[0] : NULL;
	const char *line = text->data;
	size_t blanks;

	if (first == NULL)
		return -1;
	for (uint32_t i = 1; i < first->pos.line; i++)
		line = strchr(line, '\n') + 1; /* the line was parsed: it is there */
	blanks = strspn(line, " ");
	return line[blanks] == '-' && line[blanks + 1] == ' ' ? (int)blanks : -1;
}

/* Takes the [] of a list that says that there are none out of the text; false when it is not so. */
static bool drop_empty(struct buf *text, const struct node *list)
{
	char *at = text->data;
	size_t n;

	if (list->type != NODE_SEQUENCE || list->n > 0)
		return false;
	for (uint32_t i = 1; i < list->pos.line; i++)
		at = strchr(at, '\n') + 1; /* the line was parsed: it is there */
	at += list->pos.col - 1;
	n = *at == '[' ? 1 + strspn(at + 1, " ") : 0;
	if (n == 0 || at[n] != ']')
		return false;
	memset(at, ' ', n + 1);
	return true;
}

/* Where an entry can be put behind all there is: 0, with its indentation, or -1 with why not. */
static int find_end(const struct waive *w, struct buf *text, int *dash, struct err *e)
{
	struct arena *a = w->app->arena;
	const char *shown = file_shown(a, w->app->cwd, w->path);
	struct node *root = NULL;
	struct diags diags;

	*dash = -1;
	diags_init(&diags, a);
	if (yaml_parse(a, shown, text->data, text->len, &root, &diags) != 0)
		return err_set(e, ERR_DEFINITION, "could not read \"%s\": %s", shown,
			       diags.items[0].message);
	if (root->type != NODE_MAPPING || (root->n > 0 && text->data[0] == '{'))
		return err_set(e, ERR_DEFINITION,
			       "cannot add to \"%s\": it is not a list of keys, one a line", shown);
	if (node_get(root, "waivers") == NULL)
		return 0;
	if (strcmp(root->keys[root->n - 1]->text, "waivers") != 0)
		return err_set(e, ERR_DEFINITION,
			       "cannot add to \"%s\": waivers: is not its last section", shown);
	*dash = drop_empty(text, root->items[root->n - 1])
			? 2
			: dash_of(text, root->items[root->n - 1]);
	if (*dash < 0)
		return err_set(e, ERR_DEFINITION,
			       "cannot add to \"%s\": waivers: is not written one entry after "
			       "another, each with its \"- \"",
			       shown);
	return 0;
}

/* Is there anything in the file but blanks and comments? */
static bool has_content(const struct buf *text)
{
	const char *line = text->data;

	while (line != NULL && *line != '\0') {
		line += strspn(line, " \t\r\n");
		if (*line != '\0' && *line != '#')
			return true;
		line = strchr(line, '\n');
	}
	return false;
}

/* The file with the entry behind it. */
static int add_entry(struct waive *w, struct buf *text, struct err *e)
{
	struct stat st;
	int dash = -1;

	if (stat(w->path, &st) == 0 && file_read(w->path, text, e) != 0)
		return err_context(e, "waivers");
	if (has_content(text) && find_end(w, text, &dash, e) != 0) {
		struct buf entry;

		buf_init(&entry, BUF_UNBOUNDED);
		put_entry(&entry, w, 2);
		(void)fprintf(w->app->out, "%s", entry.data);
		buf_release(&entry);
		return err_help(e, "put the entry above below waivers: yourself");
	}
	if (text->len > 0 && text->data[text->len - 1] != '\n')
		(void)buf_putc(text, '\n');
	if (dash < 0)
		(void)buf_puts(text, "waivers:\n");
	w->entry_line = 1;
	for (size_t i = 0; i < text->len; i++)
		w->entry_line += text->data[i] == '\n' ? 1 : 0;
	put_entry(text, w, dash < 0 ? 2 : (size_t)dash);
	w->text = text->data;
	return 0;
}

static bool is_included(const struct waive *w)
{
	const struct definition *d = w->definition;

	for (size_t i = 0; i < d->n_sources; i++)
		if (strcmp(file_absolute(w->app->arena, w->app->cwd, d->sources[i].file),
			   w->path) == 0)
			return true;
	return false;
}

static void tell(const struct waive *w)
{
	struct arena *a = w->app->arena;
	const char *shown = file_shown(a, w->app->cwd, w->path);
	char until[UTC_MAX];
	FILE *out = w->app->out;

	(void)utc_format(w->expires_ms, 0, until);
	(void)fprintf(out, "waiver %s of %s until %s added to %s\n", w->id, w->o.words[0], until,
		      shown);
	if (!is_included(w))
		(void)fprintf(
			out, "it is not part of the definition yet: add include: [%s] to %s\n",
			file_shown(a, w->definition->root_dir, w->path), w->definition->root_file);
	(void)fputs("it counts at a gate once it is in the ref the gate reads\n", out);
}

/* Which word of the command line is in this line of the entry; NULL = none. */
static const char *word_of(const struct waive *w, uint32_t line)
{
	static const char *const words[][2] = {
		{"- id:", "--id"},	 {"check:", "CHECK"},	  {"series:", "--series"},
		{"gates:", "--gate"},	 {"owner:", "--owner"},	  {"reason:", "--reason"},
		{"ticket:", "--ticket"}, {"expires:", "--until"},
	};
	const char *at = w->text;

	if (line < w->entry_line)
		return NULL;
	for (uint32_t i = 1; i < line && at != NULL; i++) {
		at = strchr(at, '\n');
		at = at != NULL ? at + 1 : NULL;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words) && at != NULL; i++)
		if (str_starts(at + strspn(at, " "), words[i][0]))
			return words[i][1];
	return NULL;
}

/* A mistake in the entry is one of the command line: nobody can look at a line that is not there.
 */
static void blame_words(void *ctx, struct diags *diags)
{
	const struct waive *w = ctx;

	for (size_t i = 0; i < diags->n; i++) {
		struct err *e = &diags->items[i];
		const char *word =
			e->pos.file != NULL && strcmp(file_absolute(w->app->arena, w->app->cwd,
								    e->pos.file),
						      w->path) == 0
				? word_of(w, e->pos.line)
				: NULL;

		if (word == NULL)
			continue;
		e->pos = (struct pos){0};
		(void)err_context(e, "assize waive: %s", word);
	}
}

/* Loads the definition as it would be, and only then replaces the file. */
static int add(struct waive *w)
{
	struct load_instead instead = {.path = w->path, .reword = blame_words, .reword_ctx = w};
	struct definition *after;
	struct buf text;
	struct err e = {0};
	int status = EXIT_USAGE;

	buf_init(&text, YAML_MAX_BYTES);
	if (add_entry(w, &text, &e) != 0) {
		status = app_fail(w->app, &e);
		goto out;
	}
	instead.text = text.data;
	instead.len = text.len;
	if (app_load_instead(w->app, &w->o, &instead, &after) != 0)
		goto out;
	if (after->n_waivers != w->known->n_waivers + 1) {
		(void)err_set(&e, ERR_DEFINITION, "could not add to \"%s\": the entry is not read",
			      w->path);
		status = app_fail(w->app, &e);
		goto out;
	}
	if (file_write_atomic(w->path, text.data, text.len, &e) != 0) {
		status = app_fail(w->app, &e);
		goto out;
	}
	if (!w->o.is_quiet)
		tell(w);
	status = EXIT_PASS;
out:
	buf_release(&text);
	return status;
}

/* Its ids are taken, whether or not anything includes the file. */
static int load_known(struct waive *w, int *status)
{
	struct load_instead present = {.path = w->path};
	struct err e = {0};
	struct buf text;
	struct stat st;
	int rc = 0;

	w->known = w->definition;
	if (is_included(w) || stat(w->path, &st) != 0)
		return 0;
	buf_init(&text, YAML_MAX_BYTES);
	if (file_read(w->path, &text, &e) != 0) {
		*status = app_fail(w->app, &e);
		rc = -1;
	} else if (has_content(&text)) {
		present.text = text.data;
		present.len = text.len;
		*status = EXIT_USAGE;
		rc = app_load_instead(w->app, &w->o, &present, &w->known);
	}
	buf_release(&text);
	return rc;
}

/* With the file it is to be in, which may be included before it is there. */
static int load(struct waive *w)
{
	static const char none[] = "waivers: []\n";
	const struct load_instead absent = {
		.path = w->o.output != NULL ? file_absolute(w->app->arena, w->app->cwd, w->o.output)
					    : WAIVER_FILE,
		.text = none,
		.len = sizeof(none) - 1,
		.is_when_absent = true,
	};

	return app_load_instead(w->app, &w->o, &absent, &w->definition);
}

static int run_waive(struct app *app, const struct command *self, int argc, char **argv)
{
	struct waive w = {.app = app};
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &w.o, &status))
		return status;
	if (read_words(&w, &e) != 0)
		return app_fail(app, &e);
	if (load(&w) != 0)
		return EXIT_USAGE;
	if (w.definition->commit != NULL) {
		(void)err_set(&e, ERR_USAGE, "cannot add a waiver to a commit, %s",
			      w.definition->root_file);
		(void)err_help(&e, "add it in a work tree with -f FILE, and have the change "
				   "reviewed: it counts once it is in the commit");
		return app_fail(app, &e);
	}
	find_file(&w);
	if (load_known(&w, &status) != 0)
		return status;
	w.id = w.o.id != NULL ? w.o.id : next_id(&w);
	return add(&w);
}
