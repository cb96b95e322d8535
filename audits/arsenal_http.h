/* arsenal_http: how checks of the kinds that ask over HTTP are attacked; private to this room. */
#ifndef ASSIZE_AUDITS_ARSENAL_HTTP_H
#define ASSIZE_AUDITS_ARSENAL_HTTP_H

struct arsenal;

extern const struct arsenal arsenal_http, arsenal_scrape, arsenal_promql, arsenal_journey;

#endif
