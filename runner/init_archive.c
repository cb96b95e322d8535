/*
 * Archives: which members must be there, which must not, how many and how much. Of many members
 * some are asked for, those first that releases break without anybody noticing: licences and what
 * is executable. With --manifest the digest of each is listed beside the archive.
 */
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/archive_rules.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/init_artifact.h"
#include "runner/io/archive.h"
#include "runner/io/digest.h"
#include "runner/io/file.h"
#include "runner/model/result.h"

#define MAX_REQUIRED   12
#define MAX_CANDIDATES 200000
#define TIMEOUT_MS     60000
#define MAX_BYTES      (INT64_C(16) << 30)
#define MAX_RATIO      200

static const char *const never[] = {"*.pem", "*.key",	"*.p12",  "*id_rsa", "*id_ed25519",
				    "*.env", "*.git/*", "*.orig", "*.swp",   "*~"};

#define N_NEVER (sizeof(never) / sizeof(*never))

struct member {
	const char *name;
	bool is_executable, is_chosen;
};

struct archive_draft {
	struct artifact *artifact;
	struct member *members; /* files whose names can be written */
	size_t n, cap;
	const char *holds[N_NEVER]; /* a member that fits never[i]; NULL = none */
	size_t n_links;
	const char *prefix; /* "shop-2.31.0/", which all have; "" = none */
	const char *chosen[MAX_REQUIRED];
	size_t n_chosen;
	/* with --manifest */
	const char *manifest; /* absolute; NULL = not asked for */
	struct buf digests;
	struct sha256 sha;
	const char *hashed; /* the member at hand; NULL = it is no file */
};

/* ---- one pass ---- */

static bool is_writable(const char *name)
{
	if (!str_is_utf8(name, strlen(name)) || strpbrk(name, "*?"))
		return false;
	for (; *name; name++)
		if ((unsigned char)*name < 0x20 || *name == 0x7F)
			return false;
	return true;
}

static void add_member(struct archive_draft *d, const char *name, bool is_executable)
{
	if (d->n == d->cap) {
		size_t cap = d->cap == 0 ? 64 : d->cap * 2;
		struct member *grown = arena_array(d->artifact->arena, cap, sizeof(*grown));

		if (d->n > 0)
			memcpy(grown, d->members, d->n * sizeof(*grown));
		d->members = grown;
		d->cap = cap;
	}
	d->members[d->n++] = (struct member){.name = name, .is_executable = is_executable};
}

static int on_member(void *context, const struct archive_member *m, struct err *e)
{
	struct archive_draft *d = context;
	const char *path = archive_path(d->artifact->arena, m->name);

	(void)e; /* nothing here can fail */
	d->hashed = NULL;
	for (size_t i = 0; i < N_NEVER; i++)
		if (!d->holds[i] && m->type != MEMBER_DIRECTORY && str_glob(never[i], path))
			d->holds[i] = path;
	if (m->type != MEMBER_FILE) {
		d->n_links += m->type != MEMBER_DIRECTORY;
		return 0;
	}
	if (*path && is_writable(path))
		add_member(d, path, (m->mode & 0111) != 0);
	if (d->manifest && *path) {
		d->hashed = path;
		sha256_init(&d->sha);
	}
	return 0;
}

static int on_data(void *context, const void *p, size_t n, struct err *e)
{
	struct archive_draft *d = context;

	(void)e;
	if (d->hashed)
		sha256_add(&d->sha, p, n);
	return 0;
}

static int on_end(void *context, struct err *e)
{
	struct archive_draft *d = context;
	unsigned char digest[SHA256_BYTES];

	(void)e;
	if (!d->hashed)
		return 0;
	sha256_final(&d->sha, digest);
	artifact_put_digest(&d->digests, digest, d->hashed);
	d->hashed = NULL;
	return 0;
}

static void release(void *ptr)
{
	struct archive_draft *d = ptr;

	buf_release(&d->digests);
}

