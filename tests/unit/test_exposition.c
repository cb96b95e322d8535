/*
 * Expositions: what is read, and what is refused with which words. Each text is fed whole and byte
 * by byte: the verdict must not depend on how the stream was cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audits/exposition.h"
#include "audits/exposition_internal.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"

struct heard {
	struct buf samples;
	const char *only; /* NULL = every metric is wanted */
};

static bool wants(void *ctx, const char *name, size_t n)
{
	const struct heard *h = ctx;

	return h->only == NULL || (strlen(h->only) == n && memcmp(h->only, name, n) == 0);
}

/* "name[label=value] number @time;" */
static int on_sample(void *ctx, const struct exposition_sample *s, struct err *e)
{
	struct heard *h = ctx;

	(void)e;
	buf_add(&h->samples, s->name.s, s->name.n);
	for (size_t i = 0; i < s->n_labels; i++) {
		buf_putc(&h->samples, '[');
		buf_add(&h->samples, s->labels[i].name.s, s->labels[i].name.n);
		buf_putc(&h->samples, '=');
		buf_add(&h->samples, s->labels[i].value.s, s->labels[i].value.n);
		buf_putc(&h->samples, ']');
	}
	buf_printf(&h->samples, " %.17g", s->value);
	if (s->has_timestamp)
		buf_printf(&h->samples, " @%.17g", s->timestamp_s);
	buf_putc(&h->samples, ';');
	return 0;
}

static int read_pieces(enum exposition_format format, const char *text, size_t n, size_t piece,
		       struct heard *h, struct err *e)
{
	struct exposition_handler handler = {.wants = wants, .on_sample = on_sample};
	struct exposition *x = exposition_new(format, &handler, h);
	int code = 0;

	for (size_t at = 0; code == 0 && at < n; at += piece)
		code = exposition_feed(x, text + at, n - at < piece ? n - at : piece, e);
	if (code == 0)
		code = exposition_end(x, e);
	exposition_free(x);
	return code;
}

static void reads_n(enum exposition_format format, const char *text, size_t n, const char *want)
{
	static const size_t pieces[] = {1, 3, 1 << 20};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct heard h = {.only = NULL};
		struct err e = {0};

		buf_init(&h.samples, 1 << 20);
		if (read_pieces(format, text, n, pieces[i], &h, &e) != 0)
			fail_msg("%s\nrefused: %s", text, e.message);
		if (want != NULL)
			assert_string_equal(h.samples.data, want);
		buf_release(&h.samples);
	}
}

/* Both when the metric is wanted and when nobody asks for it. */
static void refuses_n(enum exposition_format format, const char *text, size_t n, const char *why)
{
	static const size_t pieces[] = {1, 1 << 20};

	for (size_t i = 0; i < 4; i++) {
		struct heard h = {.only = i < 2 ? NULL : "nothing"};
		struct err e = {0};

		buf_init(&h.samples, 1 << 20);
		if (read_pieces(format, text, n, pieces[i % 2], &h, &e) != -1)
			fail_msg("%s\nwas read as %s", text, h.samples.data);
		assert_int_equal(e.class, ERR_MEASURE);
		if (strstr(e.message, why) == NULL)
			fail_msg("%s\nsays %s\nnot %s", text, e.message, why);
		buf_release(&h.samples);
	}
}

static void prometheus_reads(const char *text, const char *want)
{
	reads_n(EXPOSITION_PROMETHEUS, text, strlen(text), want);
}

static void prometheus_refuses(const char *text, const char *why)
{
	refuses_n(EXPOSITION_PROMETHEUS, text, strlen(text), why);
}

/* The end mark is added. */
static void openmetrics_reads(const char *text, const char *want)
{
	char whole[4096];
	int n = snprintf(whole, sizeof(whole), "%s# EOF\n", text);

	reads_n(EXPOSITION_OPENMETRICS, whole, (size_t)n, want);
}

static void openmetrics_refuses(const char *text, const char *why)
{
	char whole[4096];
	int n = snprintf(whole, sizeof(whole), "%s# EOF\n", text);

	refuses_n(EXPOSITION_OPENMETRICS, whole, (size_t)n, why);
}

