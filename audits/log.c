/*
 * log: lines that were written since the last look.
 *
 * Each file is read from where the last recorded run stopped (log_place.h) to the last newline that
 * is there now. Where it stopped is recorded in one transaction with what it counted: a run that
 * dies in between reads the same lines again and none is passed over. What cannot be read on is
 * counted as lost, a line nobody can judge as unjudged, and both fail unless the check allows them.
 *
 * The first look has nothing to compare with: from its end on it measures nothing, and says so.
 */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "audits/kind_rows.h"
#include "audits/log_count.h"
#include "audits/log_file.h"
#include "audits/log_place.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/model/pattern.h"

enum from { FROM_END, FROM_BEGIN };
static const char *const from_names[] = {"end", "begin", NULL};

struct log_spec {
	const char *path, *rotated;
	struct pattern *pattern;
	struct groups patterns; /* of struct named */
	struct pattern *except;
	int from; /* enum from */
	int64_t min_lines, max_line;
};

struct named {
	struct pattern *pattern;
};

static const struct key_row named_keys[] = {
	{.name = "pattern",
	 .type = KEY_PATTERN,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct named, pattern),
	 .help = "regular expression",
	 .example = "\"Out of memory\""},
	KEY_END,
};

static const struct key_row log_keys[] = {
	{.name = "path",
	 .type = KEY_PATH,
	 .flags = KEY_REQUIRED | KEY_NO_SECRET | KEY_WORLD,
	 .offset = offsetof(struct log_spec, path),
	 .help = "the file that is written to, relative to the definition, or a glob for several",
	 .example = "/var/log/shop/app.log"},
	{.name = "pattern",
	 .type = KEY_PATTERN,
	 .offset = offsetof(struct log_spec, pattern),
	 .help = "regular expression; `matches` counts the lines it is found in, ^ and $ also at a "
		 "CR "
		 "within one",
	 .example = "\"ERROR|FATAL\""},
	{.name = "patterns",
	 .type = KEY_GROUPS,
	 .offset = offsetof(struct log_spec, patterns),
	 .sub = named_keys,
	 .sub_size = sizeof(struct named),
	 .help = "several, by name: a series each",
	 .example = "{ memory: { pattern: \"Out of memory\" }, disk: { pattern: \"No space\" } }"},
	{.name = "except",
	 .type = KEY_PATTERN,
	 .offset = offsetof(struct log_spec, except),
	 .help = "lines it is found in do not match",
	 .example = "\"ERROR: client closed\""},
	{.name = "from",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct log_spec, from),
	 .choices = from_names,
	 .def = "end",
	 .help = "where the first look begins. end: nothing is measured by it, the next one reads "
		 "what was written since; begin: all that is in the file, those rotated away "
		 "before not, and so again when the definition is changed; what runs read that did "
		 "not come to their end, or under another definition, is read again"},
	{.name = "rotated",
	 .type = KEY_PATH,
	 .flags = KEY_NO_SECRET | KEY_WORLD,
	 .offset = offsetof(struct log_spec, rotated),
	 .help = "a glob for the files it is rotated to, plain or as gzip; default: the path with "
		 ".1, -20261126 or any other number behind it",
	 .example = "/var/log/shop/old/app-*"},
	{.name = "min_lines",
	 .type = KEY_INT,
	 .offset = offsetof(struct log_spec, min_lines),
	 .max = 1000000000,
	 .def = "1",
	 .help = "with fewer new lines it means nothing that none of them matches; 0: also of a "
		 "silent log",
	 .example = "0"},
	{.name = "max_line",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct log_spec, max_line),
	 .min = 256,
	 .max = 16 * 1024 * 1024,
	 .def = "64KiB",
	 .help = "how much of a line is looked at",
	 .example = "1MiB"},
	KEY_END,
};

