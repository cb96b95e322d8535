/*
 * arsenal_log: what is written to a log between two looks, or becomes of it.
 *
 * What was written since the last real look may be nothing, and must not be read by anybody but the
 * next real look. So both looks are the challenge's own: the copy is what stands at the end of the
 * log, a first look takes its place there, harmless lines of the log's own are appended, and a
 * second look reads on. The baseline is that without any damage; the place in the record is neither
 * asked for nor moved, but for how long ago it was.
 */
#include "audits/arsenal/log.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/arsenal/artifact.h"
#include "audits/arsenal/pack.h"
#include "audits/arsenal/sample.h"
#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/model/pattern.h"

#define MANY_LINES 100000.0
#define HUGE_COUNT (INT64_C(1) << 60)

static const struct attack_row log_rows[] = {
	ROW_IDENTITY,
	{.name = "rotated", .help = "it was renamed, and begun anew", .is_control = true},
	{.name = "copied-and-cut", .help = "it was copied, and cut", .is_control = true},
	{.name = "packed", .help = "it was renamed, packed, and begun anew", .is_control = true},
	{.name = "line-added", .help = "lines that match are written"},
	{.name = "line-rotated", .help = "one is written just before it is renamed"},
	{.name = "line-packed", .help = "one is written just before it is renamed and packed"},
	{.name = "lines-lost", .help = "no line that matches is written any more"},
	{.name = "silent", .help = "nothing is written any more"},
	{.name = "flood", .help = "a great many lines are written"},
	{.name = "long-line", .help = "a line is too long to be judged"},
	{.name = "missing", .help = "it is gone"},
	{.name = "cut", .help = "it was cut, and nobody has a copy"},
	{.name = "replaced", .help = "another log is in its place"},
	{.name = NULL},
};

static int log_open(struct challenge *c, struct err *e)
{
	struct scene *s = scene_new(c, log_rows);
	struct logged *l = arena_alloc(c->arena, sizeof(*l));
	const char *folder = arena_printf(c->arena, "%s/log", c->scratch), *real;

	if (logged_read(s, l, &real, e) < 0)
		return -1;
	if (mkdir(folder, 0700) != 0)
		return err_set(e, ERR_MEASURE, "could not make \"%s\": %s", folder,
			       strerror(errno));
	l->live = arena_printf(c->arena, "%s%s", folder, strrchr(real, '/'));
	s->more = l;
	scene_stand_in(s, real, l->live, NULL);
	scene_point(s, "path", l->live);
	scene_point(s, "rotated", NULL);
	scene_seal(s);
	return 0;
}

/* --- between the looks --- */

static int put(const char *path, const char *p, size_t n, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = fd < 0 || file_write_all(fd, p, n) != 0 ? -1 : 0;

	if (fd >= 0 && close(fd) != 0)
		rc = -1;
	return rc < 0 ? err_set(e, ERR_MEASURE, "could not write \"%s\": %s", path, strerror(errno))
		      : 0;
}

static int put_lines(const struct logged *l, struct err *e)
{
	return put(l->live, l->lines, strlen(l->lines), e);
}

static const char *rotated_of(const struct scene *s)
{
	const struct logged *l = s->more;

	return arena_printf(s->arena, "%s.1", l->live);
}

static int act_written_on(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	(void)d;
	(void)dose;
	return put_lines(s->more, e);
}

/* text, so many times. */
static int act_line_added(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	const struct logged *l = s->more;
	struct buf all;
	int rc;

	if (put_lines(l, e) < 0)
		return -1;
	buf_init(&all, BUF_UNBOUNDED); /* of lines of our own */
	for (double i = 0; i < floor(dose); i++)
		(void)buf_puts(&all, d->text);
	rc = put(l->live, all.data, all.len, e);
	buf_release(&all);
	return rc;
}

static int rename_live(const struct scene *s, struct err *e)
{
	const struct logged *l = s->more;

	return rename(l->live, rotated_of(s)) != 0
		       ? err_set(e, ERR_MEASURE, "could not rename \"%s\": %s", l->live,
				 strerror(errno))
		       : 0;
}

