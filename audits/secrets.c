/*
 * secrets: what must not leave the house, in a file, a folder, or the members of an archive.
 *
 * secrets_scan.c finds, here is the walk: below a folder relative to open descriptors and never
 * through a symbolic link, through an archive by its door. Something that could not be read makes
 * the whole no measurement: what was found by then is a lower bound.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/archive_rules.h"
#include "audits/kind_rows.h"
#include "audits/secrets_scan.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/archive.h"
#include "runner/io/clock.h"
#include "runner/io/dir.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/model/pattern.h"

#define MAX_DEPTH      256 /* one descriptor a level */
#define EVIDENCE_LINES 50
#define READ_BYTES     (64 * 1024)

struct secrets_spec {
	const char *path;
	struct texts ignore, allow;
	struct pairs patterns;
	bool open;
	int64_t max_members, max_bytes;

	struct secret_pattern *compiled; /* of patterns, by secrets_check() */
};

static const struct key_row secrets_keys[] = {
	{.name = "path",
	 .type = KEY_PATH,
	 .flags = KEY_REQUIRED | KEY_WORLD,
	 .offset = offsetof(struct secrets_spec, path),
	 .help = "a file, a folder with everything below it, or an archive",
	 .example = "dist/shop.tar.gz"},
	{.name = "patterns",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct secrets_spec, patterns),
	 .help = "more to look for: regular expressions by name, each on one line at a time",
	 .example = "{internal host: \"\\\\.corp\\\\.example\\\\b\"}"},
	{.name = "ignore",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct secrets_spec, ignore),
	 .help = "names below the folder or in the archive that are not looked at; * also matches "
		 "/",
	 .example = "[\"testdata/*\"]"},
	{.name = "allow",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct secrets_spec, allow),
	 .help = "findings that are known to be harmless, by the 16 digits shown with them",
	 .example = "[5891b5b522d5df08]"},
	{.name = "open",
	 .type = KEY_BOOL,
	 .offset = offsetof(struct secrets_spec, open),
	 .def = "true",
	 .help = "look at the members when the path itself is an archive"},
	{.name = "max_members",
	 .type = KEY_INT,
	 .offset = offsetof(struct secrets_spec, max_members),
	 .min = 1,
	 .max = 10000000,
	 .def = "200000",
	 .help = "an archive of more members is not read further"},
	{.name = "max_bytes",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct secrets_spec, max_bytes),
	 .min = 1,
	 .max = INT64_C(1) << 50,
	 .def = "16GiB",
	 .help = "one that unpacks to more is not read further"},
	KEY_END,
};

static const struct value_row secrets_values[] = {
	{.name = "findings",
	 .type = VALUE_INT,
	 .unit = "findings",
	 .implied = "== 0",
	 .help = "private keys, tokens, passwords in URLs, files that hold secrets by their name, "
		 "lines that match `patterns`"},
	{.name = "files", .type = VALUE_INT, .unit = "", .help = "how many were looked at"},
	{.name = "bytes", .type = VALUE_INT, .unit = "B", .help = "content that was looked at"},
	{.name = NULL},
};

static void secrets_check(struct keys_context *ctx, struct check *c)
{
	struct secrets_spec *spec = c->spec;

	spec->compiled = arena_array(ctx->arena, spec->patterns.n, sizeof(*spec->compiled));
	for (size_t i = 0; i < spec->patterns.n; i++) {
		const struct pair *p = &spec->patterns.items[i];
		struct pattern *pattern = NULL;
		struct err e = {.class = ERR_NONE};

		if (pattern_compile(ctx->arena, p->value, strlen(p->value), false, &pattern, &e) <
		    0)
			(void)diags_at(ctx->diags, p->pos, NULL, "check \"%s\": pattern \"%s\": %s",
				       c->name, str_escaped(ctx->arena, p->name), e.message);
		spec->compiled[i] = (struct secret_pattern){p->name, pattern};
	}
	for (size_t i = 0; i < spec->allow.n; i++) {
		const char *s = spec->allow.items[i];

		if (strlen(s) != SECRET_FINGERPRINT - 1 || s[strspn(s, "0123456789abcdef")])
			(void)diags_at(
				ctx->diags, spec->allow.positions[i],
				"take them from the evidence of the finding; quote digits only",
				"check \"%s\": \"%s\" is not 16 hexadecimal digits", c->name,
				str_escaped(ctx->arena, s));
	}
}