static const struct value_row log_values[] = {
	{.name = "matches",
	 .type = VALUE_INT,
	 .unit = "",
	 .counts_of_total = true,
	 .help = "new lines in which a pattern is found; a bound with % is about the share of all "
		 "new lines. == 0 with a pattern, unless the check says otherwise"},
	{.name = "lines", .type = VALUE_INT, .unit = "", .help = "new lines"},
	{.name = "bytes", .type = VALUE_INT, .unit = "B", .help = "length of the new lines"},
	{.name = "rate",
	 .type = VALUE_REAL,
	 .unit = "1/s",
	 .is_at_least_0 = true,
	 .help = "matching lines, without a pattern lines, a second since the last look"},
	{.name = "unjudged",
	 .type = VALUE_INT,
	 .unit = "",
	 .implied = "== 0",
	 .help = "lines of which nobody can say whether they match: longer than `max_line`, or a "
		 "pattern gave up on them"},
	{.name = "lost",
	 .type = VALUE_INT,
	 .unit = "",
	 .implied = "== 0",
	 .help = "files that cannot be read on from where the last look stopped: cut, replaced, "
		 "gone"},
	{.name = NULL},
};

/* With a pattern the usual question needs no words. */
static bool log_has_value(const struct check *c, const char *name, struct value_row *row)
{
	const struct log_spec *spec = c->spec;

	if (strcmp(name, "matches") != 0)
		return false;
	*row = log_values[0];
	row->needs_key = spec->patterns.n > 0 ? "patterns" : "pattern";
	row->implied = spec->pattern || spec->patterns.n > 0 ? "== 0" : NULL;
	return true;
}

static void log_check(struct keys_context *ctx, struct check *c)
{
	const struct log_spec *spec = c->spec;

	if (spec->pattern)
		pattern_hasten(spec->pattern);
	for (size_t i = 0; i < spec->patterns.n; i++) {
		const struct named *named = spec->patterns.items[i].value;

		if (named->pattern)
			pattern_hasten(named->pattern);
	}
	if (spec->pattern && spec->patterns.n > 0)
		diags_at(ctx->diags, keys_pos(c->spec_node, "patterns"),
			 "give the one a name among the others",
			 "check \"%s\": pattern and patterns exclude each other", c->name);
	if (spec->except && !spec->pattern && spec->patterns.n == 0)
		diags_at(ctx->diags, keys_pos(c->spec_node, "except"), NULL,
			 "check \"%s\": except is for what a pattern is found in", c->name);
}

static void log_wish(struct arena *a, const struct check *c, struct wish *out)
{
	(void)a;
	(void)c;
	out->cursor = true;
}

static void log_describe(struct probe *p, struct buf *out)
{
	const struct log_spec *spec = p->checks[0]->spec;

	/* the definition is bounded */
	(void)buf_printf(out, "%s", spec->path);
	if (spec->rotated)
		(void)buf_printf(out, ", rotated to %s", spec->rotated);
	(void)buf_printf(out,
			 ": lines since the last recorded run; without one, from its %s on\n"
			 "only a run that is recorded and comes to its end moves that place\n",
			 from_names[spec->from]);
}

/* ---- one look ---- */

struct look {
	struct probe *probe;
	const struct log_spec *spec;
	int64_t now_ms;
	const char *path; /* as it is recorded: relative to the definition */
	struct log_limits limits;
	struct log_file *files;
	size_t n;
	/* What was known. */
	bool is_first;
	const char *why_first;
	bool is_torn; /* there was a place, but it cannot be read */
	struct log_place before;
	struct log_match match;
	/* What is known now. */
	struct log_place after;
	struct log_count count;
	struct buf story; /* what happened to files, a line each */
};

static const struct past_cursor *cursor_of(const struct probe *p)
{
	const struct past *past = p->world->past;

	for (size_t i = 0; past && i < past->n_cursors; i++)
		if (past->cursors[i].check == p->checks[0])
			return &past->cursors[i];
	return NULL;
}

/*
 * Under a definition that is new, what was read before was judged by another one. A check that
 * begins with all there is does so again; one that begins at the end goes on, and passes over less.
 */
static void recall(struct look *k)
{
	const struct past_cursor *cursor = cursor_of(k->probe);
	const char *state = cursor ? cursor->state : NULL;
	struct arena *a = k->probe->arena;
	struct err e = {.class = ERR_NONE};

	if (cursor && !state && k->spec->from == FROM_END)
		state = cursor->other;
	k->is_torn = state && log_place_parse(a, state, &k->before, &e) < 0;
	if (!state)
		k->why_first = cursor && cursor->other
				       ? "this is the first look at it under this definition"
				       : "this is the first look at it";
	else if (k->is_torn)
		k->why_first = arena_printf(
			a, "where the last look stopped cannot be read in the record (%s)",
			e.message);
	else if (strcmp(k->before.path, k->path) != 0)
		k->why_first = arena_printf(a, "the last look was at another log, \"%s\"",
					    str_escaped(a, k->before.path));
	k->is_first = k->why_first != NULL;
}