/* text NULL = nothing is written that matters. */
static int act_rotated(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	const struct logged *l = s->more;

	(void)dose;
	if (d->text != NULL && put(l->live, d->text, strlen(d->text), e) < 0)
		return -1;
	return rename_live(s, e) < 0 ? -1 : put_lines(l, e);
}

/* Its name is the one that logrotate(8) gives it. */
static const char *packed_of(const struct scene *s)
{
	return arena_printf(s->arena, "%s.gz", rotated_of(s));
}

static int act_packed(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	const struct logged *l = s->more;
	struct buf all;
	int rc;

	(void)dose;
	buf_init(&all, BUF_UNBOUNDED); /* of the end of a log */
	(void)buf_add(&all, l->base, l->n_base);
	(void)buf_puts(&all, d->text != NULL ? d->text : "");
	rc = pack_gzip(packed_of(s), all.data, all.len, e);
	buf_release(&all);
	if (rc == 0 && unlink(l->live) != 0)
		rc = err_set(e, ERR_MEASURE, "could not remove \"%s\": %s", l->live,
			     strerror(errno));
	return rc == 0 ? put_lines(l, e) : rc;
}

static int act_copied(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	const struct logged *l = s->more;

	(void)d;
	(void)dose;
	if (put(rotated_of(s), l->base, l->n_base, e) < 0)
		return -1;
	if (truncate(l->live, 0) != 0)
		return err_set(e, ERR_MEASURE, "could not cut \"%s\": %s", l->live,
			       strerror(errno));
	return put_lines(l, e);
}

static int act_cut(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	const struct logged *l = s->more;

	(void)d;
	(void)dose;
	if (truncate(l->live, 0) != 0)
		return err_set(e, ERR_MEASURE, "could not cut \"%s\": %s", l->live,
			       strerror(errno));
	return put_lines(l, e);
}

static int act_gone(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	const struct logged *l = s->more;

	(void)dose;
	if (unlink(l->live) != 0)
		return err_set(e, ERR_MEASURE, "could not remove \"%s\": %s", l->live,
			       strerror(errno));
	return d->text != NULL ? put(l->live, d->text, strlen(d->text), e) : 0;
}

/* Only text is written, if anything is. */
static int act_only(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	const struct logged *l = s->more;
	int rc = 0;

	(void)dose;
	for (size_t i = 0; rc == 0 && d->text != NULL && i < l->n_lines; i++)
		rc = put(l->live, d->text, strlen(d->text), e);
	return rc;
}

/* --- the looks --- */

/* The world at another time, with another past. An interruption waits for the look to end. */
static struct probe_world *world_of(struct arena *a, const struct probe_world *w,
				    const struct clock *clock, const struct past *past)
{
	struct probe_world *other = arena_alloc(a, sizeof(*other));

	*other = (struct probe_world){
		.clock = clock,
		.dbs = w->dbs,
		.definition = w->definition,
		.turns = w->turns,
		.past = past,
	};
	atomic_init(&other->is_interrupted, atomic_load(&w->is_interrupted));
	return other;
}

/* Where the check has come to in the copy; its measurements are nobody's. */
static int look_first(struct scene *s, const struct check *const *checks, const struct probe *p,
		      const char **cursor, struct err *e)
{
	const struct probe_world *w = s->challenge->world;
	const struct logged *l = s->more;
	struct clock *then = arena_alloc(p->arena, sizeof(*then));
	struct err nothing = {0}; /* a first look may measure nothing */
	struct probe first = {
		.arena = p->arena,
		.checks = checks,
		.n_checks = 1,
		.deadline_ms = clock_monotonic_ms(w->clock) + s->check->timeout_ms,
	};

	*then = clock_fixed(clock_wall_ms(w->clock) - l->since_ms);
	first.world = world_of(p->arena, w, then, NULL);
	(void)unlink(rotated_of(s)); /* of the last strike, if there is one */
	(void)unlink(packed_of(s));
	(void)unlink(l->live);
	if (put(l->live, l->base, l->n_base, e) < 0)
		return -1;
	(void)s->check->kind->probe(&first, &nothing);
	*cursor = first.cursor;
	return first.cursor != NULL
		       ? 0
		       : err_set(e, ERR_MEASURE, "the first look at the copy: %s", nothing.message);
}

