/* A header is written once its content is known: its size stands in it. */
#include "audits/arsenal/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/archive_rules.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/deflate.h"
#include "runner/io/digest.h"
#include "runner/io/file.h"
#include "runner/io/tar_header.h"

#define MAX_MEMBERS 200000
#define MAX_CONTENT (INT64_C(4) << 30)
#define NAME_BYTES  100
#define OTHER_OWNER 54321

/* --- the list --- */

struct reading {
	struct arena *arena;
	struct pack_list *list;
	struct packed *at;
};

static int list_member(void *context, const struct archive_member *m, struct err *e)
{
	struct reading *r = context;
	struct pack_list *l = r->list;

	(void)e;
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 64 : l->cap * 2;
		struct packed *grown = arena_array(r->arena, cap, sizeof(*grown));

		if (l->n > 0)
			memcpy(grown, l->items, l->n * sizeof(*grown));
		l->items = grown;
		l->cap = cap;
	}
	r->at = &l->items[l->n++];
	l->bytes += (int64_t)2 * TAR_BLOCK; /* its header, and padding */
	*r->at = (struct packed){
		.path = archive_path(r->arena, m->name),
		.name = arena_strdup(r->arena, m->name),
		.type = m->type,
		.mode = m->mode,
	};
	return 0;
}

static int list_data(void *context, const void *p, size_t n, struct err *e)
{
	struct reading *r = context;

	(void)e;
	if (r->at->size == 0 && n > 0)
		r->at->is_text = memchr(p, '\0', n < 512 ? n : 512) == NULL;
	r->at->size += (int64_t)n;
	r->list->bytes += (int64_t)n;
	return 0;
}

static int list_end(void *context, struct err *e)
{
	(void)context;
	(void)e;
	return 0;
}

static int walk(const char *path, int64_t deadline_ms, const struct archive_sink *sink,
		struct err *e)
{
	const struct archive_limits limits = {
		.max_members = MAX_MEMBERS,
		.max_bytes = MAX_CONTENT,
		.max_ratio = 1000000,
		.deadline_ms = deadline_ms,
	};
	struct archive_summary summary;
	struct stat st;
	int fd = file_open(path, &st, e), rc;

	if (fd < 0)
		return -1;
	rc = archive_walk(fd, &limits, sink, &summary, e);
	(void)close(fd); /* only read from */
	return rc;
}

int pack_read(struct arena *a, const char *path, int64_t deadline_ms, struct pack_list *out,
	      struct err *e)
{
	struct reading r = {.arena = a, .list = out};
	const struct archive_sink sink = {&r, list_member, list_data, list_end};

	*out = (struct pack_list){0};
	if (walk(path, deadline_ms, &sink, e) == 0)
		return 0;
	(void)err_context(e, "could not read the archive to pack it anew");
	return err_help(e, "what is packed anew is of 4 GiB and 200,000 members at most");
}

/* --- writing --- */

struct packer {
	const struct pack_edit *edit;
	struct arena *arena;
	int fd;
	size_t n;	    /* members so far */
	bool is_only_moved; /* the second pass: what goes behind the others */
	/* the member at hand */
	bool is_passed; /* over */
	bool is_changed, is_planted;
	unsigned char header[TAR_BLOCK];
	int64_t header_at, size;
};

static int write_all(struct packer *p, const void *bytes, size_t n, struct err *e)
{
	return file_write_all(p->fd, bytes, n) != 0
		       ? err_set(e, ERR_MEASURE, "could not pack the archive anew: %s",
				 strerror(errno))
		       : 0;
}

static int write_padding(struct packer *p, int64_t size, struct err *e)
{
	static const unsigned char zeros[TAR_BLOCK];
	size_t over = (size_t)(size % TAR_BLOCK);

	return over > 0 ? write_all(p, zeros, TAR_BLOCK - over, e) : 0;
}

static void put_number(unsigned char *at, size_t n, int64_t v)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%0*llo", (int)n - 1, (unsigned long long)v);

	if (v >= 0 && len >= 0 && (size_t)len < n) {
		memcpy(at, text, n);
		return;
	}
	for (size_t i = n; i > 1; i--, v = v / 256) /* as GNU does */
		at[i - 1] = (unsigned char)(v & 0xff);
	at[0] = 0x80;
}

static void put_text(unsigned char *at, size_t n, const char *s)
{
	size_t len = strlen(s);

	memcpy(at, s, len < n ? len : n);
}

static void seal_header(unsigned char *h, int64_t size)
{
	unsigned sum = 0;

	put_number(h + 124, 12, size);
	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += h[i];
	put_number(h + 148, 7, sum);
	h[155] = ' ';
}