static void test_exposition_reads_plain_samples(void **state)
{
	(void)state;
	prometheus_reads("", "");
	prometheus_reads("\n\n \t\n", "");
	prometheus_reads("up 1\n", "up 1;");
	prometheus_reads("a:b_c 1.5 1700000000123\n", "a:b_c 1.5 @1700000000.1229999;");
	prometheus_reads("up{} 1\n", "up 1;");
	prometheus_reads("up{a=\"b\",c=\"\"} 1\n", "up[a=b][c=] 1;");
	prometheus_reads("  up { a = \"b\" , }\t-1 \n", "up[a=b] -1;");
	prometheus_reads("up{a=\"b\"}3 -5\n", "up[a=b] 3 @-0.0050000000000000001;");
	prometheus_reads("u{a=\"q\\\"b\\\\n\\nl\",b=\"x\"} 1\n", "u[a=q\"b\\n\nl][b=x] 1;");
	prometheus_reads("u{a=\"}, # {\"} 1\n", "u[a=}, # {] 1;");
	prometheus_reads("u{a=\"\xc3\xa4\xe2\x82\xac\"} 1\n", "u[a=\xc3\xa4\xe2\x82\xac] 1;");
}

static void test_exposition_reads_numbers(void **state)
{
	(void)state;
	prometheus_reads("a 0\na -0\na +7\na 007\n", "a 0;a -0;a 7;a 7;");
	prometheus_reads("a .5\na 5.\na 1e3\na 1.E+3\na 1e-3\n",
			 "a 0.5;a 5;a 1000;a 1000;a 0.001;");
	prometheus_reads("a 12345678901234567890\n", "a 1.2345678901234567e+19;");
	prometheus_reads("a 0.1\na 123456.789e-2\n", "a 0.10000000000000001;a 1234.56789;");
	prometheus_reads("a NaN\na +Inf\na -inf\na Infinity\n", "a nan;a inf;a -inf;a inf;");
	prometheus_reads("a 5e-324\na 1.7976931348623157e308\n",
			 "a 4.9406564584124654e-324;a 1.7976931348623157e+308;");
}

static void test_exposition_refuses_what_is_no_number(void **state)
{
	static const char *const bad[] = {"0x10",  "0X1p-3", "1_000", "1,5",  "0b1",  "0o7",
					  "1e",	   "1e+",    ".",     "+",    "-",    "--1",
					  "1.2.3", "1e5.0",  "infin", "nanx", "-NaN", "1e999",
					  "abc",   "1f",     "\"1\""};
	char line[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "a %s\n", bad[i]);
		prometheus_refuses(line, "is not a number");
		snprintf(line, sizeof(line), "a %s\n", bad[i]);
		openmetrics_refuses(line, "is not a number");
	}
}

static void test_exposition_names_the_place(void **state)
{
	(void)state;
	prometheus_refuses("a 1\nb{c=\"d\"} 2\n  e x\n", "line 3:5: \"x\" is not a number");
	prometheus_refuses("a 1\n<html>\n", "line 2:1: \"<html>\" is not a metric name");
	prometheus_refuses("a 1\na\x1b[2J 2\n", "\"a\\x1b[2J\" is not a metric name");
}