static int log_strike(struct challenge *c, const struct attack *a, double dose, struct probe *p,
		      struct err *e)
{
	static const struct deed written = {.act = act_written_on};
	const struct deed *d = a != NULL ? a->state : &written;
	const struct check **checks = arena_alloc(p->arena, sizeof(struct check *));
	struct past_cursor *cursor = arena_alloc(p->arena, sizeof(*cursor));
	struct past *past = arena_alloc(p->arena, sizeof(*past));
	struct scene *s = c->state;
	int rc;

	checks[0] = s->check;
	*cursor = (struct past_cursor){.check = s->check};
	*past = (struct past){.cursors = cursor, .n_cursors = 1};
	if (look_first(s, checks, p, &cursor->state, e) < 0 || d->act(s, d, dose, e) < 0)
		return 1;
	cursor->other = cursor->state;
	p->checks = checks;
	p->world = world_of(p->arena, c->world, c->world->clock, past);
	p->deadline_ms = clock_monotonic_ms(c->world->clock) + c->check->timeout_ms;
	rc = scene_ask(s, p, e);
	p->world = c->world;
	p->cursor = NULL; /* the place in the record stays where it is */
	return rc;
}

/* --- survey --- */

static const char *tell_added(struct arena *a, const struct deed *d, double dose)
{
	const char *what = d->more;

	if (dose < 2)
		return arena_printf(a, "one %s line more is there", what);
	return d->number > 0 ? arena_printf(a, "%.0f %s lines are there, beside %.0f others",
					    floor(dose), what, d->number)
			     : arena_printf(a, "%.0f %s lines more are there", floor(dose), what);
}

static bool is_limited(struct scene *s, const char *value)
{
	return artifact_minds_int(s->arena, s->check, value, HUGE_COUNT);
}

/* Is one line one too many? Else the bound lets some through, and does not claim to notice one. */
static double first_dose(struct scene *s)
{
	struct measurement one = measurement_int("matches", 1, "");

	one.n_total = HUGE_COUNT;
	one.share = 0;
	return artifact_minds(s->arena, s->check, &one) ? 1 : MANY_LINES / 10;
}

static void add_matching(struct scene *s, const struct logged *l)
{
	struct pattern *const *except = artifact_field(s->check, "except");
	struct watched *w;
	size_t n = logged_patterns(s->check, s->arena, &w);

	for (size_t i = 0; i < n && is_limited(s, "matches"); i++) {
		const char *line = sample_line(s->arena, w[i].text, w[i].pattern, *except);
		const char *text = line != NULL ? arena_printf(s->arena, "%s\n", line) : "";
		struct attack *a = scene_add(s, "line-added", w[i].name,
					     &(struct deed){.act = act_line_added,
							    .text = text,
							    .number = (double)l->n_lines,
							    .more = "matching",
							    .tell = tell_added});

		a->dose = first_dose(s);
		a->least = 1;
		a->most = MANY_LINES;
		if (line == NULL) {
			attack_settle(a, ATTACK_INCONCLUSIVE,
				      "nobody came upon a line that the pattern finds");
			continue;
		}
		if (a->dose >= 2)
			continue;
		(void)scene_add(s, "line-packed", w[i].name,
				&(struct deed){.act = act_packed,
					       .text = text,
					       .words = "a line that matches was written just "
							"before it was packed"});
		(void)scene_add(s, "line-rotated", w[i].name,
				&(struct deed){.act = act_rotated,
					       .text = text,
					       .words = "a line that matches was written "
							"just before it was renamed"});
	}
}

