/*
 * A reader with one rule: the position only moves inside the message, and a failure sticks. So the
 * code that reads fields does not check each of them; it looks once, at the end.
 */
#include "runner/io/dns_message.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/base/utf8.h"

#define CLASS_IN       1
#define MAX_NAME       255
#define MAX_JUMPS      64
#define MAX_RECORDS    1000
#define MAX_CHAIN      16
#define MAX_TEXT       (64 * 1024)
#define RCODE_MISSING  3
#define FLAG_AUTHORITY 0x0400
#define FLAG_RECURSES  0x0080

struct reader {
	struct arena *arena;
	const unsigned char *bytes;
	size_t n, at;
	bool is_bad;
};

struct resource {
	const char *owner;
	unsigned type, class;
	int64_t ttl_s;
	size_t data, n_data;
};

bool dns_name_is_valid(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 253)
		return false;
	for (const char *label = name;;) {
		size_t len = strcspn(label, ".");

		if (len == 0 || len > 63)
			return false;
		for (size_t i = 0; i < len; i++)
			if ((unsigned char)label[i] <= ' ' || (unsigned char)label[i] >= 0x7f)
				return false;
		if (label[len] == '\0')
			return true;
		label += len + 1;
	}
}

static void put_u16(struct buf *out, unsigned v)
{
	(void)buf_putc(out, (char)(v >> 8 & 0xff)); /* a question has less than 300 bytes */
	(void)buf_putc(out, (char)(v & 0xff));
}

void dns_question_write(struct buf *out, const struct dns_question *q)
{
	put_u16(out, q->id);
	put_u16(out, 0x0100); /* recursion desired */
	put_u16(out, 1);
	put_u16(out, 0);
	put_u16(out, 0);
	put_u16(out, 0);
	for (const char *label = q->name; *label != '\0';) {
		size_t len = strcspn(label, ".");

		(void)buf_putc(out, (char)len);
		(void)buf_add(out, label, len);
		label += len + (label[len] == '.');
	}
	(void)buf_putc(out, '\0');
	put_u16(out, q->type);
	put_u16(out, CLASS_IN);
}

/* ---- fields ---- */

static unsigned read_u8(struct reader *r)
{
	if (r->is_bad || r->at >= r->n) {
		r->is_bad = true;
		return 0;
	}
	return r->bytes[r->at++];
}

static unsigned read_u16(struct reader *r)
{
	unsigned high = read_u8(r);

	return high << 8 | read_u8(r);
}

static uint32_t read_u32(struct reader *r)
{
	uint32_t high = read_u16(r);

	return high << 16 | read_u16(r);
}

/* Lower case, "." for the root. Bytes that are no ordinary text are escaped. */
static const char *read_name(struct reader *r)
{
	char name[MAX_NAME + 1];
	size_t n = 0, back = 0;
	int n_jumps = 0;

	for (;;) {
		unsigned len = read_u8(r);

		if (r->is_bad || len == 0)
			break;
		if ((len & 0xc0) == 0xc0) {
			size_t to = (len & 0x3f) << 8 | read_u8(r);

			if (back == 0)
				back = r->at;
			/* Only backwards, so that no pointer leads to itself. */
			if (to + 2 > r->at || ++n_jumps > MAX_JUMPS) {
				r->is_bad = true;
				break;
			}
			r->at = to;
			continue;
		}
		if (len > 63 || n + len + 1 > MAX_NAME || r->at + len > r->n) {
			r->is_bad = true;
			break;
		}
		if (n > 0)
			name[n++] = '.';
		for (unsigned i = 0; i < len; i++) {
			char c = (char)read_u8(r);

			name[n++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a'
					   : c == '\0'		? '?'
								: c);
		}
	}
	if (back != 0)
		r->at = back;
	name[n] = '\0';
	return n > 0 ? str_escaped(r->arena, name) : ".";
}

static struct resource read_resource(struct reader *r)
{
	struct resource x;

	x.owner = read_name(r);
	x.type = read_u16(r);
	x.class = read_u16(r);
	x.ttl_s = (int64_t)read_u32(r);
	if (x.ttl_s > INT32_MAX) /* RFC 2181, 8: taken for none */
		x.ttl_s = 0;
	x.n_data = read_u16(r);
	x.data = r->at;
	if (r->is_bad || x.n_data > r->n - r->at)
		r->is_bad = true;
	else
		r->at += x.n_data;
	return x;
}

/* ---- what the data of a record says ---- */

