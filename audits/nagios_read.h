/*
 * nagios_read: what a monitoring plugin (check_*) prints, by the Monitoring Plugins Development
 * Guidelines, sections "Plugin Output", "Threshold and Ranges" and "Performance data".
 *
 *	TEXT | PERFDATA			'label'=value[UOM];[warn];[crit];[min];[max] ...
 *	LONG TEXT
 *	LONG TEXT | PERFDATA
 *	PERFDATA
 *
 * Pure: text in, values out, everything in the arena given. An item that cannot be read is no
 * value, and says so; it never hides those beside it. Numbers are strict: no locale's comma, no
 * hexadecimal digits. Units: us ms s, %, B, and kB KB MB GB TB of 1,000 as everywhere in assize
 * (KiB ... TiB are those of 1,024); c is a counter, kept as it is; any other is a unit of its own.
 *A threshold may have a unit of the value's kind.
 *
 * The text names a status when it begins so: "STATUS" or "SERVICE STATUS", one of OK, WARNING,
 * CRITICAL, UNKNOWN, and behind it a colon, a dash or nothing.
 */
#ifndef ASSIZE_AUDITS_NAGIOS_READ_H
#define ASSIZE_AUDITS_NAGIOS_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/model/measurement.h"

struct arena;
struct redactor;

/* [@]start:end: alerts outside of it, with @ inside; the ends belong to it. */
struct nagios_range {
	double start, end; /* may be infinite */
	bool is_inside;
};

/* "10", "10:", "~:10", "10:20", "@10:20". -1: no range. */
int nagios_range_parse(const char *s, size_t n, struct nagios_range *out);
bool nagios_range_alerts(const struct nagios_range *r, double value);

struct nagios_value {
	const char *label;
	const char *problem; /* NULL, or why there is no value */
	/* Where it stands in the text that was read: the whole item, and its number alone. */
	size_t at, n, number_at, n_number;
	double number;		      /* as written, in the plugin's unit: what ranges are about */
	struct value value;	      /* in base unit */
	bool is_rounded;	      /* see measurement.h */
	const char *unit;	      /* base unit */
	const char *given_unit;	      /* the plugin's, as bounds are written */
	double factor;		      /* from the plugin's unit to it */
	const char *critical_text;    /* NULL: none, or one that may be meant otherwise */
	struct nagios_range critical; /* of number, when critical_text is not NULL */
};

struct nagios_output {
	const char *text;	      /* of the first line, escaped: what the plugin says */
	struct nagios_value **values; /* in the order they came */
	size_t n;
	int says;	     /* the status that text names, 0 to 3; -1 = none in so many words */
	const char *problem; /* NULL, or the first item that is no performance data at all */
};

#define NAGIOS_MAX_VALUES 10000

/* What is shown in part is masked by the redactor; NULL = there are no secrets. */
void nagios_read(struct arena *a, const struct redactor *redactor, const char *s, size_t n,
		 struct nagios_output *out);

#endif