/* A name that does not fit into a header stands in a member before it. */
static int write_long(struct packer *p, char type, const char *name, struct err *e)
{
	unsigned char h[TAR_BLOCK] = {0};
	size_t n = strlen(name) + 1;

	if (n <= NAME_BYTES)
		return 0;
	put_text(h, NAME_BYTES, "././@LongLink");
	put_number(h + 100, 8, 0644);
	put_number(h + 108, 8, 0);
	put_number(h + 116, 8, 0);
	put_number(h + 136, 12, 0);
	h[156] = (unsigned char)type;
	memcpy(h + 257, "ustar  ", 8);
	seal_header(h, (int64_t)n);
	if (write_all(p, h, sizeof(h), e) < 0 || write_all(p, name, n, e) < 0)
		return -1;
	return write_padding(p, (int64_t)n, e);
}

static char flag_of(enum member_type type)
{
	switch (type) {
	case MEMBER_UNKNOWN:
	case MEMBER_SOCKET: /* no tar has one */
	case MEMBER_FILE:
		break;
	case MEMBER_DIRECTORY:
		return '5';
	case MEMBER_SYMLINK:
		return '2';
	case MEMBER_HARDLINK:
		return '1';
	case MEMBER_DEVICE:
		return '3';
	case MEMBER_FIFO:
		return '6';
	}
	return '0';
}

/* Content follows, then end_member(). */
static int begin_member(struct packer *p, const struct archive_member *m, struct err *e)
{
	const char *link = m->link != NULL ? m->link : "";
	unsigned char *h = p->header;
	off_t at;

	if (write_long(p, 'K', link, e) < 0 || write_long(p, 'L', m->name, e) < 0)
		return -1;
	memset(h, 0, TAR_BLOCK);
	put_text(h, NAME_BYTES, m->name);
	put_number(h + 100, 8, m->mode);
	put_number(h + 108, 8, m->uid > 0 ? m->uid : 0);
	put_number(h + 116, 8, m->gid > 0 ? m->gid : 0);
	put_number(h + 136, 12, 0);
	h[156] = (unsigned char)flag_of(m->type);
	put_text(h + 157, NAME_BYTES, link);
	memcpy(h + 257, "ustar  ", 8); /* as GNU does, for its long names */
	put_text(h + 265, 31, m->user != NULL ? m->user : "");
	put_text(h + 297, 31, m->group != NULL ? m->group : "");
	at = lseek(p->fd, 0, SEEK_CUR);
	p->header_at = (int64_t)at;
	p->size = 0;
	p->n++;
	return at < 0 ? write_all(p, NULL, 0, e) : write_all(p, h, TAR_BLOCK, e);
}

static int end_member(struct packer *p, struct err *e)
{
	if (write_padding(p, p->size, e) < 0)
		return -1;
	seal_header(p->header, p->size);
	return pwrite(p->fd, p->header, TAR_BLOCK, (off_t)p->header_at) != TAR_BLOCK
		       ? err_set(e, ERR_MEASURE, "could not pack the archive anew: %s",
				 strerror(errno))
		       : 0;
}

static bool is_lost(const struct pack_edit *edit, const char *path)
{
	size_t n = edit->lost != NULL ? strlen(edit->lost) : 0;

	if (n > 1 && edit->lost[n - 1] == '/') /* a folder, and what is in it */
		return strncmp(path, edit->lost, n) == 0 ||
		       (strlen(path) == n - 1 && strncmp(path, edit->lost, n - 1) == 0);
	return n > 0 && str_glob(edit->lost, path);
}

static int on_member(void *context, const struct archive_member *given, struct err *e)
{
	struct packer *p = context;
	const struct pack_edit *edit = p->edit;
	const char *path = archive_path(p->arena, given->name);
	bool is_moved = edit->moved != NULL && strcmp(path, edit->moved) == 0;
	struct archive_member m = *given;

	p->is_passed = is_lost(edit, path) || is_moved != p->is_only_moved ||
		       (edit->kept > 0 && p->n >= edit->kept);
	if (p->is_passed)
		return 0;
	p->is_changed = edit->changed != NULL && strcmp(path, edit->changed) == 0;
	p->is_planted = edit->planted_in != NULL && strcmp(path, edit->planted_in) == 0;
	if (edit->attributed != NULL && strcmp(path, edit->attributed) == 0) {
		if (edit->mode == PACK_OWNER) {
			m.uid = m.gid = OTHER_OWNER;
			m.user = m.group = "other";
		} else {
			m.mode = edit->mode;
		}
	}
	if (edit->linked != NULL && strcmp(path, edit->linked) == 0) {
		m.type = MEMBER_SYMLINK;
		m.link = edit->link;
		if (begin_member(p, &m, e) < 0 || end_member(p, e) < 0)
			return -1;
		p->is_passed = true; /* its content */
		return 0;
	}
	return begin_member(p, &m, e);
}