static const char *address_text(struct reader *r, size_t n, int family)
{
	char text[INET6_ADDRSTRLEN];

	if (n != (family == AF_INET ? 4U : 16U) ||
	    inet_ntop(family, r->bytes + r->at, text, sizeof(text)) == NULL) {
		r->is_bad = true;
		return "";
	}
	r->at += n;
	return arena_strdup(r->arena, text);
}

/* As str_escape() does, with one way to write what is no ordinary text: put_meant() undoes it. */
static void put_data(struct buf *out, const char *s, size_t n)
{
	for (size_t i = 0, k; i < n; i += k) {
		uint32_t c = 0;

		k = utf8_decode(s + i, n - i, &c);
		if (c == '\\')
			(void)buf_puts(out, "\\\\"); /* large enough */
		else if (k > 0 && c != '\n' && c != '\t' && !utf8_is_deceptive(c))
			(void)buf_add(out, s + i, k);
		else
			for (size_t j = 0; j < k || j == 0; j++)
				(void)buf_printf(out, "\\x%02x", (unsigned)(unsigned char)s[i + j]);
		k = k > 0 ? k : 1;
	}
}

static void put_bytes(struct reader *r, struct buf *out, size_t n)
{
	if (n > r->n - r->at) {
		r->is_bad = true;
		return;
	}
	put_data(out, (const char *)r->bytes + r->at, n);
	r->at += n;
}

/* The strings of a TXT record are one text (RFC 7208, 3.3). */
static const char *strings_text(struct reader *r, size_t end)
{
	const char *text;
	struct buf b;

	buf_init(&b, MAX_TEXT * 6); /* every byte escaped at worst */
	while (!r->is_bad && r->at < end)
		put_bytes(r, &b, read_u8(r));
	text = arena_strndup(r->arena, b.data, b.len);
	buf_release(&b);
	return text;
}

static const char *caa_text(struct reader *r, size_t end)
{
	unsigned flags = read_u8(r), n_tag = read_u8(r);
	const char *text;
	struct buf b;

	buf_init(&b, MAX_TEXT * 6);
	(void)buf_printf(&b, "%u ", flags); /* large enough */
	put_bytes(r, &b, n_tag);
	(void)buf_puts(&b, " \"");
	if (r->at > end)
		r->is_bad = true;
	else
		put_bytes(r, &b, end - r->at);
	(void)buf_putc(&b, '"');
	text = arena_strndup(r->arena, b.data, b.len);
	buf_release(&b);
	return text;
}

static const char *soa_text(struct reader *r)
{
	const char *server = read_name(r), *mail = read_name(r);
	uint32_t v[5];

	for (size_t i = 0; i < 5; i++)
		v[i] = read_u32(r);
	return arena_printf(r->arena,
			    "%s %s %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32,
			    server, mail, v[0], v[1], v[2], v[3], v[4]);
}

static const char *srv_text(struct reader *r)
{
	unsigned priority = read_u16(r), weight = read_u16(r), port = read_u16(r);

	return arena_printf(r->arena, "%u %u %u %s", priority, weight, port, read_name(r));
}

static const char *mx_text(struct reader *r)
{
	unsigned preference = read_u16(r);

	return arena_printf(r->arena, "%u %s", preference, read_name(r));
}

static const char *data_text(const struct reader *whole, const struct resource *x,
			     enum dns_type type, bool *is_bad)
{
	struct reader r = *whole;
	size_t end = x->data + x->n_data;
	const char *text = "";

	r.at = x->data;
	switch (type) {
	case DNS_A:
		text = address_text(&r, x->n_data, AF_INET);
		break;
	case DNS_AAAA:
		text = address_text(&r, x->n_data, AF_INET6);
		break;
	case DNS_NS:
	case DNS_CNAME:
		text = read_name(&r);
		break;
	case DNS_SOA:
		text = soa_text(&r);
		break;
	case DNS_MX:
		text = mx_text(&r);
		break;
	case DNS_TXT:
		text = strings_text(&r, end);
		break;
	case DNS_SRV:
		text = srv_text(&r);
		break;
	case DNS_CAA:
		text = caa_text(&r, end);
		break;
	}
	*is_bad = r.is_bad || r.at != end;
	return text;
}

static const char *address_plain(struct arena *a, int family, const char *text)
{
	unsigned char bytes[16];
	char plain[INET6_ADDRSTRLEN];

	if (inet_pton(family, text, bytes) != 1 ||
	    inet_ntop(family, bytes, plain, sizeof(plain)) == NULL)
		return NULL;
	return arena_strdup(a, plain);
}

