/*
 * testd_modes: what testd answers under /mode/NAME: the bytes, and what follows them.
 *
 * Private to testd.c, which adds the modes that need more than a text (gzip, floods). A head that
 * does not end in an empty line gets the true Content-Length; an empty one is no head at all.
 */
#ifndef ASSIZE_TESTS_TOOLS_TESTD_MODES_H
#define ASSIZE_TESTS_TOOLS_TESTD_MODES_H

/* What happens once the answer is written. */
enum after { KEEP, CLOSE, RESET, HANG, DRIP, REPEAT };

#define TEXT	"Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
#define OM	"Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"
#define HTML	"Content-Type: text/html; charset=utf-8\r\n"
#define JSON	"Content-Type: application/json\r\n"
#define OK	"HTTP/1.1 200 OK\r\n"
#define ERROR	"HTTP/1.1 500 Internal Server Error\r\n"
#define FOUND	"HTTP/1.1 302 Found\r\n"
#define ENDS	"Connection: close\r\n"
#define CHUNKS	"Transfer-Encoding: chunked\r\n\r\n"
#define SIZE(n) "Content-Length: " #n "\r\n"
#define PAGE	"<!DOCTYPE html><html><body><h1>Something went wrong</h1></body></html>\n"
#define GOOD	"# HELP orders_total Orders.\n# TYPE orders_total counter\norders_total 12345\n"
#define FAMILY	"# HELP orders Orders.\n# TYPE orders counter\norders_total 12345\n"
#define GAUGE	"# TYPE orders_total gauge\n"

