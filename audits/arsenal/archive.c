/*
 * arsenal_archive: an archive that is torn, or packed anew with another member.
 *
 * What the bytes of an archive are is claimed only where a checksum of its format covers them: a
 * bit of a plain tar is a bit of some member, and members are claimed by the rules that name them.
 * Every archive that is packed anew is a plain tar; the control "repacked" shows that this is no
 * damage by itself.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/archive_rules.h"
#include "audits/arsenal/artifact.h"
#include "audits/arsenal/pack.h"
#include "audits/kind_rows.h"
#include "audits/manifest.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/io/tar_header.h"
#include "runner/model/definition.h"

#define MAX_RULES   8 /* of a kind: more of them are attacked alike */
#define ZEROS_BYTES ((size_t)48 * 1024 * 1024)
#define ZEROS_RATIO 200 /* what zeros are packed to, at least */

static const struct attack_row archive_rows[] = {
	ROW_IDENTITY,
	ROW_NEIGHBOUR,
	ROW_TOUCHED,
	{.name = "repacked",
	 .help = "the same members as a plain tar, in another order",
	 .is_control = true},
	ROWS_OF_BYTES,
	{.name = "member-lost", .help = "a member that is asked for is gone"},
	{.name = "members-lost", .help = "a share of the members is gone"},
	{.name = "member-changed", .help = "one bit of a member is another"},
	{.name = "member-added", .help = "a member more, one that is forbidden or not listed"},
	{.name = "member-mode", .help = "a member has another mode"},
	{.name = "member-owner", .help = "a member belongs to somebody else"},
	{.name = "climbing", .help = "a member is named ../ and so on"},
	{.name = "absolute", .help = "the name of a member begins with a slash"},
	{.name = "link-escapes", .help = "a member is a link that leads out of the archive"},
	{.name = "duplicate", .help = "there are two members of one name"},
	{.name = "case-twin", .help = "the names of two members differ in case only"},
	{.name = "device", .help = "a member is a device"},
	{.name = "suid", .help = "a member runs as its owner"},
	{.name = "bomb", .help = "it unpacks to a great many times its size"},
	{.name = NULL},
};

struct store {
	struct pack_list list;
	const struct packed *victim; /* the largest file; NULL = there is none */
};

static int archive_open_scene(struct challenge *c, struct err *e)
{
	struct scene *s = scene_new(c, archive_rows);

	if (scene_stage_file(s, "path", e) < 0)
		return -1;
	scene_seal(s);
	return 0;
}

static int64_t deadline_of(const struct scene *s)
{
	return clock_monotonic_ms(s->challenge->world->clock) + s->check->timeout_ms;
}

/* --- acts --- */

static int act_packed(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	struct pack_edit edit = *(const struct pack_edit *)d->more;

	if (dose > 0) { /* a share of the members; of none there would be nothing to look at */
		edit.kept = (size_t)(d->number * (1 - dose));
		edit.kept = edit.kept > 0 ? edit.kept : 1;
	}
	if (scene_touch(s, d->path, e) < 0)
		return -1;
	return pack_tar(artifact_path(s->challenge->check, "path"), d->path, &edit, deadline_of(s),
			e);
}

static int act_zeros(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	(void)dose;
	if (scene_touch(s, d->path, e) < 0)
		return -1;
	return pack_zeros(d->path, ZEROS_BYTES, e);
}

static struct attack *add_packed(struct scene *s, const char *name, const char *object,
				 const struct pack_edit *edit, const char *words)
{
	struct pack_edit *kept = arena_alloc(s->arena, sizeof(*kept));

	*kept = *edit;
	return scene_add(s, name, object,
			 &(struct deed){.act = act_packed,
					.path = artifact_path(s->check, "path"),
					.more = kept,
					.words = words});
}

/* --- what there is --- */

static const struct packed *find(const struct store *st, const char *glob, bool is_file)
{
	const struct packed *found = NULL;

	for (size_t i = 0; i < st->list.n; i++) {
		const struct packed *p = &st->list.items[i];

		if ((is_file && p->type != MEMBER_FILE) || p->path[0] == '\0' ||
		    !str_glob(glob, p->path))
			continue;
		if (found == NULL || p->size > found->size)
			found = p;
	}
	return found;
}

