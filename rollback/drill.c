/*
 * drill: the last act of going back, rehearsed: a link `current` leads to another release and is
 * made to lead to the restored tag by one rename, as a deployment does it, and back again.
 *
 * The other release is really restored, for a swap from nothing to something proves little: the
 * next older tag, or where there is none, or it cannot be restored, the commit HEAD leads to. Its
 * restoration is not in any time that is told. Everything happens in scratch; the duration of the
 * step is that of the rename to the restored tag, and nothing else.
 */
#include "rollback/room.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/io/clock.h"
#include "runner/io/git.h"

struct drill {
	struct verification *v, *other;
	struct step *s;
	const char *current, *next; /* links in scratch */
};

/* The progress of the other release; what is to be removed is that of the drilled one, too. */
static void pass_on(void *ctx, const struct rollback_progress *p)
{
	const struct verification *v = ctx;
	struct rollback_progress told = *p;

	told.has_scratch = true;
	v->req->progress(v->req->progress_ctx, &told);
}

static int identify_head(struct verification *v, struct step *s)
{
	git_commit *commit = NULL;

	if (git_reference_name_to_id(&v->commit_id, v->repo, "HEAD") < 0 ||
	    git_commit_lookup(&commit, v->repo, &v->commit_id) < 0)
		return step_find(s, OUTCOME_UNDECIDED, NULL, "HEAD leads to no commit: %s",
				 git_door_message());
	git_oid_cpy(&v->tree_id, git_commit_tree_id(commit));
	v->out->commit = room_hex(v->a, &v->commit_id);
	v->out->tree = room_hex(v->a, &v->tree_id);
	git_commit_free(commit);
	return 0;
}

static int could_not(struct drill *d, const char *what)
{
	return step_find(d->s, OUTCOME_UNDECIDED, NULL, "could not %s: %s", what, strerror(errno));
}

/* Does the link lead to that tree, as somebody who follows it sees it? */
static int check_shown(struct drill *d, int root_fd, const char *release)
{
	int fd = open(d->current, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct place_identity shown, wanted;
	bool is_mounted, is_same;

	is_same = fd >= 0 && place_identify(fd, &shown, &is_mounted) == 0 &&
		  place_identify(root_fd, &wanted, &is_mounted) == 0 &&
		  place_is_same(&shown, &wanted);
	if (fd >= 0)
		(void)close(fd); /* only looked at */
	if (is_same)
		return 0;
	return step_find(d->s, OUTCOME_FAIL, NULL, "after the swap `current` does not lead to %s",
			 release);
}

/* Makes `current` lead to the tree; took_us is that of the rename. */
static int swap_to(struct drill *d, const struct verification *to, int64_t *took_us)
{
	const struct clock *clock = d->v->req->clock;
	int64_t begin_us;

	if (symlink(arena_printf(d->v->a, "%s/tree", to->scratch), d->next) < 0)
		return could_not(d, "make a link in scratch");
	begin_us = clock_monotonic_us(clock);
	if (rename(d->next, d->current) < 0)
		return could_not(d, "swap a link in scratch");
	*took_us = clock_monotonic_us(clock) - begin_us;
	return 0;
}

static void rehearse(struct drill *d, const char *from)
{
	struct verification *v = d->v, *other = d->other;
	int64_t setup_us, to_us, back_us;

	d->current = arena_printf(v->a, "%s/current", v->scratch);
	d->next = arena_printf(v->a, "%s/next", v->scratch);
	if (swap_to(d, other, &setup_us) < 0 || check_shown(d, other->root_fd, from) < 0 ||
	    swap_to(d, v, &to_us) < 0 || check_shown(d, v->root_fd, v->tag) < 0)
		return;
	d->s->duration_us = to_us;
	if (swap_to(d, other, &back_us) < 0 || check_shown(d, other->root_fd, from) < 0)
		return;
	step_note(d->s,
		  "`current` led to %s, to %s after %" PRId64 " us, and back after %" PRId64 " us",
		  from, v->tag, to_us, back_us);
}

/* Restores what is swapped from; false with a note why it could not be. */
static bool take_up(struct drill *d, const char *tag, const char **from)
{
	struct verification *v = d->v;
	struct rollback_request *req = arena_alloc(v->a, sizeof(*req));
	const struct restoration_step *last;

	*req = (struct rollback_request){
		.set = v->set,
		.tag = tag ? tag : "HEAD",
		.clock = v->req->clock,
		.deadline_ms = v->req->deadline_ms,
		.is_interrupted = v->req->is_interrupted,
		.progress = v->req->progress ? pass_on : NULL,
		.progress_ctx = v,
	};
	*d->other = (struct verification){0};
	*from = tag ? tag : "HEAD";
	if (other_restore(d->other, v->a, req, tag ? NULL : identify_head))
		return true;
	last = d->other->out->n_steps > 0 ? &d->other->out->steps[d->other->out->n_steps - 1]
					  : NULL;
	step_note(d->s, "%s could not be restored to swap from it: %s", *from,
		  last && last->finding ? last->finding : "the repository cannot be opened");
	other_release(d->other, d->s);
	return false;
}

void drill_swap(struct verification *v, struct step *s)
{
	struct verification other;
	struct drill d = {.v = v, .other = &other, .s = s};
	const char *from;

	if ((v->req->previous && take_up(&d, v->req->previous, &from)) ||
	    take_up(&d, NULL, &from)) {
		rehearse(&d, from);
		other_release(&other, s);
		return;
	}
	step_find(s, OUTCOME_UNDECIDED, "assize rollback verify",
		  "no other release can be restored, so there is nothing to swap from");
}
