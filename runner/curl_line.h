/*
 * curl_line: requests as lines for a shell, without their secrets.
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

/*
 * Each line with its newline. Of several requests each has a comment before it, and a value of an
 * earlier answer is the variable "$STEP_NAME" that the comment of that step tells of; a file for
 * cookies is "$jar". NULL: nothing of this probe is asked over HTTP; or e says what is wrong.
 */
const char *curl_lines(struct probe *p, const struct definition *d, struct err *e);

#endif
