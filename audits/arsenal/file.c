/*
 * arsenal_file: one file is gone, cut, old, somebody else's; as far as the check asks for it.
 *
 * A value that is not expected claims nothing: who asks whether a file exists does not say that a
 * bit of it matters. Of a size or an age with one bound only the side of the bound is claimed.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/arsenal/artifact.h"
#include "audits/arsenal/sample.h"
#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/model/expect.h"
#include "runner/model/pattern.h"
#include "runner/model/unit.h"

#define DAY_S	   86400.0
#define YEAR_S	   (365 * DAY_S)
#define CENTURY_S  (100 * YEAR_S)
#define MAX_GROWN  (INT64_C(1) << 40) /* a hole, which takes no room */
#define MAX_READ   (INT64_C(1) << 30) /* when its content is read */
#define MAX_LINES  100000.0
#define HUGE_COUNT (INT64_C(1) << 60)

static const struct attack_row file_rows[] = {
	ROW_IDENTITY,
	ROW_NEIGHBOUR,
	ROW_TOUCHED,
	ROWS_OF_BYTES,
	{.name = "appeared", .help = "it is there"},
	{.name = "symlinked", .help = "a symbolic link is in its place"},
	{.name = "shrunk", .help = "it is smaller"},
	{.name = "grown", .help = "it is larger"},
	{.name = "stale", .help = "its last change was earlier"},
	{.name = "renewed", .help = "it was changed just now"},
	{.name = "ahead", .help = "its last change lies in the future"},
	{.name = "executable", .help = "whoever may read it may execute it, or may no longer"},
	{.name = "world-writable", .help = "everybody may write to it"},
	{.name = "suid", .help = "it runs as its owner"},
	{.name = "owner", .help = "it belongs to somebody else"},
	{.name = "lines-lost", .help = "the lines that match are gone"},
	{.name = "line-added", .help = "more lines match"},
	{.name = NULL},
};

/* --- opening --- */

static bool reads_content(const struct check *c)
{
	struct pattern *const *pattern = artifact_field(c, "pattern");

	return *pattern != NULL || artifact_expects(c, "sha256") != NULL;
}

static int file_scene(struct challenge *c, struct err *e)
{
	struct scene *s = scene_new(c, file_rows);
	const char *path;
	struct stat real, copy;

	/* A backup may be as large as it likes when its age and size are all there is to look at.
	 */
	s->is_hollow = !reads_content(c->check);
	if (scene_stage_file(s, "path", e) < 0)
		return -1;
	path = artifact_path(s->check, "path");
	scene_seal(s);
	if (artifact_expects(c->check, "owner") == NULL || stat(path, &copy) != 0 ||
	    stat(artifact_path(c->check, "path"), &real) != 0 || real.st_uid == copy.st_uid)
		return 0;
	(void)err_set(e, ERR_MEASURE,
		      "a private copy cannot belong to user %lu, as what is real does: only root "
		      "may give files away",
		      (unsigned long)real.st_uid);
	return err_help(e, "challenge it as root, or put the owner into a check of its own");
}

/* --- size and time --- */

static int act_shrunk(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	struct deed torn = *d;

	torn.number = floor(d->number * (1 - dose));
	return act_torn(s, &torn, 0, e);
}

static const char *tell_shrunk(struct arena *a, const struct deed *d, double dose)
{
	const char *text;
	struct buf b;

	(void)d;
	buf_init(&b, BUF_UNBOUNDED); /* a number */
	unit_format(&b, dose, "%");
	text = arena_printf(a, "%s of its bytes are gone, from its end on", b.data);
	buf_release(&b);
	return text;
}

static int act_grown(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	struct deed torn = *d;

	torn.number = ceil(d->number + fmax(d->number, 1) * dose);
	return act_torn(s, &torn, 0, e);
}

static const char *tell_grown(struct arena *a, const struct deed *d, double dose)
{
	char text[NUM_REAL_MAX];

	num_format_size((int64_t)ceil(fmax(d->number, 1) * dose), text);
	return arena_printf(a, "%s of zeros stand behind its end", text);
}

static void add_sizes(struct scene *s, const char *path, int64_t size, bool is_read)
{
	const struct check *c = s->check;
	double room = (double)((is_read ? MAX_READ : MAX_GROWN) - size);
	struct attack *a;

	if (size > 0 && artifact_minds_int(s->arena, c, "size", 0)) {
		a = scene_add(s, "shrunk", "",
			      &(struct deed){.act = act_shrunk,
					     .path = path,
					     .number = (double)size,
					     .tell = tell_shrunk});
		a->dose = 0.5;
		a->least = 1 / (double)size;
		a->most = 1;
	}
	if (room <= 0 || !artifact_minds_int(s->arena, c, "size", size + (int64_t)room))
		return;
	a = scene_add(s, "grown", "",
		      &(struct deed){.act = act_grown,
				     .path = path,
				     .number = (double)size,
				     .tell = tell_grown});
	a->dose = fmin(9, room / (double)(size > 0 ? size : 1));
	a->least = 1 / (double)(size > 0 ? size : 1);
	a->most = room / (double)(size > 0 ? size : 1);
}

