/* schema_wanted: what is read of a catalog for the checks of a probe; private to this room. */
#ifndef ASSIZE_AUDITS_SCHEMA_WANTED_H
#define ASSIZE_AUDITS_SCHEMA_WANTED_H

#include <stdbool.h>

#include "runner/io/db.h"

struct probe;

/* In the probe's arena. */
struct db_wanted schema_wanted(const struct probe *p);

/* Is a table or view that they say is there not in the catalog? */
bool schema_lacks(const struct probe *p, const struct db_catalog *c);

#endif