static void test_exposition_prometheus_refuses_bad_lines(void **state)
{
	(void)state;
	prometheus_refuses("a\n", "a value is missing");
	prometheus_refuses("9a 1\n", "\"9a\" is not a metric name");
	prometheus_refuses("a-b 1\n", "\"a-b\" is not a metric name");
	prometheus_refuses("a 1 2.5\n", "is not a timestamp in whole milliseconds");
	prometheus_refuses("a 1 x\n", "is not a timestamp in whole milliseconds");
	prometheus_refuses("a 1 2 3\n", "\"3\" stands behind the timestamp");
	prometheus_refuses("a 1 # {} 1\n", "is not a timestamp");
	prometheus_refuses("a{b} 1\n", "stands where = should follow a label name");
	prometheus_refuses("a{b=c} 1\n", "stands where a quoted label value should");
	prometheus_refuses("a{b='c'} 1\n", "stands where a quoted label value should");
	prometheus_refuses("a{b=\"c} 1\n", "the line ends inside a quoted text");
	prometheus_refuses("a{b=\"c\\\n", "the line ends inside a quoted text");
	prometheus_refuses("a{b=\"c\"\n", "the line ends inside the labels");
	prometheus_refuses("a{b=\"c\" d=\"e\"} 1\n", "stands where , or } should");
	prometheus_refuses("a{b=\"c\",,} 1\n", "is not a label name");
	prometheus_refuses("a{5=\"c\"} 1\n", "is not a label name");
	prometheus_refuses("a{b:c=\"d\"} 1\n", "stands where = should");
	prometheus_refuses("a{b=\"\\d\"} 1\n", "begins with an unknown escape");
	prometheus_refuses("a{__name__=\"b\"} 1\n", "\"__name__\" is reserved");
	prometheus_refuses("a{b=\"c\",b=\"d\"} 1\n", "a label name that was there before");
	/* also behind lines whose labels begin alike */
	prometheus_refuses("a{b=\"1\",c=\"2\"} 1\na{b=\"2\",b=\"2\"} 1\n", "line 2:9: \"");
	prometheus_refuses("a{b=\"1\",c=\"2\"} 1\na{c=\"2\",c=\"2\"} 1\n", "line 2:9: \"");
	prometheus_refuses("a{b=\"1\",c=\"2\",d=\"3\"} 1\na{c=\"2\",b=\"1\",c=\"3\"} 1\n",
			   "line 2:15: \"");
	prometheus_refuses("a{b=\"1\",c=\"2\"} 1\na{b=\"1\",c=2} 1\n", "a quoted label value");
	prometheus_refuses("a{b=\"1\",c=\"2\"} 1\na{b=\"1\" c=\"2\"} 1\n", "where , or } should");
	prometheus_refuses("a{b=\"\xff\"} 1\n", "the line is not valid UTF-8");
	prometheus_refuses("a 1\r\n", "is not a number");
	prometheus_refuses("{} 1\n", "the metric has no name");
	prometheus_refuses("{a=\"b\"} 1\n", "the metric has no name");
}

static void test_exposition_prometheus_notices_a_torn_end(void **state)
{
	(void)state;
	prometheus_refuses("a 1\nb 12", "\"b\" begins the last line, which is torn");
	prometheus_refuses("a 1\n# HELP b", "begins the last line, which is torn");
	prometheus_reads("a 1\n  \t", "a 1;");
}

static void test_exposition_prometheus_checks_metadata(void **state)
{
	(void)state;
	prometheus_reads("# a comment\n#\n#x\n# TYPE\n# HELP a\n# EOF\na 1\n", "a 1;");
	prometheus_reads("# TYPE a Counter\n# HELP a b\n#  TYPE\tb  untyped \na 1\n", "a 1;");
	prometheus_refuses("# HELP a x\n# HELP a y\n", "line 2:1: a second HELP of this metric");
	prometheus_refuses("# TYPE a gauge\n# TYPE a gauge\n", "a second TYPE of this metric");
	prometheus_refuses("a 1\n# TYPE a gauge\n", "TYPE behind its samples");
	prometheus_refuses("# TYPE a chart\n", "\"chart\" is not a metric type");
	prometheus_refuses("# TYPE a-b gauge\n", "is not a metric name");
	/* Of a summary x, x_sum is a part and no metric of its own. */
	prometheus_refuses("# TYPE x summary\nx_sum 1\n# TYPE x_sum gauge\n", "a second TYPE");
	prometheus_reads("# TYPE x gauge\nx 1\n# TYPE x_sum gauge\nx_sum 1\n", "x 1;x_sum 1;");
}

static void test_exposition_prometheus_checks_histograms(void **state)
{
	(void)state;
	prometheus_reads("# TYPE h histogram\nh_bucket{le=\"1e3\"} 1\nh_sum -5\nh_count 1\n", NULL);
	prometheus_refuses("# TYPE h histogram\nh_bucket{le=\"0x1\"} 1\n", "le is not a number");
	prometheus_refuses("# TYPE s summary\ns{quantile=\"half\"} 1\n",
			   "quantile is not a number");
	prometheus_refuses("# TYPE h histogram\nh_bucket{le=\"1\"} -1\n", "is a negative count");
	prometheus_refuses("# TYPE h gaugehistogram\nh_count -1\n", "is a negative count");
	prometheus_reads("h_bucket{le=\"x\"} -1\n", "h_bucket[le=x] -1;");
}

