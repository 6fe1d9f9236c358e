#include "thrift/hms.h"

static int method_order(const void *key, const void *method) {
    return str_cmp(*(const Str *)key, str_from(((const ThriftMethod *)method)->name));
}

const ThriftMethod *hms_method_find(Str name) {
    return bsearch(&name, hms_methods, HMS_METHOD_COUNT, sizeof(ThriftMethod), method_order);
}
