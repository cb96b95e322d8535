/*
 * archive: the members of one archive, looked at in a single pass and never extracted.
 *
 * The door (runner/io/archive.h) reads, archive_rules.c and archive_links.c judge members,
 * zip_layout.c compares the two accounts a zip gives of itself. Here is what belongs together: the
 * keys, the pass, the values.
 *
 * An archive that cannot be read to its end has no values at all: what was found by then is a lower
 * bound, and a lower bound passes where the truth would not.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audits/archive_rules.h"
#include "audits/kind_rows.h"
#include "audits/manifest.h"
#include "audits/zip_layout.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/archive.h"
#include "runner/io/digest.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

#define EVIDENCE_LINES 50

struct archive_spec {
	const char *path, *members, *owner;
	struct texts required, forbidden, allow;
	struct pairs digests, modes;
	bool exact;
	int links; /* enum archive_links */
	int64_t max_members, max_bytes, max_ratio;

	/* Made of the above by archive_check(). */
	unsigned allowed;
	const char *user, *group;
};

static const char *const link_choices[] = {"inside", "none", "any", NULL};

static const struct key_row archive_keys[] = {
	{.name = "path",
	 .type = KEY_PATH,
	 .flags = KEY_REQUIRED | KEY_WORLD,
	 .offset = offsetof(struct archive_spec, path),
	 .help = "the archive, relative to the definition: tar, zip, 7z, ar or cpio, also "
		 "compressed",
	 .example = "dist/shop.tar.gz"},
	{.name = "required",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct archive_spec, required),
	 .help = "names of files that must be there, or of folders with / at the end; * also "
		 "matches /; a symbolic link is what it leads to",
	 .example = "[LICENSE, \"bin/*\", etc/]"},
	{.name = "forbidden",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct archive_spec, forbidden),
	 .help = "names that must not be there; * also matches /, and */x is found in a folder "
		 "only",
	 .example = "[\"*.pem\", \"*.git/*\"]"},
	{.name = "members",
	 .type = KEY_PATH,
	 .flags = KEY_POLICY | KEY_WORLD,
	 .offset = offsetof(struct archive_spec, members),
	 .help = "list of SHA-256 digests of members as sha256sum writes it, relative to the "
		 "definition",
	 .example = "dist/MEMBERS"},
	{.name = "sha256",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct archive_spec, digests),
	 .help = "digests of members by name, 64 hexadecimal digits each",
	 .example = "{LICENSE: "
		    "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03}"},
	{.name = "exact",
	 .type = KEY_BOOL,
	 .offset = offsetof(struct archive_spec, exact),
	 .def = "false",
	 .help = "a member, folders apart, that is not in `members` or `sha256` is a difference"},
	{.name = "modes",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct archive_spec, modes),
	 .help = "permissions by name as chmod writes them; * also matches /, the first that "
		 "matches counts; what matches no member is missing",
	 .example = "{\"bin/*\": \"0755\", \"*.conf\": \"0644\"}"},
	{.name = "owner",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct archive_spec, owner),
	 .help = "user or user:group that every member must belong to, names or numbers",
	 .example = "root:root"},
	{.name = "links",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct archive_spec, links),
	 .choices = link_choices,
	 .def = "inside",
	 .help = "links that are safe: those that stay inside the archive, none, or any"},
	{.name = "allow",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct archive_spec, allow),
	 .help = "what is unsafe otherwise: case, devices, duplicates, gaps, setuid",
	 .example = "[setuid]"},
	{.name = "max_members",
	 .type = KEY_INT,
	 .offset = offsetof(struct archive_spec, max_members),
	 .min = 1,
	 .max = 10000000,
	 .def = "200000",
	 .help = "an archive of more members is not read further"},
	{.name = "max_bytes",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct archive_spec, max_bytes),
	 .min = 1,
	 .max = INT64_C(1) << 50,
	 .def = "16GiB",
	 .help = "one that unpacks to more is not read further"},
	{.name = "max_ratio",
	 .type = KEY_INT,
	 .offset = offsetof(struct archive_spec, max_ratio),
	 .min = 1,
	 .max = 1000000,
	 .def = "200",
	 .help = "one that unpacks to more than 16 MiB and so many times its size is not read "
		 "further"},
	KEY_END,
};