static void secrets_describe(struct probe *p, struct buf *out)
{
	const struct secrets_spec *spec = p->checks[0]->spec;

	(void)buf_printf(out, "%s\n", spec->path); /* the definition is bounded */
}

/* --- what is found --- */

struct hunt {
	struct probe *probe;
	const struct secrets_spec *spec;
	struct secret_scan scan;
	const char *name; /* being looked at, "" = the path itself */
	char *block;	  /* READ_BYTES */
	struct buf evidence;
	int64_t n_findings, n_files, bytes;
	int64_t n_unreadable;
	const char *unreadable; /* the first, in words */
	bool is_ignored;	/* the member at hand */
};

static void on_found(void *context, const struct secret_finding *f)
{
	struct hunt *h = context;
	struct arena *a = h->probe->arena;

	for (size_t i = 0; i < h->spec->allow.n; i++)
		if (strcmp(h->spec->allow.items[i], f->fingerprint) == 0)
			return;
	if (++h->n_findings > EVIDENCE_LINES)
		return;
	/* Full: the lines that fit are enough. */
	(void)buf_printf(&h->evidence, "%s%s", h->n_findings > 1 ? "\n" : "",
			 str_escaped(a, h->name));
	if (f->line > 0)
		(void)buf_printf(&h->evidence, "%sline %lld", h->name[0] ? " " : "",
				 (long long)f->line);
	(void)buf_printf(&h->evidence, "%s%s: %s", h->name[0] || f->line > 0 ? ": " : "", f->rule,
			 f->shown);
	if (f->fingerprint[0])
		(void)buf_printf(&h->evidence, " %s", f->fingerprint);
}

static void note_unreadable(struct hunt *h, const char *name, const char *why)
{
	struct arena *a = h->probe->arena;

	if (h->n_unreadable++ == 0)
		h->unreadable =
			arena_printf(a, "\"%s\" could not be read: %s", str_escaped(a, name), why);
}

static bool is_ignored(const struct hunt *h, const char *name)
{
	for (size_t i = 0; i < h->spec->ignore.n; i++)
		if (str_glob(h->spec->ignore.items[i], name))
			return true;
	return false;
}

static int check_time(const struct hunt *h, struct err *e)
{
	if (clock_monotonic_ms(h->probe->world->clock) <= h->probe->deadline_ms)
		return 0;
	return err_set(e, ERR_MEASURE, "did not finish in time: %lld files looked at",
		       (long long)h->n_files);
}

/* --- files and folders --- */

/* The whole content of fd. A read that fails is noted, -1 ends the hunt. */
static int scan_file(struct hunt *h, int fd, const char *name, struct err *e)
{
	const char *shown = name[0] ? name : h->spec->path;
	ssize_t n;

	h->name = name;
	h->n_files++;
	secret_scan_begin(&h->scan, shown);
	do {
		if (check_time(h, e) < 0)
			return -1;
		n = read(fd, h->block, READ_BYTES);
		if (n < 0 && errno != EINTR) {
			note_unreadable(h, shown, strerror(errno));
			return 0;
		}
		if (n > 0) {
			h->bytes += n;
			if (secret_scan_add(&h->scan, h->block, (size_t)n, e) < 0)
				return err_context(e, "\"%s\"", shown);
		}
	} while (n != 0);
	return secret_scan_end(&h->scan, e) < 0 ? err_context(e, "\"%s\"", shown) : 0;
}

static int scan_folder(struct hunt *h, int fd, const char *prefix, int depth, struct err *e);

static int scan_entry(struct hunt *h, int dir, const char *base, const char *name, int depth,
		      struct err *e)
{
	struct err failure = {.class = ERR_NONE};
	struct stat st;
	int fd, rc;

