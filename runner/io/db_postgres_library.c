/* db_postgres_library: libpq, loaded when the first session is opened. */
#include <pthread.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/library_version.h"
#include "runner/io/library.h"
#include "runner/io/db_postgres.h"

/* Written once, before anybody reads it. */
static struct {
	pthread_once_t once;
	struct postgres_api api;
	struct err error; /* why it is not here */
} library = {.once = PTHREAD_ONCE_INIT};

static void load(void)
{
	const struct library_symbol symbols[] = {
#define POSTGRES_SYMBOL(result, name, arguments) {#name, &library.api.name},
		POSTGRES_FUNCTIONS(POSTGRES_SYMBOL)
#undef POSTGRES_SYMBOL
	};

	/* -1 shows in the error. */
	(void)library_load("libpq.so.5", "PostgreSQL client", "libpq5", symbols,
			   sizeof(symbols) / sizeof(*symbols), &library.error);
}

const struct postgres_api *postgres_library(struct err *e)
{
	/* Fails only when misused. */
	(void)pthread_once(&library.once, load);
	if (library.error.class == ERR_NONE)
		return &library.api;
	if (e)
		*e = library.error;
	return NULL;
}

int postgres_version(struct arena *a, struct library_version *out, struct err *e)
{
	const struct postgres_api *pq = postgres_library(e);
	int version;

	if (!pq)
		return -1;
	version = pq->PQlibVersion();
	*out = (struct library_version){
		.in_use = arena_printf(a, "%d.%d", version / 10000, version % 10000)};
	return 0;
}