static const struct value_row archive_values[] = {
	{.name = "differences",
	 .type = VALUE_INT,
	 .unit = "differences",
	 .implied = "== 0",
	 .help = "everything found wrong: the sum of the six below"},
	{.name = "unsafe",
	 .type = VALUE_INT,
	 .unit = "",
	 .help = "what would do harm unpacked, or be unpacked differently by two programs: "
		 "absolute and climbing names, escaping links, duplicates, names that differ in "
		 "case, devices, setuid, two accounts in a zip or of one member of a tar, bytes "
		 "behind the end"},
	{.name = "different",
	 .type = VALUE_INT,
	 .unit = "",
	 .help = "members whose digest is not the listed one"},
	{.name = "missing",
	 .type = VALUE_INT,
	 .unit = "",
	 .help = "names that are required, listed or given a mode, and not there"},
	{.name = "forbidden", .type = VALUE_INT, .unit = "", .help = "members that are forbidden"},
	{.name = "unlisted",
	 .type = VALUE_INT,
	 .unit = "",
	 .help = "with `exact`, members that are not listed"},
	{.name = "attributes", .type = VALUE_INT, .unit = "", .help = "wrong modes and owners"},
	{.name = "members", .type = VALUE_INT, .unit = "", .help = "how many, folders included"},
	{.name = "bytes",
	 .type = VALUE_INT,
	 .unit = "B",
	 .help = "content of all members, unpacked"},
	{.name = "ratio",
	 .type = VALUE_REAL,
	 .unit = "",
	 .is_at_least_0 = true,
	 .help = "content by the size of the archive"},
	{.name = NULL},
};

static const char *const allowances[] = {"case", "devices", "duplicates", "gaps", "setuid"};

static void check_allow(struct keys_context *ctx, struct check *c, struct archive_spec *spec)
{
	size_t n = sizeof(allowances) / sizeof(allowances[0]);

	for (size_t i = 0; i < spec->allow.n; i++) {
		size_t k = 0;

		while (k < n && strcmp(allowances[k], spec->allow.items[i]) != 0)
			k++;
		if (k < n)
			spec->allowed |= 1U << k; /* in the order of enum archive_allowance */
		else
			(void)diags_at(ctx->diags, spec->allow.positions[i],
				       "it is one of case, devices, duplicates, gaps, setuid",
				       "check \"%s\": cannot allow \"%s\"", c->name,
				       str_escaped(ctx->arena, spec->allow.items[i]));
	}
}

/* A member is compared by its plain name, so what is asked of it has to be one as well. */
static const char *plain_name(struct keys_context *ctx, const struct check *c, const char *name,
			      struct pos pos)
{
	const char *plain = archive_path(ctx->arena, name);
	const char *shown = str_escaped(ctx->arena, plain);

	if (archive_asks_folder(name))
		(void)diags_at(ctx->diags, pos,
			       arena_printf(ctx->arena,
					    "\"%s\" is the folder, \"%s/*\" what is in it", shown,
					    shown),
			       "check \"%s\": no member is ever \"%s\": names do not end with /",
			       c->name, str_escaped(ctx->arena, name));
	return plain;
}

static void read_names(struct keys_context *ctx, const struct check *c, struct archive_spec *spec)
{
	struct texts *required = &spec->required, *forbidden = &spec->forbidden;
	struct pairs *tables[] = {&spec->digests, &spec->modes};

	for (size_t i = 0; i < required->n; i++) {
		const char *name = required->items[i];

		required->items[i] =
			arena_printf(ctx->arena, "%s%s", archive_path(ctx->arena, name),
				     archive_asks_folder(name) ? "/" : "");
	}
	for (size_t i = 0; i < forbidden->n; i++)
		forbidden->items[i] =
			plain_name(ctx, c, forbidden->items[i], forbidden->positions[i]);
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < tables[k]->n; i++)
			tables[k]->items[i].name = plain_name(ctx, c, tables[k]->items[i].name,
							      tables[k]->items[i].pos);
}

