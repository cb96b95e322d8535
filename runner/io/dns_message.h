/*
 * dns_message: questions to a name server and its answers, as bytes (RFC 1035, 3596, 2782, 8659).
 *
 * Pure: nothing is sent. An answer is believed when its identifier and question are ours; every
 * length and every compression pointer in it is looked at before it is followed.
 */
#ifndef ASSIZE_IO_DNS_MESSAGE_H
#define ASSIZE_IO_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct err;

#define DNS_MAX_BYTES 65535

enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_CAA = 257
};

struct dns_question {
	const char *name; /* without a dot at its end */
	enum dns_type type;
	uint16_t id;
};

struct dns_record {
	const char *data; /* as zone files write it, without dots at the end of names */
	int64_t ttl_s;
};

struct dns_answer {
	bool is_missing;	    /* the name does not exist (NXDOMAIN) */
	bool is_truncated;	    /* ask again by TCP: nothing else here counts */
	struct dns_record *records; /* of the type asked for, behind all CNAMEs; sorted by data */
	size_t n;
};

/* Labels of 1 to 63 bytes, 253 together? */
bool dns_name_is_valid(const char *name);
/*
 * A record as dns_answer has it, of one that people write or dig(1) prints: names in capitals and
 * with a dot at their end, addresses in any spelling, texts with their backslashes as they are or
 * doubled. NULL: no record of this type is so.
 */
const char *dns_record_plain(struct arena *a, enum dns_type type, const char *text);
/*
 * The data of a TXT or CAA record without its escapes; as it is where some byte is no text.
 */
const char *dns_record_text(struct arena *a, const char *data);
/* A valid name; recursion is asked for. */
void dns_question_write(struct buf *out, const struct dns_question *q);
/*
 * 0: *out is the answer; 1: these bytes answer another question, wait on; -1: an answer that cannot
 * be used (SERVFAIL, REFUSED, malformed), e says how.
 */
int dns_answer_read(struct arena *a, const unsigned char *bytes, size_t n,
		    const struct dns_question *q, struct dns_answer *out, struct err *e);

#endif
