/*
 * step: findings of one step of a verification, worst first, in an order threads do not change.
 */
#include "rollback/room.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"

void step_init(struct step *s, struct arena *a)
{
	memset(s, 0, sizeof(*s));
	s->a = a;
	s->outcome = OUTCOME_PASS;
}

/* Would adding this outcome make the whole worse than it is? */
static bool is_worse(enum outcome present, enum outcome added)
{
	return outcome_join(present, added) != present;
}

static bool replaces(const struct step *s, enum outcome outcome, size_t order)
{
	if (!s->finding || is_worse(s->outcome, outcome))
		return true;
	return s->outcome == outcome && order < s->found_order;
}

int step_find(struct step *s, enum outcome outcome, const char *remedy, const char *fmt, ...)
{
	va_list ap;

	s->n_findings++;
	if (!replaces(s, outcome, s->order))
		return -1;
	va_start(ap, fmt);
	s->finding = arena_vprintf(s->a, fmt, ap);
	va_end(ap);
	s->remedy = remedy ? arena_strdup(s->a, remedy) : NULL;
	s->found_order = s->order;
	s->outcome = outcome_join(s->outcome, outcome);
	return -1;
}

void step_note(struct step *s, const char *fmt, ...)
{
	const char *line;
	va_list ap;

	va_start(ap, fmt);
	line = arena_vprintf(s->a, fmt, ap);
	va_end(ap);
	s->note = s->note ? arena_printf(s->a, "%s\n%s", s->note, line) : line;
}

void step_merge(struct step *into, const struct step *from)
{
	if (from->finding && replaces(into, from->outcome, from->found_order)) {
		into->finding = arena_strdup(into->a, from->finding);
		into->remedy = from->remedy ? arena_strdup(into->a, from->remedy) : NULL;
		into->found_order = from->found_order;
	}
	into->outcome = outcome_join(into->outcome, from->outcome);
	into->n_findings += from->n_findings;
}

bool step_is_passing(const struct step *s)
{
	return outcome_is_passing(s->outcome);
}

bool step_is_full(const struct step *s)
{
	return s->n_findings >= ROOM_MAX_FINDINGS;
}

struct restoration_step step_result(const struct step *s, const char *name)
{
	struct restoration_step r = {
		.name = name,
		.outcome = s->outcome,
		.duration_us = s->duration_us,
		.finding = s->finding,
		.remedy = s->remedy,
		.note = s->note,
	};

	if (s->n_findings > 1)
		r.finding = arena_printf(s->a, "%s (and %s%zu more)", s->finding,
					 step_is_full(s) ? "at least " : "", s->n_findings - 1);
	return r;
}

struct rollback_place room_place(const struct verification *v)
{
	return (struct rollback_place){
		.tag = v->tag,
		.commit = v->out->commit,
		.tree = arena_printf(v->a, "%s/tree", v->scratch),
		.scratch = v->scratch,
		.seen_ms = room_seen_ms(v),
		.deadline_ms = v->req->deadline_ms,
	};
}

const char *room_word(struct arena *a, const char *tag)
{
	return tag[0] != '-' ? str_as_word(a, tag) : arena_printf(a, "-- %s", str_as_word(a, tag));
}

const char *room_refspec(struct arena *a, const char *tag)
{
	if (tag[0] != '-')
		return arena_printf(a, "tag %s", str_as_word(a, tag));
	return str_as_word(a, arena_printf(a, "refs/tags/%s:refs/tags/%s", tag, tag));
}

const char *room_git(struct verification *v, const struct store *store)
{
	return store == v->stores
		       ? "git"
		       : arena_printf(v->a, "git -C %s", str_as_word(v->a, store->gitdir));
}

const char *room_whose(struct verification *v, const struct store *store)
{
	return store == v->stores ? ""
				  : arena_printf(v->a, " (submodule \"%s\")",
						 str_escaped(v->a, store->root->path));
}

bool room_is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}
