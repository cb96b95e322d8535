/*
 * archive: libarchive told to be strict.
 *
 * Three things it does not look at are looked at here. A tar that was cut between two members ends
 * like a whole one: the stream must go on with a block of zeros behind the last member. And what
 * comes behind the end of a tar or a cpio is not read by it, but by others (tar -i, a kernel that
 * boots): every byte that is not zero is counted. And a tar that others would read differently is
 * doubted (archive_tar.h).
 */
#include "runner/io/archive.h"

#include <string.h>

#include "runner/base/err.h"
#include "runner/io/tar_header.h"

bool archive_is_likely(const void *head, size_t n)
{
	static const struct {
		const char *bytes;
		size_t n;
	} marks[] = {
		{"\x1f\x8b", 2},
		{"\x1f\x9d", 2},
		{"PK\3\4", 4},
		{"7z\xbc\xaf\x27\x1c", 6},
		{"BZh", 3},
		{"\xfd\x37zXZ", 6},
		{"\x28\xb5\x2f\xfd", 4},
		{"\x04\x22\x4d\x18", 4},
		{"LZIP", 4},
		{"]\0\0", 3},
		{"!<arch>\n", 8},
		{"07070", 5},
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (n >= marks[i].n && memcmp(head, marks[i].bytes, marks[i].n) == 0)
			return true;
	return n >= TAR_BLOCK && tar_is_header(head);
}

#ifndef ASSIZE_ARCHIVE

bool archive_is_built(void)
{
	return false;
}

int archive_walk(int fd, const struct archive_limits *limits, const struct archive_sink *sink,
		 struct archive_summary *out, struct err *e)
{
	(void)fd;
	(void)limits;
	(void)sink;
	(void)out;
	(void)err_set(e, ERR_MEASURE, "cannot read archives: this assize was built without them");
	return err_help(e, "install libarchive-dev and build again");
}

#else

#include <locale.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/archive_library.h"
#include "runner/io/archive_source.h"
#include "runner/io/archive_tar.h"
#include "runner/io/clock.h"

#define RATIO_FREE_BYTES ((int64_t)16 * 1024 * 1024)
/* Headers, padding and long names: what a member may cost beside its content. */
#define MEMBER_COST	 ((int64_t)8 * 1024)
/* Of names, which whoever listens keeps: the longest, and the average of many. */
#define MAX_NAME_BYTES	 32768
#define AVERAGE_NAME	 512
#define FREE_NAMES	 2048 /* below so many it may be more */

struct walk {
	const struct archive_api *api;
	const struct archive_limits *limits;
	const struct archive_sink *sink;
	struct archive_source *source;
	struct archive *archive;
	struct archive_summary summary;
	int64_t name_bytes; /* of all members so far */
	int64_t end;	    /* tar: where the content of the last member ended */
	int64_t left_n;	    /* of the last block the source gave: not yet looked at by us */
	const char *left;   /* its beginning */
	struct tar_scan tar;
	struct arena *arena;   /* for names in messages */
	struct err read_error; /* of the source, which libarchive cannot carry */
};

static la_ssize_t give(struct archive *a, void *context, const void **p)
{
	struct walk *w = context;
	int64_t n = archive_source_read(w->source, p, &w->read_error);

	(void)a;
	if (n <= 0) /* libarchive may look for the end long before it needs it */
		return (la_ssize_t)n;
	w->left = *p;
	w->left_n = n;
	tar_scan_add(&w->tar, archive_source_position(w->source) - n, *p, (size_t)n);
	return (la_ssize_t)n;
}

static la_int64_t seek(struct archive *a, void *context, la_int64_t offset, int whence)
{
	struct walk *w = context;
	int64_t size = archive_source_size(w->source);
	int64_t base = whence == SEEK_SET   ? 0
		       : whence == SEEK_CUR ? archive_source_position(w->source)
					    : size;

	(void)a;
	/* Beyond either end there is nothing: an offset out of the archive is not believed. */
	if (offset < -base || offset > size - base)
		return ARCHIVE_FATAL;
	archive_source_seek(w->source, base + offset);
	return base + offset;
}

static const char *shown(const struct walk *w, struct archive_entry *entry)
{
	const char *name = w->api->archive_entry_pathname(entry);

	return name ? str_escaped(w->arena, name) : "(no name)";
}

/* What went wrong, from the one who knows it: the source before libarchive. entry may be NULL. */
static int explain(const struct walk *w, struct archive_entry *entry, struct err *e)
{
	const char *words = w->api->archive_error_string(w->archive);

	if (w->read_error.class != ERR_NONE) {
		*e = w->read_error;
		return err_context(e, "could not read beyond member %lld",
				   (long long)w->summary.n_members);
	}
	if (!words)
		words = "unknown error";
	if (entry)
		return err_set(e, ERR_MEASURE, "could not read member \"%s\": %s", shown(w, entry),
			       str_escaped(w->arena, words));
	if (w->summary.n_members == 0)
		return err_set(e, ERR_MEASURE, "could not read it as an archive: %s",
			       str_escaped(w->arena, words));
	return err_set(e, ERR_MEASURE, "could not read beyond member %lld: %s",
		       (long long)w->summary.n_members, str_escaped(w->arena, words));
}

static int format_of(const struct walk *w)
{
	return w->api->archive_format(w->archive) & ARCHIVE_FORMAT_BASE_MASK;
}

static enum member_type type_of(const struct walk *w, struct archive_entry *entry)
{
	if (w->api->archive_entry_hardlink(entry))
		return MEMBER_HARDLINK;
	/* ar knows nothing but files, and keeps only their permissions when it is deterministic. */
	if (format_of(w) == ARCHIVE_FORMAT_AR)
		return MEMBER_FILE;
	switch (w->api->archive_entry_filetype(entry)) {
	case AE_IFREG:
		return MEMBER_FILE;
	case AE_IFDIR:
		return MEMBER_DIRECTORY;
	case AE_IFLNK:
		return MEMBER_SYMLINK;
	case AE_IFCHR:
	case AE_IFBLK:
		return MEMBER_DEVICE;
	case AE_IFIFO:
		return MEMBER_FIFO;
	case AE_IFSOCK:
		return MEMBER_SOCKET;
	default: /* not an enumeration: any number of a header gets here */
		return MEMBER_UNKNOWN;
	}
}

static int check_time(const struct walk *w, struct err *e)
{
	struct clock clock = clock_system();

	if (clock_monotonic_ms(&clock) <= w->limits->deadline_ms)
		return 0;
	return err_set(e, ERR_MEASURE,
		       "could not read to the end in time: %lld bytes of content until then",
		       (long long)w->summary.bytes);
}

static int64_t length(const char *s)
{
	return s ? (int64_t)strlen(s) : 0;
}

/* No content, so that max_bytes does not see them; a name may be a million bytes long. */
static int count_names(struct walk *w, const struct archive_member *m, struct err *e)
{
	int64_t n = length(m->name) + length(m->link) + length(m->user) + length(m->group);

	if (n > MAX_NAME_BYTES)
		return err_set(e, ERR_MEASURE,
			       "the names of member %lld have %lld bytes, which no system takes",
			       (long long)w->summary.n_members, (long long)n);
	w->name_bytes += n;
	if (w->name_bytes / AVERAGE_NAME - FREE_NAMES <= w->limits->max_members)
		return 0;
	return err_set(e, ERR_MEASURE,
		       "its names have %lld bytes by member %lld, more than %d for each that "
		       "max_members allows",
		       (long long)w->name_bytes, (long long)w->summary.n_members, AVERAGE_NAME);
}

static int announce(struct walk *w, struct archive_entry *entry, struct err *e)
{
	const struct archive_api *api = w->api;
	bool has_owner = format_of(w) != ARCHIVE_FORMAT_7ZIP;
	struct archive_member m = {
		.name = api->archive_entry_pathname(entry),
		.type = type_of(w, entry),
		.mode = api->archive_entry_perm(entry),
		.uid = has_owner ? api->archive_entry_uid(entry) : -1,
		.gid = has_owner ? api->archive_entry_gid(entry) : -1,
		.user = api->archive_entry_uname(entry),
		.group = api->archive_entry_gname(entry),
	};

	if (++w->summary.n_members > w->limits->max_members)
		return err_set(e, ERR_MEASURE, "it holds more than %lld members (max_members)",
			       (long long)w->limits->max_members);
	if (!m.name)
		return err_set(e, ERR_MEASURE, "could not read the name of member %lld",
			       (long long)w->summary.n_members);
	if (api->archive_entry_is_encrypted(entry))
		return err_set(e, ERR_MEASURE, "could not read member \"%s\": it is encrypted",
			       shown(w, entry));
	m.link = m.type == MEMBER_HARDLINK ? api->archive_entry_hardlink(entry)
					   : api->archive_entry_symlink(entry);
	if (check_time(w, e) < 0 || count_names(w, &m, e) < 0)
		return -1;
	return w->sink->on_member(w->sink->context, &m, e);
}

/* Will n more bytes still be within the limits? */
static int count(struct walk *w, struct archive_entry *entry, int64_t n, struct err *e)
{
	const struct archive_limits *l = w->limits;
	char size[NUM_REAL_MAX];

	if (n > l->max_bytes - w->summary.bytes) {
		(void)num_format_size(l->max_bytes, size);
		return err_set(e, ERR_MEASURE,
			       "it holds more than %s (max_bytes), at member \"%s\"", size,
			       shown(w, entry));
	}
	w->summary.bytes += n;
	if (w->summary.bytes > RATIO_FREE_BYTES &&
	    w->summary.bytes / l->max_ratio >= w->summary.packed_bytes)
		return err_set(e, ERR_MEASURE,
			       "it unpacks to more than %lld times its size (max_ratio), at member "
			       "\"%s\"",
			       (long long)l->max_ratio, shown(w, entry));
	return 0;
}

static int give_hole(struct walk *w, struct archive_entry *entry, int64_t n, struct err *e)
{
	static const char zeros[65536];

	if (count(w, entry, n, e) < 0)
		return -1;
	while (n > 0) {
		size_t part = n < (int64_t)sizeof(zeros) ? (size_t)n : sizeof(zeros);

		if (check_time(w, e) < 0 || w->sink->on_data(w->sink->context, zeros, part, e) < 0)
			return -1;
		n -= (int64_t)part;
	}
	return 0;
}

static int read_content(struct walk *w, struct archive_entry *entry, struct err *e)
{
	const struct archive_api *api = w->api;
	bool has_size = api->archive_entry_size_is_set(entry) &&
			api->archive_entry_filetype(entry) == AE_IFREG &&
			!api->archive_entry_hardlink(entry);
	int64_t at = 0;

	for (;;) {
		const void *p;
		size_t n;
		la_int64_t offset;
		int rc = api->archive_read_data_block(w->archive, &p, &n, &offset);

		if (rc == ARCHIVE_EOF)
			break;
		if (rc != ARCHIVE_OK)
			return explain(w, entry, e);
		if (offset < at)
			return err_set(e, ERR_MEASURE,
				       "could not read member \"%s\": its parts overlap",
				       shown(w, entry));
		if (offset > at && give_hole(w, entry, offset - at, e) < 0)
			return -1;
		if (check_time(w, e) < 0 || count(w, entry, (int64_t)n, e) < 0 ||
		    (n > 0 && w->sink->on_data(w->sink->context, p, n, e) < 0))
			return -1;
		at = offset + (int64_t)n;
	}
	if (has_size && at < api->archive_entry_size(entry))
		return give_hole(w, entry, api->archive_entry_size(entry) - at, e);
	return 0;
}

/* Everything that libarchive left: the rest of the block at hand and of the source. */
static int read_rest(struct walk *w, int64_t consumed, struct err *e)
{
	int64_t skip = w->left_n - (archive_source_position(w->source) - consumed);

	if (skip < 0)
		skip = 0;
	for (;;) {
		for (int64_t i = skip; i < w->left_n; i++)
			w->summary.extra_bytes += w->left[i] != 0;
		skip = 0;
		if (give(w->archive, w, &(const void *){NULL}) <= 0)
			break;
	}
	if (w->read_error.class == ERR_NONE)
		return 0;
	*e = w->read_error;
	return err_context(e, "could not read beyond member %lld", (long long)w->summary.n_members);
}

/* A tar ends with two blocks of zeros; one is enough for every reader. */
static int check_end_mark(const struct walk *w, struct err *e)
{
	int64_t end = (w->end + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;

	if (archive_source_position(w->source) >= end + TAR_BLOCK)
		return 0;
	return err_set(e, ERR_MEASURE,
		       "it is truncated: no end mark follows member %lld, so that nobody knows "
		       "whether there were more",
		       (long long)w->summary.n_members);
}

/* To the end of the file, where a compression keeps its checksum. */
static int finish_stream(struct walk *w, struct err *e)
{
	int64_t consumed = w->api->archive_filter_bytes(w->archive, 0);

	/* libarchive takes the rest of an ar for nothing when it is too short for a header. */
	if (format_of(w) == ARCHIVE_FORMAT_AR && archive_source_position(w->source) > consumed)
		return err_set(e, ERR_MEASURE,
			       "it is truncated: no whole header follows member %lld",
			       (long long)w->summary.n_members);
	if (read_rest(w, consumed, e) < 0)
		return -1;
	w->summary.extra_bytes += archive_source_extra(w->source);
	if (format_of(w) != ARCHIVE_FORMAT_TAR)
		return 0;
	memcpy(w->summary.doubt, w->tar.doubt, sizeof(w->summary.doubt));
	return check_end_mark(w, e);
}

static int walk(struct walk *w, struct err *e)
{
	const struct archive_api *api = w->api;

	for (;;) {
		struct archive_entry *entry = NULL;
		int rc = api->archive_read_next_header(w->archive, &entry);

		if (rc == ARCHIVE_EOF)
			break;
		if (rc != ARCHIVE_OK)
			return explain(w, rc == ARCHIVE_WARN ? entry : NULL, e);
		if (announce(w, entry, e) < 0 || read_content(w, entry, e) < 0 ||
		    w->sink->on_end(w->sink->context, e) < 0)
			return -1;
		w->end = api->archive_filter_bytes(w->archive, 0);
	}
	if (w->read_error.class != ERR_NONE)
		return explain(w, NULL, e);
	w->summary.is_zip = format_of(w) == ARCHIVE_FORMAT_ZIP;
	/* Those two are read from their end. */
	return w->summary.is_zip || format_of(w) == ARCHIVE_FORMAT_7ZIP ? 0 : finish_stream(w, e);
}

static int open_archive(struct walk *w, struct err *e)
{
	const struct archive_api *api = w->api;
	struct archive *a = api->archive_read_new();

	if (!a)
		oom();
	w->archive = a;
	/* Always there: none of these formats needs a library of its own. */
	(void)api->archive_read_support_format_tar(a);
	(void)api->archive_read_support_format_ar(a);
	(void)api->archive_read_support_format_cpio(a);
	(void)api->archive_read_set_read_callback(a, give);
	if (archive_source_is_seekable(w->source)) {
		(void)api->archive_read_support_format_zip_seekable(a);
		(void)api->archive_read_support_format_7zip(a);
		(void)api->archive_read_set_seek_callback(a, seek);
	}
	(void)api->archive_read_set_callback_data(a, w);
	return api->archive_read_open1(a) == ARCHIVE_OK ? 0 : explain(w, NULL, e);
}

/* The unpacked stream is longer than its content; without a bound of its own it could be endless.
 */
static int64_t stream_limit(const struct archive_limits *l)
{
	int64_t cost =
		l->max_members < INT64_MAX / MEMBER_COST ? l->max_members * MEMBER_COST : INT64_MAX;

	return l->max_bytes < INT64_MAX - cost ? l->max_bytes + cost : INT64_MAX;
}

static int walk_source(struct walk *w, int fd, struct err *e)
{
	if (archive_source_open(w->api, fd, stream_limit(w->limits), w->limits->deadline_ms,
				&w->source, e) < 0)
		return -1;
	w->summary.packed_bytes = archive_source_size(w->source);

	int rc = open_archive(w, e);
	if (rc == 0)
		rc = walk(w, e);
	(void)w->api->archive_read_free(w->archive); /* only read from */
	archive_source_close(w->source);
	return rc;
}

bool archive_is_built(void)
{
	return true;
}

int archive_walk(int fd, const struct archive_limits *limits, const struct archive_sink *sink,
		 struct archive_summary *out, struct err *e)
{
	struct walk w = {.limits = limits, .sink = sink};

	w.api = archive_library(e);
	if (!w.api)
		return -1;
	w.arena = arena_new();
	tar_scan_init(&w.tar);

	/* libarchive converts names to the thread's locale: in this one they stay what they are. */
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	locale_t before = utf8 ? uselocale(utf8) : NULL;
	int rc = walk_source(&w, fd, e);
	if (utf8) {
		(void)uselocale(before); /* fails only for what is no locale */
		freelocale(utf8);
	}
	tar_scan_release(&w.tar);
	arena_free(w.arena);
	if (rc == 0)
		*out = w.summary;
	return rc;
}

#endif
