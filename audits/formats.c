/*
 * formats: the expressions.
 *
 * Dates are of the Gregorian calendar with its leap years, times end at 23:59:59 (60 when a second
 * leaps). An e-mail address is what HTML forms take (WHATWG HTML, 4.10.5.1.5) with a dot in its
 * domain; a URL has a scheme and a host (RFC 3986), without IPv6 literals. IPv6 is RFC 4291 2.2
 * without zone, a semantic version semver.org 2.0.0.
 */
#include "audits/formats.h"

#include <stddef.h>

#define D2   "[0-9][0-9]"
#define LEAP "(0[48]|[2468][048]|[13579][26])"
#define DATE                                                                                       \
	"([0-9]{4}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"                                      \
	"|[0-9]{4}-(0[469]|11)-(0[1-9]|[12][0-9]|30)"                                              \
	"|[0-9]{4}-02-(0[1-9]|1[0-9]|2[0-8])"                                                      \
	"|(" D2 LEAP "|(00|" LEAP ")00)-02-29)"
#define CLOCK "([01][0-9]|2[0-3]):[0-5][0-9](:([0-5][0-9]|60)([.,][0-9]+)?)?"
#define ZONE  "(Z|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)"

#define BYTE "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define IPV4 "(" BYTE "[.]){3}" BYTE
#define H    "[0-9A-Fa-f]{1,4}"
#define IPV6                                                                                       \
	"(" H ":){7}" H "|(" H ":){1,7}:|(" H ":){1,6}:" H "|(" H ":){1,5}(:" H "){1,2}"           \
	"|(" H ":){1,4}(:" H "){1,3}|(" H ":){1,3}(:" H "){1,4}|(" H ":){1,2}(:" H "){1,5}"        \
	"|" H ":(:" H "){1,6}|:((:" H "){1,7}|:)"                                                  \
	"|(" H ":){6}" IPV4 "|::(" H ":){0,5}" IPV4 "|" H "::(" H ":){0,4}" IPV4 "|(" H            \
	":){2}:(" H ":){0,3}" IPV4 "|(" H ":){3}:(" H ":){0,2}" IPV4 "|(" H ":){4}:(" H ":)?" IPV4 \
	"|(" H ":){5}:" IPV4

#define NAME_PART   "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define URL_CHARS   "A-Za-z0-9._~:/?#@!$&'()*+,;=%-"
#define SEMVER_PART "(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"

static const char *const patterns[] = {
	NULL,
	"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@" NAME_PART "([.]" NAME_PART ")+",
	"[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}",
	DATE,
	DATE "[T ]" CLOCK ZONE "?",
	CLOCK,
	IPV4,
	IPV6,
	"[A-Za-z][A-Za-z0-9+.-]*://([A-Za-z0-9._~!$&'()*+,;=:%-]*@)?[A-Za-z0-9._~%-]+(:[0-9]{1,5})?"
	"([/?#][" URL_CHARS "]*)?",
	NAME_PART "([.]" NAME_PART ")*",
	"[+-]?[0-9]+",
	"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?",
	"[0-9A-Fa-f]+",
	"[0-9A-Fa-f]{64}",
	"(0|[1-9][0-9]*)[.](0|[1-9][0-9]*)[.](0|[1-9][0-9]*)(-" SEMVER_PART "([.]" SEMVER_PART
	")*)?([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?",
};

const char *const format_names[] = {
	"any", "email", "uuid",	   "iso_date", "iso_datetime", "time",	 "ipv4",   "ipv6",
	"url", "host",	"integer", "number",   "hex",	       "sha256", "semver", NULL,
};

_Static_assert(sizeof(patterns) / sizeof(patterns[0]) + 1 ==
		       sizeof(format_names) / sizeof(format_names[0]),
	       "a pattern for each name");

const char *format_pattern(int format)
{
	return patterns[format];
}