/* A name that the glob matches. */
static const char *name_of(struct arena *a, const char *glob)
{
	char *name = arena_strdup(a, glob);

	for (char *c = name; *c != '\0'; c++)
		if (*c == '*' || *c == '?')
			*c = 'x';
	return name;
}

static bool is_expected(const struct scene *s, const char *value)
{
	return artifact_expects(s->check, "differences") != NULL ||
	       artifact_expects(s->check, value) != NULL;
}

static bool is_allowed(const struct scene *s, const char *what)
{
	const struct texts *allow = artifact_field(s->check, "allow");

	for (size_t i = 0; i < allow->n; i++)
		if (strcmp(allow->items[i], what) == 0)
			return true;
	return false;
}

/* --- the bytes --- */

enum format { FORMAT_OTHER, FORMAT_SUMMED, FORMAT_BZIP2, FORMAT_7Z, FORMAT_PADDED };

static bool is_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static enum format format_of(const char *path)
{
	unsigned char h[8] = {0}, tail[3 * TAR_BLOCK];
	enum format format = FORMAT_OTHER;
	struct stat st;
	int fd = file_open(path, &st, NULL);

	if (fd < 0)
		return FORMAT_OTHER;
	(void)file_read_at(fd, h, sizeof(h), 0); /* short: zeros */
	if (memcmp(h, "BZh", 3) == 0)
		format = FORMAT_BZIP2;
	else if (memcmp(h, "7z\xbc\xaf", 4) == 0)
		format = FORMAT_7Z;
	else if (memcmp(h, "\x1f\x8b", 2) == 0 ||
		 memcmp(h,
			"\xfd"
			"7zXZ",
			5) == 0 ||
		 memcmp(h, "PK", 2) == 0 ||
		 (memcmp(h, "\x28\xb5\x2f\xfd", 4) == 0 && (h[4] & 4) != 0))
		format = FORMAT_SUMMED;
	else if (st.st_size > (off_t)sizeof(tail) &&
		 file_read_at(fd, tail, sizeof(tail), (uint64_t)st.st_size - sizeof(tail)) ==
			 (ssize_t)sizeof(tail) &&
		 is_zero(tail, sizeof(tail)))
		format = FORMAT_PADDED; /* more than the two blocks that end a tar */
	(void)close(fd);		/* only read from */
	return format;
}

static void settle(struct challenge *c, const char *name, const char *object, const char *reason,
		   enum attack_outcome outcome)
{
	for (size_t i = 0; i < c->n_attacks; i++)
		if (strcmp(c->attacks[i].row->name, name) == 0 &&
		    strcmp(c->attacks[i].object, object) == 0)
			attack_settle(&c->attacks[i], outcome, reason);
}

static void add_bytes(struct scene *s, const char *path)
{
	unsigned which = BYTES_MISSING | BYTES_EMPTY | BYTES_TORN_HALF | BYTES_TORN_BYTE;
	struct challenge *c = s->challenge;
	enum format format = format_of(path);

	if (is_expected(s, "unsafe") && !is_allowed(s, "gaps"))
		which |= BYTES_APPENDED;
	if (format == FORMAT_SUMMED || format == FORMAT_BZIP2)
		which |= BYTES_FLIPPED;
	bytes_add(s, path, "", which);
	if (format == FORMAT_BZIP2)
		settle(c, "bit-flipped", "tail", "the last bits of bzip2 are padding",
		       ATTACK_NO_EFFECT);
	if (format == FORMAT_PADDED)
		settle(c, "torn-byte", "", "it is padding behind the end of the tar",
		       ATTACK_NO_EFFECT);
	if (format == FORMAT_7Z)
		settle(c, "byte-appended", "",
		       "bytes of a 7z that belong to no member are not looked for",
		       ATTACK_OUT_OF_REACH);
}

/* --- the members --- */

static void add_required(struct scene *s)
{
	const struct texts *required = artifact_field(s->check, "required");

	for (size_t i = 0; is_expected(s, "missing") && i < required->n && i < MAX_RULES; i++) {
		const char *glob = required->items[i];

		(void)add_packed(s, "member-lost", glob, &(struct pack_edit){.lost = glob},
				 "what it asks for is gone");
	}
}

