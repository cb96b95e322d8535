/*
 * archive_source: gzip by zlib, because libarchive does not compare gzip's checksum; every other
 * compression by libarchive, used as nothing but a decompressor.
 *
 * The filters that libarchive would serve by starting a program (lrzip, lzop, grzip) are not asked
 * for; one it was built without is told by its warning and counts as unknown.
 */
#include "runner/io/archive_source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/archive_library.h"
#include "runner/io/clock.h"

#define BLOCK_BYTES ((size_t)256 * 1024)
#define N_BLOCKS    16
/* Who has to wait waits for half of them: a switch of threads for every block costs more. */
#define HALF (N_BLOCKS / 2)

enum packing { PACKED_NOT, PACKED_GZIP, PACKED_OTHER };

struct block {
	unsigned char *data;
	size_t n;
};

struct archive_source {
	const struct archive_api *api;
	int fd;
	enum packing packing;
	int64_t size;	   /* of the file */
	int64_t position;  /* in the file: the next byte to read */
	int64_t n_out;	   /* unpacked bytes given so far */
	int64_t max_bytes; /* which may be given */
	int64_t deadline_ms;
	unsigned char *in; /* what was read last of a compressed file */

	/* The thread's own. */
	z_stream z;
	bool has_z, is_between; /* is_between: of the streams of a gzip file */
	int64_t extra;
	struct archive *filter;
	pthread_t thread;
	bool has_thread;

	/* Between the two, under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct block blocks[N_BLOCKS];
	size_t first, n_full; /* a ring; the first one is being read */
	bool is_reading;      /* the reader still looks at the first block */
	bool is_stopped;      /* nobody reads any more */
	bool is_done;
	struct err error; /* why it is done too early */
};

static int check_time(const struct archive_source *s, struct err *e)
{
	struct clock clock = clock_system();

	if (clock_monotonic_ms(&clock) <= s->deadline_ms)
		return 0;
	return err_set(e, ERR_MEASURE, "could not read to the end in time: %lld of %lld bytes",
		       (long long)s->position, (long long)s->size);
}

/* Up to BLOCK_BYTES of the file from where the last call ended. */
static int64_t read_file(struct archive_source *s, unsigned char *to, struct err *e)
{
	ssize_t n;

	if (check_time(s, e) < 0)
		return -1;
	do
		n = pread(s->fd, to, BLOCK_BYTES, (off_t)s->position);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(e, ERR_MEASURE, "could not read: %s", strerror(errno));
	s->position += n;
	return n;
}

/* --- gzip (RFC 1952): one stream behind the other --- */

/* Fills the input when it is used up; *n is what is there now, 0 at the end of the file. */
static int more_input(struct archive_source *s, size_t *n, struct err *e)
{
	if (s->z.avail_in == 0) {
		int64_t got = read_file(s, s->in, e);

		if (got < 0)
			return -1;
		s->z.next_in = s->in;
		s->z.avail_in = (unsigned)got;
	}
	*n = s->z.avail_in;
	return 0;
}

/* Behind a stream: another one, padding of zeros, or what nobody asked for. */
static int between_streams(struct archive_source *s, bool *is_end, struct err *e)
{
	size_t n;

	while (s->extra == 0) {
		if (more_input(s, &n, e) < 0)
			return -1;
		if (n == 0 || *s->z.next_in != 0)
			break;
		s->z.next_in++;
		s->z.avail_in--;
	}
	*is_end = s->z.avail_in == 0 || *s->z.next_in != 0x1f;
	if (*is_end) {
		s->extra = (int64_t)s->z.avail_in + s->size - s->position;
		return 0;
	}
	s->is_between = false;
	(void)inflateReset(&s->z); /* fails only when misused */
	return 0;
}

static int explain_inflate(const struct archive_source *s, int rc, struct err *e)
{
	if (rc == Z_BUF_ERROR)
		return err_set(e, ERR_MEASURE, "it is truncated: the gzip stream does not end");
	if (s->z.msg && strcmp(s->z.msg, "incorrect data check") == 0)
		return err_set(e, ERR_MEASURE, "it is damaged: the checksum of gzip differs");
	if (s->z.msg && strcmp(s->z.msg, "incorrect length check") == 0)
		return err_set(e, ERR_MEASURE, "it is damaged: the length gzip kept differs");
	return err_set(e, ERR_MEASURE, "it is damaged: gzip: %s",
		       s->z.msg ? s->z.msg : "unknown error");
}

static int64_t fill_gzip(struct archive_source *s, unsigned char *to, struct err *e)
{
	s->z.next_out = to;
	s->z.avail_out = (unsigned)BLOCK_BYTES;
	while (s->z.avail_out > 0) {
		bool is_end = false;
		size_t n;

		if (s->is_between && between_streams(s, &is_end, e) < 0)
			return -1;
		if (is_end)
			break;
		if (more_input(s, &n, e) < 0)
			return -1;

		int rc = inflate(&s->z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END)
			s->is_between = true;
		else if (rc != Z_OK || (n == 0 && s->z.avail_out > 0))
			return explain_inflate(s, rc == Z_OK ? Z_BUF_ERROR : rc, e);
	}
	return (int64_t)(BLOCK_BYTES - s->z.avail_out);
}

