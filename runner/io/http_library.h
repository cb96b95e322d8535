/*
 * http_library: libcurl, loaded when the first URL is taken apart.
 *
 * Linked, it would cost every start thirty libraries: half of the time of `assize gate`, which asks
 * nobody. The functions go by their own names, so that whoever knows libcurl can read the door;
 * include this instead of <curl/curl.h>. Private to runner/io/http*.c
 * and runner/io/mail.c.
 */
#ifndef ASSIZE_IO_HTTP_LIBRARY_H
#define ASSIZE_IO_HTTP_LIBRARY_H

#include <curl/curl.h>

struct err;

#define CURL_FUNCTIONS(X)                                                                          \
	X(CURLcode, global_init, (long))                                                           \
	X(void, global_cleanup, (void))                                                            \
	X(time_t, getdate, (const char *, const time_t *))                                         \
	X(void, free, (void *))                                                                    \
	X(struct curl_slist *, slist_append, (struct curl_slist *, const char *))                  \
	X(void, slist_free_all, (struct curl_slist *))                                             \
	X(CURL *, easy_init, (void))                                                               \
	X(CURLcode, easy_setopt, (CURL *, CURLoption, ...))                                        \
	X(CURLcode, easy_getinfo, (CURL *, CURLINFO, ...))                                         \
	X(CURLcode, easy_perform, (CURL *))                                                        \
	X(void, easy_reset, (CURL *))                                                              \
	X(void, easy_cleanup, (CURL *))                                                            \
	X(const char *, easy_strerror, (CURLcode))                                                 \
	X(CURLM *, multi_init, (void))                                                             \
	X(CURLMcode, multi_setopt, (CURLM *, CURLMoption, ...))                                    \
	X(CURLMcode, multi_add_handle, (CURLM *, CURL *))                                          \
	X(CURLMcode, multi_remove_handle, (CURLM *, CURL *))                                       \
	X(CURLMcode, multi_socket_action, (CURLM *, curl_socket_t, int, int *))                    \
	X(CURLMcode, multi_assign, (CURLM *, curl_socket_t, void *))                               \
	X(CURLMcode, multi_perform, (CURLM *, int *))                                              \
	X(CURLMcode, multi_poll, (CURLM *, struct curl_waitfd[], unsigned, int, int *))            \
	X(CURLMsg *, multi_info_read, (CURLM *, int *))                                            \
	X(CURLMcode, multi_cleanup, (CURLM *))                                                     \
	X(CURLU *, url, (void))                                                                    \
	X(void, url_cleanup, (CURLU *))                                                            \
	X(CURLUcode, url_set, (CURLU *, CURLUPart, const char *, unsigned))                        \
	X(CURLUcode, url_get, (const CURLU *, CURLUPart, char **, unsigned))                       \
	X(const char *, url_strerror, (CURLUcode))                                                 \
	X(curl_version_info_data *, version_info, (CURLversion))

/* Checks of arguments by the compiler, with the functions behind them. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

struct curl_api {
#define CURL_MEMBER(result, name, arguments) result(*name) arguments;
	CURL_FUNCTIONS(CURL_MEMBER)
#undef CURL_MEMBER
};

/* -1: it could not be loaded, e says why. Thread-safe. */
int http_library(struct err *e);
/* After http_library() said 0. */
const struct curl_api *http_curl(void);

#define curl_global_init	 http_curl()->global_init
#define curl_global_cleanup	 http_curl()->global_cleanup
#define curl_free		 http_curl()->free
#define curl_slist_append	 http_curl()->slist_append
#define curl_slist_free_all	 http_curl()->slist_free_all
#define curl_easy_init		 http_curl()->easy_init
#define curl_easy_setopt	 http_curl()->easy_setopt
#define curl_easy_getinfo	 http_curl()->easy_getinfo
#define curl_easy_perform	 http_curl()->easy_perform
#define curl_easy_reset		 http_curl()->easy_reset
#define curl_easy_cleanup	 http_curl()->easy_cleanup
#define curl_easy_strerror	 http_curl()->easy_strerror
#define curl_multi_init		 http_curl()->multi_init
#define curl_multi_setopt	 http_curl()->multi_setopt
#define curl_multi_add_handle	 http_curl()->multi_add_handle
#define curl_multi_remove_handle http_curl()->multi_remove_handle
#define curl_multi_socket_action http_curl()->multi_socket_action
#define curl_multi_assign	 http_curl()->multi_assign
#define curl_multi_perform	 http_curl()->multi_perform
#define curl_multi_poll		 http_curl()->multi_poll
#define curl_multi_info_read	 http_curl()->multi_info_read
#define curl_multi_cleanup	 http_curl()->multi_cleanup
#define curl_url		 http_curl()->url
#define curl_url_cleanup	 http_curl()->url_cleanup
#define curl_url_set		 http_curl()->url_set
#define curl_url_get		 http_curl()->url_get
#define curl_url_strerror	 http_curl()->url_strerror
#define curl_getdate		 http_curl()->getdate
#define curl_version_info	 http_curl()->version_info

#endif
