/* notify: what is news, who wants it, and what each language makes of hostile text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/notice.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/pairs.h"
#include "runner/io/json.h"
#include "runner/io/mail.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/model/notify.h"

#define F TRANSITION_BIT(TRANSITION_FAILURE)
#define U TRANSITION_BIT(TRANSITION_UNDECIDED)
#define O TRANSITION_BIT(TRANSITION_OVERDUE)

static void step_is(struct transition_step step, bool is_news, enum transition_kind kind,
		    unsigned open)
{
	assert_int_equal(step.is_news, is_news);
	if (is_news)
		assert_int_equal(step.kind, kind);
	assert_int_equal(step.open, open);
}

static void test_transition_every_state_and_outcome(void **state)
{
	const struct {
		unsigned open;
		enum outcome now;
		bool is_news;
		enum transition_kind kind;
		unsigned after;
	} table[] = {
		{0, OUTCOME_PASS, false, 0, 0},
		{0, OUTCOME_WARN, false, 0, 0},
		{0, OUTCOME_FAIL, true, TRANSITION_FAILURE, F},
		{0, OUTCOME_UNDECIDED, true, TRANSITION_UNDECIDED, U},
		{0, OUTCOME_SKIP, false, 0, 0},
		{F, OUTCOME_PASS, true, TRANSITION_RECOVERY, 0},
		{F, OUTCOME_WARN, true, TRANSITION_RECOVERY, 0},
		{F, OUTCOME_FAIL, false, 0, F},
		{F, OUTCOME_UNDECIDED, true, TRANSITION_UNDECIDED, F | U},
		{F, OUTCOME_SKIP, false, 0, F},
		{U, OUTCOME_PASS, true, TRANSITION_RECOVERY, 0},
		{U, OUTCOME_FAIL, true, TRANSITION_FAILURE, F},
		{U, OUTCOME_UNDECIDED, false, 0, U},
		{U, OUTCOME_SKIP, false, 0, U},
		{F | U, OUTCOME_PASS, true, TRANSITION_RECOVERY, 0},
		{F | U, OUTCOME_FAIL, true, TRANSITION_FAILURE, F},
		{F | U, OUTCOME_UNDECIDED, false, 0, F | U},
		{F | U, OUTCOME_SKIP, false, 0, F | U},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		step_is(transition_of(table[i].open, table[i].now), table[i].is_news, table[i].kind,
			table[i].after);
	step_is(transition_gone(F, true), true, TRANSITION_RECOVERY, 0);
	step_is(transition_gone(F | U, false), false, 0, F | U);
	step_is(transition_gone(0, true), false, 0, 0);
}

static void test_notify_an_end_goes_where_its_beginning_went(void **state)
{
	struct notify_sink s = {.on = TRANSITION_BIT(TRANSITION_RECOVERY) | F};
	struct transition t = {.kind = TRANSITION_RECOVERY, .was = F};

	(void)state;
	assert_true(notify_wants(&s, &t, NULL));
	t.was = U; /* nobody here was told that it was undecided */
	assert_false(notify_wants(&s, &t, NULL));
	t.was = F | U;
	assert_true(notify_wants(&s, &t, NULL));
	s.on = TRANSITION_BIT(TRANSITION_RECOVERY); /* recoveries alone: then all */
	t.was = O;
	assert_true(notify_wants(&s, &t, NULL));
	s.on = F;
	assert_false(notify_wants(&s, &t, NULL));
}

static void test_notify_a_failure_seen_again_is_news_to_who_heard_of_the_gap(void **state)
{
	struct notify_sink s = {.on = F};
	struct transition t = {.kind = TRANSITION_FAILURE, .was = F | U};

	(void)state;
	assert_false(notify_wants(&s, &t, NULL));
	s.on = F | U;
	assert_true(notify_wants(&s, &t, NULL));
	t.is_repeat = true;
	t.was = F;
	s.on = F;
	assert_true(notify_wants(&s, &t, NULL));
}

static void test_notify_severity_and_selection_are_of_checks(void **state)
{
	const struct audit_kind kind = {.name = "rows"};
	const char *tags[] = {"release"};
	struct check c = {
		.name = "a/b", .audit = "a", .kind = &kind, .tags = {.items = tags, .n = 1}};
	struct selector select = {.tag = "release"};
	struct notify_sink s = {
		.on = TRANSITION_ALL, .severity = 5, .select = &select, .n_select = 1};
	struct transition t = {.kind = TRANSITION_FAILURE, .check = "a/b", .severity = 5};

	(void)state;
	assert_true(notify_wants(&s, &t, &c));
	assert_false(notify_wants(&s, &t, NULL)); /* no such check: selected by nobody */
	t.severity = 4;
	assert_false(notify_wants(&s, &t, &c));
	t.kind = TRANSITION_GATE_SHUT;
	assert_true(notify_wants(&s, &t, NULL));
	t.kind = TRANSITION_INCOMPLETE;
	assert_true(notify_wants(&s, &t, NULL));
	t.kind = TRANSITION_FAILURE;
	t.severity = 9;
	select.tag = "other";
	assert_false(notify_wants(&s, &t, &c));
	s.type = NOTIFY_PING;
	s.n_select = 0;
	assert_false(notify_wants(&s, &t, &c));
}

