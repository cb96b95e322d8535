#include "runner/io/http_library.h"

#include <assert.h>
#include <pthread.h>

#include "runner/base/err.h"
#include "runner/io/library.h"

/* Written once, before anybody reads it. */
static struct {
	pthread_once_t once;
	struct curl_api api;
	struct err error; /* why it is not here */
} library = {.once = PTHREAD_ONCE_INIT};

static void load(void)
{
	const struct library_symbol symbols[] = {
#define CURL_SYMBOL(result, name, arguments) {"curl_" #name, &library.api.name},
		CURL_FUNCTIONS(CURL_SYMBOL)
#undef CURL_SYMBOL
	};

	/* -1 shows in the error. */
	(void)library_load("libcurl.so.4", "HTTP", "libcurl4", symbols,
			   sizeof(symbols) / sizeof(*symbols), &library.error);
}

int http_library(struct err *e)
{
	/* Fails only when misused. */
	(void)pthread_once(&library.once, load);
	if (library.error.class == ERR_NONE)
		return 0;
	if (e)
		*e = library.error;
	return -1;
}

const struct curl_api *http_curl(void)
{
	(void)http_library(NULL); /* asked before, by whoever can say that it is missing */
	assert(library.error.class == ERR_NONE);
	return &library.api;
}
