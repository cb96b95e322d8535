/*
 * arsenal_digests: a file of a folder is damaged, gone, more; or the list is.
 *
 * The largest file that is listed stands for all: each is digested to its end. That whoever changes
 * a file writes the list anew is the attack this kind is blind to; it is fair where the list lies
 * within reach of the same hand, and another check of the definition may well guard the list.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/arsenal/artifact.h"
#include "audits/digests.h"
#include "audits/kind_rows.h"
#include "audits/manifest.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/digest.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"

static const struct attack_row digests_rows[] = {
	ROW_IDENTITY,
	ROW_NEIGHBOUR,
	ROW_TOUCHED,
	{.name = "mode", .help = "a file has other permissions", .is_control = true},
	{.name = "folder-added", .help = "there is an empty folder more", .is_control = true},
	{.name = "list-shuffled", .help = "the list has another order", .is_control = true},
	ROWS_OF_BYTES,
	{.name = "symlinked", .help = "a link out of the folder is in the place of a file"},
	{.name = "file-added", .help = "a file more is there"},
	{.name = "list-missing", .help = "the list is gone"},
	{.name = "list-empty", .help = "nothing is in the list"},
	{.name = "entry-lost", .help = "the list no longer names a file"},
	{.name = "list-forged", .help = "a file is another one, and the list was made anew"},
	{.name = NULL},
};

/* What survey() and the acts share. */
struct digested {
	const char *root, *list; /* the copies; list NULL = it is none: it comes from a commit */
	bool is_list_inside;
	const struct manifest_entry *victim; /* NULL = no file of the list can be damaged */
	const char *victim_path;
	int64_t victim_size;
	struct manifest manifest;
};

/* Where a path below the real root is in the copy; NULL = it is not below it. */
static const char *below(struct arena *a, const char *root, const char *copy, const char *path)
{
	size_t n = strlen(root);

	if (strcmp(root, "/") == 0 || strncmp(path, root, n) != 0 || path[n] != '/')
		return NULL;
	return arena_printf(a, "%s%s", copy, path + n);
}

static int digests_open(struct challenge *c, struct err *e)
{
	struct scene *s = scene_new(c, digests_rows);
	struct digests_spec *spec = s->check->spec;
	struct digested *d = arena_alloc(c->arena, sizeof(*d));
	const char *root = digests_root(c->arena, spec);
	bool is_held = file_is_held_name(spec->manifest);

	*d = (struct digested){0};
	s->more = d;
	if (scene_stage(s, root, &d->root, e) < 0)
		return -1;
	d->list = below(c->arena, root, d->root, spec->place);
	d->is_list_inside = d->list != NULL;
	if (d->list == NULL && !is_held && scene_stage(s, spec->place, &d->list, e) < 0)
		return -1;
	spec->root = d->root;
	spec->place = d->list != NULL ? d->list : spec->place;
	if (!is_held)
		spec->manifest = d->list;
	else
		d->list = NULL;
	scene_seal(s);
	return 0;
}

/* --- acts on the list --- */

static int read_list(const char *path, struct buf *out, struct err *e)
{
	buf_init(out, MANIFEST_MAX_BYTES);
	return file_read(path, out, e);
}

static int rewrite(struct scene *s, const char *path, const struct buf *text, struct err *e)
{
	struct bytes_held h;
	int rc;

	if (bytes_open(s, path, &h, e) < 0)
		return -1;
	rc = ftruncate(h.fd, 0) != 0
		     ? err_set(e, ERR_MEASURE, "could not cut \"%s\": %s", path, strerror(errno))
		     : bytes_write_at(&h, text->data, text->len, 0, e);
	return bytes_close(&h, rc == 0 ? e : NULL) < 0 ? -1 : rc;
}

/* The lines in the opposite order. */
static void reverse(const struct buf *text, struct buf *out)
{
	const char *end = text->data + text->len;

	while (end > text->data) {
		const char *p = end - 1;

		while (p > text->data && p[-1] != '\n')
			p--;
		(void)buf_add(out, p, (size_t)(end - p)); /* as large as what was read */
		if (end[-1] != '\n')
			(void)buf_putc(out, '\n');
		end = p;
	}
}

static int act_shuffled(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	struct buf text, out;
	int rc = read_list(d->path, &text, e);

	(void)dose;
	buf_init(&out, MANIFEST_MAX_BYTES + 1);
	if (rc == 0) {
		reverse(&text, &out);
		rc = rewrite(s, d->path, &out, e);
	}
	buf_release(&text);
	buf_release(&out);
	return rc;
}