/* --- everything else: libarchive as a decompressor --- */

static la_ssize_t give_packed(struct archive *a, void *context, const void **p)
{
	struct archive_source *s = context;

	(void)a;
	*p = s->in;
	return (la_ssize_t)read_file(s, s->in, &s->error);
}

/* Its own failure in reading comes before what libarchive makes of it. */
static int explain_filter(const struct archive_source *s, struct err *e)
{
	const char *words = s->api->archive_error_string(s->filter);

	if (s->error.class != ERR_NONE) {
		*e = s->error;
		return -1;
	}
	return err_set(e, ERR_MEASURE, "it is damaged or truncated: %s",
		       words ? words : "unknown error");
}

static int64_t fill_filter(struct archive_source *s, unsigned char *to, struct err *e)
{
	size_t n = 0;

	while (n < BLOCK_BYTES) {
		la_ssize_t got = s->api->archive_read_data(s->filter, to + n, BLOCK_BYTES - n);

		if (got < 0)
			return explain_filter(s, e);
		if (got == 0)
			break;
		n += (size_t)got;
	}
	if (n == 0) /* some filters (bzip2) leave what they cannot make sense of */
		s->extra = s->size - s->api->archive_filter_bytes(s->filter, -1);
	return (int64_t)n;
}

static int open_filter(struct archive_source *s, struct err *e)
{
	const struct archive_api *api = s->api;
	struct archive_entry *entry;

	s->filter = api->archive_read_new();
	if (!s->filter)
		oom();
	/* A filter the library lacks is not there to be asked: its content is unknown then. */
	(void)api->archive_read_support_filter_bzip2(s->filter);
	(void)api->archive_read_support_filter_compress(s->filter);
	(void)api->archive_read_support_filter_lz4(s->filter);
	(void)api->archive_read_support_filter_lzip(s->filter);
	(void)api->archive_read_support_filter_lzma(s->filter);
	(void)api->archive_read_support_filter_xz(s->filter);
	(void)api->archive_read_support_filter_zstd(s->filter);
	(void)api->archive_read_support_format_raw(s->filter);
	(void)api->archive_read_support_format_empty(s->filter);
	(void)api->archive_read_set_read_callback(s->filter, give_packed);
	(void)api->archive_read_set_callback_data(s->filter, s);
	if (api->archive_read_open1(s->filter) != ARCHIVE_OK ||
	    api->archive_read_next_header(s->filter, &entry) != ARCHIVE_OK)
		return explain_filter(s, e);
	return 0;
}

/* Not compressed after all: "]" can be the name of a first member, and the magic of lzma. */
static void drop_filter(struct archive_source *s)
{
	(void)s->api->archive_read_free(s->filter); /* only read from */
	s->filter = NULL;
	s->packing = PACKED_NOT;
	s->position = 0;
}

/* --- the thread --- */

static int64_t fill(struct archive_source *s, unsigned char *to, struct err *e)
{
	return s->packing == PACKED_GZIP ? fill_gzip(s, to, e) : fill_filter(s, to, e);
}

/* A block nobody reads, or NULL when nobody wants one. */
static struct block *free_block(struct archive_source *s)
{
	struct block *b = NULL;

	(void)pthread_mutex_lock(&s->lock); /* fails only when misused, as below */
	if (s->n_full == N_BLOCKS)
		while (!s->is_stopped && s->n_full > HALF)
			(void)pthread_cond_wait(&s->changed, &s->lock);
	if (!s->is_stopped)
		b = &s->blocks[(s->first + s->n_full) % N_BLOCKS];
	(void)pthread_mutex_unlock(&s->lock);
	return b;
}