static const char *names_plain(struct arena *a, const char *text)
{
	char *plain = arena_alloc(a, strlen(text) + 1);
	size_t n = 0;

	for (const char *s = text; *s != '\0'; s++) {
		bool is_last = s[1] == '\0' || s[1] == ' ';

		/* "." alone is the root, as in a null MX. */
		if (*s != '.' || !is_last || n == 0 || plain[n - 1] == ' ')
			plain[n++] = *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s;
	}
	plain[n] = '\0';
	return plain;
}

/* The byte of \001 (zone files, dig) or \x01 (ours) at a backslash; -1 = neither. */
static int byte_of(const char *s)
{
	char digits[4] = {s[1], '\0'};
	bool is_hex = s[1] == 'x';
	long value;
	size_t n = is_hex ? 2 : 3;

	if (s[1] == '\0' ||
	    strspn(s + 1 + is_hex, is_hex ? "0123456789abcdefABCDEF" : "0123456789") < n)
		return -1;
	memcpy(digits, s + 1 + is_hex, n);
	digits[n] = '\0';
	value = strtol(digits, NULL, is_hex ? 16 : 10);
	return value <= 255 ? (int)value : -1;
}

/* What a text with escapes means. A backslash that begins none is itself. */
static void put_meant(struct buf *out, const char *text)
{
	for (const char *s = text; *s != '\0';) {
		int byte = *s == '\\' ? byte_of(s) : -1;

		if (byte >= 0) {
			(void)buf_putc(out, (char)byte); /* unbounded */
			s += 4;
		} else {
			s += *s == '\\' && (s[1] == '\\' || s[1] == '"');
			(void)buf_putc(out, *s++);
		}
	}
}

/* As strings_text() has it, of what dig prints, assize shows, or people write. */
static const char *bytes_plain(struct arena *a, const char *text)
{
	struct buf meant, plain;

	buf_init(&meant, BUF_UNBOUNDED); /* the definition is bounded */
	buf_init(&plain, BUF_UNBOUNDED);
	put_meant(&meant, text);
	put_data(&plain, meant.data, meant.len);
	text = arena_strndup(a, plain.data, plain.len);
	buf_release(&meant);
	buf_release(&plain);
	return text;
}

const char *dns_record_plain(struct arena *a, enum dns_type type, const char *text)
{
	switch (type) {
	case DNS_A:
		return address_plain(a, AF_INET, text);
	case DNS_AAAA:
		return address_plain(a, AF_INET6, text);
	case DNS_NS:
	case DNS_CNAME:
	case DNS_SOA:
	case DNS_MX:
	case DNS_SRV:
		return names_plain(a, text);
	case DNS_TXT:
	case DNS_CAA:
		return bytes_plain(a, text);
	}
	return text;
}

const char *dns_record_text(struct arena *a, const char *data)
{
	char *text = arena_alloc(a, strlen(data) + 1);
	size_t n = 0;

	for (const char *s = data; *s != '\0'; s++) {
		if (*s == '\\' && *++s != '\\')
			return data;
		text[n++] = *s;
	}
	text[n] = '\0';
	return text;
}

/* ---- the answer ---- */

static int by_data(const void *a, const void *b)
{
	const struct dns_record *x = a, *y = b;

	return strcmp(x->data, y->data);
}

static bool is_of(const struct resource *x, enum dns_type type, const char *owner)
{
	return x->type == (unsigned)type && x->class == CLASS_IN &&
	       strcasecmp(x->owner, owner) == 0;
}

/*
 * From *name to where the CNAMEs of the answer lead. An alias has nothing beside it (RFC 1034,
 * 3.6.2): clients take one or the other.
 */
static int follow(const struct reader *r, const struct resource *all, size_t n, enum dns_type type,
		  const char **name, struct err *e)
{
	for (int step = 0; step <= MAX_CHAIN; step++) {
		const char *next = NULL;
		bool is_bad = false;

		for (size_t i = 0; i < n && !is_bad; i++) {
			const char *to;

			if (!is_of(&all[i], DNS_CNAME, *name))
				continue;
			to = data_text(r, &all[i], DNS_CNAME, &is_bad);
			if (next != NULL && strcasecmp(next, to) != 0)
				return err_set(e, ERR_MEASURE,
					       "the answer contradicts itself: \"%s\" is an alias "
					       "of \"%s\" and of \"%s\"",
					       *name, next, to);
			next = to;
		}
		if (is_bad)
			return err_set(e, ERR_MEASURE, "the answer holds a malformed record");
		if (next == NULL)
			return 0;
		for (size_t i = 0; i < n; i++)
			if (is_of(&all[i], type, *name))
				return err_set(e, ERR_MEASURE,
					       "the answer contradicts itself: \"%s\" is an alias "
					       "and has records of its own",
					       *name);
		*name = next;
	}
	return err_set(e, ERR_MEASURE, "its aliases lead in a circle, or are more than %d",
		       MAX_CHAIN);
}