static const char *tell_aged(struct arena *a, const struct deed *d, double dose)
{
	char text[NUM_REAL_MAX];

	(void)d;
	(void)num_format_duration((int64_t)(dose * 1000), text);
	return arena_printf(a, "its last change was %s earlier", text);
}

static void add_times(struct scene *s, const char *path)
{
	const struct check *c = s->check;
	double ahead = -2 * CENTURY_S;
	struct stat st;
	struct attack *a;

	if (artifact_expects(c, "age") == NULL || stat(path, &st) != 0)
		return;
	if (artifact_minds_real(s->arena, c, "age", CENTURY_S)) {
		a = scene_add(s, "stale", "",
			      &(struct deed){.act = act_aged, .path = path, .tell = tell_aged});
		a->dose = YEAR_S;
		a->least = 1;
		/* before 1902 no time of 32 bits is; none is needed */
		a->most = fmin(CENTURY_S, (double)st.st_mtim.tv_sec + CENTURY_S / 2);
	}
	if (artifact_minds_real(s->arena, c, "age", 0))
		(void)scene_add(s, "renewed", "",
				&(struct deed){.act = act_renewed,
					       .path = path,
					       .words = "it was changed just now"});
	ahead = (double)st.st_mtim.tv_sec -
		(double)clock_wall_ms(s->challenge->world->clock) / 1000 - DAY_S;
	(void)scene_add(s, "ahead", "",
			&(struct deed){.act = act_aged,
				       .path = path,
				       .number = ahead,
				       .words = "its last change lies a day in the future"});
}

/* --- attributes --- */

/* A mode that the check names as one of several it takes is none that it claims to notice. */
static bool is_named(const struct scene *s, const char *mode)
{
	const struct named_expectation *x = artifact_expects(s->check, "mode");
	struct measurement m = measurement_text("mode", mode);

	return strstr(x->expect.text, arena_printf(s->arena, "\"%s\"", mode)) != NULL &&
	       !artifact_minds(s->arena, s->check, &m);
}

static void add_mode(struct scene *s, const char *name, unsigned is, unsigned becomes)
{
	const char *mode = arena_printf(s->arena, "%04o", becomes);
	struct attack *a = scene_add(
		s, name, "",
		&(struct deed){.act = act_mode,
			       .path = artifact_path(s->check, "path"),
			       .number = becomes,
			       .words = arena_printf(s->arena, "its mode is %s, no longer %04o",
						     mode, is)});

	if (is == becomes)
		attack_settle(a, ATTACK_NO_EFFECT, "it is so already");
	else if (is_named(s, mode))
		attack_settle(a, ATTACK_OUT_OF_CLAIM,
			      "it is one of the modes that are expected by name");
}

static void add_attributes(struct scene *s, const char *path, const struct stat *st)
{
	unsigned mode = st->st_mode & 07777;
	struct attack *a;

	if (artifact_expects(s->check, "mode") != NULL) {
		add_mode(s, "executable", mode, mode & 0111 ? mode & ~0111U : mode | 0111);
		add_mode(s, "world-writable", mode, mode | 0002);
		add_mode(s, "suid", mode, mode | 04000);
	}
	if (artifact_expects(s->check, "owner") == NULL)
		return;
	a = scene_add(s, "owner", "",
		      &(struct deed){.act = act_owner,
				     .path = path,
				     .words = "it belongs to somebody else"});
	if (geteuid() != 0)
		attack_settle(a, ATTACK_INCONCLUSIVE, "only root may give files away");
}

/* --- lines --- */

/* The lines of content that do not match, written over the file. */
static int write_others(const struct bytes_held *h, const struct pattern *pattern,
			const struct buf *content, struct err *e)
{
	const char *p = content->data, *end = content->data + content->len;
	struct str_line_ends ends = {0};
	int64_t kept = 0;

	while (p < end) {
		const char *stop = str_line_end(&ends, p, end);
		size_t n = (size_t)(stop - p) + (stop < end && *stop == '\r');
		size_t all = n + (p + n < end && p[n] == '\n');

		if (pattern_search_line(pattern, p, n, NULL) == 0) {
			if (bytes_write_at(h, p, all, kept, e) < 0)
				return -1;
			kept += (int64_t)all;
		}
		p += all;
	}
	if (ftruncate(h->fd, (off_t)kept) == 0)
		return 0;
	return err_set(e, ERR_MEASURE, "could not cut \"%s\": %s", h->path, strerror(errno));
}

static int act_lines_lost(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	struct buf content;
	struct bytes_held h;
	int rc;

	(void)dose;
	buf_init(&content, (size_t)MAX_READ);
	rc = file_read(d->path, &content, e);
	if (rc == 0)
		rc = bytes_open(s, d->path, &h, e);
	if (rc == 0) {
		rc = write_others(&h, d->more, &content, e);
		if (bytes_close(&h, rc == 0 ? e : NULL) < 0)
			rc = -1;
	}
	buf_release(&content);
	return rc;
}