static void test_exposition_prometheus_reads_quoted_names(void **state)
{
	(void)state;
	prometheus_reads("# TYPE \"a.b\" gauge\n{\"a.b\",c=\"d\"} 1\n", "a.b[c=d] 1;");
	prometheus_reads("{c=\"d\", \"a.b\"} 1\n", "a.b[c=d] 1;");
	prometheus_reads("a{\"b.c\"=\"d\"} 1\n", "a[b.c=d] 1;");
	prometheus_refuses("{\"a\",\"b\"} 1\n", "a second metric name");
	prometheus_refuses("{\"\"} 1\n", "a name is empty");
	prometheus_refuses("{\"a\\t\"} 1\n", "begins with an unknown escape");
	prometheus_refuses("# HELP \"a\n", "the line ends inside a quoted text");
	prometheus_refuses("# HELP \"a\\x\" b\n", "begins with an unknown escape");
}

static void test_exposition_openmetrics_reads_every_type(void **state)
{
	(void)state;
	openmetrics_reads("", "");
	openmetrics_reads("a 1\n", "a 1;");
	openmetrics_reads("a{b=\"c\"} 1 2.5\n", "a[b=c] 1 @2.5;");
	openmetrics_reads("a{b=\"x\\z\"} 1\n", "a[b=x\\z] 1;");
	openmetrics_reads("# TYPE a counter\n# HELP a b\\nc\na_total 1\na_created 2\n",
			  "a_total 1;a_created 2;");
	openmetrics_reads("# TYPE a_s gauge\n# UNIT a_s s\na_s NaN\n", "a_s nan;");
	openmetrics_reads("# TYPE a summary\na{quantile=\"0.5\"} 1\na_count 2\na_sum 3\n", NULL);
	openmetrics_reads("# TYPE a stateset\na{a=\"on\"} 1\na{a=\"off\"} 0\n", NULL);
	openmetrics_reads("# TYPE a info\na_info{v=\"2\"} 1\n", "a_info[v=2] 1;");
	openmetrics_reads("# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 2\n"
			  "a_count 2\na_sum 3\na_created 4\n",
			  NULL);
	openmetrics_reads("# TYPE a gaugehistogram\na_bucket{le=\"-1\"} 1\n"
			  "a_bucket{le=\"+Inf\"} 2\na_gcount 2\na_gsum -3\n",
			  NULL);
	openmetrics_reads("# TYPE a unknown\na 1 1\na 2 2\n", "a 1 @1;a 2 @2;");
	reads_n(EXPOSITION_OPENMETRICS, "a 1\n# EOF", 9, "a 1;");
}

static void test_exposition_openmetrics_reads_exemplars(void **state)
{
	(void)state;
	openmetrics_reads("# TYPE a counter\na_total 1 # {id=\"x # y\"} 0.5 12.5\n", "a_total 1;");
	openmetrics_reads("# TYPE a counter\na_total{b=\"}\"} 1 5 # {} 1\n", "a_total[b=}] 1 @5;");
	openmetrics_refuses("# TYPE a gauge\na 1 # {} 1\n", "may not have an exemplar");
	openmetrics_refuses("# TYPE a counter\na_created 1 # {} 1\n", "may not have an exemplar");
	openmetrics_refuses("# TYPE a counter\na_total 1 #{} 1\n", "a single space");
	openmetrics_refuses("# TYPE a counter\na_total 1 # x\n", "an exemplar's labels");
	openmetrics_refuses("# TYPE a counter\na_total 1 # {}\n", "a single space");
	openmetrics_refuses("# TYPE a counter\na_total 1 # {} x\n", "is not a number");
	openmetrics_refuses("# TYPE a counter\na_total 1 # {} 1 NaN\n", "is not a timestamp");
	openmetrics_refuses("# TYPE a counter\na_total 1 # {} 1 1 1\n", "behind the exemplar");
}

static void test_exposition_openmetrics_counts_exemplar_characters(void **state)
{
	char text[512], value[200] = "";

	(void)state;
	/* 126 of them, one written as an escape, one of two bytes: with "id" 128. */
	memset(value, 'v', 124);
	strcat(value, "\\\"\xc3\xa4");
	snprintf(text, sizeof(text), "# TYPE a counter\na_total 1 # {id=\"%s\"} 1\n", value);
	openmetrics_reads(text, "a_total 1;");
	strcat(value, "v");
	snprintf(text, sizeof(text), "# TYPE a counter\na_total 1 # {id=\"%s\"} 1\n", value);
	openmetrics_refuses(text, "have 129 characters, 128 are allowed");
}

