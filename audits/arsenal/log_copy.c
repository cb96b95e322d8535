/*
 * The end of a log, and harmless lines of its own: those that a check which minds matches does not
 * mind.
 */
#include "audits/arsenal/log.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/arsenal/artifact.h"
#include "audits/log_place.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/model/pattern.h"

#define TAIL_BYTES  (256 * 1024) /* of the log that are copied */
#define LEAST_LINES 10		 /* that are harmless */
#define MOST_LINES  100000
#define HOUR_MS	    INT64_C(3600000)
#define HUGE_COUNT  (INT64_C(1) << 60)

/* --- the patterns --- */

size_t logged_patterns(const struct check *c, struct arena *a, struct watched **out)
{
	struct pattern *const *one = artifact_field(c, "pattern");
	const struct groups *many = artifact_field(c, "patterns");
	struct watched *list = arena_array(a, many->n + 1, sizeof(*list));
	const struct node *node = node_get(c->spec_node, "pattern");
	size_t at = keys_row(c->kind->keys, "patterns")->sub->offset;

	*out = list;
	if (*one != NULL) {
		list[0] = (struct watched){"", node->text, *one};
		return 1;
	}
	for (size_t i = 0; i < many->n; i++)
		list[i] = (struct watched){
			many->items[i].name, node_get(many->items[i].node, "pattern")->text,
			*(struct pattern *const *)((const char *)many->items[i].value + at)};
	return many->n;
}

static bool finds(const struct pattern *p, const char *line, size_t n)
{
	return pattern_search_line(p, line, n, NULL) != 0; /* who gives up might have */
}

bool logged_matches(const struct check *c, struct arena *a, const char *line, size_t n)
{
	struct watched *w;
	size_t n_patterns = logged_patterns(c, a, &w);

	for (size_t i = 0; i < n_patterns; i++)
		if (finds(w[i].pattern, line, n))
			return true;
	return false;
}

/* --- the copy --- */

static int pick_live(struct scene *s, const char **out, struct err *e)
{
	const char *path = artifact_path(s->check, "path"), **found;
	int64_t newest = -1;
	size_t n;

	if (file_glob(s->arena, path, &found, &n, e) < 0)
		return -1;
	*out = NULL;
	for (size_t i = 0; i < n; i++) {
		struct stat st;

		if (stat(found[i], &st) != 0 || !S_ISREG(st.st_mode) ||
		    (int64_t)st.st_mtim.tv_sec < newest)
			continue;
		newest = (int64_t)st.st_mtim.tv_sec;
		*out = found[i];
	}
	return *out != NULL ? 0 : err_set(e, ERR_MEASURE, "there is no \"%s\"", path);
}

/* The last whole lines. */
static int read_tail(const char *path, struct buf *out, struct err *e)
{
	struct stat st;
	int fd = file_open(path, &st, e);
	int64_t from;
	char *room;
	ssize_t n;
	const char *first;

	if (fd < 0)
		return -1;
	from = st.st_size > TAIL_BYTES ? (int64_t)st.st_size - TAIL_BYTES : 0;
	room = buf_room(out, TAIL_BYTES);
	n = file_read_at(fd, room, TAIL_BYTES, (uint64_t)from);
	(void)close(fd); /* only read from */
	if (n < 0)
		return err_set(e, ERR_MEASURE, "could not read \"%s\": %s", path, strerror(errno));
	buf_wrote(out, (size_t)n);
	while (out->len > 0 && out->data[out->len - 1] != '\n')
		out->len--;
	first = from > 0 && out->len > 0 ? memchr(out->data, '\n', out->len) : NULL;
	if (first != NULL) {
		size_t cut = (size_t)(first + 1 - out->data);

		memmove(out->data, first + 1, out->len - cut);
		out->len -= cut;
	}
	return 0;
}

/*
 * The last lines of the log, as many as are wanted, without those that must not be written: where a
 * bound says that few may match, those that do.
 */
