/*
 * arsenal_signature: a file that is another one, a signature that is torn, gone, or by another key.
 *
 * What nobody can make without the trusted key is not tried: another file that it signed, another
 * time, another purpose. A file under the signature of another is the same as another file under
 * this signature.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/arsenal/artifact.h"
#include "audits/arsenal/signed.h"
#include "audits/kind_rows.h"
#include "audits/signature.h"
#include "runner/base/arena.h"
#include "runner/base/base64.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"

#define ID_BYTES 8

static const struct attack_row signature_rows[] = {
	ROW_IDENTITY,
	ROW_NEIGHBOUR,
	ROW_TOUCHED,
	{.name = "untrusted-comment",
	 .help = "the comment that is not signed says something else",
	 .is_control = true},
	ROWS_OF_BYTES,
	{.name = "other-file", .help = "another file is in its place"},
	{.name = "signature-missing", .help = "the signature is gone"},
	{.name = "signature-empty", .help = "nothing is in the signature"},
	{.name = "signature-torn", .help = "the second half of the signature is gone"},
	{.name = "signature-flipped", .help = "a character of the signature is another"},
	{.name = "comment-changed", .help = "the comment that is signed says something else"},
	{.name = "other-key", .help = "somebody else has signed the file"},
	{.name = "forged-id", .help = "somebody else has, under the id of the trusted key"},
	{.name = NULL},
};

struct signed_file {
	struct scene *scene;
	const char *file, *signature; /* the copies */
	const char *text;	      /* of the signature */
	size_t n;
};

static int signature_open(struct challenge *c, struct err *e)
{
	struct scene *s = scene_new(c, signature_rows);
	const char *path;

	if (scene_stage_file(s, "file", e) < 0 ||
	    scene_stage(s, signature_place(c->arena, c->check), &path, e) < 0)
		return -1;
	scene_point(s, "signature", path);
	scene_seal(s);
	return 0;
}

/* --- acts --- */

/* The signature of another key; number: under the id of the trusted one. */
static int act_signed(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	const struct signature_spec *spec = s->check->spec;
	const struct node *node = s->check->spec_node;
	const struct probe_world *w = s->challenge->world;
	const struct signing signing = {
		.arena = s->arena,
		.file = spec->file,
		.scratch = s->challenge->scratch,
		.deadline_ms = clock_monotonic_ms(w->clock) + s->check->timeout_ms,
		.now_ms = clock_wall_ms(w->clock),
		.namespace = spec->ssh.namespace,
		.id = d->more,
	};
	struct deed written = *d;
	struct buf out;
	int rc;

	buf_init(&out, SIGNATURE_MAX_BYTES);
	rc = node_get(node, "minisign") != NULL ? signed_minisign(&signing, &out, e)
	     : node_get(node, "ssh") != NULL	? signed_ssh(&signing, &out, e)
						: signed_gpg(&signing, &out, e);
	written.text = out.data;
	if (rc == 0)
		rc = act_written_bytes(s, &written, out.len, e);
	(void)dose;
	buf_release(&out);
	return rc;
}

/* --- survey --- */

/* Where line i of the text begins (from 0); its length through *n. */
static size_t line_at(const struct signed_file *f, size_t i, size_t *n)
{
	const char *p = f->text, *end = f->text + f->n, *stop;

	while (i-- > 0 && p < end) {
		stop = memchr(p, '\n', (size_t)(end - p));
		p = stop != NULL ? stop + 1 : end;
	}
	stop = memchr(p, '\n', (size_t)(end - p));
	*n = (size_t)((stop != NULL ? stop : end) - p);
	return (size_t)(p - f->text);
}

/*
 * A byte that says something of the signature itself: in the second line of minisign; else where
 * two thirds of all are over, which is behind what formats say of themselves.
 */
static size_t core_of(const struct signed_file *f)
{
	size_t n, at;

	if (node_get(f->scene->check->spec_node, "minisign") == NULL) {
		at = f->n * 2 / 3;
		return at > 0 && f->text[at] == '\n' ? at - 1 : at;
	}
	at = line_at(f, 1, &n);
	return at + n / 2;
}

static void add_flip(const struct signed_file *f, const char *name, size_t at, const char *words)
{
	(void)scene_add(f->scene, name, "",
			&(struct deed){.act = act_flipped,
				       .path = f->signature,
				       .number = (double)at,
				       .words = words});
}

static void add_torn(const struct signed_file *f)
{
	struct scene *s = f->scene;

	(void)scene_add(s, "signature-missing", "",
			&(struct deed){.act = act_missing,
				       .path = f->signature,
				       .words = "the signature is gone"});
	(void)scene_add(s, "signature-empty", "",
			&(struct deed){.act = act_torn,
				       .path = f->signature,
				       .words = "nothing is in the signature"});
	(void)scene_add(s, "signature-torn", "",
			&(struct deed){.act = act_torn,
				       .path = f->signature,
				       .number = (double)(f->n / 2),
				       .words = "the second half of the signature is gone"});
	add_flip(f, "signature-flipped", core_of(f), "one bit of the signature is another");
}

static void add_comments(const struct signed_file *f)
{
	size_t n, at;

	if (node_get(f->scene->check->spec_node, "minisign") == NULL)
		return;
	at = line_at(f, 0, &n);
	if (n > 20)
		add_flip(f, "untrusted-comment", at + n - 1,
			 "the comment that is not signed says something else");
	at = line_at(f, 2, &n);
	if (n > 17)
		add_flip(f, "comment-changed", at + n - 1,
			 "the comment that is signed says something else");
}

static void add_keys(const struct signed_file *f)
{
	struct scene *s = f->scene;
	size_t n, n_id = 0, at = line_at(f, 1, &n);
	const unsigned char *line;

	(void)scene_add(s, "other-key", "",
			&(struct deed){.act = act_signed,
				       .path = f->signature,
				       .words = "somebody else has signed the file"});
	if (node_get(s->check->spec_node, "minisign") == NULL)
		return;
	line = base64_decode(s->arena, f->text + at, n, &n_id);
	if (line != NULL && n_id > 2 + ID_BYTES)
		(void)scene_add(s, "forged-id", "",
				&(struct deed){.act = act_signed,
					       .path = f->signature,
					       .more = line + 2,
					       .words = "somebody else has signed it under the id "
							"of the trusted key"});
}

static int signature_survey(struct challenge *c, struct err *e)
{
	struct signed_file f = {.scene = c->state};
	struct buf text;
	int rc;

	f.file = artifact_path(f.scene->check, "file");
	f.signature = artifact_path(f.scene->check, "signature");
	buf_init(&text, SIGNATURE_MAX_BYTES);
	rc = file_read(f.signature, &text, e);
	f.text = arena_strndup(c->arena, text.data, text.len);
	f.n = text.len;
	buf_release(&text);
	if (rc < 0)
		return -1;
	controls_add(f.scene, f.file, f.file);
	bytes_add(f.scene, f.file, "", BYTES_ALL);
	(void)scene_add(f.scene, "other-file", "",
			&(struct deed){.act = act_written,
				       .path = f.file,
				       .text = "another file\n",
				       .words = "another file is in its place"});
	add_torn(&f);
	add_comments(&f);
	add_keys(&f);
	return 0;
}

const struct arsenal arsenal_signature = {
	.rows = signature_rows,
	.open = signature_open,
	.survey = signature_survey,
	.strike = artifact_strike,
	.words = artifact_words,
};
