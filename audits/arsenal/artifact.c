/*
 * The copy is mended from what is real rather than kept twice: what a strike does not touch costs
 * nothing. If the real thing changes meanwhile, nothing that is seen afterwards means anything, and
 * that is what every further strike says.
 */
#include "audits/arsenal/artifact.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/copy.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/model/expect.h"
#include "runner/model/outcome.h"

/* Of all that one check looks at. */
#define MAX_BYTES   (INT64_C(4) << 30)
#define MAX_ENTRIES 100000
#define ENTRY_BYTES 4096 /* what the smallest file takes on usual file systems */

/* --- the scene --- */

struct scene *scene_new(struct challenge *c, const struct attack_row *rows)
{
	struct scene *s = arena_alloc(c->arena, sizeof(*s));
	struct check *check = arena_alloc(c->arena, sizeof(*check));
	size_t n = c->check->kind->spec_size;

	*check = *c->check;
	check->spec = arena_alloc(c->arena, n);
	memcpy(check->spec, c->check->spec, n);
	*s = (struct scene){
		.challenge = c,
		.arena = c->arena,
		.rows = rows,
		.check = check,
		.spec = c->check->spec,
	};
	c->state = s;
	return s;
}

void *artifact_field(const struct check *c, const char *key)
{
	const struct key_row *row = keys_row(c->kind->keys, key);

	assert(row != NULL);
	return (char *)c->spec + row->offset;
}

const char *artifact_path(const struct check *c, const char *key)
{
	return *(const char **)artifact_field(c, key);
}

void scene_point(struct scene *s, const char *key, const char *path)
{
	*(const char **)artifact_field(s->check, key) = path;
}

void scene_seal(struct scene *s)
{
	size_t n = s->check->kind->spec_size;
	void *spec = arena_alloc(s->arena, n);

	memcpy(spec, s->check->spec, n);
	s->spec = spec;
}

int scene_check_room(struct scene *s, int64_t needed, const char *real, struct err *e)
{
	char has[NUM_REAL_MAX], needs[NUM_REAL_MAX];
	int64_t bytes, inodes;

	if (file_free_space(s->challenge->scratch, &bytes, &inodes, e) < 0)
		return -1;
	if (bytes >= needed)
		return 0;
	num_format_size(bytes, has);
	num_format_size(needed, needs);
	(void)err_set(e, ERR_MEASURE,
		      "could not make a private copy of \"%s\": %s free where \"%s\" is, %s needed",
		      real, has, s->challenge->scratch, needs);
	return err_help(e, "set TMPDIR to a folder with more room");
}

static int check_size(struct scene *s, const char *real, struct err *e)
{
	const struct copy_size most = {MAX_BYTES - s->bytes, MAX_ENTRIES};
	struct copy_size size;

	if (copy_measure(real, &most, &size, e) < 0) {
		(void)err_context(e, "could not make a private copy");
		return err_help(e, "a copy is damaged, never what is real: of 4 GiB and 100,000 "
				   "files at most");
	}
	s->bytes += size.bytes;
	return scene_check_room(s, size.bytes + size.entries * ENTRY_BYTES, real, e);
}

void scene_stand_in(struct scene *s, const char *real, const char *copy, const struct stat *st)
{
	if (s->n_staged == s->cap_staged) {
		size_t cap = s->cap_staged == 0 ? 4 : s->cap_staged * 2;
		struct staged *grown = arena_array(s->arena, cap, sizeof(*grown));

		if (s->n_staged > 0)
			memcpy(grown, s->staged, s->n_staged * sizeof(*grown));
		s->staged = grown;
		s->cap_staged = cap;
	}
	s->staged[s->n_staged++] = (struct staged){real, copy, st != NULL ? *st : (struct stat){0}};
}

/* What is real, whole: again when it was damaged. */
static int copy_real(struct scene *s, const char *real, const char *copy, struct err *e)
{
	return s->is_hollow ? copy_hollow(real, copy, e)
			    : copy_tree(real, copy, &s->challenge->world->is_interrupted, e);
}

int scene_stage(struct scene *s, const char *real, const char **path, struct err *e)
{
	const char *folder = arena_printf(s->arena, "%s/%zu", s->challenge->scratch, s->n_staged);
	const char *name = strrchr(real, '/'), *copy;
	struct stat st;
	bool is_there = stat(real, &st) == 0;

	copy = arena_printf(s->arena, "%s/%s", folder, name != NULL && name[1] ? name + 1 : "it");
	if (mkdir(folder, 0700) != 0)
		return err_set(e, ERR_MEASURE, "could not make \"%s\": %s", folder,
			       strerror(errno));
	if (is_there && !(s->is_hollow && S_ISREG(st.st_mode)) && check_size(s, real, e) < 0)
		return -1;
	if (is_there && copy_real(s, real, copy, e) < 0)
		return -1;
	scene_stand_in(s, real, copy, is_there ? &st : NULL);
	*path = copy;
	return 0;
}

