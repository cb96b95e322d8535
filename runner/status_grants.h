/*
 * status_grants: the part of `assize status` about what is let through: waivers, and when they end.
 */
#ifndef ASSIZE_RUNNER_STATUS_GRANTS_H
#define ASSIZE_RUNNER_STATUS_GRANTS_H

#include <stdint.h>

struct app;
struct definition;
struct json_writer;

/* A table after an empty line; nothing without waivers. */
void status_print_waivers(struct app *app, const struct definition *d, int64_t now_ms);
/* The member "waivers": id, check, series, gates, owner, reason, ticket, granted, expires, state.
 */
void status_put_waivers(struct json_writer *w, const struct definition *d, int64_t now_ms);

#endif