/* Where the line of the victim begins, and its length with its end. */
static size_t line_of(const struct buf *text, unsigned line, size_t *at)
{
	const char *p = text->data, *end = text->data + text->len, *stop;

	for (unsigned i = 1; i < line && p != NULL && p < end; i++) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p != NULL ? p + 1 : end;
	}
	*at = (size_t)(p - text->data);
	stop = memchr(p, '\n', (size_t)(end - p));
	return (size_t)((stop != NULL ? stop + 1 : end) - p);
}

static int act_entry_lost(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	const struct digested *g = s->more;
	struct buf text;
	int rc = read_list(d->path, &text, e);
	size_t at, n;

	(void)dose;
	if (rc == 0) {
		n = line_of(&text, g->victim->line, &at);
		memmove(text.data + at, text.data + at + n, text.len - at - n);
		text.len -= n;
		rc = rewrite(s, d->path, &text, e);
	}
	buf_release(&text);
	return rc;
}

static int put_digest(const struct scene *s, const char *path, char *line, size_t n, struct err *e)
{
	const struct digested *g = s->more;
	int64_t deadline_ms = clock_monotonic_ms(s->challenge->world->clock) + 60000, size;
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX], old[SHA256_HEX], *place = NULL;
	struct stat st;
	int fd = file_open(path, &st, e);
	int rc = fd < 0 ? -1 : sha256_file(fd, deadline_ms, digest, &size, e);

	if (fd >= 0)
		(void)close(fd); /* only read from */
	if (rc < 0)
		return -1;
	sha256_hex(digest, hex);
	sha256_hex(g->victim->digest, old);
	for (size_t i = 0; place == NULL && i + SHA256_HEX - 1 <= n; i++)
		if (strncasecmp(line + i, old, SHA256_HEX - 1) == 0)
			place = line + i;
	if (place == NULL)
		return err_set(e, ERR_MEASURE, "could not find the digest of \"%s\" in the list",
			       g->victim->name);
	memcpy(place, hex, SHA256_HEX - 1);
	return 0;
}

static int act_forged(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	const struct digested *g = s->more;
	const struct deed changed = {.path = g->victim_path};
	struct buf text;
	int rc;
	size_t at, n;

	if (act_appended(s, &changed, dose, e) < 0)
		return -1;
	rc = read_list(d->path, &text, e);
	if (rc == 0) {
		n = line_of(&text, g->victim->line, &at);
		rc = put_digest(s, g->victim_path, text.data + at, n, e);
	}
	if (rc == 0)
		rc = rewrite(s, d->path, &text, e);
	buf_release(&text);
	return rc;
}

static int act_folder_added(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	(void)dose;
	if (scene_touch(s, d->path, e) < 0)
		return -1;
	return mkdir(d->path, 0755) != 0 ? err_set(e, ERR_MEASURE, "could not make \"%s\": %s",
						   d->path, strerror(errno))
					 : 0;
}

/* --- survey --- */

static int find_victim(struct scene *s, struct digested *g, const char *list, struct err *e)
{
	struct buf text;
	int rc = read_list(list, &text, e);

	if (rc == 0)
		rc = manifest_parse(s->arena, text.data, text.len, &g->manifest, e);
	buf_release(&text);
	if (rc < 0)
		return -1;
	for (size_t i = 0; i < g->manifest.by_name.n; i++) {
		const struct manifest_entry *m = g->manifest.by_name.entries[i].value;
		const char *path = arena_printf(s->arena, "%s/%s", g->root, m->name);
		struct stat st;

		/* A link on the way may lead to what is real. */
		if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
		    !file_leads_below(path, g->root) ||
		    (g->victim != NULL && st.st_size <= g->victim_size))
			continue;
		g->victim = m;
		g->victim_path = path;
		g->victim_size = st.st_size;
	}
	return 0;
}

static void add_extra(struct scene *s, const struct digested *g)
{
	static const char *const names[] = {"added.txt", "id_rsa", "added.so"};
	const struct digests_spec *spec = s->check->spec;

	for (size_t i = 0; spec->exact && i < sizeof(names) / sizeof(names[0]); i++) {
		struct attack *a = scene_add(
			s, "file-added", names[i],
			&(struct deed){.act = act_written,
				       .path = arena_printf(s->arena, "%s/%s", g->root, names[i]),
				       .text = "added\n",
				       .words = arena_printf(s->arena, "a file %s is there as well",
							     names[i])});

		for (size_t k = 0; k < spec->ignore.n; k++)
			if (str_glob(spec->ignore.items[k], names[i]))
				attack_settle(a, ATTACK_OUT_OF_CLAIM,
					      "the check ignores files of this name");
		if (map_get(&g->manifest.by_name, names[i]) != NULL)
			attack_settle(a, ATTACK_NO_EFFECT, "there is one already");
	}
}

