/*
 * git_loose: loose objects, read by zlib directly.
 *
 * libgit2 1.5 never returns from a loose object that is cut short: it goes on asking an inflater
 * that has no more input. A truncated file is the most ordinary damage there is (a full disk, a
 * power cut), so its loose backend is replaced by this one: read-only, every call to inflate() must
 * make progress, the claimed size must be possible for the size of the file and must be exact, and
 * nothing may follow the stream. Hashing stays with libgit2, which checks what any backend returns.
 *
 * Source: git's object-file.c for the layout: zlib("TYPE SP SIZE NUL CONTENT").
 */
#define ZLIB_CONST /* zlib reads through pointers to const */
#include "runner/io/git_loose.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/io/git_library.h"

#define IN_BYTES     16384
#define HEADER_BYTES 32
/* deflate cannot do better than 1:1032 (zlib's own documentation). */
#define MAX_RATIO 1032

struct loose_backend {
	git_odb_backend base; /* first: libgit2 knows only this part */
	char *objects;
};

struct loose_object {
	int fd;
	off_t file_bytes;
	z_stream z;
	unsigned char in[IN_BYTES];
	/* behind the header, inflated with it */
	char head[HEADER_BYTES];
	size_t n_head, begin;
	git_object_t type;
	size_t size;
};

static int damaged(const char *what)
{
	git_error_set_str(GIT_ERROR_ZLIB, what);
	return GIT_ERROR;
}

static int machine_error(void)
{
	git_error_set_str(GIT_ERROR_OS, strerror(errno));
	return GIT_ERROR;
}

static char *make_path(const struct loose_backend *b, const git_oid *id)
{
	size_t n = strlen(b->objects) + GIT_OID_HEXSZ + 3; /* two slashes and NUL */
	char *path = xmalloc(n), hex[GIT_OID_HEXSZ + 1];

	git_oid_tostr(hex, sizeof(hex), id);
	(void)snprintf(path, n, "%s/%.2s/%s", b->objects, hex, hex + 2); /* fits */
	return path;
}

/* Inflates up to n bytes; *got is less only at the end of the stream. */
static int inflate_some(struct loose_object *o, void *out, size_t n, size_t *got)
{
	unsigned char *p = out;
	int rc = Z_OK;

	*got = 0;
	while (*got < n && rc != Z_STREAM_END) {
		size_t room = n - *got;

		if (o->z.avail_in == 0) {
			ssize_t n_read = read(o->fd, o->in, sizeof(o->in));

			if (n_read < 0 && errno == EINTR)
				continue;
			if (n_read < 0)
				return machine_error();
			if (n_read == 0)
				return damaged("the loose object is cut short");
			o->z.next_in = o->in;
			o->z.avail_in = (uInt)n_read;
		}
		o->z.next_out = p + *got;
		o->z.avail_out = room > (1U << 30) ? 1U << 30 : (uInt)room;
		room = o->z.avail_out;
		rc = inflate(&o->z, Z_NO_FLUSH);
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			return damaged(o->z.msg ? o->z.msg : "the loose object cannot be inflated");
		*got += room - o->z.avail_out;
	}
	return 0;
}

/* "blob 1234" before the NUL. */
static int parse_header(struct loose_object *o)
{
	const char *nul = memchr(o->head, '\0', o->n_head);
	const char *space = memchr(o->head, ' ', o->n_head);
	char type[HEADER_BYTES] = "";
	int64_t size;

	if (!nul || !space || space > nul)
		return damaged("the loose object has no header");
	memcpy(type, o->head, (size_t)(space - o->head));
	o->type = git_object_string2type(type);
	if (o->type != GIT_OBJECT_BLOB && o->type != GIT_OBJECT_TREE &&
	    o->type != GIT_OBJECT_COMMIT && o->type != GIT_OBJECT_TAG)
		return damaged("the loose object has an unknown type");
	if (num_parse_int(space + 1, (size_t)(nul - space - 1), &size) < 0 || size < 0 ||
	    size / MAX_RATIO > o->file_bytes)
		return damaged("the loose object claims an impossible size");
	o->size = (size_t)size;
	o->begin = (size_t)(nul - o->head) + 1;
	if (o->n_head - o->begin > o->size)
		return damaged("the loose object is longer than it says");
	return 0;
}

static void close_object(struct loose_object *o)
{
	(void)inflateEnd(&o->z); /* reports only misuse */
	(void)close(o->fd);	 /* only read */
}