static void add_quiet(struct scene *s, const struct logged *l)
{
	const int64_t *min_lines = artifact_field(s->check, "min_lines");
	struct watched *w;
	size_t n = logged_patterns(s->check, s->arena, &w);

	if (n > 0 && l->quiet != NULL && artifact_minds_int(s->arena, s->check, "matches", 0))
		(void)scene_add(s, "lines-lost", "",
				&(struct deed){.act = act_only,
					       .text = l->quiet,
					       .words = "none of the new lines matches"});
	if ((n > 0 && *min_lines > 0) || artifact_minds_int(s->arena, s->check, "lines", 0) ||
	    artifact_minds_int(s->arena, s->check, "bytes", 0) ||
	    artifact_minds_real(s->arena, s->check, "rate", 0))
		(void)scene_add(s, "silent", "",
				&(struct deed){.act = act_only, .words = "nothing is written"});
}

static void add_flood(struct scene *s, const struct logged *l)
{
	struct attack *a;

	if (!is_limited(s, "lines") && !is_limited(s, "bytes") &&
	    !artifact_minds_real(s->arena, s->check, "rate", 1e18))
		return;
	a = scene_add(s, "flood", "",
		      &(struct deed){.act = act_line_added,
				     .text = l->quiet != NULL ? l->quiet : "flood\n",
				     .more = "harmless",
				     .tell = tell_added});
	a->dose = MANY_LINES;
	a->least = 1;
	a->most = 10 * MANY_LINES;
}

/* One of a single character that no pattern finds. */
static void add_long(struct scene *s)
{
	static const char filling[] = "x.- 0#";
	const int64_t *max_line = artifact_field(s->check, "max_line");
	size_t n = (size_t)*max_line + 100;
	struct watched *w;
	char *line;

	if (logged_patterns(s->check, s->arena, &w) == 0 ||
	    !artifact_minds_int(s->arena, s->check, "unjudged", 1))
		return;
	line = arena_alloc(s->arena, n + 2);
	for (const char *c = filling; *c != '\0'; c++) {
		struct attack *a;

		memset(line, *c, n);
		if (logged_matches(s->check, s->arena, line, 1000 < n ? 1000 : n))
			continue;
		memcpy(line + n, "\n", 2);
		a = scene_add(s, "long-line", "",
			      &(struct deed){.act = act_line_added,
					     .text = line,
					     .words = "a line is longer than is looked at"});
		a->dose = 1;
		return;
	}
}

static void add_losses(struct scene *s)
{
	(void)scene_add(s, "missing", "",
			&(struct deed){.act = act_gone, .words = "the log is gone"});
	if (!artifact_minds_int(s->arena, s->check, "lost", 1))
		return;
	(void)scene_add(
		s, "cut", "",
		&(struct deed){.act = act_cut, .words = "it was cut, and nobody has a copy"});
	(void)scene_add(s, "replaced", "",
			&(struct deed){.act = act_gone,
				       .text = "another log\n",
				       .words = "another log is in its place"});
}

static int log_survey(struct challenge *c, struct err *e)
{
	struct scene *s = c->state;
	const struct logged *l = s->more;

	(void)e;
	(void)scene_add(s, "identity", "",
			&(struct deed){.act = act_written_on,
				       .words = "harmless lines of its own are written to a copy"});
	(void)scene_add(s, "rotated", "",
			&(struct deed){.act = act_rotated,
				       .words = "it was renamed, and begun anew with the lines"});
	if (l->n_base > 0)
		(void)scene_add(s, "copied-and-cut", "",
				&(struct deed){.act = act_copied,
					       .words = "it was copied and cut, and begun anew "
							"with the lines"});
	if (l->n_base > 0)
		(void)scene_add(s, "packed", "",
				&(struct deed){.act = act_packed,
					       .words = "it was renamed and packed, and begun anew "
							"with the lines"});
	add_matching(s, l);
	add_quiet(s, l);
	add_flood(s, l);
	add_long(s);
	add_losses(s);
	return 0;
}

const struct arsenal arsenal_log = {
	.rows = log_rows,
	.open = log_open,
	.survey = log_survey,
	.strike = log_strike,
	.words = artifact_words,
};