static int find(struct look *k, struct err *e)
{
	const struct log_paths paths = {
		.limits = &k->limits,
		.root_dir = k->probe->world->definition->root_dir,
		.live = k->spec->path,
		.rotated = k->spec->rotated,
	};

	if (log_files_find(k->probe->arena, &paths, &k->files, &k->n, e) < 0)
		return -1;
	if (k->n > 0 && k->files[k->n - 1].is_live) /* they stand behind the others */
		return 0;
	(void)err_set(e, ERR_MEASURE, "there is no \"%s\"%s", k->path,
		      k->n > 0 ? ", only files it was rotated to" : "");
	return err_help(e, "nothing is passed over: it is read on when it is there again");
}

/* Is it one of several, and another one was written to later? */
static bool is_older_live(const struct look *k, const struct log_file *f)
{
	return f->is_live && f != &k->files[k->n - 1] &&
	       f->modified_ms < k->files[k->n - 1].modified_ms;
}

static enum log_role role_of(const struct look *k, const struct log_file *f,
			     const struct log_mark *mark, bool has_grown)
{
	if (f->is_packed)
		return LOG_IS_PACKED;
	if (f->is_live)
		return !has_grown && is_older_live(k, f) ? LOG_IS_DONE : LOG_IS_LIVE;
	/* Its writer may go on for a while after it was renamed. */
	return !has_grown && mark && mark->role != LOG_IS_LIVE ? LOG_IS_DONE : LOG_IS_ROTATED;
}

static int add_mark(struct look *k, const struct log_file *f, int64_t offset, enum log_role role,
		    struct err *e)
{
	struct log_mark *m = &k->after.marks[k->after.n];

	if (log_mark_set(f, f->is_packed ? (int64_t)f->n_head : offset, role, m, e) < 0)
		return -1;
	m->name = redact_text(k->probe->world->definition->redactor, k->probe->arena, m->name);
	k->after.n++;
	return 0;
}

static void tell_file(struct look *k, const struct log_file *f, const struct log_mark *mark,
		      int64_t n_bytes)
{
	/* a full buffer says so */
	if (mark && strcmp(mark->name, f->name) != 0 && n_bytes > 0)
		(void)buf_printf(&k->story, "%s%s is now %s: %" PRId64 " bytes more in it",
				 k->story.len > 0 ? "\n" : "", mark->name, f->name, n_bytes);
	else if (!mark && n_bytes > 0)
		(void)buf_printf(&k->story, "%s%s is new: %" PRId64 " bytes in it",
				 k->story.len > 0 ? "\n" : "", f->name, n_bytes);
}

/*
 * A last line without newline is for the next look, unless nothing will be added to it: the file is
 * packed, or it was rotated away and does not grow any more. The last words of a program that died
 * in them stand at the end of a live file: what matches of a line that was left so since the last
 * look counts.
 */
static int read_on(struct look *k, const struct log_file *f, const struct log_mark *mark,
		   struct err *e)
{
	struct log_count *c = &k->count;
	int64_t from = mark ? mark->offset : 0, end;
	bool has_grown;
	enum log_role role;

	if (mark && mark->role == LOG_IS_PACKED)
		return add_mark(k, f, from, LOG_IS_PACKED, e);
	log_count_begin(c, f->name, from);
	if ((f->is_packed || from < f->size) && log_file_read(f, from, log_count_add, c, e) < 0)
		return -1;
	has_grown = c->position > from;
	role = role_of(k, f, mark, has_grown);
	if (f->is_packed || (role == LOG_IS_DONE && !f->is_live))
		log_count_end(c);
	else if (mark && f->modified_ms < k->before.at_ms)
		log_count_end_match(c);
	end = c->position;
	if (!k->is_first)
		tell_file(k, f, mark, end - from);
	return add_mark(k, f, end, role, e);
}

/* What was rotated away before is done with. */
static int look_first(struct look *k, struct err *e)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct log_file *f = &k->files[i];
		enum log_role role =
			f->is_live || f->is_packed ? role_of(k, f, NULL, false) : LOG_IS_DONE;
		int64_t end = 0;

		if (f->is_live && k->spec->from == FROM_BEGIN) {
			if (read_on(k, f, NULL, e) < 0)
				return -1;
		} else if ((!f->is_packed && log_file_last_line(f, &end, e) < 0) ||
			   add_mark(k, f, end, role, e) < 0) {
			return -1;
		}
	}
	return 0;
}

