/*
 * Artifacts as a source: a file or a folder that is shipped. Every file has a size, a mode and a
 * digest; what else it is, the parts find out. What is weak (a program without RELRO, a private key
 * in an archive) is said and gets no bound that would call it well.
 */
#include "runner/init_artifact.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/digest.h"
#include "runner/io/file.h"
#include "runner/model/result.h"

/* ---- what parts share ---- */

int artifact_check_free(const struct artifact *t, const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return 0;
	(void)err_set(e, ERR_USAGE, "\"%s\" is there already",
		      file_shown(t->arena, t->in->app->cwd, path)); /* -1 below */
	return err_help(e, "it would be written to list digests: move it, or take it over with a "
			   "check of your own");
}

const struct result *artifact_value(const struct artifact *t, const char *id, const char *series,
				    const char **reason)
{
	return init_value(t->subject, 0, id, series, reason);
}

int artifact_unmeasured(const struct artifact *t, const char *reason, struct err *e)
{
	return err_set(e, ERR_MEASURE, "%s: %s", t->subject->given, reason);
}

void artifact_put_range(struct buf *out, const struct result *r, bool is_size)
{
	double x = init_number(r);

	(void)buf_puts(out, "\"between ");
	if (is_size)
		init_put_size(out, x / 2, false);
	else
		(void)buf_printf(out, "%.0f", fmax(floor(x / 2), 1));
	(void)buf_puts(out, " and ");
	if (is_size)
		init_put_size(out, x * 2, true);
	else
		(void)buf_printf(out, "%.0f", x * 2);
	(void)buf_putc(out, '"');
}

void artifact_put_digest(struct buf *out, const unsigned char digest[static SHA256_BYTES],
			 const char *name)
{
	char hex[SHA256_HEX];

	sha256_hex(digest, hex);
	(void)buf_printf(out, "%s%s  ", strpbrk(name, "\\\n\r") ? "\\" : "", hex);
	for (; *name; name++)
		switch (*name) {
		case '\\':
			(void)buf_puts(out, "\\\\");
			break;
		case '\n':
			(void)buf_puts(out, "\\n");
			break;
		case '\r':
			(void)buf_puts(out, "\\r");
			break;
		default:
			(void)buf_putc(out, *name);
		}
	(void)buf_putc(out, '\n');
}

/* ---- every file ---- */

static int look_file(struct artifact *t, void **state, struct err *e)
{
	(void)state; /* it needs none */
	return t->size > 0
		       ? 1
		       : artifact_unmeasured(t, "it is empty, which is nothing to begin with", e);
}

static void draft_file(const struct artifact *t, const void *state, struct buf *out)
{
	(void)state;
	(void)buf_puts(out, "file: ");
	init_put_text(out, t->absolute);
	(void)buf_puts(out, ", expect: { size: \">= 0 B\", mode: \"matches /^/\", "
			    "sha256: \"matches /^/\" }");
}

static int put_file(struct init_writer *w, struct artifact *t, void *state, struct err *e)
{
	const char *reason = "";
	const struct result *size = artifact_value(t, "file", "size", &reason);
	const struct result *mode = artifact_value(t, "file", "mode", &reason);
	const struct result *digest = artifact_value(t, "file", "sha256", &reason);
	char shown[NUM_REAL_MAX];

	(void)state;
	if (!size || !mode || !digest)
		return artifact_unmeasured(t, reason, e);
	(void)num_format_size(size->value.integer, shown); /* its length */
	init_put_id(w, "file", NULL, NULL);
	(void)buf_printf(w->out, " # %s: half to twice as much\n        file: ", shown);
	init_put_text(w->out, t->path);
	(void)buf_puts(w->out, "\n        expect: { size: ");
	artifact_put_range(w->out, size, true);
	(void)buf_puts(w->out, ", mode: ");
	init_put_equal(w->out, mode->value.text);
	(void)buf_puts(w->out, " }\n");
	init_put_id(w, "pinned", NULL, NULL);
	(void)buf_puts(w->out,
		       " # this very file; each release has a digest of its own\n        file: ");
	init_put_text(w->out, t->path);
	(void)buf_puts(w->out, "\n        expect: { sha256: ");
	init_put_equal(w->out, digest->value.text);
	(void)buf_puts(w->out, " }\n");
	return 0;
}

static const struct artifact_part part_file = {
	.id = "file",
	.is_of_files = true,
	.look = look_file,
	.put_draft = draft_file,
	.put = put_file,
};

/* ---- secrets ---- */

static int look_secrets(struct artifact *t, void **state, struct err *e)
{
	(void)t; /* everything can hold one */
	(void)state;
	(void)e;
	return 1;
}

static void draft_secrets(const struct artifact *t, const void *state, struct buf *out)
{
	(void)state;
	(void)buf_puts(out, "secrets: ");
	init_put_text(out, t->absolute);
}

