/* Marks are matched in two passes: by inode and content first, what is left by content alone. */
#include "audits/log_place.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/json.h"

#define VERSION 1

static const char *const role_names[] = {"live", "rotated", "done", "packed"};

#define N_ROLES (sizeof(role_names) / sizeof(*role_names))

/* ---- text ---- */

const char *log_place_text(struct arena *a, const struct log_place *place)
{
	struct json_writer w;
	struct buf b;
	const char *text;

	buf_init(&b, BUF_UNBOUNDED); /* at most LOG_MAX_FILES marks */
	json_writer_init(&w, &b, false);
	json_open(&w, NULL, '{');
	json_put_int(&w, "version", VERSION);
	json_put_text(&w, "path", place->path);
	json_put_int(&w, "at", place->at_ms);
	json_open(&w, "files", '[');
	for (size_t i = 0; i < place->n; i++) {
		const struct log_mark *m = &place->marks[i];

		json_open(&w, NULL, '{');
		json_put_text(&w, "name", m->name);
		json_put_text(&w, "role", role_names[m->role]);
		json_put_text(&w, "inode", arena_printf(a, "%llx", (unsigned long long)m->inode));
		json_put_int(&w, "offset", m->offset);
		json_put_int(&w, "n_head", m->n_head);
		json_put_text(&w, "head", m->head);
		json_put_text(&w, "tail", m->tail);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_close(&w, '}');
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

/* Members of a mark or a place; a missing or wrong one clears is_whole. */
struct reading {
	struct arena *arena;
	const struct json_doc *doc;
	bool is_whole;
};

static struct json_value member(struct reading *r, const struct json_t *at, const char *name,
				enum json_type type)
{
	struct json_value v = {.type = JSON_ABSENT};
	const struct json_t *m = json_member(at, name);

	if (m)
		json_read(r->doc, m, &v);
	if (v.type != type) {
		r->is_whole = false;
		v = (struct json_value){.text = ""};
	}
	return v;
}

static int64_t integer(struct reading *r, const struct json_t *at, const char *name)
{
	int64_t v = member(r, at, name, JSON_IS_INT).integer;

	r->is_whole = r->is_whole && v >= 0;
	return v;
}

static const char *text_of(struct reading *r, const struct json_t *at, const char *name)
{
	return arena_strdup(r->arena, member(r, at, name, JSON_IS_TEXT).text);
}

static uint64_t number(struct reading *r, const struct json_t *at, const char *name)
{
	static const char digits[] = "0123456789abcdef";
	const char *text = text_of(r, at, name);
	uint64_t v = 0;

	r->is_whole =
		r->is_whole && *text && strlen(text) <= 16 && text[strspn(text, digits)] == '\0';
	for (; *text && r->is_whole; text++)
		v = v << 4 | (uint64_t)(strchr(digits, *text) - digits);
	return v;
}

static void digest(struct reading *r, const struct json_t *at, const char *name,
		   char out[static LOG_HEX])
{
	const char *text = text_of(r, at, name);

	r->is_whole = r->is_whole && strlen(text) == LOG_HEX - 1;
	(void)memcpy(out, r->is_whole ? text : "", r->is_whole ? LOG_HEX : 1);
}

static struct log_mark read_mark(struct reading *r, const struct json_t *at)
{
	struct log_mark m = {
		.name = text_of(r, at, "name"),
		.inode = number(r, at, "inode"),
		.offset = integer(r, at, "offset"),
		.n_head = integer(r, at, "n_head"),
	};
	const char *role = text_of(r, at, "role");
	size_t i = 0;

	while (i < N_ROLES && strcmp(role, role_names[i]) != 0)
		i++;
	r->is_whole = r->is_whole && i < N_ROLES && m.n_head <= LOG_HEAD_BYTES;
	if (i < N_ROLES)
		m.role = (enum log_role)i;
	digest(r, at, "head", m.head);
	digest(r, at, "tail", m.tail);
	return m;
}

int log_place_parse(struct arena *a, const char *text, struct log_place *out, struct err *e)
{
	struct reading r = {.arena = a, .is_whole = true};
	struct json_doc *doc;
	struct log_place place;
	struct json_value files;
	const struct json_t *list;

	if (json_parse(text, strlen(text), &doc, e) < 0)
		return -1;
	r.doc = doc;
	r.is_whole = integer(&r, json_root(doc), "version") == VERSION;
	place.path = text_of(&r, json_root(doc), "path");
	place.at_ms = integer(&r, json_root(doc), "at");
	files = member(&r, json_root(doc), "files", JSON_IS_ARRAY);
	list = json_member(json_root(doc), "files");
	place.n = files.n;
	place.marks = arena_array(a, files.n + 1, sizeof(*place.marks));
	for (size_t i = 0; i < files.n && r.is_whole; i++)
		place.marks[i] = read_mark(&r, json_item(list, i));
	json_free(doc);
	if (!r.is_whole)
		return err_set(e, ERR_MEASURE, "it is not as assize writes it");
	*out = place;
	return 0;
}

/* ---- matching ---- */

int log_mark_set(const struct log_file *f, int64_t offset, enum log_role role, struct log_mark *out,
		 struct err *e)
{
	struct log_mark m = {
		.role = role,
		.inode = f->inode,
		.offset = offset,
		.n_head = offset < (int64_t)f->n_head ? offset : (int64_t)f->n_head,
		.name = f->name,
	};

	log_digest(f->head, (size_t)m.n_head, m.head);
	if (log_file_tail(f, offset, m.tail, e) != 0)
		return -1;
	*out = m;
	return 0;
}

static bool has_head(const struct log_file *f, const struct log_mark *m)
{
	char head[LOG_HEX];

	if ((int64_t)f->n_head < m->n_head)
		return false;
	log_digest(f->head, (size_t)m->n_head, head);
	return strcmp(head, m->head) == 0;
}

/* Does the file begin with what was read up to the mark, as far as digests tell? -1 with e. */
static int has_content(const struct log_file *f, const struct log_mark *m, struct err *e)
{
	char tail[LOG_HEX];
	int rc;

	if (!has_head(f, m))
		return 0;
	rc = log_file_tail(f, m->offset, tail, e);
	if (rc < 0)
		return -1;
	return rc == 0 && strcmp(tail, m->tail) == 0;
}

struct matching {
	const struct log_place *place;
	const struct log_file *files;
	size_t n;
	const struct log_mark **marks; /* of the files */
	bool *is_found;		       /* each mark */
};

static bool is_done(const struct log_mark *m)
{
	return m->role == LOG_IS_DONE || m->role == LOG_IS_PACKED;
}

/* Files that kept their inode. */
static int match_inodes(struct matching *x, struct err *e)
{
	for (size_t i = 0; i < x->n; i++)
		for (size_t k = 0; k < x->place->n && !x->marks[i]; k++) {
			const struct log_mark *m = &x->place->marks[k];
			int rc;

			if (x->is_found[k] || x->files[i].inode != m->inode)
				continue;
			rc = has_content(&x->files[i], m, e);
			if (rc < 0)
				return -1;
			if (rc > 0) {
				x->marks[i] = m;
				x->is_found[k] = true;
			}
		}
	return 0;
}

/*
 * Copies, packed files. What was read of an empty file tells nothing about any other, and a new log
 * may well begin like one that was done with.
 */
static int match_contents(struct matching *x, bool of_done, struct err *e)
{
	for (size_t k = 0; k < x->place->n; k++) {
		const struct log_mark *m = &x->place->marks[k];

		if (m->n_head == 0 || is_done(m) != of_done)
			continue;
		for (size_t i = 0; i < x->n && !x->is_found[k]; i++) {
			bool is_open = !x->marks[i] && !(of_done && x->files[i].is_live);
			int rc = is_open ? has_content(&x->files[i], m, e) : 0;

			if (rc < 0)
				return -1;
			if (rc > 0) {
				x->marks[i] = m;
				x->is_found[k] = true;
			}
		}
	}
	return 0;
}

int log_place_match(struct arena *a, const struct log_place *place, const struct log_file *files,
		    size_t n, struct log_match *out, struct err *e)
{
	struct matching x = {
		.place = place,
		.files = files,
		.n = n,
		.marks = arena_array(a, n + 1, sizeof(struct log_mark *)),
		.is_found = arena_array(a, place->n + 1, sizeof(bool)),
	};

	if (match_inodes(&x, e) < 0 || match_contents(&x, false, e) < 0 ||
	    match_contents(&x, true, e) < 0)
		return -1;
	*out = (struct log_match){
		.marks = x.marks,
		.lost = arena_array(a, place->n + 1, sizeof(struct log_mark *)),
	};
	for (size_t k = 0; k < place->n; k++)
		if (!x.is_found[k] && !is_done(&place->marks[k]) && place->marks[k].offset > 0)
			out->lost[out->n_lost++] = &place->marks[k];
	return 0;
}