static int walk(struct archive_draft *d, struct err *e)
{
	struct artifact *t = d->artifact;
	struct archive_limits limits = {
		.max_members = MAX_CANDIDATES,
		.max_bytes = MAX_BYTES,
		.max_ratio = MAX_RATIO,
		.deadline_ms = clock_monotonic_ms(&t->in->app->clock) + TIMEOUT_MS,
	};
	struct archive_sink sink = {d, on_member, on_data, on_end};
	struct archive_summary summary;
	struct stat st;
	int fd = file_open(t->absolute, &st, e), rc;

	if (fd < 0)
		return -1;
	rc = archive_walk(fd, &limits, &sink, &summary, e);
	(void)close(fd); /* only read from */
	return rc;
}

/* ---- what is asked for ---- */

/* "shop-2.31.0/" when all are below it: the next release will be below another. */
static const char *common_folder(const struct archive_draft *d)
{
	const char *slash = d->n > 0 ? strchr(d->members[0].name, '/') : NULL;
	size_t n = slash ? (size_t)(slash + 1 - d->members[0].name) : 0;

	for (size_t i = 1; i < d->n; i++)
		if (strncmp(d->members[i].name, d->members[0].name, n) != 0)
			return "";
	return n > 0 ? arena_strndup(d->artifact->arena, d->members[0].name, n) : "";
}

static bool is_known(const struct member *m)
{
	static const char *const names[] = {"LICENSE*",	    "COPYING*", "README*",
					    "VERSION*",	    "NOTICE*",	"MANIFEST.MF",
					    "package.json", "METADATA", "debian-binary",
					    "control.tar*", "data.tar*"};
	const char *slash = strrchr(m->name, '/'), *base = slash ? slash + 1 : m->name;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_glob(names[i], base))
			return true;
	return false;
}

static bool is_executable(const struct member *m)
{
	return m->is_executable;
}

static void choose(struct archive_draft *d, bool (*fits)(const struct member *m))
{
	bool has_version = strpbrk(d->prefix, "0123456789") != NULL;

	for (size_t i = 0; i < d->n && d->n_chosen < MAX_REQUIRED; i++) {
		struct member *m = &d->members[i];

		if (m->is_chosen || (fits && !fits(m)))
			continue;
		m->is_chosen = true;
		d->chosen[d->n_chosen++] = has_version ? arena_printf(d->artifact->arena, "*/%s",
								      m->name + strlen(d->prefix))
						       : m->name;
	}
}

static bool looks_packed(const struct artifact *t)
{
	if (t->n_head > 8 && memcmp(t->head, "!<arch>\n/", 9) == 0)
		return false; /* a library for the linker, which nobody unpacks */
	return archive_is_likely(t->head, t->n_head);
}

static int look(struct artifact *t, void **state, struct err *e)
{
	struct archive_draft *d = arena_alloc(t->arena, sizeof(*d));
	struct err why = {0};

	*state = d;
	d->artifact = t;
	buf_init(&d->digests, BUF_UNBOUNDED); /* members are limited */
	arena_defer(t->arena, release, d);
	if (!looks_packed(t))
		return t->in->o.is_manifest
			       ? err_set(e, ERR_USAGE,
					 "%s: --manifest is about archives and this is none",
					 t->subject->given)
			       : 0;
	if (t->in->o.is_manifest) {
		d->manifest = arena_printf(t->arena, "%s.members", t->absolute);
		if (artifact_check_free(t, d->manifest, e) != 0)
			return -1;
	}
	if (walk(d, &why) != 0) { /* a compressed file that is no archive, or a damaged one */
		init_note(t->subject, "%s: not read as an archive: %s", t->subject->given,
			  why.message);
		return 0;
	}
	if (d->n == 0)
		return artifact_unmeasured(t,
					   "an archive without a file in it is nothing to begin "
					   "with",
					   e);
	d->prefix = common_folder(d);
	if (d->n > MAX_REQUIRED) {
		choose(d, is_known);
		choose(d, is_executable);
	}
	if (d->n_chosen == 0)
		choose(d, NULL);
	return 1;
}

/* ---- writing ---- */

static void put_draft(const struct artifact *t, const void *state, struct buf *out)
{
	(void)state; /* asks for nothing: members are counted */
	(void)buf_puts(out, "archive: ");
	init_put_text(out, t->absolute);
	(void)buf_puts(out,
		       ", expect: { differences: \">= 0\", members: \">= 0\", bytes: \">= 0 B\" }");
}