/*
 * Does "there is none" mean that? A server that is no authority for the name and asks none either
 * has only said that it does not know (a referral, a lame delegation; RFC 1034, 4.3.1), and an
 * authority does not follow an alias out of its zone.
 */
static int check_none(unsigned flags, const struct dns_question *q, const char *owner,
		      struct err *e)
{
	if (flags & FLAG_RECURSES)
		return 0;
	if (!(flags & FLAG_AUTHORITY))
		return err_set(e, ERR_MEASURE,
			       "the server is no authority for \"%s\" and asks none: it knows "
			       "nothing of it",
			       q->name);
	if (strcasecmp(owner, q->name) != 0 && (flags & 0xf) != RCODE_MISSING)
		return err_set(e, ERR_MEASURE,
			       "it is an alias of \"%s\", which the server does not look up: ask a "
			       "resolver, or for that name",
			       owner);
	return 0;
}

/* One record is one, however often it is sent (RFC 2181, 5). */
static void drop_repeated(struct dns_answer *a)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->n; i++)
		if (kept == 0 || strcmp(a->records[kept - 1].data, a->records[i].data) != 0)
			a->records[kept++] = a->records[i];
	a->n = kept;
}

static int read_records(struct reader *r, size_t n, unsigned flags, const struct dns_question *q,
			struct dns_answer *out, struct err *e)
{
	struct resource *all = arena_array(r->arena, n + 1, sizeof(*all));
	const char *owner = q->name;

	for (size_t i = 0; i < n; i++)
		all[i] = read_resource(r);
	if (r->is_bad)
		return err_set(e, ERR_MEASURE, "the answer is malformed or cut short");
	if (q->type != DNS_CNAME && follow(r, all, n, q->type, &owner, e) != 0)
		return -1;
	out->records = arena_array(r->arena, n + 1, sizeof(*out->records));
	for (size_t i = 0; i < n; i++) {
		bool is_bad = false;

		if (!is_of(&all[i], q->type, owner))
			continue;
		out->records[out->n++] = (struct dns_record){
			.data = data_text(r, &all[i], q->type, &is_bad),
			.ttl_s = all[i].ttl_s,
		};
		if (is_bad)
			return err_set(e, ERR_MEASURE, "the answer holds a malformed record");
	}
	qsort(out->records, out->n, sizeof(*out->records), by_data);
	drop_repeated(out);
	if (out->n == 0)
		return check_none(flags, q, owner, e);
	if (out->is_missing)
		return err_set(e, ERR_MEASURE,
			       "the answer contradicts itself: NXDOMAIN, and records of the name");
	return 0;
}

static int check_code(unsigned code, struct err *e)
{
	static const char *const names[] = {"NOERROR",	"FORMERR", "SERVFAIL",
					    "NXDOMAIN", "NOTIMP",  "REFUSED"};

	if (code == 0 || code == RCODE_MISSING)
		return 0;
	if (code < sizeof(names) / sizeof(names[0]))
		return err_set(e, ERR_MEASURE, "the server answered %s", names[code]);
	return err_set(e, ERR_MEASURE, "the server answered with error %u", code);
}

int dns_answer_read(struct arena *a, const unsigned char *bytes, size_t n,
		    const struct dns_question *q, struct dns_answer *out, struct err *e)
{
	struct reader r = {.arena = a, .bytes = bytes, .n = n};
	struct dns_answer answer = {.n = 0};
	unsigned id = read_u16(&r), flags = read_u16(&r), n_questions = read_u16(&r);
	unsigned n_answers = read_u16(&r);

	(void)read_u32(&r); /* authority and additional records are not looked at */
	if (r.is_bad || id != q->id || (flags & 0x8000) == 0)
		return 1;
	if (n_questions == 1) {
		const char *name = read_name(&r);
		unsigned type = read_u16(&r), class = read_u16(&r);

		if (r.is_bad || strcasecmp(name, q->name) != 0 || type != (unsigned)q->type ||
		    class != CLASS_IN)
			return 1;
	}
	if (check_code(flags & 0xf, e) != 0)
		return -1;
	if (n_questions != 1 || n_answers > MAX_RECORDS)
		return err_set(e, ERR_MEASURE, "the answer has %u questions and %u records",
			       n_questions, n_answers);
	answer.is_missing = (flags & 0xf) == RCODE_MISSING;
	answer.is_truncated = (flags & 0x0200) != 0;
	if (!answer.is_truncated && read_records(&r, n_answers, flags, q, &answer, e) != 0)
		return -1;
	*out = answer;
	return 0;
}
