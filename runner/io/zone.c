/*
 * zone: zone names to files below /usr/share/zoneinfo, and offsets that hold all year.
 *
 * Nothing is cached: a file is 2 KB and asked for once per scheduled check. "UTC" never needs a
 * file.
 */
#include "runner/io/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/file.h"
#include "runner/io/tzif.h"

#define ZONE_DIR       "/usr/share/zoneinfo"
#define ZONE_MAX_BYTES (256 * 1024)
#define ZONE_NAME_MAX  128
#define MAX_OFFSET_MIN (14 * 60)
#define DAY_MS	       INT64_C(86400000)

/* Europe/Berlin, Etc/GMT+5, America/Argentina/Buenos_Aires: no dots, so no way out of the folder.
 */
static bool is_zone_name(const char *zone)
{
	size_t n =
		strspn(zone, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/");

	return n > 0 && n <= ZONE_NAME_MAX && zone[n] == '\0' && zone[0] != '/';
}

/* Whole seconds at or before, also for instants before 1970. */
static int64_t floor_seconds(int64_t ms)
{
	return ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000);
}

static int read_offset(const char *zone, int64_t unix_ms, int64_t *out, struct err *e)
{
	char path[sizeof(ZONE_DIR) + ZONE_NAME_MAX + 1];
	struct err cause = {.class = ERR_NONE};
	struct buf b;
	int64_t offset_s;

	if (!is_zone_name(zone))
		return err_set(e, ERR_DEFINITION, "time zone \"%s\": not a zone name", zone);

	(void)snprintf(path, sizeof(path), "%s/%s", ZONE_DIR,
		       zone); /* sized for the longest name */
	buf_init(&b, ZONE_MAX_BYTES);
	int rc = file_read(path, &b, &cause);
	if (rc < 0)
		rc = err_set(e, ERR_DEFINITION, "time zone \"%s\": %s", zone, cause.message);
	else if (tzif_offset_s((const unsigned char *)b.data, b.len, floor_seconds(unix_ms),
			       &offset_s) < 0)
		rc = err_set(e, ERR_DEFINITION,
			     "time zone \"%s\": file \"%s\" is not time zone information", zone,
			     path);
	else
		*out = offset_s * 1000;
	buf_release(&b);
	return rc;
}

/* +05:30, as a time of RFC 3339 has it: ahead of UTC. No clock is further off than 14 hours. */
static bool take_offset(const char *zone, int64_t *out)
{
	int64_t minutes;

	if (strlen(zone) != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':' ||
	    strspn(zone + 1, "0123456789") != 2 || strspn(zone + 4, "0123456789") != 2)
		return false;
	minutes =
		(zone[1] - '0') * 600 + (zone[2] - '0') * 60 + (zone[4] - '0') * 10 + zone[5] - '0';
	if (minutes > MAX_OFFSET_MIN || zone[4] > '5')
		return false;
	*out = minutes * 60000 * (zone[0] == '-' ? -1 : 1);
	return true;
}

int zone_offset_ms(const char *zone, int64_t unix_ms, int64_t *out, struct err *e)
{
	if (strcmp(zone, "UTC") == 0) {
		*out = 0;
		return 0;
	}
	if (take_offset(zone, out))
		return 0;
	if (read_offset(zone, unix_ms, out, e) == 0)
		return 0;
	(void)err_help(e, "names are those of the IANA time zone database, for example "
			  "Europe/Berlin; \"UTC\", and offsets such as +05:30, always work");
	return -1;
}

int zone_instant_ms(const char *zone, int64_t local_ms, bool is_late, int64_t *out, struct err *e)
{
	int64_t offsets[2], found = 0, last = 0;
	bool is_found = false;

	/* offsets in force a day before and after are all that may hold at the reading */
	if (zone_offset_ms(zone, local_ms - DAY_MS, &offsets[0], e) != 0 ||
	    zone_offset_ms(zone, local_ms + DAY_MS, &offsets[1], e) != 0)
		return -1;
	if (offsets[0] == offsets[1]) {
		*out = local_ms - offsets[0];
		return 0;
	}
	for (int i = 0; i < 2; i++) {
		int64_t at = local_ms - offsets[i], there;

		if (zone_offset_ms(zone, at, &there, e) != 0)
			return -1;
		if (there == offsets[i] && (!is_found || (is_late ? at > found : at < found))) {
			found = at;
			is_found = true;
		}
		if (i == 0 || (is_late ? at > last : at < last))
			last = at;
	}
	*out = is_found ? found : last;
	return 0;
}
