/*
 * db_shadow_lists: finds each WITH of a statement and what it defines, as far as it matters to
 * shadows.
 *
 * Measured: PostgreSQL 15 and SQLite 3.40 look for a name in all WITH around it, the nearest first.
 * MariaDB 10.11 does not within the definitions of a WITH that is not the statement's first: there
 * it goes straight to the table. In a list that is not RECURSIVE a definition sees those before it,
 * in SQLite all of them always.
 */
#include "runner/io/db_shadow_lists.h"

#include <string.h>

#include "runner/base/arena.h"

#define MAX_DEPTH 1000 /* what is deeper db_reading_check() refuses, where it matters: MySQL */

bool shadow_is_named(const struct shadow_text *text, size_t i, const char *name)
{
	const char *found = db_token_at(text->tokens, i)->name;

	if (!found || !name)
		return false;
	return text->is_exact ? strcmp(found, name) == 0 : db_same_name(text->engine, found, name);
}

static bool begins_definition(const struct shadow_lists *w, size_t i)
{
	const struct db_token *t = db_token_at(w->tokens, i);
	bool is_name =
		db_token_is_name(t) || (t->type == DB_TOKEN_TEXT && w->text->engine == DB_SQLITE);

	return is_name &&
	       (db_word_at(w->tokens, i - 1, "with") || db_word_at(w->tokens, i - 1, "recursive") ||
		db_mark_at(w->tokens, i - 1, ',')) &&
	       (db_word_at(w->tokens, i + 1, "as") || db_mark_at(w->tokens, i + 1, '('));
}

/* The query behind the definitions; a parenthesis may begin one, too. */
static bool begins_query(const struct shadow_lists *w, size_t i)
{
	static const char *const words[] = {"select", "values", "table", NULL};

	if (db_one_of_at(w->tokens, i, words))
		return true;
	return db_mark_at(w->tokens, i, '(') && !db_word_at(w->tokens, i - 1, "as") &&
	       !db_word_at(w->tokens, i - 1, "materialized") && !begins_definition(w, i - 1);
}

/* A definition begins at token i, or the list ends there. */
static void note_definition(const struct shadow_lists *w, size_t i, struct shadow_rival *rivals)
{
	for (size_t k = 0; k < w->text->n_targets; k++) {
		struct shadow_rival *r = &rivals[k];

		if (r->at > 0 && r->end == 0)
			r->end = i;
		else if (r->at == 0 && begins_definition(w, i) &&
			 shadow_is_named(w->text, i, w->text->targets[k].table))
			r->at = i;
	}
}

/* The definitions from token i on. */
static void read_list(struct shadow_lists *w, size_t i)
{
	struct shadow_list *l = &w->items[w->n++];
	size_t depth = 0;

	*l = (struct shadow_list){.from = i,
				  .is_recursive = db_word_at(w->tokens, i - 1, "recursive")};
	l->rivals = arena_array(w->tokens->arena, w->text->n_targets + 1, sizeof(*l->rivals));
	for (; i < w->tokens->n && (depth > 0 || !begins_query(w, i)); i++) {
		if (depth == 0 && begins_definition(w, i))
			note_definition(w, i, l->rivals);
		if (db_mark_at(w->tokens, i, '('))
			depth++;
		else if (db_mark_at(w->tokens, i, ')') && depth-- == 0)
			break;
	}
	note_definition(w, i, l->rivals);
	l->to = i;
}

static size_t first_definition(const struct shadow_lists *w, size_t with)
{
	return with + (db_word_at(w->tokens, with + 1, "recursive") ? 2 : 1);
}

/* All but the first. Each is read to its end, so that depth is what could take long. */
static void read_nested(struct shadow_lists *w)
{
	size_t depth = 0;

	for (size_t i = 1; i < w->tokens->n && depth <= MAX_DEPTH; i++) {
		if (db_mark_at(w->tokens, i, '('))
			depth++;
		else if (db_mark_at(w->tokens, i, ')'))
			depth -= depth > 0 ? 1 : 0;
		if (db_word_at(w->tokens, i, "with") &&
		    begins_definition(w, first_definition(w, i)))
			read_list(w, first_definition(w, i));
	}
}

void shadow_read_lists(const struct shadow_text *text, struct shadow_lists *w)
{
	size_t n = 1;

	*w = (struct shadow_lists){.text = text, .tokens = text->tokens};
	for (size_t i = 0; i < text->tokens->n; i++)
		n += db_word_at(w->tokens, i, "with");
	w->items = arena_array(w->tokens->arena, n, sizeof(*w->items));
	w->has_with = db_word_at(w->tokens, 0, "with");
	if (w->has_with) {
		size_t first = first_definition(w, 0);

		read_list(w, first);
		w->insert = db_token_at(w->tokens, first)->at;
	} else {
		w->n = 1;
		w->items[0].rivals = arena_array(w->tokens->arena, w->text->n_targets + 1,
						 sizeof(*w->items[0].rivals));
		w->insert = db_token_at(w->tokens, 0)->at;
	}
	if (!w->insert)
		w->insert = w->text->sql;
	read_nested(w);
}

/* ---- what a bare name means ---- */

/* Is token i in a WITH within, where MariaDB does not see those around it? */
bool shadow_is_nested(const struct shadow_lists *w, size_t i)
{
	for (size_t n = 1; n < w->n && w->text->engine == DB_MYSQL; n++)
		if (i >= w->items[n].from && i < w->items[n].to)
			return true;
	return false;
}

static enum shadow_meaning meaning_in_nested(const struct shadow_lists *w, size_t k, size_t i)
{
	for (size_t n = 0; n < w->n; n++) {
		const struct shadow_rival *r = &w->items[n].rivals[k];

		if (r->at == 0 || r->at > i)
			continue;
		if (i >= r->end)
			return SHADOW_MEANS_UNKNOWN;
		if (w->items[n].is_recursive)
			return SHADOW_MEANS_OTHER;
	}
	return SHADOW_MEANS_TABLE;
}

/*
 * Where a CTE in the first WITH has the name, no shadow of that name can be put there. The name
 * then means the table before that CTE and inside of it, unless it can see itself, as it can
 * everywhere in SQLite.
 */
enum shadow_meaning shadow_meaning_of(const struct shadow_lists *w, size_t k, size_t i)
{
	const struct shadow_list *first = &w->items[0];
	const struct shadow_rival *r = &first->rivals[k];

	for (size_t n = 0; n < w->n; n++)
		if (w->items[n].rivals[k].at == i && i > 0)
			return SHADOW_MEANS_OTHER;
	if (shadow_is_nested(w, i))
		return meaning_in_nested(w, k, i);
	if (r->at == 0)
		return SHADOW_MEANS_FOUND;
	return w->text->engine == DB_SQLITE || first->is_recursive || i >= r->end
		       ? SHADOW_MEANS_OTHER
		       : SHADOW_MEANS_TABLE;
}
