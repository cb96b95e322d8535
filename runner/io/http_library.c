#include "runner/io/http_library.h"

#include <assert.h>
#include <pthread.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/library_version.h"
#include "runner/io/http.h"
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

int http_version(struct arena *a, struct library_version *out, struct err *e)
{
	const curl_version_info_data *info;

	if (http_library(e) != 0)
		return -1;
	info = curl_version_info(CURLVERSION_NOW);
	out->in_use = arena_strdup(a, info->version);
	out->built = LIBCURL_VERSION;
	out->more = arena_printf(a, "TLS by %s",
				 info->ssl_version != NULL ? info->ssl_version : "nothing");
	return 0;
}

const struct curl_api *http_curl(void)
{
	(void)http_library(NULL); /* asked before, by whoever can say that it is missing */
	assert(library.error.class == ERR_NONE);
	return &library.api;
}