static void add_forbidden(struct scene *s)
{
	const struct texts *forbidden = artifact_field(s->check, "forbidden");
	const bool *is_exact = artifact_field(s->check, "exact");

	for (size_t i = 0; is_expected(s, "forbidden") && i < forbidden->n && i < MAX_RULES; i++) {
		const char *name = name_of(s->arena, forbidden->items[i]);

		(void)add_packed(s, "member-added", forbidden->items[i],
				 &(struct pack_edit){.added = {.name = name,
							       .content = "x\n",
							       .type = MEMBER_FILE,
							       .mode = 0644}},
				 arena_printf(s->arena, "a member %s is there", name));
	}
	if (*is_exact && is_expected(s, "unlisted"))
		(void)add_packed(s, "member-added", "not listed",
				 &(struct pack_edit){.added = {.name = "added.txt",
							       .content = "x\n",
							       .type = MEMBER_FILE,
							       .mode = 0644}},
				 "a member added.txt is there, which nobody lists");
}

/* The largest member whose digest is listed. */
static const struct packed *listed(struct scene *s, const struct store *st, struct err *e)
{
	const struct pairs *pairs = artifact_field(s->check, "sha256");
	const char *members = artifact_path(s->check, "members");
	const struct packed *found = NULL;
	struct manifest manifest = {{0}};
	struct buf text;

	if (members != NULL) {
		buf_init(&text, MANIFEST_MAX_BYTES);
		if (file_read(members, &text, e) == 0)
			(void)manifest_parse(s->arena, text.data, text.len, &manifest, e);
		buf_release(&text);
	}
	for (size_t i = 0; i < st->list.n; i++) {
		const struct packed *p = &st->list.items[i];
		bool is_listed = members != NULL && map_get(&manifest.by_name, p->path) != NULL;

		for (size_t k = 0; !is_listed && k < pairs->n; k++)
			is_listed = strcmp(pairs->items[k].name, p->path) == 0;
		if (is_listed && p->type == MEMBER_FILE && p->size > 0 &&
		    (found == NULL || p->size > found->size))
			found = p;
	}
	return found;
}

static void add_listed(struct scene *s, const struct store *st)
{
	struct err ignored = {0}; /* the baseline has read the list */
	const struct packed *p = listed(s, st, &ignored);

	if (p == NULL)
		return;
	if (is_expected(s, "different"))
		(void)add_packed(s, "member-changed", p->path,
				 &(struct pack_edit){.changed = p->path},
				 "its first byte is another");
	if (is_expected(s, "missing"))
		(void)add_packed(s, "member-lost", p->path, &(struct pack_edit){.lost = p->path},
				 "the member is gone");
}

static void add_attributes(struct scene *s, const struct store *st)
{
	const struct pairs *modes = artifact_field(s->check, "modes");
	const char *owner = artifact_path(s->check, "owner");

	if (!is_expected(s, "attributes"))
		return;
	for (size_t i = 0; i < modes->n && i < MAX_RULES; i++) {
		const struct packed *p = find(st, modes->items[i].name, false);

		if (p == NULL || p->type == MEMBER_SYMLINK)
			continue;
		(void)add_packed(s, "member-mode", modes->items[i].name,
				 &(struct pack_edit){.attributed = p->path, .mode = p->mode ^ 0022},
				 arena_printf(s->arena, "the mode of %s is %04o, no longer %04o",
					      p->path, p->mode ^ 0022, p->mode));
	}
	if (owner != NULL && st->victim != NULL)
		(void)add_packed(
			s, "member-owner", st->victim->path,
			&(struct pack_edit){.attributed = st->victim->path, .mode = PACK_OWNER},
			"it belongs to user and group 54321");
}

static const char *in_other_case(struct arena *a, const char *path)
{
	char *twin = arena_strdup(a, path);

	for (char *c = twin; *c != '\0'; c++) {
		if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z')) {
			*c = (char)(*c ^ 0x20);
			return twin;
		}
	}
	return NULL;
}

static void add_odd(struct scene *s, const char *name, struct pack_added added, const char *words)
{
	added.type = added.type != MEMBER_UNKNOWN ? added.type : MEMBER_FILE;
	added.mode = added.mode != 0 ? added.mode : 0644;
	(void)add_packed(s, name, "", &(struct pack_edit){.added = added}, words);
}

