/* The route for Thrift over HTTP. */
#ifndef PROPOLIS_SERVER_HMS_HTTP_H
#define PROPOLIS_SERVER_HMS_HTTP_H

#include "server/request.h"

bool hms_over_http(Request *r, Err *err);

#endif