	if (is_ignored(h, name))
		return 0;
	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT) /* gone since it was listed */
			note_unreadable(h, name, strerror(errno));
		return 0;
	}
	if (S_ISDIR(st.st_mode)) {
		fd = openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			return scan_folder(h, fd, name, depth + 1, e);
		note_unreadable(h, name, strerror(errno));
		return 0;
	}
	if (!S_ISREG(st.st_mode))
		return 0;
	fd = file_open_at(dir, base, &st, &failure);
	if (fd < 0) {
		note_unreadable(h, name, arena_strdup(h->probe->arena, failure.message));
		return 0;
	}
	rc = scan_file(h, fd, name, e);
	(void)close(fd); /* only read from */
	return rc;
}

/* Everything below the directory fd, which is closed in any case. */
static int scan_folder(struct hunt *h, int fd, const char *prefix, int depth, struct err *e)
{
	DIR *dir = dir_open(fd);
	const char *found;
	int rc = 0;

	if (!dir) {
		note_unreadable(h, prefix, strerror(errno));
		return 0;
	}
	if (depth >= MAX_DEPTH) {
		note_unreadable(h, prefix, "folders are nested too deep");
		(void)closedir(dir); /* only read from */
		return 0;
	}
	while (rc == 0 && (found = dir_next(dir)) != NULL) {
		const char *name = prefix[0] ? arena_printf(h->probe->arena, "%s/%s", prefix, found)
					     : arena_strdup(h->probe->arena, found);

		rc = check_time(h, e);
		if (rc == 0)
			rc = scan_entry(h, dirfd(dir), found, name, depth, e);
	}
	if (rc == 0 && errno != 0)
		note_unreadable(h, prefix, strerror(errno));
	(void)closedir(dir); /* only read from */
	return rc;
}

/* --- archives --- */

static int on_member(void *context, const struct archive_member *m, struct err *e)
{
	struct hunt *h = context;

	(void)e;
	h->name = archive_path(h->probe->arena, m->name);
	h->is_ignored = is_ignored(h, h->name);
	if (h->is_ignored)
		return 0;
	h->n_files += m->type == MEMBER_FILE;
	secret_scan_begin(&h->scan, h->name);
	return 0;
}

static int on_data(void *context, const void *p, size_t n, struct err *e)
{
	struct hunt *h = context;

	if (h->is_ignored)
		return 0;
	h->bytes += (int64_t)n;
	return secret_scan_add(&h->scan, p, n, e);
}

static int on_end(void *context, struct err *e)
{
	struct hunt *h = context;

	return h->is_ignored ? 0 : secret_scan_end(&h->scan, e);
}

static bool is_archive(int fd)
{
	unsigned char head[512];
	ssize_t n = file_read_at(fd, head, sizeof(head), 0);

	return n > 0 && archive_is_likely(head, (size_t)n);
}

static int scan_archive(struct hunt *h, int fd, struct err *e)
{
	const struct archive_limits limits = {
		.max_members = h->spec->max_members,
		.max_bytes = h->spec->max_bytes,
		.max_ratio = 1000000, /* nothing is kept: bytes and time are bound enough */
		.deadline_ms = h->probe->deadline_ms,
	};
	const struct archive_sink sink = {h, on_member, on_data, on_end};
	struct archive_summary summary;

	if (archive_walk(fd, &limits, &sink, &summary, e) < 0)
		return err_context(e, "archive \"%s\"", h->spec->path);
	if (summary.doubt[0])
		note_unreadable(h, h->spec->path, arena_strdup(h->probe->arena, summary.doubt));
	if (summary.extra_bytes > 0)
		note_unreadable(h, h->spec->path,
				arena_printf(h->probe->arena, "%lld bytes of data behind its end",
					     (long long)summary.extra_bytes));
	return 0;
}

/* --- the probe --- */