static void add_unsafe(struct scene *s, const struct store *st)
{
	const int *links = artifact_field(s->check, "links");
	const struct packed *p = st->victim;
	const char *twin = p != NULL ? in_other_case(s->arena, p->path) : NULL;

	if (!is_expected(s, "unsafe"))
		return;
	add_odd(s, "climbing", (struct pack_added){.name = "../climbing", .content = "x\n"},
		"a member is named ../climbing");
	add_odd(s, "absolute", (struct pack_added){.name = "/etc/absolute", .content = "x\n"},
		"a member is named /etc/absolute");
	if (*links != LINKS_ANY && p != NULL)
		(void)add_packed(
			s, "link-escapes", p->path,
			&(struct pack_edit){.linked = p->path, .link = "../../../../../etc/passwd"},
			"a symbolic link out of the archive is in its place");
	if (p != NULL && !is_allowed(s, "duplicates"))
		add_odd(s, "duplicate", (struct pack_added){.name = p->name, .content = "x\n"},
			arena_printf(s->arena, "there are two members %s", p->path));
	if (twin != NULL && !is_allowed(s, "case"))
		add_odd(s, "case-twin", (struct pack_added){.name = twin, .content = "x\n"},
			arena_printf(s->arena, "there is a member %s as well", twin));
	if (!is_allowed(s, "devices"))
		add_odd(s, "device", (struct pack_added){.name = "device", .type = MEMBER_DEVICE},
			"a member is a device");
	if (!is_allowed(s, "setuid"))
		add_odd(s, "suid",
			(struct pack_added){.name = "suid", .content = "x\n", .mode = 04755},
			"a member runs as its owner");
}

static const char *tell_lost(struct arena *a, const struct deed *d, double dose)
{
	char text[NUM_REAL_MAX];

	(void)d;
	num_format_real((double)(int64_t)(dose * 1000 + 0.5) / 10, text);
	return arena_printf(a, "%s %% of its members are gone", text);
}

static void add_counts(struct scene *s, const struct store *st)
{
	static const struct pack_edit none;
	const int64_t *max_ratio = artifact_field(s->check, "max_ratio");
	const char *path = artifact_path(s->check, "path");
	struct attack *a;

	if (artifact_minds_int(s->arena, s->check, "members", 1) && st->list.n > 1) {
		a = scene_add(s, "members-lost", "",
			      &(struct deed){.act = act_packed,
					     .path = path,
					     .more = &none,
					     .number = (double)st->list.n,
					     .tell = tell_lost});
		a->dose = 0.5;
		a->least = 1 / (double)st->list.n;
		a->most = 1;
	}
	if (*max_ratio <= ZEROS_RATIO)
		(void)scene_add(s, "bomb", "",
				&(struct deed){.act = act_zeros,
					       .path = path,
					       .words = "48 MiB of zeros, well packed, are in "
							"its place"});
}

/* They stand behind the member they lead to. */
static bool has_hard_links(const struct store *st)
{
	for (size_t i = 0; i < st->list.n; i++)
		if (st->list.items[i].type == MEMBER_HARDLINK)
			return true;
	return false;
}

static int archive_survey(struct challenge *c, struct err *e)
{
	struct scene *s = c->state;
	const char *path = artifact_path(s->check, "path");
	struct store st = {.victim = NULL};
	struct pack_edit moved = {.moved = NULL};

	if (pack_read(c->arena, path, deadline_of(s), &st.list, e) < 0 ||
	    scene_check_room(s, st.list.bytes, artifact_path(c->check, "path"), e) < 0)
		return -1;
	st.victim = find(&st, "*", true);
	controls_add(s, path, path);
	if (st.victim != NULL && !has_hard_links(&st))
		moved.moved = st.victim->path;
	if (artifact_expects(s->check, "ratio") == NULL)
		(void)add_packed(s, "repacked", "", &moved,
				 "the same members are in a plain tar, one of them at its end");
	add_bytes(s, path);
	add_required(s);
	add_listed(s, &st);
	add_forbidden(s);
	add_attributes(s, &st);
	add_unsafe(s, &st);
	add_counts(s, &st);
	return 0;
}

const struct arsenal arsenal_archive = {
	.rows = archive_rows,
	.open = archive_open_scene,
	.survey = archive_survey,
	.strike = artifact_strike,
	.words = artifact_words,
};
