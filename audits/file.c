/*
 * file: one file: there, how large, how old, whose, and what is in it.
 *
 * Only what an expectation asks for is looked up; content is read at most once for the pattern and
 * once for the digest. A missing file is an answer (exists = 0); a file that may not be looked at,
 * or something that is no file, is none.
 */
#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"
#include "runner/base/utf16.h"
#include "runner/io/clock.h"
#include "runner/io/digest.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/model/pattern.h"

#define EVIDENCE_LINES 10
#define EVIDENCE_WIDTH 200 /* bytes of a line */

struct file_spec {
	const char *path;
	struct pattern *pattern;
	int64_t max_size;
	bool follow;
};

static const struct key_row file_keys[] = {
	{.name = "path",
	 .type = KEY_PATH,
	 .flags = KEY_REQUIRED | KEY_WORLD,
	 .offset = offsetof(struct file_spec, path),
	 .help = "the file, relative to the definition",
	 .example = "dist/shop.tar.gz"},
	{.name = "pattern",
	 .type = KEY_PATTERN,
	 .offset = offsetof(struct file_spec, pattern),
	 .help = "regular expression; `matches` counts the lines it is found in",
	 .example = "\"^version: 2\\\\.\""},
	{.name = "max_size",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct file_spec, max_size),
	 .min = 1,
	 .max = 1024 * 1024 * 1024,
	 .def = "64MiB",
	 .help = "a larger file is not searched with `pattern`"},
	{.name = "follow",
	 .type = KEY_BOOL,
	 .offset = offsetof(struct file_spec, follow),
	 .def = "true",
	 .help = "look at what a symbolic link leads to; if false a link counts as missing"},
	KEY_END,
};

static const struct value_row file_values[] = {
	{.name = "exists",
	 .type = VALUE_INT,
	 .unit = "",
	 .most = 1,
	 .implied = "== 1",
	 .help = "1 when there is such a file, 0 when there is none"},
	{.name = "size", .type = VALUE_INT, .unit = "B", .help = "length of the content"},
	{.name = "age",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "time since the last change"},
	{.name = "mode",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "permissions as chmod writes them: \"0644\""},
	{.name = "owner",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "user name, or number if it has none"},
	{.name = "sha256", .type = VALUE_TEXT, .unit = "", .help = "digest, 64 hexadecimal digits"},
	{.name = "matches",
	 .type = VALUE_INT,
	 .unit = "",
	 .implied = ">= 1",
	 .counts_of_total = true,
	 .needs_key = "pattern",
	 .help = "lines that match `pattern`"},
	{.name = NULL},
};

static void file_describe(struct probe *p, struct buf *out)
{
	const struct check *c = p->checks[0];
	const struct file_spec *spec = c->spec;

	(void)buf_printf(out, "%s:", spec->path); /* the definition is bounded */
	for (size_t i = 0; i < c->n_expects; i++)
		(void)buf_printf(out, " %s", c->expects[i].name);
	(void)buf_putc(out, '\n');
}

/* What is known about the file before its content is looked at. */
struct sight {
	struct probe *probe;
	const struct file_spec *spec;
	bool is_there;
	struct stat st;
	const char *evidence; /* where a link leads; NULL = no link */
	const char *absence;  /* why it is not there, in words */
};

/* "symbolic link to X", or NULL when the path itself is none. */
static const char *link_words(struct arena *a, const char *path)
{
	char target[4096];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return NULL;
	target[n] = '\0';
	return arena_printf(a, "%s is a symbolic link to %s", str_escaped(a, path),
			    str_escaped(a, target));
}

static int look(struct sight *s, struct err *e)
{
	const char *path = s->spec->path;

	s->evidence = link_words(s->probe->arena, path);
	if (s->evidence && !s->spec->follow) {
		s->absence = "there is a symbolic link in its place";
		return 0;
	}
	if (stat(path, &s->st) == 0) {
		if (!S_ISREG(s->st.st_mode))
			return err_set(e, ERR_MEASURE, "\"%s\" is %s, not a file", path,
				       S_ISDIR(s->st.st_mode) ? "a directory" : "a special file");
		s->is_there = true;
		return 0;
	}
	if (errno != ENOENT && errno != ENOTDIR)
		return err_set(e, ERR_MEASURE, "could not look at \"%s\": %s", path,
			       strerror(errno));
	s->absence = s->evidence ? "the symbolic link leads nowhere" : "there is no such file";
	return 0;
}

static struct measurement measure_age(const struct sight *s)
{
	struct arena *a = s->probe->arena;
	int64_t changed_ms = (int64_t)s->st.st_mtim.tv_sec * 1000 + s->st.st_mtim.tv_nsec / 1000000;
	int64_t age_ms = clock_wall_ms(s->probe->world->clock) - changed_ms;
	char text[NUM_REAL_MAX];

	if (age_ms < 0) {
		(void)num_format_duration(-age_ms, text);
		return measurement_none(
			"age",
			arena_printf(a, "its time of last change lies %s in the future", text));
	}
	return measurement_real("age", (double)age_ms / 1000, "s");
}

static struct measurement measure_owner(const struct sight *s)
{
	struct arena *a = s->probe->arena;
	size_t size = 16384;
	struct passwd entry, *found = NULL;

	/* Without a name, or when names cannot be asked for, the number is the truth. */
	if (getpwuid_r(s->st.st_uid, &entry, arena_alloc(a, size), size, &found) != 0 || !found)
		return measurement_text("owner",
					arena_printf(a, "%lu", (unsigned long)s->st.st_uid));
	return measurement_text("owner", entry.pw_name);
}