static void test_exposition_openmetrics_is_strict_about_lines(void **state)
{
	(void)state;
	refuses_n(EXPOSITION_OPENMETRICS, "", 0, "does not end in # EOF");
	refuses_n(EXPOSITION_OPENMETRICS, "a 1\n", 4, "does not end in # EOF");
	refuses_n(EXPOSITION_OPENMETRICS, "# EOF\nx 1\n", 10, "there is a line behind # EOF");
	refuses_n(EXPOSITION_OPENMETRICS, "# EOF\n\n", 7, "there is a line behind # EOF");
	openmetrics_refuses("\n", "an empty line");
	openmetrics_refuses(" a 1\n", "is not a metric name");
	openmetrics_refuses("a  1\n", "a value is missing");
	openmetrics_refuses("a\t1\n", "a single space");
	openmetrics_refuses("a 1 \n", "stands where a timestamp should");
	openmetrics_refuses("a 1 1 \n", "behind the timestamp");
	openmetrics_refuses("a{b=\"c\",} 1\n", "a comma without a label");
	openmetrics_refuses("a{ b=\"c\"} 1\n", "is not a label name");
	openmetrics_refuses("a{b=\"c\"}1\n", "a single space");
	openmetrics_refuses("a 1 Inf\n", "is not a timestamp");
	openmetrics_refuses("a.b 1\n", "a single space");
	openmetrics_refuses("{\"a\"} 1\n", "is not a metric name");
	openmetrics_refuses("a{\"b\"=\"c\"} 1\n", "is not a label name");
	openmetrics_refuses("# a comment\n", "must be HELP, TYPE, UNIT or EOF");
	openmetrics_refuses("#HELP a b\n", "must be HELP, TYPE, UNIT or EOF");
}

static void test_exposition_openmetrics_orders_metadata(void **state)
{
	(void)state;
	openmetrics_refuses("# TYPE a\n", "a single space");
	openmetrics_refuses("# TYPE a \n", "is not a metric type");
	openmetrics_refuses("# TYPE a Gauge\n", "is not a metric type");
	openmetrics_refuses("# TYPE a untyped\n", "is not a metric type");
	openmetrics_refuses("# HELP 9 x\n", "is not a metric name");
	openmetrics_refuses("# TYPE a gauge\n# TYPE a gauge\n", "a second TYPE");
	openmetrics_refuses("# HELP a x\n# HELP a x\n", "a second HELP");
	openmetrics_refuses("# UNIT a_s s\n# UNIT a_s s\n", "a second UNIT");
	openmetrics_refuses("a 1\n# HELP a x\n", "metadata behind the samples");
	openmetrics_refuses("# UNIT a seconds\n", "the metric's name does not end in");
	openmetrics_refuses("# UNIT seconds seconds\n", "the metric's name does not end in");
	openmetrics_refuses("# UNIT a_s s\n# TYPE a_s info\n", "has no unit");
	openmetrics_refuses("# TYPE a gauge\na 1\n# TYPE b gauge\n# TYPE a gauge\n",
			    "was there already");
	openmetrics_refuses("a 1\nb 1\na 1\n", "was there already");
	openmetrics_refuses("# TYPE a counter\na_total 1\n# TYPE a_total gauge\n",
			    "its name clashes");
	openmetrics_refuses("# TYPE a_sum gauge\n# TYPE a summary\n", "both may have \"a_sum\"");
	openmetrics_refuses("# TYPE a counter\na 1\n", "was there already");
}

