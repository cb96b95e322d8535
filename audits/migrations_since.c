/*
 * migrations_since: a released tag's migrations, and what was applied after them.
 *
 * Asked when a release is to be gone back to (former.h): two sets of files, those the tag has and
 * today's, are held against the one table of today. What only today's files explain came since the
 * tag: it is listed with whether it can be undone, and found where the framework of the tag would
 * not start with a table that is ahead of its files. What the tag has and the table has not is
 * pending. The other findings are those of today's files, which know all that is in the table.
 */
#include "audits/migrations.h"

#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/model/definition.h"
#include "runner/model/former.h"
#include "runner/model/kind.h"

/* All files that are kept to be searched for what they changed. */
#define MAX_TEXT_BYTES ((size_t)4 << 20)

/* ---- two worlds ---- */

/* The path below another directory than the one it is below now. */
static const char *moved(struct arena *a, const char *path, const char *from, const char *to)
{
	size_t n = strlen(from);

	return strncmp(path, from, n) == 0 && (path[n] == '/' || path[n] == '\0')
		       ? arena_printf(a, "%s%s", to, path + n)
		       : path;
}

/* The same, its directories below root. Files are read where they are, not at a ref. */
static const struct migrations_spec *spec_at(struct arena *a, const struct migrations_spec *spec,
					     const char *root)
{
	struct migrations_spec *at = arena_alloc(a, sizeof(*at));

	*at = *spec;
	at->ref = NULL;
	at->root = root;
	at->paths.items = arena_array(a, spec->paths.n, sizeof(*at->paths.items));
	for (size_t i = 0; i < spec->paths.n; i++)
		at->paths.items[i] = moved(a, spec->paths.items[i], spec->root, root);
	return at;
}

/* Today's check of that name may look elsewhere than the tag's; without one, the tag's is moved. */
static const struct migrations_spec *spec_of_today(const struct world *w)
{
	const struct former *former = w->probe->former;
	const struct check *c = w->probe->checks[w->check];
	const struct check *today = definition_check(former->today, c->name);
	const struct migrations_spec *spec =
		today && today->kind == c->kind ? today->spec : w->spec;

	return spec_at(w->arena, spec, former->today->root_dir);
}

/* ---- can it be undone? ---- */

/* Does one of the alternatives, separated by '|', occur in text? */
static bool has_one_of(const char *text, const char *alternatives)
{
	char word[64];

	for (const char *p = alternatives; *p;) {
		size_t n = strcspn(p, "|");

		if (n < sizeof(word)) {
			memcpy(word, p, n);
			word[n] = '\0';
			if (strstr(text, word))
				return true;
		}
		p += n + (p[n] == '|');
	}
	return false;
}

/* The file with `from` of the rule "from>to" replaced in its path: "deploy/a.sql" has "revert/". */
static bool has_sibling(const struct world *w, const struct migration_file *f, const char *rule)
{
	const char *arrow = strchr(rule, '>');
	size_t n_from = (size_t)(arrow - rule);
	const char *found = NULL, *other;

	for (const char *p = f->path; *p; p++)
		if (strncmp(p, rule, n_from) == 0 && (p == f->path || p[-1] == '/' || *rule == '.'))
			found = p;
	if (!found)
		return false;
	other = arena_printf(w->scratch, "%.*s%s%s", (int)(found - f->path), f->path, arrow + 1,
			     found + n_from);
	return migrations_find_file(w, f->dir, other) != NULL;
}

bool migrations_has_down(const struct world *w, const struct migration *m, const char *text)
{
	const struct framework *f = w->framework;

	if (f->down_file && has_sibling(w, m->file, f->down_file))
		return true;
	if (f->has_down)
		return f->has_down(text);
	return f->down_words && has_one_of(text, f->down_words);
}

/* ---- findings ---- */

static int found_since(struct world *then, struct world *now, const struct migration *m,
		       size_t *n_bytes, struct err *e)
{
	struct former *former = then->probe->former;
	const char *shown = arena_strdup(then->arena, migrations_shown(now, m->file)), *text;
	struct former_migration *kept;
	bool is_undoable;
	size_t n;

	if (migrations_read(now, m->file, &text, &n, e) != 0)
		return -1;
	is_undoable = migrations_has_down(now, m, text);
	if (then->framework->refuses_newer)
		migrations_found(then, FOUND_REFUSED, m->name,
				 "%s was applied since %s, and %s of that release refuses a table "
				 "that is ahead of its files; %s",
				 shown, former->tag, then->framework->title,
				 is_undoable ? "undo it first, it has a down step"
					     : "it has no down step: write one");
	migrations_found(then, FOUND_SINCE, shown, "applied since %s, with%s down step",
			 former->tag, is_undoable ? " a" : "out a");
	if ((*n_bytes += n) > MAX_TEXT_BYTES)
		return 0; /* told, but not searched */
	kept = former_add(former);
	*kept = (struct former_migration){
		.name = arena_strdup(former->arena, m->name),
		.shown = shown,
		.text = arena_strndup(former->arena, text, n),
		.n_text = n,
		.has_down = is_undoable,
	};
	return 0;
}

static void find_pending(struct world *then, const struct world *now)
{
	for (size_t i = 0; i < then->n_migrations; i++) {
		const struct migration *m = &then->migrations[i];
		const struct migration *today = map_get(&now->by_key, m->key);
		bool is_applied = today ? today->is_applied : m->is_applied;

		if (!is_applied && !m->is_replaced && !m->is_repeatable)
			migrations_found_unapplied(then, m, NULL);
	}
}

/* The finding as the other world has it. */
static void take_finding(struct world *to, struct world *from, enum finding class)
{
	struct finding_list none = {0};

	buf_release(&to->findings[class].lines);
	to->findings[class] = from->findings[class];
	from->findings[class] = none;
	to->untold[class] = from->untold[class];
}

static int compare(struct world *then, struct world *now, struct err *e)
{
	static const enum finding of_today[] = {FOUND_MISSING, FOUND_FAILED, FOUND_UNKNOWN,
						FOUND_ROLLED_BACK};
	static const enum finding of_none[] = {FOUND_PENDING, FOUND_OUT_OF_ORDER};
	struct finding_list empty = {0};
	size_t n_bytes = 0;

	for (size_t i = 0; i < sizeof(of_none) / sizeof(of_none[0]); i++) {
		buf_release(&then->findings[of_none[i]].lines);
		then->findings[of_none[i]] = empty;
	}
	for (size_t i = 0; i < sizeof(of_today) / sizeof(of_today[0]); i++)
		take_finding(then, now, of_today[i]);
	for (size_t i = 0; i < now->n_migrations; i++) {
		const struct migration *m = &now->migrations[i];

		if (m->is_applied && !map_get(&then->by_key, m->key) &&
		    found_since(then, now, m, &n_bytes, e) != 0)
			return -1;
	}
	find_pending(then, now);
	return 0;
}

int migrations_compare_since(struct world *then, struct err *e)
{
	const struct former *former = then->probe->former;
	struct world *now = migrations_world(then->probe);

	now->db = then->db;
	now->spec = spec_of_today(then);
	then->spec = spec_at(then->arena, then->spec, former->dir);
	if (migrations_compare_all(then, e) != 0)
		return err_context(e, "migrations of %s", former->tag);
	if (migrations_compare_all(now, e) != 0)
		return err_context(e, "today's migrations");
	return compare(then, now, e);
}
