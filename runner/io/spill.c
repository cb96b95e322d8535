/*
 * A part is a stream of bytes, cut into blocks of one size wherever that falls: a record may lie
 * across blocks. The file is a heap of blocks, and a part remembers the numbers of its own.
 */
#include "runner/io/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"

struct part {
	char *block;	  /* the last one, SPILL_BLOCK_BYTES; NULL = nothing yet */
	size_t n;	  /* bytes in it */
	uint32_t *blocks; /* those in the file */
	size_t n_blocks, cap_blocks;
};

struct spill {
	struct part *parts;
	size_t n_parts;
	int fd; /* -1 = no file yet */
	uint32_t n_blocks;
	const char *directory;
};

struct spill *spill_new(size_t n_parts)
{
	struct spill *s = xmalloc(sizeof(*s));

	*s = (struct spill){.n_parts = n_parts, .fd = -1};
	s->parts = xmalloc(n_parts * sizeof(*s->parts));
	for (size_t i = 0; i < n_parts; i++)
		s->parts[i] = (struct part){0};
	return s;
}

void spill_free(struct spill *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_parts; i++) {
		free(s->parts[i].block);
		free(s->parts[i].blocks);
	}
	if (s->fd >= 0)
		(void)close(s->fd); /* nobody will read it again */
	free(s->parts);
	free(s);
}

int64_t spill_file_bytes(const struct spill *s)
{
	return (int64_t)s->n_blocks * SPILL_BLOCK_BYTES;
}

/* Where large temporary files belong: /tmp is often memory. */
static int open_file(struct spill *s, struct err *e)
{
	const char *wish = getenv("TMPDIR");
	char path[4096];
	int length, fd;

	s->directory = wish && *wish == '/' ? wish : "/var/tmp";
	length = snprintf(path, sizeof(path), "%s/assize-XXXXXX", s->directory);
	if (length < 0 || (size_t)length >= sizeof(path))
		return err_set(e, ERR_MEASURE, "the path in $TMPDIR is too long");
	fd = mkstemp(path);
	if (fd < 0) {
		err_set(e, ERR_MEASURE, "could not make a temporary file in \"%s\": %s",
			s->directory, strerror(errno));
		return err_help(e, "point $TMPDIR to a directory with room");
	}
	if (unlink(path) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
		err_set(e, ERR_MEASURE, "could not keep a temporary file in \"%s\" private: %s",
			s->directory, strerror(errno));
		(void)close(fd); /* it is empty */
		return -1;
	}
	s->fd = fd;
	return 0;
}

static int write_block(struct spill *s, const char *block, uint32_t number, struct err *e)
{
	off_t at = (off_t)number * SPILL_BLOCK_BYTES;
	size_t done = 0;

	while (done < SPILL_BLOCK_BYTES) {
		ssize_t n = pwrite(s->fd, block + done, SPILL_BLOCK_BYTES - done, at + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err_set(e, ERR_MEASURE, "could not write a temporary file in \"%s\": %s",
				s->directory, strerror(n == 0 ? ENOSPC : errno));
			return err_help(e, "make room there, or point $TMPDIR elsewhere");
		}
		done += (size_t)n;
	}
	return 0;
}

static int read_block(const struct spill *s, char *block, uint32_t number, struct err *e)
{
	off_t at = (off_t)number * SPILL_BLOCK_BYTES;
	size_t done = 0;

	while (done < SPILL_BLOCK_BYTES) {
		ssize_t n = pread(s->fd, block + done, SPILL_BLOCK_BYTES - done, at + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(e, ERR_MEASURE,
				       "could not read a temporary file in \"%s\": %s",
				       s->directory, n == 0 ? "it is shorter" : strerror(errno));
		done += (size_t)n;
	}
	return 0;
}

static int flush(struct spill *s, struct part *p, struct err *e)
{
	if (s->n_blocks == UINT32_MAX)
		return err_set(e, ERR_MEASURE, "cannot put aside more than 64 TiB");
	if ((s->fd < 0 && open_file(s, e) != 0) || write_block(s, p->block, s->n_blocks, e) != 0)
		return -1;
	if (p->n_blocks == p->cap_blocks) {
		p->cap_blocks = p->cap_blocks == 0 ? 16 : p->cap_blocks * 2;
		p->blocks = xrealloc(p->blocks, p->cap_blocks * sizeof(*p->blocks));
	}
	p->blocks[p->n_blocks++] = s->n_blocks++;
	p->n = 0;
	return 0;
}

static int add_bytes(struct spill *s, struct part *p, const char *bytes, size_t n, struct err *e)
{
	while (n > 0) {
		if (p->n == SPILL_BLOCK_BYTES && flush(s, p, e) != 0)
			return -1;
		size_t room = SPILL_BLOCK_BYTES - p->n;
		size_t now = n < room ? n : room;

		memcpy(p->block + p->n, bytes, now);
		p->n += now;
		bytes += now;
		n -= now;
	}
	return 0;
}

int spill_add(struct spill *s, size_t part, const void *record, size_t n, struct err *e)
{
	struct part *p = &s->parts[part];
	uint32_t length = (uint32_t)n;
	char head[sizeof(length)];

	if (n > UINT32_MAX)
		return err_set(e, ERR_MEASURE, "cannot put aside a record of %zu bytes", n);
	if (!p->block)
		p->block = xmalloc(SPILL_BLOCK_BYTES);
	memcpy(head, &length, sizeof(length));
	if (add_bytes(s, p, head, sizeof(head), e) != 0)
		return -1;
	return add_bytes(s, p, record, n, e);
}

/* Hands on the whole records at the beginning of b and keeps what is left. */
static int hand_on(struct buf *b, spill_record_fn *fn, void *ctx, struct err *e)
{
	size_t at = 0;

	while (b->len - at >= sizeof(uint32_t)) {
		uint32_t length;

		memcpy(&length, b->data + at, sizeof(length));
		if (b->len - at - sizeof(length) < length)
			break;
		if (fn(ctx, b->data + at + sizeof(length), length, e) != 0)
			return -1;
		at += sizeof(length) + length;
	}
	memmove(b->data, b->data + at, b->len - at);
	b->len -= at;
	return 0;
}

int spill_read(struct spill *s, size_t part, spill_record_fn *fn, void *ctx, struct err *e)
{
	const struct part *p = &s->parts[part];
	char block[SPILL_BLOCK_BYTES];
	struct buf b;
	int rc = 0;

	buf_init(&b, BUF_UNBOUNDED); /* one record and one block */
	for (size_t i = 0; i < p->n_blocks && rc == 0; i++) {
		rc = read_block(s, block, p->blocks[i], e);
		if (rc != 0)
			break;
		(void)buf_add(&b, block, sizeof(block));
		rc = hand_on(&b, fn, ctx, e);
	}
	if (rc == 0 && p->n > 0) {
		(void)buf_add(&b, p->block, p->n);
		rc = hand_on(&b, fn, ctx, e);
	}
	buf_release(&b);
	return rc;
}
