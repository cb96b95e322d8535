/*
 * tzif: time zone information files (RFC 8536), as far as "what is the offset at this instant"
 * goes.
 *
 * Works on bytes in memory, so that tests and fuzzing need no file. Versions 1 to 4. A file with
 * leap seconds ("right/...") is refused: our instants are POSIX time, which has none.
 */
#ifndef ASSIZE_IO_TZIF_H
#define ASSIZE_IO_TZIF_H

#include <stddef.h>
#include <stdint.h>

/* Seconds to add to UTC at unix_s. -1: malformed; *out untouched. Never reads outside data. */
int tzif_offset_s(const unsigned char *data, size_t n, int64_t unix_s, int64_t *out);

/*
 * The same by a POSIX TZ string, the footer of such a file ("CET-1CEST,M3.5.0,M10.5.0/3"), with the
 * hours up to 167 that RFC 8536 allows. A daylight name without rules is malformed here.
 */
int tzif_rule_offset_s(const char *rule, int64_t unix_s, int64_t *out);

#endif