static int hunt_path(struct hunt *h, struct err *e)
{
	const char *path = h->spec->path;
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (dir < 0)
			return err_set(e, ERR_MEASURE, "could not open folder \"%s\": %s", path,
				       strerror(errno));
		return scan_folder(h, dir, "", 0, e);
	}

	int fd = file_open(path, &st, e);
	if (fd < 0)
		return -1;
	int rc = h->spec->open && is_archive(fd) ? scan_archive(h, fd, e) : scan_file(h, fd, "", e);
	(void)close(fd); /* only read from */
	return rc;
}

static void emit(struct hunt *h, const char *name)
{
	struct arena *a = h->probe->arena;
	struct measurement m;

	if (h->n_unreadable > 0)
		m = measurement_none(name,
				     h->n_unreadable == 1
					     ? h->unreadable
					     : arena_printf(a, "%s, and %lld more", h->unreadable,
							    (long long)h->n_unreadable - 1));
	else if (strcmp(name, "files") == 0)
		m = measurement_int(name, h->n_files, "");
	else if (strcmp(name, "bytes") == 0)
		m = measurement_int(name, h->bytes, "B");
	else if (h->n_files == 0 && h->n_findings == 0)
		m = measurement_none(name, "there was no file to look at");
	else
		m = measurement_int(name, h->n_findings, "findings");
	m.n = h->n_files;
	m.evidence = h->evidence.len > 0 ? arena_strdup(a, h->evidence.data) : NULL;
	m.query = h->spec->path;
	probe_emit(h->probe, 0, &m);
}

static int secrets_probe(struct probe *p, struct err *e)
{
	const struct check *c = p->checks[0];
	const struct secrets_spec *spec = c->spec;
	struct hunt h = {.probe = p, .spec = spec, .name = ""};

	h.scan = (struct secret_scan){
		.patterns = spec->compiled,
		.n_patterns = spec->patterns.n,
		.context = &h,
		.found = on_found,
	};
	secret_scan_init(&h.scan);
	buf_init(&h.evidence, EVIDENCE_MAX_BYTES);
	h.block = xmalloc(READ_BYTES);

	int rc = hunt_path(&h, e);
	if (h.n_findings > EVIDENCE_LINES)
		(void)buf_printf(&h.evidence, "\nand %lld more", /* full: said by being cut */
				 (long long)h.n_findings - EVIDENCE_LINES);
	for (size_t i = 0; rc == 0 && i < c->n_expects; i++)
		emit(&h, c->expects[i].name);
	free(h.block);
	buf_release(&h.evidence);
	secret_scan_release(&h.scan);
	return rc;
}

const struct audit_kind audit_kind_secrets = {
	.name = "secrets",
	.family = "artifact",
	.summary = "private keys, tokens and passwords in a file, a folder or an archive",
	.blind =
		"It finds secrets that have a shape: private keys (PEM, PGP, PuTTY, age), tokens "
		"of AWS, "
		"Anthropic, Atlassian, Azure storage, DigitalOcean, GitHub, GitLab, Google, "
		"Hugging Face, npm, OpenAI, PyPI, SendGrid, Slack, Stripe, Telegram (bots), Twilio "
		"and Vault, signed JSON web tokens, passwords in "
		"URLs, keys of a kubeconfig, names of files, and your patterns. The secret key of "
		"AWS has no shape of its own: it is found behind a name such as "
		"aws_secret_access_key. A password that "
		"is a word looks like a word. UTF-16 is read where a byte order mark says so. "
		"Nothing "
		"compressed, encrypted or encoded is looked into, neither an archive inside a "
		"folder or another archive. "
		"Bytes of a zip or a 7z that belong to no member are not looked at. "
		"Symbolic links are not followed. Tokens whose checksum is wrong are taken for "
		"examples. Whether a secret is still valid is not asked: to ask would be to use "
		"it. Evidence shows four characters, the length, and 16 digits of the SHA-256.",
	.spec_size = sizeof(struct secrets_spec),
	.keys = secrets_keys,
	.values = secrets_values,
	.scalar_key = "path",
	.check = secrets_check,
	.arsenal = &arsenal_secrets,
	.describe = secrets_describe,
	.probe = secrets_probe,
};