int scene_stage_file(struct scene *s, const char *key, struct err *e)
{
	const char *real = artifact_path(s->challenge->check, key);
	struct stat st;

	if (stat(real, &st) == 0 && S_ISDIR(st.st_mode))
		return err_set(e, ERR_MEASURE, "\"%s\" is a directory, not a file", real);
	return scene_stage_key(s, key, e);
}

int scene_stage_key(struct scene *s, const char *key, struct err *e)
{
	const char *path;

	if (scene_stage(s, artifact_path(s->challenge->check, key), &path, e) < 0)
		return -1;
	scene_point(s, key, path);
	return 0;
}

/*
 * Links of what is real are links of the copy, and may lead back to it or anywhere: nothing is
 * changed through one.
 */
static int check_private(const struct scene *s, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	const char *folder = arena_strndup(s->arena, path, (size_t)(slash - path));

	return file_leads_below(folder, s->challenge->scratch)
		       ? 0
		       : err_set(e, ERR_MEASURE,
				 "\"%s\" lies behind a link that leads out of the private copy",
				 path);
}

int scene_touch(struct scene *s, const char *path, struct err *e)
{
	struct touched *t;

	if (check_private(s, path, e) < 0)
		return -1;
	for (size_t i = 0; i < s->n_touched; i++)
		if (strcmp(s->touched[i].path, path) == 0)
			return 0;
	if (s->n_touched == s->cap_touched) {
		size_t cap = s->cap_touched == 0 ? 8 : s->cap_touched * 2;
		struct touched *grown = arena_array(s->arena, cap, sizeof(*grown));

		if (s->n_touched > 0)
			memcpy(grown, s->touched, s->n_touched * sizeof(*grown));
		s->touched = grown;
		s->cap_touched = cap;
	}
	t = &s->touched[s->n_touched++];
	*t = (struct touched){.path = arena_strdup(s->arena, path)};
	t->was_there = lstat(path, &t->st) == 0;
	return 0;
}

int scene_touch_file(struct scene *s, const char *path, struct err *e)
{
	struct stat st;

	if (scene_touch(s, path, e) < 0)
		return -1;
	return lstat(path, &st) == 0 && S_ISREG(st.st_mode)
		       ? 0
		       : err_set(e, ERR_MEASURE, "\"%s\" is no file of the private copy", path);
}

/* --- mending --- */

static bool is_same_stat(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Of the copy's path, or below it; NULL = it is nothing of what is real. */
static const char *real_of(const struct scene *s, const char *path, bool *is_root)
{
	for (size_t i = 0; i < s->n_staged; i++) {
		size_t n = strlen(s->staged[i].path);

		if (strncmp(path, s->staged[i].path, n) != 0 || (path[n] != '\0' && path[n] != '/'))
			continue;
		*is_root = path[n] == '\0';
		return arena_printf(s->arena, "%s%s", s->staged[i].real, path + n);
	}
	return NULL;
}

static int mend_one(struct scene *s, const struct touched *t, struct err *e)
{
	bool is_root = false;
	const char *real = real_of(s, t->path, &is_root);
	struct stat st;

	if (!t->was_there || real == NULL)
		return 0;
	if (S_ISDIR(t->st.st_mode) && lstat(t->path, &st) == 0)
		return 0; /* it stayed, for what is in it */
	if ((is_root ? copy_real(s, real, t->path, e) : copy_entry(real, t->path, e)) < 0)
		return -1;
	if (lstat(t->path, &st) == 0 && !S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode) &&
	    !is_same_stat(&st, &t->st))
		return err_set(e, ERR_MEASURE, "\"%s\" changed while it was challenged", real);
	return 0;
}

/* What was added goes first, from the innermost out; then all that was there comes back. */
static int mend(struct scene *s, struct err *e)
{
	int rc = 0;

	for (size_t i = s->n_touched; rc == 0 && i > 0; i--) {
		const struct touched *t = &s->touched[i - 1];

		if (t->was_there && S_ISDIR(t->st.st_mode))
			continue;
		rc = copy_remove(t->path, e);
	}
	for (size_t i = 0; rc == 0 && i < s->n_touched; i++)
		rc = mend_one(s, &s->touched[i], e);
	s->n_touched = 0;
	memcpy(s->check->spec, s->spec, s->check->kind->spec_size);
	if (rc < 0)
		s->broken = arena_strdup(s->arena, e->message);
	return rc;
}

/* --- strikes --- */

