/*
 * arsenal_secrets: a secret is planted, one of each family, and in each place.
 *
 * The largest file (or member) that the check does not ignore gets it: families at its end, one of
 * them also at its head, in its middle, across two blocks of reading, as UTF-16, and as a file by
 * its name. That a file is gone or cut is no damage to a check that asks what it holds.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/arsenal/artifact.h"
#include "audits/arsenal/pack.h"
#include "audits/arsenal/sample.h"
#include "audits/arsenal/secret.h"
#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/archive.h"
#include "runner/io/clock.h"
#include "runner/io/dir.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/model/pattern.h"

#define BLOCK_BYTES 65536 /* that are read at once */
#define MAX_DEPTH   256

static const struct attack_row secrets_rows[] = {
	ROW_IDENTITY,
	ROW_NEIGHBOUR,
	ROW_TOUCHED,
	{.name = "repacked", .help = "the same members as a plain tar", .is_control = true},
	{.name = "example",
	 .help = "a token of which its checksum says that it is none is planted",
	 .is_control = true},
	ROWS_OF_BYTES,
	{.name = "secret", .help = "a secret is planted, of each family"},
	{.name = "secret-placed",
	 .help = "one is planted at the head, in the middle, across blocks, as UTF-16"},
	{.name = "secret-named", .help = "a file is called as one that holds secrets"},
	{.name = "pattern", .help = "a line that one of `patterns` finds is planted"},
	{.name = "unreadable", .help = "a file may not be read"},
	{.name = NULL},
};

enum form { FORM_FILE, FORM_FOLDER, FORM_ARCHIVE };

struct lair {
	struct scene *scene;
	enum form form;
	const char *path; /* of the copy */
	const char *host; /* the file of the copy, or the member; NULL = there is none */
	const char *name; /* for people; "" = the path itself */
	int64_t size;	  /* of the host */
};

static int secrets_open(struct challenge *c, struct err *e)
{
	struct scene *s = scene_new(c, secrets_rows);

	if (scene_stage_key(s, "path", e) < 0)
		return -1;
	scene_seal(s);
	return 0;
}

static bool is_ignored(const struct scene *s, const char *name)
{
	const struct texts *ignore = artifact_field(s->check, "ignore");

	for (size_t i = 0; i < ignore->n; i++)
		if (str_glob(ignore->items[i], name))
			return true;
	return false;
}

/* --- acts --- */

/* Lines of their own, over what stands at number; below 0 at the end. */
static int act_planted(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	struct bytes_held h;
	int64_t at;
	int rc;

	(void)dose;
	if (bytes_open(s, d->path, &h, e) < 0)
		return -1;
	at = d->number < 0 ? (int64_t)h.st.st_size : (int64_t)d->number;
	rc = bytes_write_at(&h, d->text, strlen(d->text), at, e);
	return bytes_close(&h, rc == 0 ? e : NULL) < 0 ? -1 : rc;
}

/* All of the file, with the mark of UTF-16 in front; text is ASCII, number the byte of it. */
static int act_wide(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	struct bytes_held h;
	struct buf wide;
	int rc;

	(void)dose;
	if (bytes_open(s, d->path, &h, e) < 0)
		return -1;
	buf_init(&wide, BUF_UNBOUNDED); /* of one secret */
	(void)buf_add(&wide, d->number > 0 ? "\xfe\xff" : "\xff\xfe", 2);
	for (const char *p = d->text; *p != '\0'; p++) {
		(void)buf_putc(&wide, d->number > 0 ? '\0' : *p);
		(void)buf_putc(&wide, d->number > 0 ? *p : '\0');
	}
	rc = ftruncate(h.fd, 0) != 0
		     ? err_set(e, ERR_MEASURE, "could not cut \"%s\": %s", d->path, strerror(errno))
		     : bytes_write_at(&h, wide.data, wide.len, 0, e);
	buf_release(&wide);
	return bytes_close(&h, rc == 0 ? e : NULL) < 0 ? -1 : rc;
}

static int act_packed(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	int64_t deadline_ms = clock_monotonic_ms(s->challenge->world->clock) + s->check->timeout_ms;

	(void)dose;
	if (scene_touch(s, d->path, e) < 0)
		return -1;
	return pack_tar(artifact_path(s->challenge->check, "path"), d->path, d->more, deadline_ms,
			e);
}

static int act_elsewhere(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	(void)dose;
	(void)e;
	scene_point(s, "path", d->path);
	return 0;
}

/* --- planting --- */