static void test_exposition_openmetrics_checks_values(void **state)
{
	(void)state;
	openmetrics_refuses("# TYPE a counter\na_total -1\n", "is not allowed as a count");
	openmetrics_refuses("# TYPE a counter\na_total NaN\n", "is not allowed as a count");
	openmetrics_refuses("# TYPE a info\na_info 0\n", "is not 1");
	openmetrics_refuses("# TYPE a stateset\na{a=\"x\"} 0.5\n", "must be 0 or 1");
	openmetrics_refuses("# TYPE a stateset\na{b=\"x\"} 1\n", "no label named like its metric");
	openmetrics_refuses("# TYPE a summary\na 1\n", "no label quantile");
	openmetrics_refuses("# TYPE a summary\na{quantile=\"1.1\"} 1\n", "from 0 to 1");
	openmetrics_refuses("# TYPE a summary\na{quantile=\"0.5\"} -1\n", "a negative quantile");
	openmetrics_refuses("# TYPE a summary\na_count 1.5\n", "is not a whole number");
}

static void histogram_refuses(const char *samples, const char *why)
{
	char text[1024];

	snprintf(text, sizeof(text), "# TYPE h histogram\n%s", samples);
	openmetrics_refuses(text, why);
}

static void test_exposition_openmetrics_checks_histograms(void **state)
{
	(void)state;
	histogram_refuses("h_sum 1\nh_count 1\n", "without a bucket le=\"+Inf\"");
	histogram_refuses("h_bucket{le=\"1\"} 1\n", "without a bucket le=\"+Inf\"");
	histogram_refuses("h_bucket 1\n", "a bucket has no label le");
	histogram_refuses("h_bucket{le=\"x\"} 1\n", "neither a number nor +Inf");
	histogram_refuses("h_bucket{le=\"Inf\"} 1\n", "neither a number nor +Inf");
	histogram_refuses("h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\n", "not in order");
	histogram_refuses("h_bucket{le=\"1\"} 1\nh_bucket{le=\"1.0\"} 1\n", "not in order");
	histogram_refuses("h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\n",
			  "less than the bucket");
	histogram_refuses("h_bucket{le=\"1\"} 0.5\n", "is not a whole number");
	histogram_refuses("h_bucket{le=\"+Inf\"} 1\nh_count 2\nh_sum 1\n", "count is not that");
	histogram_refuses("h_bucket{le=\"+Inf\"} 1\nh_count 1\n", "a count and no sum");
	histogram_refuses("h_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum -1\n", "not allowed as a sum");
	histogram_refuses("h_bucket{le=\"-1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum 1\n",
			  "a bucket below zero and a sum");
	openmetrics_refuses("# TYPE h gaugehistogram\nh_bucket{le=\"+Inf\"} 1\nh_gcount 1\n"
			    "h_gsum -1\n",
			    "a negative sum and no bucket below zero");
}

static void test_exposition_openmetrics_keeps_groups_together(void **state)
{
	(void)state;
	openmetrics_refuses("# TYPE a gauge\na{b=\"1\"} 1\na{b=\"2\"} 1\na{b=\"1\"} 1\n",
			    "they are not together");
	openmetrics_reads("# TYPE h histogram\nh_bucket{x=\"1\",le=\"+Inf\"} 1\n"
			  "h_bucket{le=\"+Inf\",x=\"2\"} 1\n",
			  NULL);
	openmetrics_reads("# TYPE h histogram\nh_bucket{x=\"1\",y=\"2\",le=\"1\"} 1\n"
			  "h_bucket{y=\"2\",le=\"+Inf\",x=\"1\"} 1\n",
			  NULL);
	openmetrics_refuses("a 1 2\na 1 1\n", "the timestamp goes back");
	openmetrics_refuses("a 1\na 1 1\n", "with and without a timestamp");
	openmetrics_reads("# TYPE h histogram\nh_bucket{le=\"1\"} 1 1\nh_bucket{le=\"+Inf\"} 1 1\n"
			  "h_bucket{le=\"1\"} 1 2\nh_bucket{le=\"+Inf\"} 2 2\n",
			  NULL);
}

static void test_exposition_limits_lines(void **state)
{
	size_t n = EXPOSITION_MAX_LINE + 100;
	char *text = xmalloc(n + 1);

	(void)state;
	memset(text, 'a', n);
	text[n] = '\0';
	for (size_t piece = 4096; piece <= 65536; piece *= 16) {
		struct heard h = {.only = NULL};
		struct err e = {0};

		buf_init(&h.samples, 1 << 20);
		assert_int_equal(read_pieces(EXPOSITION_PROMETHEUS, text, n, piece, &h, &e), -1);
		assert_string_equal(e.message, "line 1 is longer than 1048576 bytes");
		buf_release(&h.samples);
	}
	free(text);
}