static void test_transition_the_gravest_first(void **state)
{
	struct transition t[] = {
		{.kind = TRANSITION_RECOVERY, .severity = 9, .check = "a/a", .series = ""},
		{.kind = TRANSITION_FAILURE, .severity = 3, .check = "a/b", .series = "y"},
		{.kind = TRANSITION_FAILURE, .severity = 3, .check = "a/b", .series = "x"},
		{.kind = TRANSITION_UNDECIDED, .severity = 10, .check = "a/c", .series = ""},
		{.kind = TRANSITION_FAILURE, .severity = 8, .check = "a/d", .series = ""},
	};

	(void)state;
	qsort(t, 5, sizeof(t[0]), transition_compare);
	assert_string_equal(t[0].check, "a/d");
	assert_string_equal(t[1].series, "x");
	assert_string_equal(t[2].series, "y");
	assert_string_equal(t[3].check, "a/c");
	assert_string_equal(t[4].check, "a/a");
}

/* ---- the formats ---- */

#define HOSTILE "<!channel> & `x` *b* \"q\" \\ \xE2\x80\xAE \x01\n@all \xff"

static struct transition hostile(enum transition_kind kind)
{
	return (struct transition){
		.kind = kind,
		.check = "orders/some",
		.series = HOSTILE,
		.subject = HOSTILE,
		.outcome = OUTCOME_FAIL,
		.severity = 7,
		.title = HOSTILE,
		.owner = HOSTILE,
		.value = HOSTILE,
		.number = NAN,
		.unit = "rows",
		.bound = HOSTILE,
		.reason = HOSTILE,
		.file = "a.yaml",
		.line = 3,
		.col = 5,
		.run_id = 4,
		.since_ms = 1795383603000,
		.at_ms = 1795383604000,
	};
}

static struct json_doc *parsed(const struct buf *b)
{
	struct json_doc *d = NULL;
	struct err e = {0};

	if (json_parse(b->data, b->len, &d, &e) != 0)
		fail_msg("%s in %s", e.message, b->data);
	return d;
}

static const char *text_at(const struct json_doc *d, const char *pointer)
{
	struct json_value v;
	struct err e = {0};

	assert_int_equal(json_pointer(d, pointer, &v, &e), 0);
	assert_int_equal(v.type, JSON_IS_TEXT);
	return v.text;
}

static void test_notice_hostile_text_stays_text(void **state)
{
	struct transition t = hostile(TRANSITION_FAILURE);
	struct notice n = {
		.key = "abcdefabcdefabcdef/7", .sink = "ops", .items = &t, .n = 1, .n_total = 1};
	struct notice_view v = {.notice = &n, .definition = "a.yaml", .lasts_ms = 1000};
	struct json_doc *d;
	struct buf b;
	const char *text;

	(void)state;
	buf_init(&b, BUF_UNBOUNDED);
	notice_slack(&b, &v);
	d = parsed(&b);
	text = text_at(d, "/blocks/1/text/text");
	assert_null(strchr(text, '<'));
	assert_null(strstr(text, "`x`"));
	assert_non_null(strstr(text, "&lt;!channel&gt; &amp; 'x' *b*"));
	assert_non_null(strstr(text, "\\u{202E}"));
	assert_null(strstr(text_at(d, "/text"), "<!channel"));
	json_free(d);

	buf_reset(&b);
	notice_json(&b, &v);
	d = parsed(&b);
	assert_string_equal(text_at(d, "/assize"), "notify/1");
	assert_string_equal(text_at(d, "/transitions/0/explain"), "assize explain 4 orders/some");
	assert_non_null(strstr(text_at(d, "/transitions/0/title"), "<!channel>"));
	json_free(d);

	buf_reset(&b);
	notice_alerts(&b, &v);
	d = parsed(&b);
	assert_string_equal(text_at(d, "/0/labels/record"), "abcdefabcdef");
	assert_string_equal(text_at(d, "/0/labels/audit"), "orders");
	json_free(d);

	buf_reset(&b);
	notice_text(&b, &v);
	assert_null(strchr(b.data, '\x01'));
	assert_null(strstr(b.data, "\xE2\x80\xAE"));
	assert_null(strstr(b.data, "\n@all")); /* no line of its own */
	buf_release(&b);
}