static void add_packed(const struct lair *l, const char *attack, const char *object,
		       const struct pack_edit *edit, const char *words)
{
	struct pack_edit *kept = arena_alloc(l->scene->arena, sizeof(*kept));

	*kept = *edit;
	(void)scene_add(
		l->scene, attack, object,
		&(struct deed){.act = act_packed, .path = l->path, .more = kept, .words = words});
}

/* At the end of the host. */
static void plant(const struct lair *l, const char *attack, const char *object, const char *text,
		  const char *words)
{
	struct arena *a = l->scene->arena;
	const char *lines = arena_printf(a, "\n%s\n", text);

	if (l->form == FORM_ARCHIVE)
		add_packed(l, attack, object,
			   &(struct pack_edit){.planted_in = l->host, .text = lines}, words);
	else
		(void)scene_add(l->scene, attack, object,
				&(struct deed){.act = act_planted,
					       .path = l->host,
					       .text = lines,
					       .number = -1,
					       .words = words});
}

static void add_families(const struct lair *l)
{
	struct arena *a = l->scene->arena;
	const char *family, *text;

	for (size_t i = 0; (text = secret_made(a, i, &family)) != NULL; i++)
		plant(l, "secret", family, text,
		      arena_printf(a, "a secret (%s) stands at the end of %s", family,
				   l->name[0] != '\0' ? l->name : "it"));
	plant(l, "example", "", secret_example(a),
	      "a token whose checksum is wrong stands at its end");
}

static void add_places(const struct lair *l)
{
	struct arena *a = l->scene->arena;
	const char *family;
	const char *text = arena_printf(a, "\n%s\n", secret_made(a, 0, &family));
	int64_t n = (int64_t)strlen(text);
	const struct {
		const char *name;
		int64_t at;
	} places[] = {{"head", 0}, {"middle", l->size / 2}, {"across blocks", BLOCK_BYTES - n / 2}};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (places[i].at + n <= l->size)
			(void)scene_add(
				l->scene, "secret-placed", places[i].name,
				&(struct deed){.act = act_planted,
					       .path = l->host,
					       .text = text,
					       .number = (double)places[i].at,
					       .words = arena_printf(
						       a, "a private key stands at byte %lld",
						       (long long)places[i].at)});
	for (int i = 0; i < 2; i++)
		(void)scene_add(l->scene, "secret-placed", i > 0 ? "UTF-16BE" : "UTF-16LE",
				&(struct deed){.act = act_wide,
					       .path = l->host,
					       .text = text,
					       .number = i,
					       .words = "it is a private key in UTF-16"});
}

/* A file or a member more. */
static void add_named(const struct lair *l, const char *attack, const char *name,
		      const char *content)
{
	struct arena *a = l->scene->arena;
	const char *words = arena_printf(a, "a file %s is there as well", name);

	if (is_ignored(l->scene, name))
		return;
	if (l->form == FORM_ARCHIVE)
		add_packed(l, attack, name,
			   &(struct pack_edit){.added = {.name = name,
							 .content = content,
							 .type = MEMBER_FILE,
							 .mode = 0644}},
			   words);
	else
		(void)scene_add(l->scene, attack, name,
				&(struct deed){.act = act_written,
					       .path = arena_printf(a, "%s/%s", l->path, name),
					       .text = content,
					       .words = words});
}

static void add_patterns(const struct lair *l)
{
	const struct pairs *patterns = artifact_field(l->scene->check, "patterns");
	struct arena *a = l->scene->arena;

	for (size_t i = 0; i < patterns->n; i++) {
		const struct pair *p = &patterns->items[i];
		const char *line = NULL;
		struct pattern *pattern;

		if (pattern_compile(a, p->value, strlen(p->value), false, &pattern, NULL) == 0)
			line = sample_line(a, p->value, pattern, NULL);
		plant(l, "pattern", p->name, line != NULL ? line : "",
		      arena_printf(a, "a line that \"%s\" finds stands at its end", p->name));
		if (line == NULL)
			attack_settle(
				&l->scene->challenge->attacks[l->scene->challenge->n_attacks - 1],
				ATTACK_INCONCLUSIVE,
				"nobody came upon a line that the pattern finds");
	}
}

/* --- where --- */

