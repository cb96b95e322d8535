/*
 * curl_line: a request as one line for a shell, without its secrets.
 *
 * A secret that came from the environment is written as "$NAME", so that the line works where the
 * variable is set; every other one as ***. Text with control bytes is quoted as $'...', which bash,
 * ksh and zsh understand.
 */
#ifndef ASSIZE_RUNNER_CURL_LINE_H
#define ASSIZE_RUNNER_CURL_LINE_H

struct arena;
struct check;
struct definition;
struct err;
struct probe;

/* NULL: nothing of this probe is asked over HTTP as one request; or e says what is wrong. */
const char *curl_line(struct probe *p, const struct definition *d, struct err *e);

#endif