static const char *shown(struct arena *a, const struct value *v, const char *unit)
{
	struct buf b;
	const char *text;

	buf_init(&b, BUF_UNBOUNDED); /* one value */
	value_format(&b, v, unit);
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

/* Does the unharmed copy measure what the real thing did? */
static int compare(const struct challenge *c, const struct probe *p, struct err *e)
{
	const struct scene *s = c->state;

	for (size_t i = 0; i < p->n_emitted; i++) {
		const struct measurement *m = &p->emitted[i].measurement;
		const char *series = measurement_series(p->arena, m);

		for (size_t k = 0; k < c->n_baseline; k++) {
			const struct result *r = &c->baseline[k];

			if (strcmp(r->series, series) != 0 || value_is_same(&r->value, &m->value) ||
			    (s->has_times && strcmp(m->unit, "s") == 0))
				continue;
			return err_set(e, ERR_MEASURE,
				       "%s%sa private copy measures %s, and what is real %s",
				       series, series[0] != '\0' ? ": " : "",
				       shown(p->arena, &m->value, m->unit),
				       shown(p->arena, &r->value, r->unit));
		}
	}
	return 0;
}

/* What is told is told of what is real: nobody will find the copy again. */
static const char *told(const struct scene *s, struct arena *a, const char *text)
{
	for (size_t i = 0; text != NULL && i < s->n_staged; i++) {
		const struct staged *t = &s->staged[i];
		const char *found = strstr(text, t->path);

		if (found != NULL)
			text = arena_printf(a, "%.*s%s%s", (int)(found - text), text, t->real,
					    told(s, a, found + strlen(t->path)));
	}
	return text;
}

int scene_ask(const struct scene *s, struct probe *p, struct err *e)
{
	int rc = s->check->kind->probe(p, e);

	if (rc != 0 && e != NULL)
		(void)snprintf(e->message, sizeof(e->message), "%s",
			       told(s, p->arena, e->message)); /* it was cut before, or is now */
	for (size_t i = 0; i < p->n_emitted; i++)
		p->emitted[i].measurement.reason =
			told(s, p->arena, p->emitted[i].measurement.reason);
	return rc;
}

static bool is_unchanged(struct scene *s)
{
	for (size_t i = 0; i < s->n_staged; i++) {
		const struct staged *t = &s->staged[i];
		struct stat st;

		if (t->st.st_mode == 0 || S_ISDIR(t->st.st_mode))
			continue;
		if (stat(t->real, &st) == 0 && is_same_stat(&st, &t->st))
			continue;
		s->broken =
			arena_printf(s->arena, "\"%s\" changed while it was challenged", t->real);
		return false;
	}
	return true;
}

int artifact_strike(struct challenge *c, const struct attack *a, double dose, struct probe *p,
		    struct err *e)
{
	struct scene *s = c->state;
	const struct check **checks = arena_alloc(p->arena, sizeof(struct check *));
	struct err trouble = {0};
	const struct deed *d;
	int rc;

	if (a == NULL)
		return c->check->kind->probe(p, e);
	d = a->state;
	if (s->broken == NULL && is_unchanged(s) && d->act(s, d, dose, e) == 0) {
		checks[0] = s->check;
		p->checks = checks;
		/* making the copy is no part of what the check has time for */
		p->deadline_ms = clock_monotonic_ms(c->world->clock) + c->check->timeout_ms;
		rc = scene_ask(s, p, e);
		if (rc == 0 && a->row->is_proof && compare(c, p, e) < 0)
			rc = 1;
	} else {
		rc = 1;
		if (s->broken != NULL)
			(void)err_set(e, ERR_MEASURE, "%s", s->broken);
	}
	(void)mend(s, &trouble); /* the next strike tells */
	return rc;
}

const char *artifact_words(const struct challenge *c, const struct attack *a, double dose)
{
	const struct deed *d = a->state;

	return d->tell != NULL ? d->tell(c->arena, d, dose) : d->words;
}

/* --- attacks --- */

struct attack *scene_add(struct scene *s, const char *name, const char *object,
			 const struct deed *d)
{
	struct deed *kept = arena_alloc(s->arena, sizeof(*kept));
	const struct attack_row *row = s->rows;
	struct attack *a;

	while (row->name != NULL && strcmp(row->name, name) != 0)
		row++;
	assert(row->name != NULL);
	*kept = *d;
	a = challenge_add(s->challenge, row, object);
	a->state = kept;
	return a;
}

void attack_settle(struct attack *a, enum attack_outcome outcome, const char *reason)
{
	a->settled = outcome;
	a->reason = reason;
}

/* --- what the check expects --- */

const struct named_expectation *artifact_expects(const struct check *c, const char *value)
{
	for (size_t i = 0; i < c->n_expects; i++)
		if (c->expects[i].has_expect && strcmp(c->expects[i].name, value) == 0)
			return &c->expects[i];
	return NULL;
}

bool artifact_minds(struct arena *a, const struct check *c, const struct measurement *m)
{
	const struct named_expectation *x = artifact_expects(c, m->name);
	struct verdict v;

	if (x == NULL)
		return false;
	expect_judge(a, &x->expect, NULL, m, NULL, &v);
	return !outcome_is_passing(v.outcome);
}

static const char *unit_of(const struct check *c, const char *value)
{
	for (const struct value_row *row = c->kind->values; row->name != NULL; row++)
		if (strcmp(row->name, value) == 0)
			return row->unit;
	return "";
}

bool artifact_minds_int(struct arena *a, const struct check *c, const char *value, int64_t n)
{
	struct measurement m = measurement_int(value, n, unit_of(c, value));

	m.n_total = n > 0 ? n : 1;
	m.share = n > 0 ? 1 : 0;
	return artifact_minds(a, c, &m);
}

bool artifact_minds_real(struct arena *a, const struct check *c, const char *value, double v)
{
	struct measurement m = measurement_real(value, v, unit_of(c, value));

	return artifact_minds(a, c, &m);
}