static int look_below(struct lair *l, const char *folder, const char *prefix, int depth,
		      struct err *e)
{
	struct arena *a = l->scene->arena;
	DIR *dir = dir_open(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const char *found;
	int rc = 0;

	if (dir == NULL)
		return err_set(e, ERR_MEASURE, "could not open folder \"%s\": %s", folder,
			       strerror(errno));
	while (rc == 0 && depth < MAX_DEPTH && (found = dir_next(dir)) != NULL) {
		const char *name = arena_printf(a, "%s%s", prefix, found);
		const char *path = arena_printf(a, "%s/%s", folder, found);
		struct stat st;

		if (is_ignored(l->scene, name) || lstat(path, &st) != 0)
			continue;
		if (S_ISDIR(st.st_mode))
			rc = look_below(l, path, arena_printf(a, "%s/", name), depth + 1, e);
		if (!S_ISREG(st.st_mode) || (l->host != NULL && st.st_size <= l->size))
			continue;
		l->host = path;
		l->name = name;
		l->size = st.st_size;
	}
	(void)closedir(dir); /* only read from */
	return rc;
}

static int look_inside(struct lair *l, struct err *e)
{
	int64_t deadline_ms =
		clock_monotonic_ms(l->scene->challenge->world->clock) + l->scene->check->timeout_ms;
	struct pack_list list;

	if (pack_read(l->scene->arena, l->path, deadline_ms, &list, e) < 0 ||
	    scene_check_room(l->scene, list.bytes,
			     artifact_path(l->scene->challenge->check, "path"), e) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		const struct packed *p = &list.items[i];

		if (p->type != MEMBER_FILE || is_ignored(l->scene, p->path) ||
		    (l->host != NULL && p->size <= l->size))
			continue;
		l->host = l->name = p->path;
		l->size = p->size;
	}
	return 0;
}

static enum form form_of(const struct scene *s, const char *path)
{
	const bool *open_it = artifact_field(s->check, "open");
	unsigned char head[512];
	struct stat st;
	ssize_t n;
	int fd;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return FORM_FOLDER;
	fd = file_open(path, &st, NULL);
	if (fd < 0)
		return FORM_FILE;
	n = file_read_at(fd, head, sizeof(head), 0);
	(void)close(fd); /* only read from */
	return *open_it && n > 0 && archive_is_likely(head, (size_t)n) ? FORM_ARCHIVE : FORM_FILE;
}

static int find_host(struct lair *l, struct err *e)
{
	struct stat st;

	switch (l->form) {
	case FORM_FILE:
		l->host = l->path;
		l->size = stat(l->path, &st) == 0 ? (int64_t)st.st_size : 0;
		return 0;
	case FORM_FOLDER:
		return look_below(l, l->path, "", 0, e);
	case FORM_ARCHIVE:
		return look_inside(l, e);
	}
	return 0;
}

/* --- survey --- */

static void add_losses(const struct lair *l)
{
	struct scene *s = l->scene;
	struct attack *a;

	if (l->form == FORM_FOLDER) {
		(void)scene_add(s, "missing", "",
				&(struct deed){.act = act_elsewhere,
					       .path = arena_printf(s->arena, "%s.gone", l->path),
					       .words = "the folder is gone"});
		a = scene_add(s, "unreadable", l->name,
			      &(struct deed){.act = act_mode,
					     .path = l->host,
					     .words = "nobody may read it"});
		if (geteuid() == 0)
			attack_settle(a, ATTACK_INCONCLUSIVE, "root may read everything");
		return;
	}
	bytes_add(s, l->path, "", BYTES_MISSING | (l->form == FORM_ARCHIVE ? BYTES_TORN_HALF : 0U));
}

static int secrets_survey(struct challenge *c, struct err *e)
{
	struct lair l = {.scene = c->state, .name = ""};
	static const struct pack_edit none;
	struct scene *s = l.scene;

	l.path = artifact_path(s->check, "path");
	l.form = form_of(s, l.path);
	if (find_host(&l, e) < 0)
		return -1;
	if (l.host == NULL)
		return err_set(e, ERR_MEASURE, "there is no file that it does not ignore");
	controls_add(s, l.path, l.form == FORM_ARCHIVE ? l.path : l.host);
	if (l.form == FORM_ARCHIVE && artifact_expects(s->check, "bytes") == NULL)
		add_packed(&l, "repacked", "", &none, "the same members are in a plain tar");
	add_losses(&l);
	if (artifact_expects(s->check, "findings") == NULL)
		return 0;
	add_families(&l);
	add_patterns(&l);
	if (l.form != FORM_ARCHIVE)
		add_places(&l);
	if (l.form != FORM_FILE) {
		const char *family;

		add_named(&l, "secret-named", "id_rsa", "x\n");
		add_named(&l, "secret-named", ".env", "x\n");
		add_named(&l, "secret-placed", "added.txt", secret_made(c->arena, 0, &family));
	}
	return 0;
}

const struct arsenal arsenal_secrets = {
	.rows = secrets_rows,
	.open = secrets_open,
	.survey = secrets_survey,
	.strike = artifact_strike,
	.words = artifact_words,
};