static void put_forbidden(struct init_writer *w, struct artifact *t, const struct archive_draft *d)
{
	const char *names[N_NEVER];
	size_t n = 0;

	for (size_t i = 0; i < N_NEVER; i++) {
		if (!d->holds[i]) {
			names[n++] = never[i];
			continue;
		}
		(void)buf_printf(w->out, "          # %s is in it, so %s is not forbidden\n",
				 str_escaped(w->arena, d->holds[i]), never[i]);
		init_note(t->subject, "%s: %s is in it", t->subject->given,
			  str_escaped(w->arena, d->holds[i]));
	}
	if (n == 0)
		return;
	(void)buf_puts(w->out, "          forbidden: ");
	init_put_list(w->out, names, n);
	(void)buf_putc(w->out, '\n');
}

static void put_keys(struct init_writer *w, struct artifact *t, const struct archive_draft *d)
{
	(void)buf_puts(w->out, "        archive:\n          path: ");
	init_put_text(w->out, t->path);
	(void)buf_puts(w->out, "\n          required: ");
	init_put_list(w->out, d->chosen, d->n_chosen);
	if (d->n_chosen < d->n)
		(void)buf_printf(w->out, " # %zu of %zu files", d->n_chosen, d->n);
	(void)buf_putc(w->out, '\n');
	put_forbidden(w, t, d);
	if (!d->manifest)
		return;
	(void)buf_puts(w->out, "          members: ");
	init_put_text(w->out, init_path(t->in, d->manifest));
	(void)buf_puts(w->out, d->n_links == 0 ? "\n          exact: true\n"
					       : " # not exact: links cannot be listed\n");
}

static int put(struct init_writer *w, struct artifact *t, void *state, struct err *e)
{
	const struct archive_draft *d = state;
	const char *reason = "";
	const struct result *bad = artifact_value(t, "archive", "differences", &reason);
	const struct result *members = artifact_value(t, "archive", "members", &reason);
	const struct result *bytes = artifact_value(t, "archive", "bytes", &reason);
	char shown[NUM_REAL_MAX];

	if (!bad || !members || !bytes)
		return artifact_unmeasured(t, reason, e);
	(void)num_format_size(bytes->value.integer, shown); /* its length */
	init_put_id(w, "archive", NULL, NULL);
	(void)buf_printf(w->out, " # %lld members, %s unpacked: half to twice as much\n",
			 (long long)members->value.integer, shown);
	put_keys(w, t, d);
	(void)buf_puts(w->out, "        expect:\n          members: ");
	artifact_put_range(w->out, members, false);
	(void)buf_puts(w->out, "\n          bytes: ");
	artifact_put_range(w->out, bytes, true);
	(void)buf_putc(w->out, '\n');
	if (bad->value.integer > 0) {
		(void)buf_printf(
			w->out,
			"          differences: \"<= %lld\" # weak: not safe to unpack as it "
			"is; mend it and expect 0\n"
			"          missing: \"== 0\" # what else is wrong is not forgiven\n"
			"          forbidden: \"== 0\"\n%s",
			(long long)bad->value.integer,
			d->manifest
				? "          different: \"== 0\"\n          unlisted: \"== 0\"\n"
				: "");
		init_note(t->subject, "%s: not safe to unpack: %.*s", t->subject->given,
			  (int)strcspn(bad->evidence ? bad->evidence : "", "\n"),
			  bad->evidence ? bad->evidence : "");
	}
	return 0;
}

static int finish(struct artifact *t, void *state, struct err *e)
{
	const struct archive_draft *d = state;

	if (!d->manifest)
		return 0;
	if (artifact_check_free(t, d->manifest, e) != 0)
		return -1;
	return file_write_atomic(d->manifest, d->digests.data, d->digests.len, e);
}

const struct artifact_part artifact_archive = {
	.id = "archive",
	.is_of_files = true,
	.look = look,
	.put_draft = put_draft,
	.put = put,
	.finish = finish,
};