static struct measurement measure_digest(const struct sight *s)
{
	struct err e = {.class = ERR_NONE};
	struct stat st;
	unsigned char digest[SHA256_BYTES];
	int64_t size;
	int fd = file_open(s->spec->path, &st, &e);
	int rc = fd < 0 ? -1 : sha256_file(fd, s->probe->deadline_ms, digest, &size, &e);

	if (fd >= 0)
		(void)close(fd); /* only read from */
	if (rc < 0)
		return measurement_none("sha256", arena_strdup(s->probe->arena, e.message));

	char *hex = arena_alloc(s->probe->arena, SHA256_HEX);
	sha256_hex(digest, hex);
	return measurement_text("sha256", hex);
}

/*
 * A CR ends a line with or without the LF behind it, as on old Macs and where progress is written
 * over itself; it is part of the line. Counts lines from what n_matching and n_lines hold; the
 * first matching ones become evidence.
 */
static int count_lines(const struct sight *s, const struct buf *content, struct buf *evidence,
		       int64_t *n_matching, int64_t *n_lines, struct err *e)
{
	const char *p = content->data, *end = content->data + content->len;
	struct str_line_ends ends = {0};

	if (utf16_is_likely(content->data, content->len))
		return err_set(e, ERR_MEASURE, "it is UTF-16, and a pattern reads UTF-8");
	while (p < end) {
		const char *stop = str_line_end(&ends, p, end);
		size_t n = (size_t)(stop - p) + (stop < end && *stop == '\r');
		int rc = pattern_search_line(s->spec->pattern, p, n, e);

		++*n_lines;
		if (rc < 0)
			return err_context(e, "line %lld", (long long)*n_lines);
		if (rc > 0 && ++*n_matching <= EVIDENCE_LINES) {
			(void)buf_printf(evidence, "%sline %lld: ", *n_matching > 1 ? "\n" : "",
					 (long long)*n_lines);
			redact_show(s->probe->world->definition->redactor, s->probe->arena, p, n,
				    EVIDENCE_WIDTH, evidence);
		}
		if (clock_monotonic_ms(s->probe->world->clock) > s->probe->deadline_ms)
			return err_set(e, ERR_MEASURE, "could not search to the end in time");
		p += n;
		p += p < end && *p == '\n';
	}
	return 0;
}

static struct measurement measure_matches(const struct sight *s)
{
	struct arena *a = s->probe->arena;
	struct err e = {.class = ERR_NONE};
	struct buf content, evidence;
	int64_t n_matching = 0, n_lines = 0;
	struct measurement m;

	buf_init(&content, (size_t)s->spec->max_size);
	buf_init(&evidence, EVIDENCE_MAX_BYTES);
	int rc = file_read(s->spec->path, &content, &e);
	if (rc == 0)
		rc = count_lines(s, &content, &evidence, &n_matching, &n_lines, &e);
	if (rc < 0) {
		m = measurement_none("matches", arena_strdup(a, e.message));
	} else {
		m = measurement_int("matches", n_matching, "");
		m.n = m.n_total = n_lines;
		if (n_lines > 0)
			m.share = (double)n_matching / (double)n_lines;
		m.evidence = evidence.len > 0 ? arena_strdup(a, evidence.data) : NULL;
	}
	buf_release(&content);
	buf_release(&evidence);
	return m;
}

static struct measurement measure(const struct sight *s, const char *name)
{
	struct arena *a = s->probe->arena;

	if (strcmp(name, "exists") == 0) {
		struct measurement m = measurement_int(name, s->is_there, "");

		m.reason = s->is_there ? NULL : s->absence;
		return m;
	}
	if (!s->is_there)
		return measurement_none(name, s->absence);
	if (strcmp(name, "size") == 0)
		return measurement_int(name, (int64_t)s->st.st_size, "B");
	if (strcmp(name, "age") == 0)
		return measure_age(s);
	if (strcmp(name, "mode") == 0)
		return measurement_text(name, arena_printf(a, "%04o", s->st.st_mode & 07777U));
	if (strcmp(name, "owner") == 0)
		return measure_owner(s);
	if (strcmp(name, "sha256") == 0)
		return measure_digest(s);
	return measure_matches(s);
}

static int file_probe(struct probe *p, struct err *e)
{
	const struct check *c = p->checks[0];
	struct sight s = {.probe = p, .spec = c->spec};

	if (look(&s, e) < 0)
		return -1;
	for (size_t i = 0; i < c->n_expects; i++) {
		struct measurement m = measure(&s, c->expects[i].name);

		if (!m.evidence)
			m.evidence = s.evidence;
		m.query = s.spec->path;
		probe_emit(p, 0, &m);
	}
	return 0;
}

const struct audit_kind audit_kind_file = {
	.name = "file",
	.family = "artifact",
	.summary = "one file: existence, size, age, mode, owner, digest, matching lines",
	.blind = "Age is what the file system says, and touch(1) can say anything. A pattern sees "
		 "one "
		 "line at a time, which LF, CR LF or CR ends. Permissions beyond the mode (access "
		 "lists, attributes, a "
		 "read-only "
		 "mount) are not looked at. A file replaced between two values of one check is not "
		 "noticed, except while it is digested.",
	.spec_size = sizeof(struct file_spec),
	.keys = file_keys,
	.values = file_values,
	.scalar_key = "path",
	.arsenal = &arsenal_file,
	.describe = file_describe,
	.probe = file_probe,
};