static void test_exposition_limits_labels(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_puts(&b, "a{");
	for (int i = 0; i < EXPOSITION_MAX_LABELS; i++)
		buf_printf(&b, "l%d=\"v\",", i);
	buf_puts(&b, "} 1\n");
	prometheus_reads(b.data, NULL);
	b.len -= 4;
	buf_puts(&b, "last=\"v\"} 1\n");
	prometheus_refuses(b.data, "more than 256 labels");
	buf_release(&b);
}

static void test_exposition_reads_nul_bytes(void **state)
{
	static const char help[] = "# TYPE a counter\n# HELP a x\0y\na_total 1\n# EOF\n";
	static const char label[] = "a{b=\"x\0y\"} 1\n";
	static const char name[] = "a\0b 1\n";

	(void)state;
	reads_n(EXPOSITION_OPENMETRICS, help, sizeof(help) - 1, "a_total 1;");
	reads_n(EXPOSITION_PROMETHEUS, label, sizeof(label) - 1, NULL);
	refuses_n(EXPOSITION_PROMETHEUS, name, sizeof(name) - 1,
		  "\"a\\x00b\" is not a metric name");
}

static int stop(void *ctx, const struct exposition_sample *s, struct err *e)
{
	(void)ctx;
	return err_set(e, ERR_MEASURE, "enough at line %d", (int)s->line);
}

static void test_exposition_stops_when_told(void **state)
{
	struct exposition_handler handler = {.wants = wants, .on_sample = stop};
	struct heard h = {.only = "b"};
	struct exposition *x = exposition_new(EXPOSITION_PROMETHEUS, &handler, &h);
	struct err e = {0};

	(void)state;
	assert_int_equal(exposition_feed(x, "a 1\nb 2\n", 8, &e), -1);
	assert_string_equal(e.message, "enough at line 2");
	assert_int_equal(exposition_samples(x), 2);
	exposition_free(x);
	exposition_free(NULL);
}

/* What was there before holds no label of a line before. */
static void test_exposition_begins_in_used_memory(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) { /* the first may come fresh from the system */
		struct exposition *used = malloc(sizeof(*used));
		/* else nobody would write what nobody reads */
		volatile struct known_labels *known = &used->labels.known;

		assert_non_null(used);
		for (size_t k = 0; k < KNOWN_LABELS; k++)
			known->lengths[k] = 0;
		known->n = KNOWN_LABELS;
		free(used);
	}
	reads_n(EXPOSITION_PROMETHEUS, "a{b=\"c\",d=\"e\"} 1\n", 17, "a[b=c][d=e] 1;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exposition_reads_plain_samples),
		cmocka_unit_test(test_exposition_reads_numbers),
		cmocka_unit_test(test_exposition_refuses_what_is_no_number),
		cmocka_unit_test(test_exposition_names_the_place),
		cmocka_unit_test(test_exposition_prometheus_refuses_bad_lines),
		cmocka_unit_test(test_exposition_prometheus_notices_a_torn_end),
		cmocka_unit_test(test_exposition_prometheus_checks_metadata),
		cmocka_unit_test(test_exposition_prometheus_checks_histograms),
		cmocka_unit_test(test_exposition_prometheus_reads_quoted_names),
		cmocka_unit_test(test_exposition_openmetrics_reads_every_type),
		cmocka_unit_test(test_exposition_openmetrics_reads_exemplars),
		cmocka_unit_test(test_exposition_openmetrics_counts_exemplar_characters),
		cmocka_unit_test(test_exposition_openmetrics_is_strict_about_lines),
		cmocka_unit_test(test_exposition_openmetrics_orders_metadata),
		cmocka_unit_test(test_exposition_openmetrics_checks_values),
		cmocka_unit_test(test_exposition_openmetrics_checks_histograms),
		cmocka_unit_test(test_exposition_openmetrics_keeps_groups_together),
		cmocka_unit_test(test_exposition_limits_lines),
		cmocka_unit_test(test_exposition_limits_labels),
		cmocka_unit_test(test_exposition_reads_nul_bytes),
		cmocka_unit_test(test_exposition_stops_when_told),
		cmocka_unit_test(test_exposition_begins_in_used_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