/* The first that matches counts: behind one that matches as much, a mode is never looked at. */
static void check_reached(struct keys_context *ctx, const struct check *c,
			  const struct archive_spec *spec, size_t i)
{
	const struct pair *p = &spec->modes.items[i];

	for (size_t k = 0; k < i; k++) {
		const char *above = spec->modes.items[k].name;

		/* A star of one stands for any text, hence also for what the other has there. */
		if (strchr(above, '?') || !str_glob(above, p->name))
			continue;
		(void)diags_at(ctx->diags, p->pos, "write it above the other",
			       "check \"%s\": the mode of \"%s\" never counts: \"%s\" above it "
			       "matches the same",
			       c->name, str_escaped(ctx->arena, p->name),
			       str_escaped(ctx->arena, above));
		return;
	}
}

static void check_pairs(struct keys_context *ctx, struct check *c, const struct archive_spec *spec)
{
	unsigned char digest[SHA256_BYTES];

	for (size_t i = 0; i < spec->digests.n; i++) {
		const struct pair *p = &spec->digests.items[i];

		if (sha256_from_hex(p->value, strlen(p->value), digest) < 0)
			(void)diags_at(ctx->diags, p->pos, "sha256sum prints it",
				       "check \"%s\": the digest of \"%s\" is not 64 hexadecimal "
				       "digits",
				       c->name, str_escaped(ctx->arena, p->name));
	}
	for (size_t i = 0; i < spec->modes.n; i++) {
		const struct pair *p = &spec->modes.items[i];
		size_t n = strlen(p->value);

		check_reached(ctx, c, spec, i);
		if (n < 3 || n > 4 || strspn(p->value, "01234567") != n)
			(void)diags_at(ctx->diags, p->pos, "write it quoted, as \"0644\"",
				       "check \"%s\": \"%s\" is not a mode of three or four octal "
				       "digits",
				       c->name, str_escaped(ctx->arena, p->value));
	}
}

static void archive_check(struct keys_context *ctx, struct check *c)
{
	struct archive_spec *spec = c->spec;
	const char *colon = spec->owner ? strchr(spec->owner, ':') : NULL;

	if (!archive_is_built())
		(void)diags_at(ctx->diags, c->kind_pos, "install libarchive-dev and build again",
			       "check \"%s\": this assize was built without archives", c->name);
	check_allow(ctx, c, spec);
	read_names(ctx, c, spec);
	check_pairs(ctx, c, spec);
	if (spec->exact && !spec->members && spec->digests.n == 0)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "exact"),
			       "write members: or sha256:",
			       "check \"%s\": \"exact\" needs a list of members", c->name);
	if (!spec->owner)
		return;
	spec->user = colon ? arena_strndup(ctx->arena, spec->owner, (size_t)(colon - spec->owner))
			   : spec->owner;
	spec->group = colon ? colon + 1 : NULL;
	if (spec->user[0] == '\0' || (spec->group && spec->group[0] == '\0'))
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "owner"), "write user:group",
			       "check \"%s\": \"owner\" has an empty part", c->name);
}

static void archive_describe(struct probe *p, struct buf *out)
{
	const struct archive_spec *spec = p->checks[0]->spec;

	(void)buf_puts(out, spec->path); /* the definition is bounded */
	if (spec->members)
		(void)buf_printf(out, " against %s", spec->members);
	(void)buf_putc(out, '\n');
}

/* --- the pass --- */

struct pass {
	struct probe *probe;
	const struct archive_spec *spec;
	struct archive_wants wants;
	struct archive_review review;
	struct map digests;
	struct archive_summary summary;
	struct archive_item *item; /* being read */
	struct sha256 sha;
	bool is_hashing;
};

static int on_member(void *context, const struct archive_member *m, struct err *e)
{
	struct pass *p = context;

	(void)e;
	p->item = archive_review_add(&p->review, m);
	if (p->wants.digests && (m->type == MEMBER_FILE || m->type == MEMBER_HARDLINK)) {
		sha256_init(&p->sha);
		p->is_hashing = true;
	}
	return 0;
}

static int on_data(void *context, const void *data, size_t n, struct err *e)
{
	struct pass *p = context;

	(void)e;
	p->item->has_content = true;
	if (p->is_hashing)
		sha256_add(&p->sha, data, n);
	return 0;
}

static int on_end(void *context, struct err *e)
{
	struct pass *p = context;

	(void)e;
	if (p->is_hashing)
		sha256_final(&p->sha, p->item->digest);
	p->is_hashing = false;
	return 0;
}

static void on_zip_finding(void *context, const char *name, const char *text)
{
	struct pass *p = context;

	archive_review_found(&p->review, RULE_UNSAFE, name, text);
}