static int on_data(void *context, const void *data, size_t n, struct err *e)
{
	struct packer *p = context;

	if (p->is_passed)
		return 0;
	if (flag_of(MEMBER_HARDLINK) == (char)p->header[156])
		return err_set(e, ERR_MEASURE, "a hard link of it comes with its content");
	if (p->is_changed && n > 0) {
		unsigned char first = *(const unsigned char *)data ^ 1;

		p->is_changed = false;
		p->size++;
		if (write_all(p, &first, 1, e) < 0)
			return -1;
		return on_data(p, (const char *)data + 1, n - 1, e);
	}
	p->size += (int64_t)n;
	return write_all(p, data, n, e);
}

static int on_end(void *context, struct err *e)
{
	struct packer *p = context;

	if (p->is_passed)
		return 0;
	if (p->is_planted && on_data(p, p->edit->text, strlen(p->edit->text), e) < 0)
		return -1;
	return end_member(p, e);
}

static int write_added(struct packer *p, struct err *e)
{
	const struct pack_added *added = &p->edit->added;
	const struct archive_member m = {
		.name = added->name, .link = added->link, .type = added->type, .mode = added->mode};

	p->is_passed = p->is_changed = false;
	if (added->name == NULL)
		return 0;
	if (begin_member(p, &m, e) < 0 ||
	    (added->content != NULL && on_data(p, added->content, strlen(added->content), e) < 0))
		return -1;
	return end_member(p, e);
}

static int pack_members(struct packer *p, const char *from, int64_t deadline_ms, struct err *e)
{
	static const unsigned char end[2 * TAR_BLOCK];
	const struct archive_sink sink = {p, on_member, on_data, on_end};

	if (walk(from, deadline_ms, &sink, e) < 0)
		return -1;
	p->is_only_moved = true;
	if (p->edit->moved != NULL && walk(from, deadline_ms, &sink, e) < 0)
		return -1;
	return write_added(p, e) < 0 ? -1 : write_all(p, end, sizeof(end), e);
}

static int create(const char *path, struct err *e)
{
	int fd;

	(void)unlink(path); /* the open tells */
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		(void)err_set(e, ERR_MEASURE, "could not write \"%s\": %s", path, strerror(errno));
	return fd;
}

int pack_tar(const char *from, const char *to, const struct pack_edit *edit, int64_t deadline_ms,
	     struct err *e)
{
	struct packer p = {.edit = edit, .fd = create(to, e)};
	int rc;

	if (p.fd < 0)
		return -1;
	p.arena = arena_new();
	rc = pack_members(&p, from, deadline_ms, e);
	arena_free(p.arena);
	if (close(p.fd) != 0 && rc == 0)
		rc = err_set(e, ERR_MEASURE, "could not write \"%s\": %s", to, strerror(errno));
	return rc;
}

/* --- zeros --- */

/* A zlib stream (RFC 1950) without its head and sum, as the body of a gzip one (RFC 1952). */
static int write_gzip(struct packer *p, const void *content, size_t n, struct err *e)
{
	static const unsigned char head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
	uint32_t crc = crc32_add(0, content, n);
	unsigned char tail[8];
	struct buf packed;
	int rc = -1;

	for (unsigned i = 0; i < 4; i++) {
		tail[i] = (unsigned char)(crc >> (8 * i));
		tail[4 + i] = (unsigned char)(n >> (8 * i));
	}
	buf_init(&packed, BUF_UNBOUNDED); /* of content of our own */
	if (deflate_pack(content, n, &packed) != 0 || packed.len < 8 + 2 + 4)
		(void)err_set(e, ERR_MEASURE, "could not pack zeros");
	else if (write_all(p, head, sizeof(head), e) == 0 &&
		 write_all(p, packed.data + 8 + 2, packed.len - 8 - 2 - 4, e) == 0)
		rc = write_all(p, tail, sizeof(tail), e);
	buf_release(&packed);
	return rc;
}

int pack_gzip(const char *to, const void *content, size_t n, struct err *e)
{
	struct packer p = {.fd = create(to, e)};
	int rc;

	if (p.fd < 0)
		return -1;
	rc = write_gzip(&p, content, n, e);
	if (close(p.fd) != 0 && rc == 0)
		rc = err_set(e, ERR_MEASURE, "could not write \"%s\": %s", to, strerror(errno));
	return rc;
}

int pack_zeros(const char *to, size_t n, struct err *e)
{
	size_t all = TAR_BLOCK + (n + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK + 2 * TAR_BLOCK;
	unsigned char *content = xmalloc(all);
	int rc;

	memset(content, 0, all);
	put_text(content, NAME_BYTES, "zeros");
	put_number(content + 100, 8, 0644);
	put_number(content + 108, 8, 0);
	put_number(content + 116, 8, 0);
	put_number(content + 136, 12, 0);
	content[156] = '0';
	memcpy(content + 257, "ustar  ", 8);
	seal_header(content, (int64_t)n);
	rc = pack_gzip(to, content, all, e);
	free(content);
	return rc;
}
