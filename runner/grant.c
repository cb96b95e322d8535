/*
 * Nothing has a default: what lets a failure through is said by a person, every time.
 */
#include "runner/grant.h"

#include <stdbool.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/utc.h"
#include "runner/base/utf8.h"

#define MAX_TEXT_BYTES 1000
#define MAX_SPAN_MS    (INT64_C(366) * 86400000)

int grant_until(const char *text, int64_t from_ms, int64_t *out, struct err *e)
{
	size_t n = strlen(text);
	int has_zone = 0;
	int64_t span;

	if (num_parse_duration_ms(text, n, &span) == 0) {
		if (span < 1000 || span > MAX_SPAN_MS)
			return err_set(e, ERR_USAGE,
				       "cannot read --until %s: a duration is at least 1s, and at "
				       "most 366d",
				       text);
		*out = from_ms + span;
		return 0;
	}
	if (utc_parse(text, n, &span, &has_zone) != 0 || !has_zone) {
		(void)err_set(e, ERR_USAGE,
			      "cannot read --until %s: it is no time with a zone, and no duration",
			      text);
		return err_help(e, "write 2026-12-04T09:00:00Z, 2026-12-04T10:00:00+01:00 or 7d");
	}
	if (span <= from_ms)
		return err_set(e, ERR_USAGE, "cannot end at --until %s: that is over", text);
	*out = span;
	return 0;
}

static bool is_missing(const struct grant_text *t)
{
	return t->text == NULL || utf8_is_blank(t->text);
}

int grant_texts(const char *command, const struct grant_text *texts, const char *example,
		struct err *e)
{
	const struct grant_text *blank = NULL;
	size_t n = 0, n_told = 0;
	struct buf names;

	for (const struct grant_text *t = texts; t->option; t++) {
		n += is_missing(t) ? 1 : 0;
		blank = is_missing(t) && t->text ? t : blank;
		if (!is_missing(t) && strlen(t->text) > MAX_TEXT_BYTES)
			return err_set(e, ERR_USAGE, "--%s is longer than %d bytes", t->option,
				       MAX_TEXT_BYTES);
	}
	if (n == 0)
		return 0;
	buf_init(&names, 400);
	for (const struct grant_text *t = texts; t->option; t++)
		if (is_missing(t)) {
			(void)buf_printf(&names, "%s--%s",
					 n_told == 0	   ? ""
					 : n_told == n - 1 ? " and "
							   : ", ",
					 t->option);
			n_told++;
		}
	(void)err_set(e, ERR_USAGE, "assize %s needs %s%s%s%s", command, names.data,
		      !blank   ? ""
		      : n == 1 ? ", and it is blank"
			       : ", and --",
		      blank && n > 1 ? blank->option : "", blank && n > 1 ? " is blank" : "");
	buf_release(&names);
	return err_help(e, "%s", example);
}