/* GIT_ENOTFOUND when there is no such file. */
static int open_object(const struct loose_backend *b, const git_oid *id, struct loose_object *o)
{
	char *path = make_path(b, id);
	struct stat st;
	int rc;

	memset(&o->z, 0, sizeof(o->z));
	o->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	free(path);
	if (o->fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return GIT_ENOTFOUND;
	if (o->fd < 0)
		return machine_error();
	if (fstat(o->fd, &st) < 0) {
		rc = machine_error();
	} else if (!S_ISREG(st.st_mode)) {
		rc = damaged("the loose object is no regular file");
	} else {
		o->file_bytes = st.st_size;
		rc = inflateInit(&o->z) == Z_OK ? 0 : damaged("zlib cannot start");
		if (rc == 0)
			rc = inflate_some(o, o->head, sizeof(o->head), &o->n_head);
		if (rc == 0)
			rc = parse_header(o);
	}
	if (rc != 0)
		close_object(o);
	return rc;
}

/* The content into data, which has room for one byte more than it should have. */
static int read_content(struct loose_object *o, char *data)
{
	size_t n = o->n_head - o->begin, got;
	unsigned char rest;

	memcpy(data, o->head + o->begin, n);
	/* A stream that ended inside the header gives nothing more, and is not asked. */
	if (o->n_head == sizeof(o->head)) {
		if (inflate_some(o, data + n, o->size + 1 - n, &got) < 0)
			return GIT_ERROR;
		n += got;
	}
	if (n != o->size)
		return damaged(n < o->size ? "the loose object is shorter than it says"
					   : "the loose object is longer than it says");
	data[n] = '\0';
	if (o->z.avail_in > 0 || read(o->fd, &rest, 1) != 0)
		return damaged("something follows the loose object");
	return 0;
}

static int loose_read(void **data, size_t *size, git_object_t *type, git_odb_backend *backend,
		      const git_oid *id)
{
	struct loose_backend *b = (struct loose_backend *)backend;
	struct loose_object o;
	char *content;
	int rc = open_object(b, id, &o);

	if (rc != 0)
		return rc;
	content = git_odb_backend_data_alloc(backend, o.size + 1);
	rc = content ? read_content(&o, content) : machine_error();
	if (rc == 0) {
		*data = content;
		*size = o.size;
		*type = o.type;
	} else if (content) {
		git_odb_backend_data_free(backend, content);
	}
	close_object(&o);
	return rc;
}

static int loose_read_header(size_t *size, git_object_t *type, git_odb_backend *backend,
			     const git_oid *id)
{
	struct loose_object o;
	int rc = open_object((struct loose_backend *)backend, id, &o);

	if (rc != 0)
		return rc;
	*size = o.size;
	*type = o.type;
	close_object(&o);
	return 0;
}

static int loose_exists(git_odb_backend *backend, const git_oid *id)
{
	char *path = make_path((struct loose_backend *)backend, id);
	struct stat st;
	int found = stat(path, &st) == 0;

	free(path);
	return found;
}

/* The object whose name begins with the first len digits of part; there must be no second one. */
static int complete(const struct loose_backend *b, const git_oid *part, size_t len, git_oid *out)
{
	char hex[GIT_OID_HEXSZ + 1], *path = make_path(b, part);
	const struct dirent *entry;
	int rc = GIT_ENOTFOUND;
	DIR *dir;

	git_oid_tostr(hex, sizeof(hex), part);
	path[strlen(path) - (GIT_OID_HEXSZ - 2)] = '\0'; /* its directory */
	dir = opendir(path);
	free(path);
	while (dir != NULL && len >= 2 && rc != GIT_EAMBIGUOUS && (entry = readdir(dir)) != NULL) {
		if (strlen(entry->d_name) != GIT_OID_HEXSZ - 2 ||
		    strncmp(entry->d_name, hex + 2, len - 2) != 0)
			continue;
		memcpy(hex + 2, entry->d_name, GIT_OID_HEXSZ - 2);
		if (git_oid_fromstr(out, hex) == 0)
			rc = rc == GIT_ENOTFOUND ? 0 : GIT_EAMBIGUOUS;
	}
	if (dir != NULL)
		(void)closedir(dir); /* only read */
	return rc;
}

static int loose_read_prefix(git_oid *id, void **data, size_t *size, git_object_t *type,
			     git_odb_backend *backend, const git_oid *part, size_t len)
{
	git_oid found;
	int rc = complete((struct loose_backend *)backend, part, len, &found);

	if (rc == 0)
		rc = loose_read(data, size, type, backend, &found);
	if (rc == 0)
		git_oid_cpy(id, &found);
	return rc;
}

static void loose_free(git_odb_backend *backend)
{
	struct loose_backend *b = (struct loose_backend *)backend;

	free(b->objects);
	free(b);
}

struct git_odb_backend *git_loose_backend(const char *objects)
{
	struct loose_backend *b = xmalloc(sizeof(*b));

	*b = (struct loose_backend){
		.base =
			{
				.version = GIT_ODB_BACKEND_VERSION,
				.read = loose_read,
				.read_prefix = loose_read_prefix,
				.read_header = loose_read_header,
				.exists = loose_exists,
				.free = loose_free,
			},
		.objects = xstrdup(objects),
	};
	return &b->base;
}