/* Who else looks at the list: NULL = nobody of this definition. */
static const char *guard_of(const struct scene *s)
{
	const struct digests_spec *spec = s->challenge->check->spec;
	const struct definition *d = s->challenge->world->definition;

	for (size_t i = 0; i < d->n_checks; i++) {
		const struct check *c = d->checks[i];
		const char *kind = c->kind->name;
		bool is_signature = strcmp(kind, "signature") == 0;

		if (!is_signature && strcmp(kind, "file") != 0)
			continue;
		if (!is_signature && artifact_expects(c, "sha256") == NULL)
			continue;
		if (strcmp(artifact_path(c, is_signature ? "file" : "path"), spec->place) == 0)
			return c->name;
	}
	return NULL;
}

static void add_forged(struct scene *s, const struct digested *g)
{
	const char *guard = guard_of(s);
	struct attack *a = scene_add(
		s, "list-forged", g->victim->name,
		&(struct deed){.act = act_forged,
			       .path = g->list,
			       .words = "the file is another one, and the list was made anew"});

	if (g->list == NULL)
		attack_settle(a, ATTACK_GUARDED, "the list comes from a commit");
	else if (guard != NULL)
		attack_settle(a, ATTACK_GUARDED,
			      arena_printf(s->arena, "%s looks at the list itself", guard));
	else if (!g->is_list_inside)
		attack_settle(a, ATTACK_OUT_OF_REACH,
			      "the list lies elsewhere, where whoever changes files need not be "
			      "able to write");
}

static void add_list(struct scene *s, const struct digested *g)
{
	const struct digests_spec *spec = s->check->spec;

	if (g->list == NULL)
		return;
	(void)scene_add(s, "list-shuffled", "",
			&(struct deed){.act = act_shuffled,
				       .path = g->list,
				       .words = "the list has the opposite order"});
	(void)scene_add(
		s, "list-missing", "",
		&(struct deed){.act = act_missing, .path = g->list, .words = "the list is gone"});
	(void)scene_add(s, "list-empty", "",
			&(struct deed){.act = act_torn,
				       .path = g->list,
				       .words = "nothing is in the list"});
	if (spec->exact)
		(void)scene_add(s, "entry-lost", g->victim->name,
				&(struct deed){.act = act_entry_lost,
					       .path = g->list,
					       .words = "the list no longer names it"});
}

static void add_controls(struct scene *s, const struct digested *g)
{
	controls_add(s, g->root, g->victim_path);
	(void)scene_add(s, "mode", "",
			&(struct deed){.act = act_mode,
				       .path = g->victim_path,
				       .number = 0751,
				       .words = "its mode is 0751"});
	(void)scene_add(s, "folder-added", "",
			&(struct deed){.act = act_folder_added,
				       .path = arena_printf(s->arena, "%s/empty-folder", g->root),
				       .words = "there is an empty folder more"});
}

static int digests_survey(struct challenge *c, struct err *e)
{
	struct scene *s = c->state;
	const struct digests_spec *real = c->check->spec;
	struct digested *g = arena_alloc(c->arena, sizeof(*g));

	*g = *(const struct digested *)s->more;
	s->more = g;
	if (find_victim(s, g, real->manifest, e) < 0)
		return -1;
	if (g->victim == NULL)
		return err_set(e, ERR_MEASURE, "no file that is listed is one of the folder");
	add_controls(s, g);
	bytes_add(s, g->victim_path, g->victim->name, BYTES_ALL);
	(void)scene_add(
		s, "symlinked", g->victim->name,
		&(struct deed){.act = act_linked,
			       .path = g->victim_path,
			       .text = arena_printf(s->arena, "%s/%s", digests_root(s->arena, real),
						    g->victim->name),
			       .words = "a link to the same outside is in its place"});
	add_extra(s, g);
	add_list(s, g);
	add_forged(s, g);
	return 0;
}

const struct arsenal arsenal_digests = {
	.rows = digests_rows,
	.open = digests_open,
	.survey = digests_survey,
	.strike = artifact_strike,
	.words = artifact_words,
};