static int look_again(struct look *k, struct err *e)
{
	if (log_place_match(k->probe->arena, &k->before, k->files, k->n, &k->match, e) < 0)
		return -1;
	for (size_t i = 0; i < k->n; i++)
		if (read_on(k, &k->files[i], k->match.marks[i], e) < 0)
			return -1;
	return 0;
}

/* ---- measurements ---- */

static void emit(struct look *k, struct measurement m, const char *remark, const char *evidence)
{
	if (!m.reason)
		m.reason = remark;
	m.evidence = evidence;
	m.query = k->path;
	probe_emit(k->probe, 0, &m);
}

/*
 * Why no match among the new lines says nothing; NULL = there are enough of them. One that was
 * found counts in however few: no later look would come back to it.
 */
static const char *too_few(const struct look *k)
{
	const struct log_count *c = &k->count;
	struct arena *a = k->probe->arena;

	if (c->lines >= k->spec->min_lines)
		return NULL;
	if (k->spec->min_lines > 1)
		return arena_printf(a, "%" PRId64 " new lines, fewer than min_lines: %" PRId64,
				    c->lines, k->spec->min_lines);
	return "no new line since the last look; with min_lines: 0 silence counts as nothing found";
}

static void emit_matches(struct look *k, const char *evidence)
{
	const struct log_spec *spec = k->spec;
	const struct log_count *c = &k->count;
	const char *nothing = too_few(k);

	for (size_t i = 0; i < c->rules->n; i++) {
		struct measurement m = measurement_int("matches", c->matches[i], "");
		struct label *label = arena_alloc(k->probe->arena, sizeof(*label));

		if (nothing && c->matches[i] == 0)
			m = measurement_none("matches", nothing);
		m.n = m.n_total = c->lines;
		if (c->lines > 0 && m.value.type != VALUE_NONE)
			m.share = (double)c->matches[i] / (double)c->lines;
		if (!spec->pattern) {
			*label = (struct label){"pattern", spec->patterns.items[i].name};
			m.labels = label;
			m.n_labels = 1;
		}
		emit(k, m, NULL, evidence);
	}
}

static struct measurement rate_of(const struct look *k)
{
	const struct log_count *c = &k->count;
	double seconds = (double)(k->now_ms - k->before.at_ms) / 1000;
	int64_t n = c->rules->n > 0 ? c->matching : c->lines;
	const char *nothing = too_few(k);

	if (nothing && n == 0)
		return measurement_none("rate", nothing);
	if (k->is_first)
		return measurement_none("rate", "there was no look before this one");
	if (seconds <= 0)
		return measurement_none("rate", "the clock was set back since the last look");
	return measurement_real("rate", (double)n / seconds, "1/s");
}

/* What became of a file that cannot be read on. */
static const char *loss_of(const struct look *k, const struct log_mark *m)
{
	struct arena *a = k->probe->arena;

	for (size_t i = 0; i < k->n; i++) {
		const struct log_file *f = &k->files[i];

		if (strcmp(f->name, m->name) != 0)
			continue;
		return arena_printf(a,
				    f->inode == m->inode
					    ? "%s was cut or written anew: it was read as far as "
					      "byte %" PRId64 ", and no copy of that was found"
					    : "%s is another file than the one that was read as "
					      "far as byte %" PRId64 ", and that was not found",
				    m->name, m->offset);
	}
	return arena_printf(a, "%s, read as far as byte %" PRId64 ", is gone", m->name, m->offset);
}

static void emit_lost(struct look *k, const char *story)
{
	struct arena *a = k->probe->arena;
	struct measurement m = measurement_int("lost", (int64_t)k->match.n_lost + k->is_torn, "");
	const char *evidence = story;

	for (size_t i = k->match.n_lost; i > 0; i--) {
		const char *why = loss_of(k, k->match.lost[i - 1]);

		evidence = evidence ? arena_printf(a, "%s\n%s", why, evidence) : why;
	}
	m.n = (int64_t)k->before.n;
	emit(k, m, NULL, k->is_torn ? k->why_first : evidence);
}

