/* version: the release this source makes; the only place that says it. */
#ifndef ASSIZE_RUNNER_VERSION_H
#define ASSIZE_RUNNER_VERSION_H

#define ASSIZE_VERSION "0.1.0"

#endif