static void on_zip_gap(void *context, const char *text)
{
	struct pass *p = context;

	if (!(p->wants.allowed & ALLOW_GAPS))
		archive_review_found(&p->review, RULE_UNSAFE, "", text);
}

/* --- what is wanted --- */

static void want(struct pass *p, const char *name, const unsigned char *digest)
{
	struct archive_list_entry *entry = arena_alloc(p->probe->arena, sizeof(*entry));

	memcpy(entry->digest, digest, sizeof(entry->digest));
	/* What the definition says itself comes first and stays. */
	(void)map_put(&p->digests, name, entry);
}

static int read_manifest(struct pass *p, struct err *e)
{
	struct arena *a = p->probe->arena;
	struct manifest manifest;
	struct buf text;

	buf_init(&text, MANIFEST_MAX_BYTES);
	int rc = file_read(p->spec->members, &text, e);
	if (rc == 0 && manifest_parse(a, text.data, text.len, &manifest, e) < 0)
		rc = err_context(e, "manifest \"%s\"", p->spec->members);
	buf_release(&text);
	if (rc < 0)
		return -1;
	for (size_t i = 0; i < manifest.by_name.n; i++) {
		const struct manifest_entry *entry = manifest.by_name.entries[i].value;

		want(p, entry->name, entry->digest);
	}
	return 0;
}

static int prepare(struct pass *p, struct err *e)
{
	const struct archive_spec *spec = p->spec;
	unsigned char digest[SHA256_BYTES];

	map_init(&p->digests, p->probe->arena);
	for (size_t i = 0; i < spec->digests.n; i++) {
		const struct pair *pair = &spec->digests.items[i];

		/* archive_check() refused everything else. */
		if (sha256_from_hex(pair->value, strlen(pair->value), digest) == 0)
			want(p, pair->name, digest);
	}
	if (spec->members && read_manifest(p, e) < 0)
		return -1;
	p->wants = (struct archive_wants){
		.required = spec->required,
		.forbidden = spec->forbidden,
		.digests = p->digests.n > 0 ? &p->digests : NULL,
		.is_exact = spec->exact,
		.modes = spec->modes,
		.user = spec->user,
		.group = spec->group,
		.links = (enum archive_links)spec->links,
		.allowed = spec->allowed,
	};
	archive_review_init(&p->review, p->probe->arena, &p->wants);
	return 0;
}