static void test_notice_is_bounded(void **state)
{
	size_t n_items = 400;
	struct transition *items = calloc(n_items, sizeof(*items));
	char *huge = malloc(200001);
	struct notice n = {
		.key = "k/1", .sink = "ops", .items = items, .n = n_items, .n_total = 5000};
	struct notice_view v = {.notice = &n, .definition = "a.yaml"};
	struct json_value value;
	struct json_doc *d;
	struct err e = {0};
	struct buf b;

	(void)state;
	assert_non_null(items);
	assert_non_null(huge);
	memset(huge, '&', 200000);
	huge[200000] = '\0';
	for (size_t i = 0; i < n_items; i++) {
		items[i] = hostile(TRANSITION_FAILURE);
		items[i].title = items[i].reason = items[i].value = items[i].bound = huge;
		items[i].owner = items[i].series = items[i].file = huge;
	}
	buf_init(&b, BUF_UNBOUNDED);
	notice_slack(&b, &v);
	d = parsed(&b);
	assert_int_equal(json_pointer(d, "/blocks", &value, &e), 0);
	assert_true(value.n <= 50);
	for (int i = 1; i <= 20; i++) {
		char pointer[32];

		(void)snprintf(pointer, sizeof(pointer), "/blocks/%d/text/text", i);
		assert_true(strlen(text_at(d, pointer)) < 3000);
	}
	assert_true(strlen(text_at(d, "/text")) < 4000);
	assert_non_null(strstr(text_at(d, "/blocks/21/elements/0/text"), "and 4980 more"));
	json_free(d);
	buf_release(&b);
	free(huge);
	free(items);
}

static void test_notice_alerts_begin_and_end(void **state)
{
	struct transition t[] = {hostile(TRANSITION_FAILURE), hostile(TRANSITION_RECOVERY)};
	struct notice n = {.key = "k/1", .sink = "am", .items = t, .n = 2, .n_total = 2};
	struct notice_view v = {
		.notice = &n, .definition = "a", .now_ms = 1795383610000, .lasts_ms = 60000};
	struct json_doc *d;
	struct buf b;

	(void)state;
	t[1].since_ms = 1795383600000;
	buf_init(&b, BUF_UNBOUNDED);
	notice_alerts(&b, &v);
	d = parsed(&b);
	assert_string_equal(text_at(d, "/0/startsAt"), "2026-11-22T21:40:03.000Z");
	assert_string_equal(text_at(d, "/0/endsAt"), "2026-11-22T21:41:10.000Z");
	assert_string_equal(text_at(d, "/1/startsAt"), "2026-11-22T21:40:00.000Z");
	assert_string_equal(text_at(d, "/1/endsAt"), "2026-11-22T21:40:04.000Z");
	assert_string_equal(text_at(d, "/0/labels/alertname"), text_at(d, "/1/labels/alertname"));
	json_free(d);
	buf_release(&b);
}

static void test_mail_is_ascii_in_short_lines(void **state)
{
	const char *recipients[] = {"a@example.com", "b@example.com"};
	struct texts to = {.items = recipients, .n = 2};
	struct mail m = {
		.from = "assize@example.com",
		.to = &to,
		.subject = "[assize] 1 f\xC3\xA4ilure\r\nBcc: evil@example.com",
		.body = ".\nline with trailing space \n\xC3\xA4=\n" HOSTILE "\n",
		.id = "k.1",
		.at_ms = 1795383603000,
	};
	struct buf b;
	size_t column = 0;

	(void)state;
	buf_init(&b, BUF_UNBOUNDED);
	mail_write(&b, &m);
	for (size_t i = 0; i < b.len; i++) {
		unsigned char c = (unsigned char)b.data[i];

		assert_true(c == '\r' || c == '\n' || (c >= ' ' && c <= '~'));
		column = c == '\n' ? 0 : column + 1;
		assert_true(column <= 78);
		if (c == '\n')
			assert_int_equal(b.data[i - 1], '\r');
	}
	assert_null(strstr(b.data, "\r\nBcc:"));
	assert_non_null(strstr(b.data, "Date: Sun, 22 Nov 2026 21:40:03 +0000\r\n"));
	assert_non_null(strstr(b.data, "To: a@example.com,\r\n b@example.com\r\n"));
	assert_non_null(strstr(b.data, "Message-ID: <k.1@example.com>\r\n"));
	assert_non_null(strstr(b.data, "trailing space=20\r\n=C3=A4=3D\r\n"));
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transition_every_state_and_outcome),
		cmocka_unit_test(test_notify_an_end_goes_where_its_beginning_went),
		cmocka_unit_test(test_notify_a_failure_seen_again_is_news_to_who_heard_of_the_gap),
		cmocka_unit_test(test_notify_severity_and_selection_are_of_checks),
		cmocka_unit_test(test_transition_the_gravest_first),
		cmocka_unit_test(test_notice_hostile_text_stays_text),
		cmocka_unit_test(test_notice_is_bounded),
		cmocka_unit_test(test_notice_alerts_begin_and_end),
		cmocka_unit_test(test_mail_is_ascii_in_short_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