/* Secrets that are there are told and get no bound: there is no number of them that is well. */
static int put_secrets(struct init_writer *w, struct artifact *t, void *state, struct err *e)
{
	const char *reason = "";
	const struct result *r = artifact_value(t, "secrets", "findings", &reason);

	(void)state;
	(void)e; /* without it there is no check */
	if (!r) {
		(void)buf_printf(w->out, "      # no check for secrets: %s\n",
				 str_escaped(w->arena, reason));
		return 0;
	}
	if (r->value.integer > 0) {
		(void)buf_printf(w->out, "      # no check for secrets: it holds %lld already\n",
				 (long long)r->value.integer);
		init_note(t->subject,
			  "%s: %lld secret%s in it, so there is no check that there are "
			  "none; assize kinds secrets tells how to look",
			  t->subject->given, (long long)r->value.integer,
			  r->value.integer == 1 ? "" : "s");
		return 0;
	}
	init_put_id(w, "secrets", NULL, NULL);
	(void)buf_puts(w->out, " # no key, token or password was found\n        secrets: ");
	init_put_text(w->out, t->path);
	(void)buf_putc(w->out, '\n');
	return 0;
}

static const struct artifact_part part_secrets = {
	.id = "secrets",
	.is_of_files = true,
	.is_of_folders = true,
	.look = look_secrets,
	.put_draft = draft_secrets,
	.put = put_secrets,
};

/* ---- the source ---- */

static const struct artifact_part *const parts[] = {
	&part_file,	&artifact_folder,    &artifact_archive, &artifact_elf,
	&artifact_sbom, &artifact_signature, &part_secrets,
};

#define N_PARTS (sizeof(parts) / sizeof(*parts))

struct whole {
	struct artifact artifact;
	bool applies[N_PARTS];
	void *states[N_PARTS];
};

static int begin(struct init *in, struct init_subject *s, struct err *e)
{
	struct whole *x = arena_alloc(in->app->arena, sizeof(*x));
	struct artifact *t = &x->artifact;
	const char *base;

	s->state = x;
	if (!*s->given || !str_is_utf8(s->given, strlen(s->given)))
		return err_set(e, ERR_USAGE, "a definition cannot hold the path \"%s\"", s->given);
	t->in = in;
	t->arena = in->app->arena;
	t->subject = s;
	t->absolute = file_absolute(t->arena, in->app->cwd, s->given);
	t->path = init_path(in, t->absolute);
	base = strrchr(t->absolute, '/') + 1;
	s->title = t->path;
	init_name(in, s, base, strlen(base), "artifact");
	return 0;
}

static int read_head(struct artifact *t, struct err *e)
{
	struct stat st;
	int fd = file_open(t->absolute, &st, e);
	ssize_t n;

	if (fd < 0)
		return -1;
	t->size = st.st_size;
	n = pread(fd, t->head, sizeof(t->head), 0);
	(void)close(fd); /* only read from */
	if (n < 0)
		return err_set(e, ERR_MEASURE, "could not read \"%s\": %s", t->subject->given,
			       strerror(errno));
	t->n_head = (size_t)n;
	return 0;
}

static int look(struct init *in, struct init_subject *s, struct err *e)
{
	struct whole *x = s->state;
	struct artifact *t = &x->artifact;
	struct stat st;

	(void)in; /* the artifact has it */
	if (stat(t->absolute, &st) != 0)
		return err_set(e, ERR_MEASURE, "could not look at \"%s\": %s", s->given,
			       strerror(errno));
	t->is_folder = S_ISDIR(st.st_mode);
	if (!t->is_folder && read_head(t, e) != 0)
		return -1;
	for (size_t i = 0; i < N_PARTS; i++) {
		int rc;

		if (t->is_folder ? !parts[i]->is_of_folders : !parts[i]->is_of_files)
			continue;
		rc = parts[i]->look(t, &x->states[i], e);
		if (rc < 0)
			return -1;
		x->applies[i] = rc > 0;
	}
	return 0;
}

static void put_draft(const struct init_subject *s, struct buf *out)
{
	const struct whole *x = s->state;

	for (size_t i = 0; i < N_PARTS; i++) {
		size_t before = out->len, begun;

		if (!x->applies[i])
			continue;
		(void)buf_printf(out, "      - { id: %s, ", parts[i]->id);
		begun = out->len;
		parts[i]->put_draft(&x->artifact, x->states[i], out);
		if (out->len > begun)
			(void)buf_puts(out, " }\n");
		else
			out->len = before;
	}
}

static int put(struct init_writer *w, struct init_subject *s, struct err *e)
{
	struct whole *x = s->state;

	for (size_t i = 0; i < N_PARTS; i++)
		if (x->applies[i] && parts[i]->put(w, &x->artifact, x->states[i], e) != 0)
			return -1;
	return 0;
}

static int finish(struct init *in, struct init_subject *s, struct err *e)
{
	struct whole *x = s->state;

	(void)in; /* the artifact has it */
	for (size_t i = 0; i < N_PARTS; i++)
		if (x->applies[i] && parts[i]->finish &&
		    parts[i]->finish(&x->artifact, x->states[i], e) != 0)
			return -1;
	return 0;
}

const struct init_source init_artifact = {
	.option = "artifact",
	.offset = offsetof(struct options, artifact),
	.type = TARGET_NONE,
	.n_rounds = 1,
	.is_long = true,
	.begin = begin,
	.look = look,
	.put_draft = put_draft,
	.put = put,
	.finish = finish,
};
