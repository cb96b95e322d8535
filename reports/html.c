/*
 * Assembles the page. The head names the hash of the one style there is, computed from the bytes
 * that are written, so that nothing else can style the page and nothing at all can run in it or be
 * loaded by it.
 */
#include "reports/html.h"

#include <inttypes.h>
#include <string.h>

#include "reports/text.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/io/digest.h"

#define BASE64_SHA256 45 /* 44 characters and NUL */

/* RFC 4648. n need not be a multiple of three; out holds 4 * ceil(n / 3) characters and NUL. */
static void base64(const unsigned char *p, size_t n, char *out)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t bits = (uint32_t)p[i] << 16;

		bits |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		bits |= left > 2 ? (uint32_t)p[i + 2] : 0;
		*out++ = letters[bits >> 18 & 63];
		*out++ = letters[bits >> 12 & 63];
		*out++ = left > 1 ? letters[bits >> 6 & 63] : '=';
		*out++ = left > 2 ? letters[bits & 63] : '=';
	}
	*out = '\0';
}

static void put_title(const struct page *p)
{
	html_puts(p, "<title>");
	if (p->decision != NULL)
		html_puts(p, html_decision_word(p->decision));
	else
		html_printf(p, "%s", outcome_word(p->r->run.outcome));
	html_puts(p, " — ");
	html_text(p, p->r->run.subject[0] != '\0' ? p->r->run.subject : p->r->run.definition_file);
	html_printf(p, ", run %" PRId64 ", ", p->r->run.id);
	text_day(p->out, p->r->run.begin_ms);
	html_puts(p, "</title>\n");
}

static void hash_style(char out[static BASE64_SHA256])
{
	unsigned char digest[SHA256_BYTES];
	struct sha256 h;

	sha256_init(&h);
	for (size_t i = 0; html_style[i] != NULL; i++)
		sha256_add(&h, html_style[i], strlen(html_style[i]));
	sha256_final(&h, digest);
	base64(digest, sizeof(digest), out);
}

static void put_head(const struct page *p)
{
	char hash[BASE64_SHA256];

	hash_style(hash);
	html_puts(p, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
	html_printf(p,
		    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		    "style-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n",
		    hash);
	html_puts(p, "<meta name=\"referrer\" content=\"no-referrer\">"
		     "<meta name=\"color-scheme\" content=\"light dark\">\n");
	put_title(p);
	html_puts(p, "<style>");
	for (size_t i = 0; html_style[i] != NULL; i++)
		html_puts(p, html_style[i]);
	html_puts(p, "</style></head><body>\n");
	if (p->n_views > 0)
		html_puts(p, "<a class=\"skip\" href=\"#ledger\">Skip to the checks</a>\n");
}

void html_verify(const struct page *p)
{
	const struct decision *decided = report_decided_otherwise(p->r);
	const struct run_info *run = &p->r->run;
	char hex[SHA256_HEX];

	sha256_hex(run->definition_digest, hex);
	html_puts(p,
		  "<section id=\"verify\" class=\"two\">\n<h2>Check this page yourself</h2>\n"
		  "<p class=\"intro\">The page is one file, loads nothing and runs nothing. Its "
		  "numbers come from the record alone, and later runs change none of them. "
		  "Another decision made on this run later is on a page that is rendered after "
		  "it; what is pruned or merged later shows there, too.</p>\n<ul class=\"how\">\n");
	html_printf(p, "<li><span>Page from record</span> <code>assize report %" PRId64, run->id);
	if (p->r->record_path != NULL) {
		struct buf path;

		buf_init(&path, BUF_UNBOUNDED);
		str_word(&path, p->r->record_path);
		html_puts(p, " --record ");
		text_markup_n(p->out, path.data, path.len);
		buf_release(&path);
	}
	html_puts(p, " --format html | cmp - report.html</code></li>\n"
		     "<li><span>Definitions, SHA-256</span> ");
	html_code(p, hex);
	html_puts(p, "</li>\n");
	if (decided != NULL) {
		sha256_hex(decided->definition_digest, hex);
		html_puts(p, "<li><span>Decided under others, SHA-256</span> ");
		html_code(p, hex);
		html_puts(p, "</li>\n");
	}
	if (run->commit[0] != '\0') {
		html_puts(p, "<li><span>Commit</span> <div>");
		html_code(p, run->commit);
		html_printf(p, "%s</div></li>\n",
			    run->is_dirty ? ", with changes that were not committed" : "");
	}
	if (run->job_url != NULL && run->job_url[0] != '\0') {
		html_puts(p, "<li><span>Job</span> ");
		html_code(p, run->job_url);
		html_puts(p, "</li>\n");
	}
	html_puts(p, "</ul>\n</section>\n");
}

void report_html(struct buf *out, const struct report *r)
{
	struct page p = {.out = out, .r = r, .a = arena_new()};

	p.views = check_views(p.a, r->results, r->n_results, &p.n_views);
	p.tally = tally(p.views, p.n_views, r->run.n_planned);
	result_index_init(&p.previous, p.a, r->previous_results, r->n_previous_results);
	p.decision = report_decision(r);
	put_head(&p);
	html_header(&p);
	html_puts(&p, "<main>\n");
	html_changes(&p);
	html_gate(&p);
	html_ledger(&p);
	html_failures(&p);
	html_benchmarks(&p);
	html_rollback(&p);
	html_verify(&p);
	html_puts(&p, "</main>\n<footer><p>assize ");
	html_text(&p, r->run.version);
	html_puts(&p, "</p></footer>\n</body></html>\n");
	arena_free(p.a);
}