/* Many lines at once: one write a line takes longer than the check. */
static int act_lines_added(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	struct deed all = *d;
	struct buf lines;
	int rc;

	buf_init(&lines, (size_t)MAX_READ);
	for (double i = 0; i < floor(dose); i++)
		if (buf_printf(&lines, "\n%s", d->text) != 0)
			break;
	(void)buf_putc(&lines, '\n'); /* full: one line fewer */
	all.text = lines.data;
	rc = act_appended(s, &all, 0, e);
	buf_release(&lines);
	return rc;
}

static const char *tell_lines(struct arena *a, const struct deed *d, double dose)
{
	(void)d;
	return dose < 2 ? "one line more matches"
			: arena_printf(a, "%.0f lines more match", floor(dose));
}

static int64_t counted(const struct challenge *c, const char *series)
{
	for (size_t i = 0; i < c->n_baseline; i++)
		if (strcmp(c->baseline[i].series, series) == 0 &&
		    c->baseline[i].value.type == VALUE_INT)
			return c->baseline[i].value.integer;
	return 0;
}

static void add_lines(struct scene *s, const char *path)
{
	struct measurement one_more =
		measurement_int("matches", counted(s->challenge, "matches") + 1, "");
	struct pattern *const *pattern = artifact_field(s->check, "pattern");
	const struct node *node = node_get(s->check->spec_node, "pattern");
	struct deed added = {.act = act_lines_added, .path = path, .tell = tell_lines};
	struct attack *a;

	if (*pattern == NULL)
		return;
	one_more.n_total = HUGE_COUNT;
	one_more.share = 0;
	if (artifact_minds_int(s->arena, s->check, "matches", 0))
		(void)scene_add(s, "lines-lost", "",
				&(struct deed){.act = act_lines_lost,
					       .path = path,
					       .more = *pattern,
					       .words = "the lines that match are gone"});
	if (!artifact_minds_int(s->arena, s->check, "matches", HUGE_COUNT))
		return;
	added.text = sample_line(s->arena, node->text, *pattern, NULL);
	a = scene_add(s, "line-added", "", &added);
	/* A bound that lets some through does not claim to notice one of them. */
	a->least = 1;
	a->dose = artifact_minds(s->arena, s->check, &one_more) ? 1 : MAX_LINES / 10;
	a->most = MAX_LINES;
	if (added.text == NULL)
		attack_settle(a, ATTACK_INCONCLUSIVE,
			      "nobody came upon a line that the pattern finds");
}

/* --- survey --- */

static int survey_absent(struct scene *s, const char *path)
{
	controls_add(s, path, NULL);
	(void)scene_add(s, "appeared", "",
			&(struct deed){.act = act_written,
				       .path = path,
				       .text = "",
				       .words = "the file is there, and empty"});
	return 0;
}

static bool has_any(const struct check *c, const char *besides)
{
	for (size_t i = 0; i < c->n_expects; i++)
		if (c->expects[i].has_expect && strcmp(c->expects[i].name, besides) != 0)
			return true;
	return false;
}

static unsigned bytes_of(struct scene *s, int64_t size)
{
	const struct check *c = s->check;
	struct arena *a = s->arena;
	unsigned which = 0;

	if (has_any(c, "exists") || artifact_minds_int(a, c, "exists", 0))
		which |= BYTES_MISSING;
	if (artifact_minds_int(a, c, "size", 0) || artifact_minds_int(a, c, "matches", 0))
		which |= BYTES_EMPTY;
	if (artifact_minds_int(a, c, "size", size + 1))
		which |= BYTES_APPENDED;
	if (size > 0 && artifact_minds_int(a, c, "size", size - 1))
		which |= BYTES_TORN_BYTE;
	return artifact_expects(c, "sha256") != NULL ? BYTES_ALL : which;
}

static int file_survey(struct challenge *c, struct err *e)
{
	struct scene *s = c->state;
	const char *path = artifact_path(s->check, "path");
	const bool *follow = artifact_field(s->check, "follow");
	struct stat st;

	(void)e;
	if (stat(path, &st) != 0)
		return survey_absent(s, path);
	controls_add(s, path, artifact_expects(s->check, "age") == NULL ? path : NULL);
	bytes_add(s, path, "", bytes_of(s, st.st_size));
	if (!*follow)
		(void)scene_add(s, "symlinked", "",
				&(struct deed){.act = act_linked,
					       .path = path,
					       .text = artifact_path(c->check, "path"),
					       .words = "a symbolic link to it is in its place"});
	add_sizes(s, path, st.st_size, reads_content(s->check));
	add_times(s, path);
	add_attributes(s, path, &st);
	add_lines(s, path);
	return 0;
}

const struct arsenal arsenal_file = {
	.rows = file_rows,
	.open = file_scene,
	.survey = file_survey,
	.strike = artifact_strike,
	.words = artifact_words,
};
