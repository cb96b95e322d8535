/*
 * search_path: what of a database is not looked at, because its schema is not in the search path.
 */
#ifndef ASSIZE_RUNNER_SEARCH_PATH_H
#define ASSIZE_RUNNER_SEARCH_PATH_H

#include <stdint.h>

struct arena;
struct db;

/*
 * "3 tables and views are in schemas beside the search path (billing): ...", and how to have them;
 * NULL: nothing is, or nobody can tell. In the arena.
 */
const char *search_path_misses(struct db *db, struct arena *a, int64_t deadline_ms);

#endif
