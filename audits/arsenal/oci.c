/*
 * arsenal_oci: an image layout with a blob that is damaged, or one that is sound and another image.
 *
 * Whoever builds another image gets another digest all the way up to index.json. So do the attacks
 * on what an image says: the text of one document is another of the same length, and every document
 * that names its digest is written anew, until nothing changes any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/arsenal/artifact.h"
#include "audits/kind_rows.h"
#include "audits/oci.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/io/digest.h"
#include "runner/io/dir.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"

#define MAX_DOCUMENTS 1000
#define MAX_RULES     8
#define HEX	      (SHA256_HEX - 1)
#define YEAR_S	      (365 * 86400.0)
#define SECONDS_CHARS 19 /* of a time as RFC 3339 has it, without its fraction */

static const struct attack_row oci_rows[] = {
	ROW_IDENTITY,
	ROW_NEIGHBOUR,
	ROW_TOUCHED,
	ROWS_OF_BYTES,
	{.name = "symlinked", .help = "a symbolic link is in the place of a blob"},
	{.name = "orphan", .help = "a blob is there that nothing leads to"},
	{.name = "index-missing", .help = "index.json is gone"},
	{.name = "index-torn", .help = "the second half of index.json is gone"},
	{.name = "layout-missing", .help = "the file oci-layout is gone"},
	{.name = "rebuilt", .help = "it is another image, sound in itself"},
	{.name = "renamed", .help = "no image has the tag that is meant"},
	{.name = "platform-lost", .help = "the image of a platform is that of another"},
	{.name = "label-changed", .help = "a label has another value"},
	{.name = "label-lost", .help = "a label has another name"},
	{.name = "referrer-lost", .help = "what refers to the image is of another type"},
	{.name = "user-changed", .help = "the image runs as root, or as somebody else"},
	{.name = "stale", .help = "the image was created earlier"},
	{.name = NULL},
};

struct document {
	const char *name; /* "sha256" hex, or "index.json" */
	char *text;
	size_t n;
	const char *was; /* the name it had */
	bool is_changed;
};

struct image {
	struct arena *arena;
	const char *root;
	struct document *items; /* the last one is index.json */
	size_t n;
	const char *largest; /* blob */
	int64_t largest_size;
};

/* A text of documents that becomes another of the same length, wherever it stands in quotes. */
struct swap {
	const char *from, *to;
};

static int oci_open(struct challenge *c, struct err *e)
{
	const struct oci_spec *spec = c->check->spec;
	struct scene *s;

	if (spec->layout == NULL) {
		(void)err_set(e, ERR_MEASURE, "what is in a registry cannot be damaged from here");
		return err_help(e, "challenge a layout of it: skopeo copy docker://REPOSITORY:TAG "
				   "oci:FOLDER:TAG");
	}
	s = scene_new(c, oci_rows);
	if (scene_stage_key(s, "layout", e) < 0)
		return -1;
	scene_seal(s);
	return 0;
}

/* --- documents --- */

static int read_document(struct image *i, const char *path, const char *name, struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, OCI_MAX_DOCUMENT);
	rc = file_read(path, &text, e);
	if (rc == 0)
		i->items[i->n++] = (struct document){
			.name = name,
			.was = name,
			.text = arena_strndup(i->arena, text.data, text.len),
			.n = text.len,
		};
	buf_release(&text);
	return rc;
}

static bool is_document(const char *path, int64_t size)
{
	char first = '\0';
	int fd = size <= OCI_MAX_DOCUMENT ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;

	if (fd < 0)
		return false;
	(void)file_read_at(fd, &first, 1, 0); /* an empty one is none */
	(void)close(fd);		      /* only read from */
	return first == '{';
}

