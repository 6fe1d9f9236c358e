/* Limits of a Thrift message, from the configuration. */
#ifndef PROPOLIS_SERVER_HMS_SERVICE_H
#define PROPOLIS_SERVER_HMS_SERVICE_H

#include "config/config.h"
#include "thrift/thrift.h"

ThriftLimits thrift_limits(const Config *config);

#endif