static void choose_lines(struct scene *s, struct logged *l, const struct buf *tail, size_t wanted)
{
	static const char foreign[] = "something else\n";
	bool is_any = !artifact_minds_int(s->arena, s->check, "matches", HUGE_COUNT);
	const char *begin = tail->data, *end = tail->data + tail->len;
	struct buf out;

	buf_init(&out, BUF_UNBOUNDED); /* of so many lines of a tail that is bounded */
	while (end > begin && (l->n_lines < wanted || l->quiet == NULL)) {
		const char *p = end - 1;
		size_t n;
		bool is_match;

		while (p > begin && p[-1] != '\n')
			p--;
		n = (size_t)(end - 1 - p);
		end = p;
		is_match = logged_matches(s->check, s->arena, p, n);
		if (!is_match && l->quiet == NULL)
			l->quiet = arena_printf(s->arena, "%.*s\n", (int)n, p);
		if ((is_match && !is_any) || l->n_lines >= wanted)
			continue;
		(void)buf_add(&out, p, n + 1);
		l->n_lines++;
	}
	/* Where every line of its own matches, one of ours does not. */
	if (l->quiet == NULL && !logged_matches(s->check, s->arena, foreign, sizeof(foreign) - 2))
		l->quiet = foreign;
	for (size_t once = out.len; once > 0 && l->n_lines < wanted; l->n_lines++) {
		const char *stop = memchr(out.data, '\n', once);
		char *line = arena_strndup(s->arena, out.data, (size_t)(stop + 1 - out.data));

		(void)buf_puts(&out, line); /* what there is again, until it is enough */
	}
	l->lines = arena_strndup(s->arena, out.data != NULL ? out.data : "", out.len);
	buf_release(&out);
}

/* How long ago the last real look was; an hour where there was none. */
static int64_t since_of(const struct challenge *c)
{
	int64_t now_ms = clock_wall_ms(c->world->clock);
	const struct past *past = c->world->past;

	for (size_t i = 0; past != NULL && i < past->n_cursors; i++) {
		const struct past_cursor *cursor = &past->cursors[i];
		const char *state = cursor->state != NULL ? cursor->state : cursor->other;
		struct log_place place;

		if (cursor->check == c->check && state != NULL &&
		    log_place_parse(c->arena, state, &place, NULL) == 0 &&
		    now_ms - place.at_ms >= 1000)
			return now_ms - place.at_ms;
	}
	return HOUR_MS;
}

/* Would the check mind that so many harmless lines, of that length, are all that is written? */
static bool minds_lines(struct scene *s, const struct logged *l, int64_t n, double length)
{
	struct watched *w;
	bool is_of_lines = logged_patterns(s->check, s->arena, &w) == 0;
	bool is_any = !artifact_minds_int(s->arena, s->check, "matches", HUGE_COUNT);
	double rate = (double)n * 1000 / (double)l->since_ms;

	return artifact_minds_int(s->arena, s->check, "lines", n) ||
	       artifact_minds_int(s->arena, s->check, "bytes", llround((double)n * length)) ||
	       (!is_of_lines && is_any && artifact_minds_int(s->arena, s->check, "matches", n)) ||
	       (is_of_lines && artifact_minds_real(s->arena, s->check, "rate", rate));
}

/* A log of which a thousand lines are wanted passes with no ten. */
static size_t wanted_lines(struct scene *s, const struct logged *l, const struct buf *tail)
{
	const int64_t *min_lines = artifact_field(s->check, "min_lines");
	int64_t least = *min_lines > LEAST_LINES ? *min_lines : LEAST_LINES, n = 0;

	for (size_t i = 0; i < tail->len; i++)
		n += tail->data[i] == '\n';
	for (int64_t some = least; n > 0 && some <= MOST_LINES; some += some / 2)
		if (!minds_lines(s, l, some, (double)tail->len / (double)n))
			return (size_t)some;
	return (size_t)least;
}

int logged_read(struct scene *s, struct logged *out, const char **real, struct err *e)
{
	struct buf tail;
	int rc;

	*out = (struct logged){.since_ms = since_of(s->challenge)};
	if (pick_live(s, real, e) < 0)
		return -1;
	buf_init(&tail, TAIL_BYTES + 1);
	rc = read_tail(*real, &tail, e);
	if (rc == 0) {
		choose_lines(s, out, &tail, wanted_lines(s, out, &tail));
		out->base = arena_strndup(s->arena, tail.data, tail.len);
		out->n_base = tail.len;
	}
	buf_release(&tail);
	if (rc == 0 && out->n_lines == 0)
		return err_set(e, ERR_MEASURE,
			       "no line of \"%s\" is harmless: there is nothing to write to a copy",
			       *real);
	return rc;
}