static const struct mode {
	const char *name, *head, *body;
	enum after after;
} modes[] = {
	/* torn bodies */
	{"torn-length", OK TEXT SIZE(120) "\r\n", GOOD, CLOSE},
	{"torn-chunk", OK TEXT CHUNKS, "70\r\n" GOOD, CLOSE},
	{"torn-chunk-end", OK TEXT CHUNKS, "12\r\norders_total 1234\n\r\n", CLOSE},
	{"gzip-chunked", OK JSON "Transfer-Encoding: gzip, chunked\r\n\r\n",
	 "11\r\n{\"orders\": 12345}\r\n0\r\n\r\n", KEEP},
	{"length-and-chunks", OK JSON SIZE(3) CHUNKS, "11\r\n{\"orders\": 12345}\r\n0\r\n\r\n",
	 CLOSE},
	{"trailer", OK JSON CHUNKS,
	 "11\r\n{\"orders\": 12345}\r\n0\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\n",
	 KEEP},
	{"torn-close", OK TEXT ENDS "\r\n", GAUGE "orders_total 12", CLOSE},
	{"torn-http10", "HTTP/1.0 200 OK\r\n" TEXT "\r\n", "orders_total{shop=\"be", CLOSE},
	{"torn-text", "HTTP/1.0 200 OK\r\n" TEXT "\r\n", "balance 12", CLOSE},
	{"torn-number", "HTTP/1.0 200 OK\r\n" JSON "\r\n", "12", CLOSE},
	{"torn-line", OK TEXT ENDS "\r\n", "orders_total{shop=\"berlin\"} 3\n", CLOSE},
	{"torn-nothing", OK TEXT ENDS "\r\n", "", CLOSE},
	{"torn-json", "HTTP/1.0 200 OK\r\n" JSON "\r\n", "{\"orders\": 12", CLOSE},
	{"torn-openmetrics", OK OM ENDS "\r\n", FAMILY, CLOSE},
	{"bad-chunk", OK TEXT CHUNKS, "zz\r\n" GOOD, CLOSE},
	{"two-lengths", OK TEXT SIZE(75) SIZE(7) "\r\n", GOOD, CLOSE},
	{"folded", OK TEXT "X-V: 1\r\n 2345\r\n" SIZE(75) "\r\n", GOOD, CLOSE},
	/* no answer, or half of one */
	{"close", "", "", CLOSE},
	{"reset", "", "", RESET},
	{"reset-body", OK TEXT SIZE(120) "\r\n", GOOD, RESET},
	{"hang-before", "", "", HANG},
	{"hang-head", "", OK "Content-Ty", HANG},
	{"hang-body", OK TEXT SIZE(120) "\r\n", GOOD, HANG},
	{"drip", OK TEXT SIZE(100000) "\r\n", GOOD, DRIP},
	{"endless", OK TEXT CHUNKS, "", REPEAT},
	{"torn-word", "", "+OK hello", CLOSE},
	{"latin1-close", "", "caf\xe9\n", CLOSE},
	{"not-http", "", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", HANG},
	/* elsewhere */
	{"redirect-loop", FOUND "Location: /mode/redirect-loop\r\n", "", KEEP},
	{"redirect-file", FOUND "Location: file:///etc/passwd\r\n", "", KEEP},
	{"redirect-nowhere", FOUND, "", KEEP},
	{"redirect-307", "HTTP/1.1 307 Temporary Redirect\r\nLocation: /echo\r\n", "", KEEP},
	{"redirect-308", "HTTP/1.1 308 Permanent Redirect\r\nLocation: /echo\r\n", "", KEEP},
	{"redirect-user", FOUND "Location: http://ada:swordfish@h/x\r\n", "moved\n", KEEP},
	{"redirect-good", FOUND "Location: /mode/good\r\n", "moved\n", KEEP},
	/* whole, and not what was asked for */
	{"html-200", OK HTML, PAGE, KEEP},
	{"html-500", ERROR HTML, PAGE, KEEP},
	{"good-500", ERROR TEXT, GOOD, KEEP},
	{"empty-200", OK TEXT, "", KEEP},
	{"busy", "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n" TEXT, "busy\n", KEEP},
	{"busy-long", "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3600\r\n" TEXT, "busy\n",
	 KEEP},
	{"204", "HTTP/1.1 204 No Content\r\n\r\n", "", KEEP},
	{"comments", OK TEXT, GAUGE, KEEP},
	{"brotli", OK TEXT "Content-Encoding: br\r\n", "\x0b\x02\x80", KEEP},
	{"nan", OK TEXT, GAUGE "orders_total NaN\n", KEEP},
	{"inf", OK TEXT, GAUGE "orders_total +Inf\n", KEEP},
	{"hex", OK TEXT, GAUGE "orders_total 0x10\n", KEEP},
	{"comma", OK TEXT, GAUGE "orders_total 12,345\n", KEEP},
	{"invalid-utf8", OK TEXT, "orders_total{shop=\"\xff\"} 12345\n", KEEP},
	{"binary", OK TEXT,
	 "\x7f"
	 "ELF\x02\x01\x01 \x03\n",
	 KEEP},
	{"duplicate", OK TEXT, "orders_total 12345\norders_total 12346\n", KEEP},
	{"renamed", OK TEXT, "# TYPE orders counter\norders_count 12345\n", KEEP},
	{"wrong-type", OK "Content-Type: application/octet-stream\r\n", GOOD, KEEP},
	{"no-type", OK, GOOD, KEEP},
	{"no-eof", OK OM, FAMILY, KEEP},
	{"after-eof", OK OM, FAMILY "# EOF\norders_total 12345\n", KEEP},
	/* as it should be */
	{"good", OK TEXT, GOOD, KEEP},
	{"good-openmetrics", OK OM, FAMILY "# EOF\n", KEEP},
	{"good-close", OK TEXT ENDS "\r\n", GOOD, CLOSE},
	{"json-close", "HTTP/1.0 200 OK\r\n" JSON "\r\n", "{\"orders\": 12345}", CLOSE},
	{"good-chunk", OK TEXT CHUNKS, "4b\r\n" GOOD "\r\n0\r\n\r\n", KEEP},
	{"json", OK JSON,
	 "{\"state\": \"ok\", \"orders\": 12345, \"share\": 0.25, \"up\": true, \"none\": null}\n",
	 KEEP},
};

/* A head, and then a piece of it again and again. */
static const struct flood {
	const char *name, *head, *piece;
} floods[] = {
	{"header-flood", OK, "X-Flood: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"},
	{"header-line", OK "X-Long: ", "xxxxxxxxxxxxxxxx"},
	{"continue-flood", "", "HTTP/1.1 100 Continue\r\n\r\n"},
	{"trailer-flood", OK TEXT CHUNKS "4b\r\n" GOOD "\r\n0\r\n",
	 "X-Flood: xxxxxxxxxxxxxxxx\r\n"},
};

#endif