static void emit_all(struct look *k)
{
	const struct log_count *c = &k->count;
	struct arena *a = k->probe->arena;
	struct buf shown;
	const char *evidence;
	const char *story = k->story.len > 0 ? arena_strdup(a, k->story.data) : NULL;

	buf_init(&shown, EVIDENCE_MAX_BYTES);
	log_count_show(c, &shown);
	if (story)
		(void)buf_printf(&shown, "%s%s", shown.len > 0 ? "\n" : "", story);
	evidence = shown.len > 0 ? arena_strdup(a, shown.data) : NULL;
	buf_release(&shown);
	emit_matches(k, evidence);
	emit(k, measurement_int("lines", c->lines, ""), NULL, story);
	emit(k, measurement_int("bytes", c->bytes, "B"), NULL, story);
	emit(k, rate_of(k), NULL, evidence);
	emit(k, measurement_int("unjudged", c->unjudged, ""), NULL, c->why_unjudged);
	emit_lost(k, story);
}

static struct log_rules *rules_of(struct arena *a, const struct probe *p)
{
	const struct log_spec *spec = p->checks[0]->spec;
	const struct pattern **patterns = arena_array(a, spec->patterns.n + 1, sizeof(*patterns));
	struct log_rules *rules = arena_alloc(a, sizeof(*rules));

	*rules = (struct log_rules){
		.patterns = patterns,
		.n = spec->pattern ? 1 : spec->patterns.n,
		.except = spec->except,
		.max_line = (size_t)spec->max_line,
		.redactor = p->world->definition->redactor,
	};
	patterns[0] = spec->pattern;
	for (size_t i = 0; i < spec->patterns.n; i++)
		patterns[i] = ((const struct named *)spec->patterns.items[i].value)->pattern;
	log_rules_hasten(rules);
	return rules;
}

static int look(struct look *k, struct err *e)
{
	struct arena *a = k->probe->arena;

	if (find(k, e) < 0)
		return -1;
	k->after = (struct log_place){
		.path = k->path,
		.at_ms = k->now_ms,
		.marks = arena_array(a, k->n, sizeof(*k->after.marks)),
	};
	if ((k->is_first ? look_first(k, e) : look_again(k, e)) < 0)
		return -1;
	probe_cursor(k->probe, log_place_text(a, &k->after));
	if (!k->is_first || k->spec->from == FROM_BEGIN) {
		emit_all(k);
		return 0;
	}
	(void)err_set(e, ERR_MEASURE, "%s: nothing was measured, it is read on from here",
		      k->why_first);
	return err_help(e, "from: begin reads what is there already");
}

static int log_probe(struct probe *p, struct err *e)
{
	const struct definition *d = p->world->definition;
	struct look k = {
		.probe = p,
		.spec = p->checks[0]->spec,
		.now_ms = clock_wall_ms(p->world->clock),
		.limits = {p->world->clock, p->deadline_ms, &p->world->is_interrupted},
	};
	int rc;

	k.path = file_shown(p->arena, d->root_dir, k.spec->path);
	buf_init(&k.story, EVIDENCE_MAX_BYTES / 2);
	log_count_init(&k.count, p->arena, rules_of(p->arena, p));
	recall(&k);
	rc = look(&k, e);
	log_count_release(&k.count);
	buf_release(&k.story);
	return rc;
}

const struct audit_kind audit_kind_log = {
	.name = "log",
	.family = "artifact",
	.summary = "lines written to a log since the last run: how many, how many match",
	.blind = "What is written and removed between two runs is never seen, nor is what a "
		 "rotation loses by itself (lines that come between copytruncate's copy and its "
		 "cut). A file "
		 "is known by digests of 256 bytes at its beginning and before the place: a log "
		 "whose lines are all the same, cut and grown beyond that place, looks untouched. "
		 "logrotate's copy without truncate makes lines count twice. Files packed by "
		 "anything "
		 "but gzip are lines of bytes. The place belongs to the check, not to a subject: "
		 "each "
		 "line is judged in one run, whatever that was about. Time stamps in lines are not "
		 "read. A last line without an end is judged when it has one, or by a match "
		 "that stands there since the look before. Silence is no measurement unless "
		 "min_lines: 0 says so.",
	.spec_size = sizeof(struct log_spec),
	.keys = log_keys,
	.values = log_values,
	.check = log_check,
	.has_value = log_has_value,
	.wish = log_wish,
	.arsenal = &arsenal_log,
	.describe = log_describe,
	.probe = log_probe,
};