static bool is_same_content(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Looked at first: it says in clear words what libarchive would call unrecognised. */
static int check_layout(struct pass *p, int fd, int64_t size, bool *is_done, struct err *e)
{
	const struct zip_sink sink = {p, on_zip_finding, on_zip_gap, p->spec->max_members};

	if (*is_done)
		return 0;
	*is_done = true;
	return zip_layout_check(p->probe->arena, fd, size, &sink, e);
}

static int read_archive(struct pass *p, int fd, const struct stat *before, struct err *e)
{
	const struct archive_limits limits = {
		.max_members = p->spec->max_members,
		.max_bytes = p->spec->max_bytes,
		.max_ratio = p->spec->max_ratio,
		.deadline_ms = p->probe->deadline_ms,
	};
	const struct archive_sink sink = {p, on_member, on_data, on_end};
	bool is_layout_known = false;
	struct stat after;

	if (zip_layout_is_zip(fd) && check_layout(p, fd, before->st_size, &is_layout_known, e) < 0)
		return -1;
	int rc = archive_walk(fd, &limits, &sink, &p->summary, e);
	if (rc < 0)
		return -1;
	/* One that begins with something else, such as a program that unpacks it. */
	if (p->summary.is_zip && check_layout(p, fd, before->st_size, &is_layout_known, e) < 0)
		return -1;
	if (fstat(fd, &after) < 0 || !is_same_content(before, &after))
		return err_set(e, ERR_MEASURE, "it changed while it was read");
	if (p->summary.doubt[0])
		archive_review_found(&p->review, RULE_UNSAFE, "",
				     arena_strdup(p->probe->arena, p->summary.doubt));
	if (p->summary.extra_bytes > 0)
		on_zip_gap(p, arena_printf(p->probe->arena, "%lld bytes of data behind its end",
					   (long long)p->summary.extra_bytes));
	return 0;
}

/* --- the values --- */

static const char *findings_text(const struct pass *p)
{
	const struct archive_review *r = &p->review;
	struct buf b;

	if (r->n_findings == 0)
		return NULL;
	buf_init(&b, BUF_UNBOUNDED); /* bounded by the lines below and by probe_emit() */
	for (size_t i = 0; i < r->n_findings && i < EVIDENCE_LINES; i++) {
		const struct archive_finding *f = &r->findings[i];

		(void)buf_printf(&b, "%s%s%s%s", i > 0 ? "\n" : "", f->name, f->name[0] ? ": " : "",
				 f->text);
	}
	if (r->n_findings > EVIDENCE_LINES)
		(void)buf_printf(&b, "\nand %zu more", r->n_findings - EVIDENCE_LINES);

	const char *text = arena_strndup(p->probe->arena, b.data, b.len);
	buf_release(&b);
	return text;
}

static struct measurement measure(const struct pass *p, const char *name)
{
	static const char *const rules[N_ARCHIVE_RULES] = {
		[RULE_UNSAFE] = "unsafe",     [RULE_DIFFERENT] = "different",
		[RULE_MISSING] = "missing",   [RULE_FORBIDDEN] = "forbidden",
		[RULE_UNLISTED] = "unlisted", [RULE_ATTRIBUTES] = "attributes",
	};
	const struct archive_summary *s = &p->summary;

	if (strcmp(name, "members") == 0)
		return measurement_int(name, s->n_members, "");
	if (strcmp(name, "bytes") == 0)
		return measurement_int(name, s->bytes, "B");
	/* Of nothing, nothing can be wrong: that is no news about it. */
	if (s->n_members == 0)
		return measurement_none(name, "the archive has no members");
	if (strcmp(name, "ratio") == 0)
		return measurement_real(name, (double)s->bytes / (double)s->packed_bytes, "");
	for (size_t i = 0; i < N_ARCHIVE_RULES; i++)
		if (strcmp(name, rules[i]) == 0)
			return measurement_int(name, p->review.counts[i], "");
	return measurement_int(name, (int64_t)p->review.n_findings, "differences");
}

static int archive_probe(struct probe *probe, struct err *e)
{
	const struct check *c = probe->checks[0];
	struct pass p = {.probe = probe, .spec = c->spec};
	struct stat st;

	if (prepare(&p, e) < 0)
		return -1;
	int fd = file_open(p.spec->path, &st, e);
	if (fd < 0)
		return -1;
	int rc = read_archive(&p, fd, &st, e);
	(void)close(fd); /* only read from */
	if (rc == 0)
		rc = archive_review_judge(&p.review, probe->deadline_ms, e);
	if (rc < 0)
		return err_context(e, "archive \"%s\"", p.spec->path);

	const char *evidence = findings_text(&p);
	for (size_t i = 0; i < c->n_expects; i++) {
		struct measurement m = measure(&p, c->expects[i].name);

		m.n = p.summary.n_members;
		m.evidence = evidence;
		m.query = p.spec->path;
		probe_emit(probe, 0, &m);
	}
	return 0;
}

const struct audit_kind audit_kind_archive = {
	.name = "archive",
	.family = "artifact",
	.summary = "members of a tar, zip, 7z, ar or cpio: required, forbidden, digests, safe to "
		   "unpack",
	.blind = "An archive inside an archive is a member like any other and is not opened. "
		 "Digests "
		 "prove that members are those of the list, not that the list is the one that was "
		 "released. Access lists, extended attributes, times and the sizes a header claims "
		 "beyond the content are not looked at. Names that differ in case are found for "
		 "ASCII "
		 "letters only, and other spellings of the same accent not at all. A name in a tar "
		 "ends at its first NUL byte. An ar that was cut between two members looks whole, "
		 "and "
		 "bytes of a 7z that belong to no member are not looked for. A zip that stores no "
		 "owner "
		 "or mode is taken to say 0, and 0664 or 0775. Archives that are encrypted, or "
		 "that start with a "
		 "program (self-extracting) in another format than zip, cannot be read.",
	.spec_size = sizeof(struct archive_spec),
	.keys = archive_keys,
	.values = archive_values,
	.scalar_key = "path",
	.check = archive_check,
	.arsenal = &arsenal_archive,
	.describe = archive_describe,
	.probe = archive_probe,
};
