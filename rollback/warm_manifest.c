/*
 * warm_manifest: what assize wrote down about a warm copy it made, beside the copy and outside of
 * it.
 *
 * It answers two questions. Is this directory ours, so that it may be replaced or removed? The
 * inode and the time of birth of the root must fit, which no rename changes and no other directory
 * has: what somebody else put in the same place is never touched. And: has anything been touched
 * since every byte was last compared? For that it holds one hash over the stamps of all entries
 * (size, mtime, ctime, inode, mode, links).
 *
 * What that hash can be trusted for: every change through the file system moves the ctime of what
 * is changed, and no call sets a ctime back. What it cannot: a clock that was set back far enough,
 * writes past the file system (the raw disk, a failing one), and whoever may write here, for he can
 * write another manifest as well. So a copy whose stamps are as they were is called *cached*, never
 * proven; all bytes are compared again when `rehash` has passed, when any stamp differs, and when
 * the manifest is not one of this very commit, tree and content.
 *
 * One file for every directory that stood there, by its inode: a copy and its manifest change in
 * two steps, and a run killed between them leaves each with its own.
 */
#include "rollback/room.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/io/file.h"
#include "runner/io/json.h"

#define FORMAT	  "warm/1"
#define MAX_BYTES 65536

static const char *const content_names[] = {
	[CONTENT_RAW] = "raw",
	[CONTENT_CHECKOUT] = "checkout",
};

/* Paths may hold any byte, JSON holds text: both sides are compared in this form. */
static const char *as_text(struct arena *a, const char *s)
{
	return str_escaped(a, s);
}

struct warm_manifest warm_manifest_of(const struct verification *v)
{
	return (struct warm_manifest){
		.set = as_text(v->a, v->set->name),
		.path = as_text(v->a, v->set->warm_path),
		.repo = as_text(v->a, v->set->repo->location),
		.tag = as_text(v->a, v->tag),
		.commit = room_hex(v->a, &v->commit_id),
		.tree = room_hex(v->a, &v->tree_id),
		.content = content_names[v->set->content],
		.n_files = v->out->n_files,
		.n_bytes = v->plan.n_bytes,
	};
}

const char *warm_manifest_path(struct arena *a, const struct warm_place *place,
			       const struct place_identity *root)
{
	return arena_printf(a, "%s/%s@%" PRIu64 ".json", place->state, place->name, root->inode);
}

static void put_time(struct json_writer *w, const char *key, int64_t ms)
{
	char text[UTC_MAX];

	(void)utc_format(ms, 1, text); /* its length */
	json_put_text(w, key, text);
}

int warm_manifest_write(struct arena *a, const struct warm_place *place,
			const struct warm_manifest *m, struct err *e)
{
	struct json_writer w;
	struct buf b;
	int rc;

	buf_init(&b, BUF_UNBOUNDED);
	json_writer_init(&w, &b, true);
	json_open(&w, NULL, '{');
	json_put_text(&w, "assize", FORMAT);
	json_put_text(&w, "set", m->set);
	json_put_text(&w, "path", m->path);
	json_put_text(&w, "repo", m->repo);
	json_put_text(&w, "tag", m->tag);
	json_put_text(&w, "commit", m->commit);
	json_put_text(&w, "tree", m->tree);
	json_put_text(&w, "content", m->content);
	json_put_int(&w, "files", m->n_files);
	json_put_int(&w, "bytes", m->n_bytes);
	put_time(&w, "made", m->made_ms);
	put_time(&w, "proven", m->proven_ms);
	json_put_text(&w, "inode", arena_printf(a, "%" PRIu64, m->root.inode));
	json_put_text(&w, "born_ns", arena_printf(a, "%" PRId64, m->root.born_ns));
	json_put_text(&w, "stamps", m->stamps);
	json_close(&w, '}');
	(void)buf_putc(&b, '\n'); /* unbounded */
	rc = file_write_atomic(warm_manifest_path(a, place, &m->root), b.data, b.len, e);
	buf_release(&b);
	return rc;
}

static const char *text_of(struct arena *a, const struct json_doc *d, const char *pointer)
{
	struct json_value v;

	if (json_pointer(d, pointer, &v, NULL) != 0 || v.type != JSON_IS_TEXT)
		return NULL;
	return arena_strdup(a, v.text);
}

static bool time_of(struct arena *a, const struct json_doc *d, const char *pointer, int64_t *out)
{
	const char *text = text_of(a, d, pointer);
	int has_zone;

	return text && utc_parse(text, strlen(text), out, &has_zone) == 0;
}

static bool number_of(struct arena *a, const struct json_doc *d, const char *pointer, int64_t *out)
{
	const char *text = text_of(a, d, pointer);

	return text && num_parse_int(text, strlen(text), out) == 0;
}

/* All of it or nothing. */
static bool read_members(struct arena *a, const struct json_doc *d, struct warm_manifest *m)
{
	const char *format = text_of(a, d, "/assize");
	int64_t inode;

	m->set = text_of(a, d, "/set");
	m->path = text_of(a, d, "/path");
	m->repo = text_of(a, d, "/repo");
	m->tag = text_of(a, d, "/tag");
	m->commit = text_of(a, d, "/commit");
	m->tree = text_of(a, d, "/tree");
	m->content = text_of(a, d, "/content");
	m->stamps = text_of(a, d, "/stamps");
	if (!format || strcmp(format, FORMAT) != 0 || !m->set || !m->path || !m->repo || !m->tag ||
	    !m->commit || !m->tree || !m->content || !m->stamps)
		return false;
	if (!time_of(a, d, "/made", &m->made_ms) || !time_of(a, d, "/proven", &m->proven_ms) ||
	    !number_of(a, d, "/inode", &inode) || inode < 0 ||
	    !number_of(a, d, "/born_ns", &m->root.born_ns))
		return false;
	m->root.inode = (uint64_t)inode;
	return true;
}

const struct warm_manifest *warm_manifest_parse(struct arena *a, const char *path)
{
	struct warm_manifest *m = arena_alloc(a, sizeof(*m));
	struct json_doc *d = NULL;
	bool is_whole = false;
	struct buf b;

	buf_init(&b, MAX_BYTES);
	if (file_read(path, &b, NULL) == 0 && json_parse(b.data, b.len, &d, NULL) == 0) {
		is_whole = read_members(a, d, m);
		json_free(d);
	}
	buf_release(&b);
	return is_whole ? m : NULL;
}

const struct warm_manifest *warm_manifest_read(struct arena *a, const struct warm_place *place,
					       const struct place_identity *root)
{
	const struct warm_manifest *m = warm_manifest_parse(a, warm_manifest_path(a, place, root));

	return m && place_is_same(&m->root, root) ? m : NULL;
}

bool warm_manifest_is_own(struct arena *a, const struct warm_manifest *m,
			  const struct rollback_set *set, const struct place_identity *root)
{
	return m && place_is_same(&m->root, root) && strcmp(m->set, as_text(a, set->name)) == 0 &&
	       strcmp(m->path, as_text(a, set->warm_path)) == 0 &&
	       strcmp(m->repo, as_text(a, set->repo->location)) == 0;
}