static int read_blobs(struct image *i, struct err *e)
{
	const char *folder = arena_printf(i->arena, "%s/blobs/sha256", i->root), *found;
	DIR *dir = dir_open(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	int rc = 0;

	if (dir == NULL)
		return err_set(e, ERR_MEASURE, "could not open folder \"%s\": %s", folder,
			       strerror(errno));
	while (rc == 0 && i->n + 1 < MAX_DOCUMENTS && (found = dir_next(dir)) != NULL) {
		const char *name = arena_strdup(i->arena, found);
		const char *path = arena_printf(i->arena, "%s/%s", folder, name);
		struct stat st;

		if (strlen(name) != HEX || lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
			continue;
		if (i->largest == NULL || st.st_size > i->largest_size) {
			i->largest = path;
			i->largest_size = st.st_size;
		}
		if (is_document(path, st.st_size))
			rc = read_document(i, path, name, e);
	}
	(void)closedir(dir); /* only read from */
	return rc;
}

static int read_image(struct image *i, struct err *e)
{
	i->items = arena_array(i->arena, MAX_DOCUMENTS, sizeof(*i->items));
	if (read_blobs(i, e) < 0)
		return -1;
	return read_document(i, arena_printf(i->arena, "%s/index.json", i->root), "index.json", e);
}

/* How often; all of it is as long as before. */
static size_t replace(struct document *d, const char *from, const char *to)
{
	size_t n = strlen(from), times = 0;

	for (char *p = d->text; (p = strstr(p, from)) != NULL; p += n, times++)
		memcpy(p, to, n);
	d->is_changed |= times > 0;
	return times;
}

/* Names follow contents, up to where nothing changes any more. */
static void rename_all(struct image *i)
{
	bool is_moving = true;

	for (size_t round = 0; is_moving && round < i->n; round++) {
		is_moving = false;
		for (size_t k = 0; k + 1 < i->n; k++) {
			struct document *d = &i->items[k];
			unsigned char digest[SHA256_BYTES];
			char *hex = arena_alloc(i->arena, SHA256_HEX);

			if (!d->is_changed)
				continue;
			sha256_of(d->text, d->n, digest);
			sha256_hex(digest, hex);
			if (strcmp(hex, d->name) == 0)
				continue;
			for (size_t m = 0; m < i->n; m++)
				(void)replace(&i->items[m], d->name, hex);
			d->name = hex;
			is_moving = true;
		}
	}
}

static const char *path_of(const struct image *i, const char *name)
{
	return strcmp(name, "index.json") == 0
		       ? arena_printf(i->arena, "%s/%s", i->root, name)
		       : arena_printf(i->arena, "%s/blobs/sha256/%s", i->root, name);
}

static int write_all(struct scene *s, const struct image *i, struct err *e)
{
	for (size_t k = 0; k < i->n; k++) {
		const struct document *d = &i->items[k];
		const struct deed gone = {.path = path_of(i, d->was)};
		const struct deed come = {.path = path_of(i, d->name), .text = d->text};

		if (d->is_changed &&
		    (act_missing(s, &gone, 0, e) < 0 || act_written_bytes(s, &come, d->n, e) < 0))
			return -1;
	}
	return 0;
}

static int act_swapped(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	struct image i = {.arena = s->arena, .root = d->path};
	const struct swap *swap = d->more;
	size_t times = 0;

	(void)dose;
	if (read_image(&i, e) < 0)
		return -1;
	for (size_t k = 0; k < i.n; k++)
		times += replace(&i.items[k], swap->from, swap->to);
	if (times == 0)
		return err_set(e, ERR_MEASURE, "no document of it holds %s", swap->from);
	rename_all(&i);
	return write_all(s, &i, e);
}

/* --- other texts of the same length --- */

/* The text that stands behind the key in a document, in quotes; NULL = none. */
static const char *value_of(struct arena *a, const struct image *i, const char *key)
{
	const char *quoted = arena_printf(a, "\"%s\"", key);

	for (size_t k = 0; k < i->n; k++) {
		const char *p = strstr(i->items[k].text, quoted);
		size_t n;

		if (p == NULL)
			continue;
		p += strlen(quoted);
		p += strspn(p, " \t\r\n");
		if (*p++ != ':')
			continue;
		p += strspn(p, " \t\r\n");
		n = *p == '"' ? strcspn(p + 1, "\"\\") : 0;
		if (n > 0)
			return arena_strndup(a, p + 1, n);
	}
	return NULL;
}

static const char *other_text(struct arena *a, const char *text)
{
	char *other = arena_strdup(a, text);
	size_t last = strlen(other) - 1;

	other[last] = other[last] == 'x' ? 'y' : 'x';
	return other;
}

static void add_swap(struct scene *s, const char *name, const char *object, const char *from,
		     const char *to)
{
	struct swap *swap = arena_alloc(s->arena, sizeof(*swap));
	struct attack *a;

	*swap = (struct swap){arena_printf(s->arena, "\"%s\"", from != NULL ? from : ""),
			      arena_printf(s->arena, "\"%s\"", to != NULL ? to : "")};
	a = scene_add(s, name, object,
		      &(struct deed){.act = act_swapped,
				     .path = artifact_path(s->check, "layout"),
				     .more = swap,
				     .words = arena_printf(s->arena, "it says %s, no longer %s",
							   swap->to, swap->from)});
	if (from == NULL)
		attack_settle(a, ATTACK_INCONCLUSIVE,
			      "its documents do not say it in so many words");
}

/* --- survey --- */

static bool is_expected(const struct scene *s, const char *value)
{
	return artifact_expects(s->check, value) != NULL;
}

static void add_blobs(struct scene *s, const struct image *i)
{
	static const char stray[] = "nothing leads here\n";
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];
	const struct document *d = &i->items[0];

	if (!is_expected(s, "problems"))
		return;
	bytes_add(s, i->largest, "largest blob", BYTES_ALL);
	if (i->n > 1)
		bytes_add(s, path_of(i, d->name), "a document",
			  BYTES_MISSING | BYTES_EMPTY | BYTES_TORN_BYTE | BYTES_APPENDED);
	(void)scene_add(s, "symlinked", "largest blob",
			&(struct deed){.act = act_linked,
				       .path = i->largest,
				       .text = "/etc/hostname",
				       .words = "a link out of the layout is in its place"});
	sha256_of(stray, sizeof(stray) - 1, digest);
	sha256_hex(digest, hex);
	if (is_expected(s, "orphans"))
		(void)scene_add(s, "orphan", "",
				&(struct deed){.act = act_written,
					       .path = path_of(i, arena_strdup(s->arena, hex)),
					       .text = stray,
					       .words = "a blob is there that nothing leads to"});
}

static void add_index(struct scene *s, const struct image *i)
{
	const char *index = arena_printf(s->arena, "%s/index.json", i->root);

	(void)scene_add(
		s, "index-missing", "",
		&(struct deed){.act = act_missing, .path = index, .words = "index.json is gone"});
	(void)scene_add(s, "index-torn", "",
			&(struct deed){.act = act_torn,
				       .path = index,
				       .number = (double)(i->items[i->n - 1].n / 2),
				       .words = "the second half of index.json is gone"});
	(void)scene_add(s, "layout-missing", "",
			&(struct deed){.act = act_missing,
				       .path = arena_printf(s->arena, "%s/oci-layout", i->root),
				       .words = "the file oci-layout is gone"});
}

static void add_selection(struct scene *s, const struct image *i)
{
	const struct oci_spec *spec = s->check->spec;
	struct arena *a = s->arena;

	if (spec->ref != NULL && !str_starts(spec->ref, "sha256:"))
		add_swap(s, "renamed", "", spec->ref, other_text(a, spec->ref));
	for (size_t k = 0; is_expected(s, "missing_platforms") && k < spec->platforms.n; k++) {
		const char *platform = spec->platforms.items[k];
		const char *slash = strchr(platform, '/');
		const char *arch = arena_strndup(a, slash + 1, strcspn(slash + 1, "/"));

		add_swap(s, "platform-lost", platform, arch, other_text(a, arch));
	}
	for (size_t k = 0; is_expected(s, "missing_referrers") && k < spec->referrers.n; k++) {
		const char *type = spec->referrers.items[k];
		const char *said =
			strchr(type, '*') == NULL ? type : value_of(a, i, "artifactType");

		if (said != NULL && str_glob(type, said))
			add_swap(s, "referrer-lost", type, said, arena_printf(a, "x%s", said + 1));
	}
}

static void add_labels(struct scene *s, const struct image *i)
{
	const struct oci_spec *spec = s->check->spec;
	struct arena *a = s->arena;

	for (size_t k = 0; k < spec->labels.n && k < MAX_RULES; k++) {
		const struct pair *p = &spec->labels.items[k];
		const char *value = value_of(a, i, p->name);

		if (!is_expected(s, "label_differences"))
			return;
		add_swap(s, "label-lost", p->name, p->name, other_text(a, p->name));
		/* of which any value will do, no other is claimed */
		if (value != NULL && !str_glob(p->value, arena_printf(a, "x%s", value + 1)))
			add_swap(s, "label-changed", p->name, value,
				 arena_printf(a, "x%s", value + 1));
	}
}

/* "1000:1000" becomes root's, a name another one. */
static const char *other_user(struct arena *a, const char *user)
{
	char *other = arena_strdup(a, user);

	if (user[0] < '0' || user[0] > '9')
		return other_text(a, user);
	for (char *c = other; *c != '\0' && *c != ':'; c++)
		*c = '0';
	return other;
}

static int act_stale(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	struct deed swapped = *d;
	char *other = arena_printf(s->arena, "\"%s\"", d->text);
	struct swap swap = {arena_strdup(s->arena, other), other};
	char text[UTC_MAX];
	int64_t ms;
	int has_zone;

	if (utc_parse(d->text, strlen(d->text), &ms, &has_zone) != 0)
		return err_set(e, ERR_MEASURE, "its time of creation is none");
	(void)utc_format(ms - (int64_t)(dose * 1000), 0, text);
	memcpy(other + 1, text, SECONDS_CHARS);
	swapped.more = &swap;
	return act_swapped(s, &swapped, 0, e);
}

static int act_rebuilt(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	(void)dose;
	return act_stale(s, d, 1, e);
}

static const char *tell_stale(struct arena *a, const struct deed *d, double dose)
{
	char text[NUM_REAL_MAX];

	(void)d;
	(void)num_format_duration((int64_t)(dose * 1000), text);
	return arena_printf(a, "it says it was created %s earlier", text);
}

static void add_config(struct scene *s, const struct image *i)
{
	struct arena *a = s->arena;
	const char *user = value_of(a, i, "User"), *created = value_of(a, i, "created");
	struct attack *attack;

	if (is_expected(s, "user"))
		add_swap(s, "user-changed", "", user, user != NULL ? other_user(a, user) : NULL);
	if (created == NULL || strlen(created) <= SECONDS_CHARS)
		return;
	if (is_expected(s, "digest"))
		(void)scene_add(s, "rebuilt", "",
				&(struct deed){.act = act_rebuilt,
					       .path = i->root,
					       .text = created,
					       .words = "it is another image, created a second "
							"earlier"});
	if (!artifact_minds_real(a, s->check, "age", 100 * YEAR_S))
		return;
	attack = scene_add(
		s, "stale", "",
		&(struct deed){
			.act = act_stale, .path = i->root, .text = created, .tell = tell_stale});
	attack->dose = YEAR_S;
	attack->least = 1;
	attack->most = 40 * YEAR_S;
}

static int oci_survey(struct challenge *c, struct err *e)
{
	struct scene *s = c->state;
	struct image i = {.arena = c->arena, .root = artifact_path(s->check, "layout")};
	struct stat st;

	if (stat(i.root, &st) == 0 && S_ISREG(st.st_mode)) { /* a tar of one */
		controls_add(s, i.root, i.root);
		bytes_add(s, i.root, "", BYTES_MISSING | BYTES_EMPTY | BYTES_TORN_HALF);
		return 0;
	}
	if (read_image(&i, e) < 0)
		return -1;
	controls_add(s, i.root, i.largest);
	add_blobs(s, &i);
	add_index(s, &i);
	add_selection(s, &i);
	add_labels(s, &i);
	add_config(s, &i);
	return 0;
}

const struct arsenal arsenal_oci = {
	.rows = oci_rows,
	.open = oci_open,
	.survey = oci_survey,
	.strike = artifact_strike,
	.words = artifact_words,
};