static void *unpack(void *context)
{
	struct archive_source *s = context;
	struct err e = {.class = ERR_NONE};
	int64_t n = 1;

	while (n > 0) {
		struct block *b = free_block(s);
		if (!b)
			break;
		n = fill(s, b->data, &e);

		(void)pthread_mutex_lock(&s->lock);
		if (n > 0) {
			b->n = (size_t)n;
			s->n_full++;
		} else {
			s->is_done = true;
			if (e.class != ERR_NONE)
				s->error = e;
		}
		if (s->is_done || s->n_full == HALF)
			(void)pthread_cond_broadcast(&s->changed);
		(void)pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

static int64_t take_block(struct archive_source *s, const void **p, struct err *e)
{
	int64_t n = 0;

	(void)pthread_mutex_lock(&s->lock);
	if (s->is_reading) {
		s->is_reading = false;
		s->first = (s->first + 1) % N_BLOCKS;
		s->n_full--;
		if (s->n_full == HALF)
			(void)pthread_cond_broadcast(&s->changed);
	}
	if (s->n_full == 0)
		while (s->n_full < HALF && !s->is_done)
			(void)pthread_cond_wait(&s->changed, &s->lock);
	if (s->n_full > 0) {
		s->is_reading = true;
		*p = s->blocks[s->first].data;
		n = (int64_t)s->blocks[s->first].n;
	} else if (s->error.class != ERR_NONE) {
		*e = s->error;
		n = -1;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return n;
}

/* --- opening and closing --- */

static enum packing packing_of(const unsigned char *head, size_t n)
{
	static const struct {
		const char *magic;
		size_t n;
	} others[] = {
		{"BZh", 3},
		{"\xFD"
		 "7zXZ",
		 6},
		{"\x28\xB5\x2F\xFD", 4},
		{"\x04\x22\x4D\x18", 4},
		{"LZIP", 4},
		{"\x1F\x9D", 2},
		{"\x5D\x00\x00", 3},
	};

	if (n >= 2 && head[0] == 0x1f && head[1] == 0x8b)
		return PACKED_GZIP;
	/* A frame to be skipped may come before the others of zstd and lz4. */
	if (n >= 4 && (head[0] & 0xF0) == 0x50 && memcmp(head + 1, "\x2A\x4D\x18", 3) == 0)
		return PACKED_OTHER;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (n >= others[i].n && memcmp(head, others[i].magic, others[i].n) == 0)
			return PACKED_OTHER;
	return PACKED_NOT;
}

static int start(struct archive_source *s, struct err *e)
{
	if (s->packing == PACKED_GZIP) {
		if (inflateInit2(&s->z, MAX_WBITS + 16) != Z_OK)
			oom();
		s->has_z = true;
	} else if (open_filter(s, e) < 0) {
		return -1;
	} else if (s->api->archive_filter_code(s->filter, 0) == ARCHIVE_FILTER_NONE) {
		drop_filter(s);
		return 0;
	}
	for (size_t i = 0; i < N_BLOCKS; i++)
		s->blocks[i].data = xmalloc(BLOCK_BYTES);

	int rc = pthread_create(&s->thread, NULL, unpack, s);
	if (rc != 0)
		return err_set(e, ERR_MEASURE, "could not start a thread: %s", strerror(rc));
	s->has_thread = true;
	return 0;
}

int archive_source_open(const struct archive_api *api, int fd, int64_t max_bytes,
			int64_t deadline_ms, struct archive_source **out, struct err *e)
{
	struct archive_source *s = xmalloc(sizeof(*s));
	struct stat st;

	*s = (struct archive_source){
		.api = api, .fd = fd, .max_bytes = max_bytes, .deadline_ms = deadline_ms};
	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail with default attributes */
	(void)pthread_cond_init(&s->changed, NULL);
	s->in = xmalloc(BLOCK_BYTES);

	int64_t n = read_file(s, s->in, e);
	int rc = n < 0 ? -1 : 0;
	if (rc == 0 && fstat(fd, &st) < 0)
		rc = err_set(e, ERR_MEASURE, "could not stat: %s", strerror(errno));
	if (rc == 0) {
		s->size = st.st_size;
		s->position = 0;
		s->packing = packing_of(s->in, (size_t)n);
		if (s->packing != PACKED_NOT)
			rc = start(s, e);
	}
	if (rc < 0) {
		archive_source_close(s);
		return -1;
	}
	/* Advice only: a file system may ignore it. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	*out = s;
	return 0;
}

void archive_source_close(struct archive_source *s)
{
	if (!s)
		return;
	if (s->has_thread) {
		(void)pthread_mutex_lock(&s->lock);
		s->is_stopped = true;
		(void)pthread_cond_broadcast(&s->changed);
		(void)pthread_mutex_unlock(&s->lock);
		(void)pthread_join(s->thread, NULL); /* it ends with the block at hand */
	}
	if (s->has_z)
		(void)inflateEnd(&s->z); /* nothing to do about a state it calls inconsistent */
	if (s->filter)
		(void)s->api->archive_read_free(s->filter); /* only read from */
	for (size_t i = 0; i < N_BLOCKS; i++)
		free(s->blocks[i].data);
	(void)pthread_cond_destroy(&s->changed);
	(void)pthread_mutex_destroy(&s->lock);
	free(s->in);
	free(s);
}

bool archive_source_is_seekable(const struct archive_source *s)
{
	return s->packing == PACKED_NOT;
}

int64_t archive_source_size(const struct archive_source *s)
{
	return s->size;
}

void archive_source_seek(struct archive_source *s, int64_t position)
{
	s->position = position;
}

int64_t archive_source_position(const struct archive_source *s)
{
	return s->packing == PACKED_NOT ? s->position : s->n_out;
}

int64_t archive_source_read(struct archive_source *s, const void **p, struct err *e)
{
	int64_t n;

	if (s->packing == PACKED_NOT) {
		*p = s->in;
		return read_file(s, s->in, e);
	}
	n = take_block(s, p, e);
	if (n <= 0)
		return n;
	s->n_out += n;
	if (s->n_out > s->max_bytes)
		return err_set(e, ERR_MEASURE,
			       "it unpacks to more than %lld bytes, which the limits do not allow",
			       (long long)s->max_bytes);
	return n;
}

int64_t archive_source_extra(const struct archive_source *s)
{
	return s->extra;
}
